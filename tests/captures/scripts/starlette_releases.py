"""What this release of Starlette knows of events and of typed state, as JSON."""

import json

from starlette.applications import Starlette
from starlette.requests import Request


def takes_lists() -> bool:
    try:
        Starlette(on_startup=[], on_shutdown=[])
    except TypeError:
        return False
    return True


def state_by_key() -> bool:
    request = Request({"type": "http", "state": {"key": 1}})
    try:
        return request.state["key"] == 1
    except TypeError:
        return False


def typed_request() -> bool:
    """Tell whether the State in Request[State] stands for the type of the state.

    At run time the brackets alone always work, since a request is a typing.Mapping.
    """
    return bool(getattr(Request, "__parameters__", ()))


print(
    json.dumps(
        {
            "on_startup= and on_shutdown=": takes_lists(),
            "app.on_event": hasattr(Starlette, "on_event"),
            "app.add_event_handler": hasattr(Starlette, "add_event_handler"),
            'request.state["key"]': state_by_key(),
            "Request[State]": typed_request(),
        }
    )
)
