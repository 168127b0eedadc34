"""Does each middleware pass a lifespan on? Asked without running the app."""

import copy
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import anyio
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lifespan_tools.doctor import frameworks
from lifespan_tools.doctor.findings import Finding
from lifespan_tools.doctor.places import Place, place_of

LIMIT = 5.0  # seconds, for each middleware


class _Heard(BaseException):
    """It asks for the lifespan's messages itself, before it has passed it on."""


class _StandIn:
    """An app that only notes whether a lifespan comes through."""

    reached = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.reached = scope["type"] == "lifespan"


def ask(app: Any) -> tuple[list[Finding], list[str]]:
    """Findings for the middlewares that swallow it, and doubts in sentences."""
    findings, doubts = [], []
    for layer, around in _layers(app):
        answer = _answer_of(around)
        if answer == "swallowed":
            findings.append(_swallowed(place_of(layer)))
        elif answer != "passed on":
            doubts.append(f"{place_of(layer)} {answer}")
    return findings, doubts


def _swallowed(place: Place) -> Finding:
    return Finding(
        "swallowed",
        f"{place.name} doesn't pass the lifespan on, so nothing of the app's startup "
        "and shutdown code runs.",
        "Let it pass on the scopes that it doesn't handle: "
        "await self.app(scope, receive, send).",
        (place,),
    )


def _layers(app: Any) -> Iterator[tuple[Any, Callable[[ASGIApp], ASGIApp]]]:
    """All that stands before the router, from outside in: a class, and what puts an
    instance of it around an app."""
    inner = frameworks.behind_middleware(app)
    while app is not inner:
        yield type(app), partial(_copy_around, app)
        app = app.app
    if frameworks.router_of(inner) is not inner:
        yield type(inner), partial(frameworks.copy_without_middleware, inner)
        for middleware in inner.user_middleware:
            args, kwargs = middleware.args, middleware.kwargs
            yield middleware.cls, partial(_made, middleware.cls, args, kwargs)


def _made(cls: Any, args: Any, kwargs: Any, app: ASGIApp) -> ASGIApp:
    made: ASGIApp = cls(app, *args, **kwargs)
    return made


def _copy_around(middleware: Any, app: ASGIApp) -> ASGIApp:
    copied: Any = copy.copy(middleware)
    copied.app = app
    around: ASGIApp = copied
    return around


def _answer_of(around: Callable[[ASGIApp], ASGIApp]) -> str:
    """In a thread of its own, since this one may have an event loop running."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(anyio.run, _answer, around).result()


async def _answer(around: Callable[[ASGIApp], ASGIApp]) -> str:
    stand_in = _StandIn()
    scope = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}
    try:
        with anyio.move_on_after(LIMIT) as limit:
            await around(stand_in)(scope, _receive, _send)
    except _Heard:
        return (
            "answers the lifespan itself. Whether it passes it on, too, can't be told."
        )
    except Exception as error:
        if not stand_in.reached:
            return f"raised {error!r} when it was asked for a lifespan."
    if limit.cancelled_caught and not stand_in.reached:
        return f"did nothing for {LIMIT:g} s when it was asked for a lifespan."
    return "passed on" if stand_in.reached else "swallowed"


async def _receive() -> Message:
    raise _Heard


async def _send(message: Message) -> None:
    """Answers are dropped: nobody waits for them."""
