# Lifespan Lab 0.1.0, licence MIT-0: copy this file, no notice needed.
# Needs: anyio>=4.6, starlette>=0.37.2
"""Give a lifespan limits: so many seconds to start, so many to stop.

Use::

    from contextlib import asynccontextmanager
    from bounds import bounded
    from starlette.applications import Starlette

    @asynccontextmanager
    async def database(app):
        yield {"database": "open"}

    app = Starlette(lifespan=bounded(database, startup=5, shutdown=10))
"""

import asyncio
import logging
import math
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from inspect import isasyncgenfunction, iscoroutinefunction, signature
from types import MappingProxyType
from typing import Any, cast

from anyio import CancelScope, current_time, get_cancelled_exc_class
from starlette.types import Lifespan

__all__ = ["bounded"]

logger = logging.getLogger(__name__)

Member = Callable[..., AbstractAsyncContextManager[Mapping[str, object] | None]]
EMPTY: Mapping[str, Any] = MappingProxyType({})

_current_task = cast(Callable[[], asyncio.Task[Any]], asyncio.current_task)


def bounded(
    lifespan: Member,
    *,
    startup: float | None = None,
    shutdown: float | None = None,
    grace: float = 1.0,
) -> Lifespan[Any]:
    """Cancel a lifespan that takes too long to start or to stop.

    The lifespan runs in the task that enters it, as it would without limits: it may
    hold a task group open across its yield, ContextVars that it sets are seen by the
    block, it is told of the block's error at its yield and may suppress or replace it.
    (A limit around the entering alone, `anyio.fail_after`, breaks such a task group:
    scopes must nest. `asyncio.wait_for` up to Python 3.11 enters in another task.)

    At the limit the lifespan is cancelled as is usual where it runs:

    - on asyncio once, as by `asyncio.timeout`. Its clean-up may await: it has `grace`
      seconds, then it is cancelled again, and so on every `grace` seconds until it
      ends. This cancellation gets through anyio's shields, too; a thread that was
      waited for is left to itself.
    - on trio by a cancel scope, that is at each await from then on. A clean-up that
      awaits has to shield itself, `with anyio.move_on_after(1, shield=True)`, and is
      waited for. `grace` has no meaning there: a task group that saw a cancellation
      which is taken back would go on as if nothing had happened.

    What can't be cancelled can't be bounded: code that blocks the thread, such as
    `time.sleep`, one that suppresses its cancellation for ever, and on trio a shielded
    scope and a thread. It is waited for. Then it has missed its limit all the same: a
    lifespan that started too late is closed again.

    Arguments:
        lifespan: a lifespan, `app -> async context manager`; one with a parameter
            `state` is given that of `bounded`.
        startup: seconds from entering to the yield; None for no limit.
        shutdown: seconds from the yield to the end, also after an error; None for no
            limit.
        grace: seconds between two cancellations on asyncio.

    Errors: all of the lifespan and of the block come out as without limits.
        TimeoutError: a limit passed. It names the lifespan, the phase and the limit;
            its cause shows where the lifespan waited. If the block raised before, or
            what the lifespan owned crashed, that error comes out; the TimeoutError is
            logged, and attached to it as a note.
        TypeError: at once, for what is no lifespan, as far as it shows.
        ValueError: at once, for seconds that are negative or not a number.

    Source: "Timeouts" in asyncio's documentation, "Cancellation and timeouts" in those
    of trio and anyio.
    """
    undecorated = isasyncgenfunction(lifespan) or iscoroutinefunction(lifespan)
    if undecorated or not callable(lifespan) or hasattr(type(lifespan), "__aexit__"):
        raise TypeError(
            f"bounded: {lifespan!r} is no lifespan. Pass a function with the decorator "
            "@asynccontextmanager, not called: bounded(one), not bounded(one(app))."
        )
    given = {"startup": startup, "shutdown": shutdown, "grace": grace}
    limits = {name: math.inf if s is None else s for name, s in given.items()}
    for argument, seconds in limits.items():
        if not (isinstance(seconds, int | float) and seconds >= 0):
            raise ValueError(f"{argument}= takes seconds, 0 or more, not {seconds!r}")
    name = _name(lifespan)
    wants_state = "state" in signature(lifespan).parameters

    @asynccontextmanager
    async def limited(app: Any, state: Mapping[str, Any] = EMPTY) -> AsyncIterator[Any]:
        run = _Run(name, limits, _clock(grace))
        arguments = {"state": state} if wants_state else {}
        error: BaseException | None = None
        try:
            with run.clock.scope:
                run.begin("startup")
                try:
                    async with lifespan(app, **arguments) as value:
                        try:
                            run.end_startup()
                            yield value
                        except BaseException as raised:
                            run.block_error = raised
                            raise
                        finally:
                            run.begin("shutdown")
                except BaseException as raised:
                    run.seen = raised
                    raise
                finally:
                    run.late = run.clock.stop()
        except BaseException as raised:
            error = raised
        error = run.verdict(error)
        if error is not None:
            raise error

    limited.__name__ = limited.__qualname__ = f"bounded({name})"
    return limited


@dataclass
class _Run:
    """What happened to a lifespan, from its start to its end."""

    name: str
    limits: Mapping[str, float]
    clock: "_Clock"
    phase: str = ""
    late: bool = False
    late_start: TimeoutError | None = None
    block_error: BaseException | None = None
    seen: BaseException | None = None

    def begin(self, phase: str) -> None:
        self.phase = phase
        self.clock.start(self.limits[phase])

    def end_startup(self) -> None:
        if self.clock.stop():
            self.late_start = self.timeout()
            raise self.late_start

    def timeout(self) -> TimeoutError:
        error = TimeoutError(
            f"The {self.phase} of {self.name} took longer than "
            f"{self.limits[self.phase]:g} s. The traceback above shows where it was "
            f"cancelled, if it could be; bounded(..., {self.phase}=) allows more."
        )
        error.__cause__ = None if self.seen is self.block_error else self.seen
        return error

    def verdict(self, error: BaseException | None) -> BaseException | None:
        """What shall come out, where `error` came out of the lifespan."""
        if not self.late:
            return self.late_start or error
        timeout = self.timeout()
        first = self.late_start or self.first_error(error)
        if first is None:
            return timeout
        logger.error("%s", timeout, exc_info=timeout)
        first.add_note(str(timeout))
        return first

    def first_error(self, error: BaseException | None) -> BaseException | None:
        """The error that was there before the limit passed, if there was one."""
        cancelled = get_cancelled_exc_class()
        if isinstance(error, cancelled) and self.clock.cancelled_from_outside():
            return error
        if self.seen is None:  # the lifespan suppressed it
            return None
        if not isinstance(self.block_error, cancelled):
            return self.block_error
        return None if isinstance(error, cancelled) else error  # a crash in use


class _AsyncioClock:
    """Cancels the task when the time is up, and again after each `grace` seconds."""

    scope = nullcontext()

    def __init__(self, grace: float) -> None:
        self.grace = grace
        self.cancelled_before = _current_task().cancelling()

    def start(self, seconds: float) -> None:
        self.task = _current_task()  # need not be that of the startup
        self.calls = 0
        self.timer = asyncio.get_running_loop().call_later(seconds, self.cancel)

    def cancel(self) -> None:
        self.calls += 1
        self.task.cancel()
        self.timer = asyncio.get_running_loop().call_later(self.grace, self.cancel)

    def stop(self) -> bool:
        """Whether the time was up."""
        self.timer.cancel()
        for _ in range(self.calls):
            self.task.uncancel()
        return self.calls > 0 or current_time() >= self.timer.when()

    def cancelled_from_outside(self) -> bool:
        return self.task.cancelling() > self.cancelled_before


class _TrioClock:
    """Cancels what is in its scope when the time is up."""

    def __init__(self) -> None:
        self.scope = CancelScope()

    def start(self, seconds: float) -> None:
        self.scope.deadline = current_time() + seconds

    def stop(self) -> bool:
        """Whether the time was up."""
        late = current_time() >= self.scope.deadline
        self.scope.deadline = math.inf
        return late

    def cancelled_from_outside(self) -> bool:
        return True  # only such a cancellation gets out of the scope


_Clock = _AsyncioClock | _TrioClock


def _clock(grace: float) -> _Clock:
    on_asyncio = get_cancelled_exc_class() is asyncio.CancelledError
    return _AsyncioClock(grace) if on_asyncio else _TrioClock()


def _name(lifespan: Member) -> str:
    function = lifespan.func if isinstance(lifespan, partial) else lifespan
    name = getattr(function, "__qualname__", type(function).__qualname__)
    return str(name).rpartition("<locals>.")[2]
