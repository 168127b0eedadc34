# Lifespan Lab 0.1.0, licence MIT-0: copy this file, no notice needed.
# Needs: fastapi>=0.115, starlette>=0.37.2
"""Hand what a lifespan yielded to an endpoint, by its name.

Use::

    from typing import Annotated
    from state import FromState

    async def endpoint(model: Annotated[str, FromState("model")]) -> str:
        return model
"""

from dataclasses import dataclass
from typing import Any

from fastapi import Depends
from starlette.requests import HTTPConnection

__all__ = ["FromState", "StateError"]


class StateError(LookupError):
    """The lifespan state lacks a name that an endpoint asks for."""


def FromState(name: str) -> Any:  # noqa: N802 - stands beside Depends, Query, Body
    """Declare a parameter that is read from the lifespan state.

    Write ``Annotated[Model, FromState("model")]``. It serves HTTP endpoints,
    WebSocket endpoints and other dependencies, of the app, its routers and the apps
    mounted in it: each has an HTTPConnection. A background task has none; hand it
    the value. The type is what a type checker sees; it isn't checked at run time.

    A test can replace it like any dependency: two calls with the same name make equal
    keys, ``app.dependency_overrides[FromState("model").dependency] = fake``. (A
    mounted app has overrides of its own.)

    Arguments:
        name: the key in the mapping that the lifespan yielded. What a middleware
            assigned to `request.state` has a name there, too.

    Errors:
        StateError: raised in the request; it says which names there are, or that
            there are none, and what to do.

    Source: the ASGI lifespan specification, "Lifespan State".
    """
    return Depends(_Reader(name))


@dataclass(frozen=True)
class _Reader:
    """A dependency. Being equal to its like, it can be overridden and is cached."""

    name: str

    async def __call__(self, connection: HTTPConnection) -> Any:
        # No key, as with httpx.ASGITransport, and nothing in it, as with uvicorn's
        # --lifespan off, come from the same mistakes.
        state = connection.scope.get("state") or {}
        if self.name in state:
            return state[self.name]
        if not state:
            raise StateError(
                f"There is no lifespan state to take {self.name!r} from: no lifespan "
                "ran, or it yielded nothing. In a test, start the app first, and ask "
                "it through what started it; under a server, look whether a middleware "
                "or an option keeps the lifespan from the app."
            )
        names = ", ".join(sorted(map(repr, state)))
        raise StateError(
            f"The lifespan state has no {self.name!r}. It has: {names}. Yield "
            f"{{{self.name!r}: ...}} from the lifespan, or correct the name. If a "
            "mounted app yields it: its lifespan runs only if that of the outer app "
            "enters it."
        )
