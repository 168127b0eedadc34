"""Run a coroutine with a clock that jumps: waiting costs nothing, and no time is real.

When nothing is left to do but to wait, the clock goes on to the next deadline. So a
hang of an hour takes no time, and two runs are always equal. Trio has such a clock; for
asyncio here is a loop that does the same.
"""

import asyncio
import selectors
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import anyio
import anyio.lowlevel
import trio
import trio.testing

T = TypeVar("T")

BACKENDS = ["asyncio", "trio"]
LONG = 1e6  # seconds: longer than all that a test waits for


class _JumpingSelector(selectors.DefaultSelector):  # type: ignore[misc, valid-type]
    """Waits for no time, but adds it up."""

    now = 0.0

    def select(self, timeout: float | None = None) -> Any:
        ready = super().select(0)
        if not ready:
            assert timeout is not None, "all tasks wait, and no one will wake them"
            self.now += max(timeout, 0)
        return ready


class _JumpingLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self.selector = _JumpingSelector()
        super().__init__(self.selector)

    def time(self) -> float:
        return self.selector.now


def run(backend: str, function: Callable[..., Awaitable[T]], *args: Any) -> T:
    """Run it, and see that it ends and leaves no task and no cancel scope behind."""
    if backend == "trio":  # by itself: anyio up to 4.7 keeps its options from it
        clock = trio.testing.MockClock(autojump_threshold=0)
        return trio.run(_alone, function, args, clock=clock)
    options = {"loop_factory": _JumpingLoop}
    return anyio.run(_alone, function, args, backend_options=options)


async def _alone(function: Callable[..., Awaitable[T]], args: Any) -> T:
    before = _tasks()
    with anyio.fail_after(LONG):
        result = await function(*args)
    await anyio.lowlevel.checkpoint()  # raises, if a cancellation is left
    assert _tasks() == before, "a task is left"
    assert anyio.current_effective_deadline() == float("inf"), "a cancel scope is left"
    if (task := _asyncio_task()) is not None:
        assert task.cancelling() == 0, "a cancellation is left"
    return result


def _asyncio_task() -> asyncio.Task[Any] | None:
    try:
        return asyncio.current_task()
    except RuntimeError:  # it is trio that runs
        return None


def _tasks() -> int:
    if _asyncio_task() is not None:
        return len(asyncio.all_tasks())
    return trio.lowlevel.current_statistics().tasks_living
