# Lifespan Lab 0.1.0, licence MIT-0: copy this file, no notice needed.
# Needs: anyio>=4.6, starlette>=0.37.2
"""A background task as a lifespan: it runs while the app serves.

Use::

    from anyio import sleep
    from starlette.applications import Starlette
    from worker import worker

    async def beat(app):
        while True:
            await sleep(1)

    app = Starlette(lifespan=worker(beat))
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from inspect import iscoroutinefunction, signature
from signal import SIGTERM, raise_signal
from types import MappingProxyType
from typing import Any, Literal

from anyio import CancelScope, create_task_group, get_cancelled_exc_class
from starlette.types import StatelessLifespan

__all__ = ["worker"]

logger = logging.getLogger(__name__)
NOTHING: Mapping[str, Any] = MappingProxyType({})


def worker(
    function: Callable[..., Awaitable[object]],
    *,
    on_crash: Literal["log", "exit"] = "log",
) -> StatelessLifespan[Any]:
    """Make a lifespan that runs a function in the background while the app serves.

    The function is started in a task of its own when the lifespan starts. The app
    doesn't wait for it: whether it has run at all before the first request is not
    promised, and if the lifespan ends before the task had a turn, it never begins. It
    may return early. At shutdown it is cancelled and waited for.

    If it raises, the error is logged at once, and raised when the lifespan ends. The
    app serves on meanwhile, and the resources beside the worker stay open.

    Its clean-up: on asyncio it is cancelled once, as by `asyncio.Task.cancel`, so its
    `finally` may await; each time that the shutdown is cancelled, too, it is cancelled
    once more. On trio each `await` of it is cancelled: put what has to finish into
    `anyio.CancelScope(shield=True)`. A function that ignores its cancellation is waited
    for without end.

    On asyncio the lifespan may be entered in one task and left in another. It may not
    on trio, which also wants it to nest with other cancel scopes: there it holds a
    nursery open.

    Arguments:
        function: `async def function(app)` or `async def function(app, state)`. With a
            parameter named `state` it gets a read-only mapping of what was yielded
            before it, if what composes the lifespans hands that over; else, and so if
            this is the app's only lifespan, an empty one.
        on_crash: "log" does no more than said above; "exit" also asks the process to
            stop, with SIGTERM, as a service manager does. A server then shuts down as
            usual (uvicorn 0.30 doesn't if the signal comes while it starts, 0.54
            does). A process that doesn't handle the signal dies of it, without a
            shutdown.

    Errors: an error of the body comes out as the same object, one of the function
    beside it is attached to it as a note. Else that of the function comes out, when the
    lifespan ends, as itself.
        ValueError: at once, for another `on_crash`.
        TypeError: at once, for a function that isn't `async def` or that can't be
            called with `app`, or with `app` and `state`.
        RuntimeError: the function was cancelled, but not by this lifespan.
    """
    if on_crash not in ("log", "exit"):
        raise ValueError(f'on_crash must be "log" or "exit", not {on_crash!r}')
    name = getattr(function, "__qualname__", repr(function))
    wants_state = _wants_state(function, name)

    @asynccontextmanager
    async def lifespan(
        app: object, state: Mapping[str, Any] = NOTHING
    ) -> AsyncIterator[None]:
        call = partial(function, app, **({"state": state} if wants_state else {}))
        work = _Work(call, name, exit_on_crash=on_crash == "exit")
        first: BaseException | None = None
        try:
            async with work.in_background():
                try:
                    yield
                except BaseException as error:
                    first = error
        except BaseException as error:  # a cancellation: the work raises nothing
            if first is None or isinstance(first, get_cancelled_exc_class()):
                first = error
        if first is None:
            first = work.error
        elif work.error is not None:
            first.add_note(f"The worker {name} failed, too: {work.error!r}")
        if first is not None:
            raise first

    lifespan.__name__ = lifespan.__qualname__ = f"worker({name})"
    return lifespan


def _wants_state(function: Callable[..., object], name: str) -> bool:
    """Whether it has a parameter `state`; TypeError if it can't be a worker."""
    call = getattr(function, "__call__", None)  # noqa: B004 - not whether, but which
    needed = "worker needs an `async def` function of (app) or of (app, state), not"
    if not iscoroutinefunction(function) and not iscoroutinefunction(call):
        raise TypeError(f"{needed} {function!r}")
    takes = signature(function)
    wants_state = "state" in takes.parameters
    try:
        takes.bind(None, **({"state": NOTHING} if wants_state else {}))
    except TypeError as error:
        raise TypeError(f"{needed} {name}{takes}: {error}") from None
    return wants_state


class _Work:
    """The function's run. It raises nothing, so that no task is cancelled for it."""

    def __init__(
        self, call: Callable[[], Awaitable[object]], name: str, *, exit_on_crash: bool
    ) -> None:
        self.call = call
        self.name = name
        self.exit_on_crash = exit_on_crash
        # Shielded: it is the lifespan that ends it, in the order of the teardown.
        self.scope = CancelScope(shield=True)
        self.stopping = False
        self.error: BaseException | None = None

    @asynccontextmanager
    async def in_background(self) -> AsyncIterator[None]:
        if get_cancelled_exc_class() is asyncio.CancelledError:
            # A task group would tie the lifespan to the task that entered it.
            task = asyncio.create_task(self.run())
            yield
            self.stopping = True
            task.cancel()
            await self.end_of(task)
        else:
            async with create_task_group() as tasks:
                tasks.start_soon(self.run)
                yield
                self.stopping = True
                self.scope.cancel()

    async def end_of(self, task: asyncio.Task[None]) -> None:
        """Wait for it. If that is cancelled, the task is cancelled once more."""
        cancelled: BaseException | None = None
        while not task.done():
            try:
                with CancelScope(shield=cancelled is not None):
                    await asyncio.wait([task])
            except asyncio.CancelledError as error:
                cancelled = error
                task.cancel()
        if cancelled is not None:
            raise cancelled

    async def run(self) -> None:
        try:
            with self.scope:
                await self.call()
            if not self.stopping:
                logger.info("The worker %s has returned", self.name)
        except get_cancelled_exc_class() as error:
            if not self.stopping:
                stray = RuntimeError(
                    f"The worker {self.name} ended with a cancellation that its "
                    "lifespan didn't ask for: what it awaited was cancelled"
                )
                stray.__cause__ = error
                self.fail(stray)
        except BaseException as error:
            self.fail(error)

    def fail(self, error: BaseException) -> None:
        self.error = error
        logger.error("The worker %s failed", self.name, exc_info=error)
        if self.exit_on_crash and not self.stopping:
            raise_signal(SIGTERM)
