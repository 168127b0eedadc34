# Lifespan Lab 0.1.0, licence MIT-0: copy this file, no notice needed.
# Needs: starlette>=0.37.2
"""Startup and shutdown handlers as a lifespan: the old lists in the new place.

Use::

    from handlers import from_handlers
    from starlette.applications import Starlette

    async def connect(): ...
    async def disconnect(): ...

    app = Starlette(lifespan=from_handlers([connect], [disconnect]))
"""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from inspect import iscoroutinefunction
from typing import Any

from starlette.types import StatelessLifespan

__all__ = ["from_handlers"]

Handler = Callable[[], Any]


def from_handlers(
    on_startup: Sequence[Handler] = (),
    on_shutdown: Sequence[Handler] = (),
    *,
    reverse: bool = False,
) -> StatelessLifespan[Any]:
    """Make a lifespan that runs the handlers as `on_startup=` and `on_shutdown=` did.

    That is: both lists run from first to last. A handler that raises skips those after
    it in its list. If one of `on_startup` raises, no handler of `on_shutdown` runs.
    Else they run also when the body raised or was cancelled. `def` handlers run on the
    event loop and block it, `async def` handlers are awaited one after the other.
    (Starlette up to 0.52.1, `Router.startup` and `Router.shutdown`; FastAPI 0.165
    keeps its own copy in `APIRouter`.)

    The lists are read when they are run, as `app.router.on_startup` is: what is
    appended before that counts. (`FastAPI(on_startup=...)` copies what it is given.)

    One thing changes in FastAPI: an app with a lifespan doesn't run its own lists, and
    `include_router` copies a router's handlers there. So the handlers of a router run
    once less for each time that the app includes it (FastAPI 0.165: once, not twice),
    and not at all if the router has a lifespan, too. Hand over the app's own handlers
    only: `app.router.on_startup` may hold such copies, and those run again.

    Arguments:
        on_startup: functions without parameters, to run before the app serves.
        on_shutdown: functions without parameters, to run after that.
        reverse: run `on_shutdown` from last to first, and each of them although
            another one raised. Right only for a list in the order of opening: one
            that was put in the order of closing by hand is broken by it. The error of
            the last one to raise comes out, as with `contextlib.AsyncExitStack`. Those
            before it are lost, unless the body raised, too; then they are in its
            `__context__` (Python 3.11 to 3.13). A startup that raises still runs none
            of them, since nothing tells which handlers belong together.

    Errors: those of the handlers come out as they are. TypeError at once, and not
    when the app stops, if one of the two is no list or tuple.
    """
    for handlers in (on_startup, on_shutdown):
        if not isinstance(handlers, Sequence):
            raise TypeError(f"a list of handlers is needed, not {handlers!r}")

    @asynccontextmanager
    async def lifespan(app: object) -> AsyncIterator[None]:
        await _call_each(on_startup)
        async with AsyncExitStack() as stack:
            try:
                yield
            finally:
                if reverse:
                    for handler in on_shutdown:
                        stack.push_async_callback(_call, handler)
                else:
                    stack.push_async_callback(_call_each, on_shutdown)

    return lifespan


async def _call_each(handlers: Sequence[Handler]) -> None:
    for handler in handlers:
        await _call(handler)


async def _call(handler: Handler) -> None:
    """Await what is `async def`. Else the result is dropped, as it always was.

    So a handler may return a task that it started, and nobody waits for its end.
    """
    function = handler
    while isinstance(function, partial):
        function = function.func
    method = getattr(function, "__call__", None)  # noqa: B004 - not whether, but which
    if iscoroutinefunction(function) or iscoroutinefunction(method):
        await handler()
    else:
        handler()
