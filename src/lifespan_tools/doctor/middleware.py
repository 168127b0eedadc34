"""Does each middleware pass a lifespan on? Asked without running the app."""

import copy
import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from threading import Thread
from typing import Any

import anyio
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lifespan_tools.doctor import frameworks
from lifespan_tools.doctor.findings import Finding
from lifespan_tools.doctor.places import Place, place_of

LIMIT = 5.0  # seconds, for each middleware
GRACE = 1.0  # seconds more for one that doesn't hear that it is cancelled
SILENT = "did nothing for {:g} s when it was asked for a lifespan."


class _Heard(BaseException):
    """It asks for the lifespan's messages itself, before it has passed it on."""


class _StandIn:
    """An app that only notes whether a lifespan comes through."""

    reached = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.reached = scope["type"] == "lifespan"


@dataclass(frozen=True)
class Layer:
    """Something that stands before the router.

    Attributes:
        kind: its class, or a function that makes it.
        around: puts an instance of it around an app.
        arguments: what its class is called with, beside the app; None if it is there.
        scope: what an app has put into the scope before.
    """

    kind: Any
    around: Callable[[ASGIApp], ASGIApp]
    arguments: tuple[tuple[Any, ...], dict[str, Any]] | None
    scope: dict[str, Any]


def layers(app: Any) -> Iterator[Layer]:
    """All that stands before the router, from outside in."""
    inner = frameworks.behind_middleware(app)
    while app is not inner:
        yield Layer(type(app), partial(_copy_around, app), None, {})
        app = app.app
    scope = {}
    if frameworks.router_of(inner) is not inner:
        around = partial(frameworks.copy_without_middleware, inner)
        yield Layer(type(inner), around, None, {})
        scope = {"app": inner}  # Starlette.__call__
        for middleware in inner.user_middleware:
            args, kwargs = middleware.args, middleware.kwargs
            around = partial(_made, middleware.cls, args, kwargs)
            yield Layer(middleware.cls, around, (args, kwargs), scope)
    for inside in frameworks.middleware_of_router(frameworks.router_of(inner)):
        yield Layer(type(inside), partial(_copy_around, inside), None, scope)


def unmade(layer: Layer) -> Finding | None:
    """The finding for a middleware whose class doesn't take its arguments."""
    if layer.arguments is None:
        return None
    args, kwargs = layer.arguments
    try:
        inspect.signature(layer.kind).bind(None, *args, **kwargs)
    except TypeError as error:
        place = place_of(layer.kind)
        return Finding(
            "not-a-middleware",
            f"{place.name} can't be made: {error}. The app fails with a TypeError when "
            "it is first called, so nothing of its startup and shutdown code runs.",
            "Mend the arguments of add_middleware (or Middleware).",
            (place,),
        )
    except ValueError:  # written in C
        return None
    return None


def is_own(layer: Layer) -> bool:
    """Whether it may do what it likes with a lifespan: no code of the frameworks."""
    call = getattr(layer.kind, "__call__", None)  # noqa: B004 - not whether, but which
    if not isinstance(layer.kind, type):
        call = layer.kind
    return not frameworks.is_theirs(call)


def ask(own: list[Layer]) -> tuple[list[Finding], list[str]]:
    """Findings for the middlewares that swallow it, and doubts in sentences."""
    findings, doubts = [], []
    for layer in own:
        answer = _answer_of(layer)
        if answer == "swallowed":
            findings.append(_swallowed(place_of(layer.kind)))
        elif answer != "passed on":
            doubts.append(f"{place_of(layer.kind)} {answer}")
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


def _made(cls: Any, args: Any, kwargs: Any, app: ASGIApp) -> ASGIApp:
    made: ASGIApp = cls(app, *args, **kwargs)
    return made


def _copy_around(middleware: Any, app: ASGIApp) -> ASGIApp:
    copied: Any = copy.copy(middleware)
    copied.app = app
    around: ASGIApp = copied
    return around


def _answer_of(layer: Layer) -> str:
    """In a thread of its own, since this one may have an event loop running."""
    answers: list[str] = []
    # A daemon, so that one that blocks doesn't keep the process.
    thread = Thread(target=lambda: answers.append(_heard_out(layer)), daemon=True)
    thread.start()
    thread.join(LIMIT + GRACE)
    return answers[0] if answers else SILENT.format(LIMIT)


def _heard_out(layer: Layer) -> str:
    stand_in = _StandIn()
    try:
        return anyio.run(_answer, layer, stand_in)
    except BaseException as error:  # sys.exit, too
        if stand_in.reached:
            return "passed on"
        return f"raised {error!r} when it was asked for a lifespan."


async def _answer(layer: Layer, stand_in: _StandIn) -> str:
    asgi = {"version": "3.0", "spec_version": "2.0"}
    scope = {"type": "lifespan", "asgi": asgi, "state": {}, **layer.scope}
    try:
        with anyio.move_on_after(LIMIT) as limit:
            await layer.around(stand_in)(scope, _receive, _send)
    except _Heard:
        return (
            "answers the lifespan itself. Whether it passes it on, too, can't be told."
        )
    if limit.cancelled_caught and not stand_in.reached:
        return SILENT.format(LIMIT)
    return "passed on" if stand_in.reached else "swallowed"


async def _receive() -> Message:
    raise _Heard


async def _send(message: Message) -> None:
    """Answers are dropped: nobody waits for them."""
