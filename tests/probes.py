"""Lifespans that do what a test tells them, on a clock that jumps; what they leave.

For a test module of its own::

    anyio_backend = probes.anyio_backend
    _nothing_left = probes.nothing_left
"""

import asyncio
import math
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import anyio
import anyio.lowlevel
import pytest
import trio.testing

Step = Callable[[], Awaitable[object]]
Lifespan = Callable[..., Any]

asyncio_only = pytest.mark.parametrize("anyio_backend", ["asyncio"], indirect=True)
trio_only = pytest.mark.parametrize("anyio_backend", ["trio"], indirect=True)


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, Any]]:
    """On trio the clock jumps on when everything waits."""
    if request.param == "asyncio":
        return "asyncio", {}
    return "trio", {"clock": trio.testing.MockClock(autojump_threshold=0)}


@pytest.fixture(autouse=True)
async def nothing_left(anyio_backend_name: str) -> AsyncIterator[None]:
    """No test leaves a task, a cancellation or a cancel scope behind."""
    if anyio_backend_name == "trio":
        yield
    else:
        before = len(asyncio.all_tasks())
        yield
        assert len(asyncio.all_tasks()) == before
        task = asyncio.current_task()
        assert task
        assert task.cancelling() == 0
    assert anyio.current_effective_deadline() == math.inf
    await anyio.lowlevel.checkpoint()


@pytest.fixture(params=[False, True], ids=["plain", "task group"])
def tasks(request: pytest.FixtureRequest) -> bool:
    """Whether the lifespans hold a task group open across their yield."""
    return bool(request.param)


async def nothing() -> None: ...


async def pause() -> None:
    await anyio.sleep(0.001)


def failure(error: BaseException) -> Step:
    async def fail() -> None:
        raise error

    return fail


def resource(
    name: str,
    mark: Callable[[str], object],
    *,
    startup: Step = nothing,
    use: Step = anyio.sleep_forever,
    shutdown: Step = nothing,
    tasks: bool = False,
) -> Lifespan:
    """A lifespan; with `tasks` it owns a task group, in which `use` runs."""

    @asynccontextmanager
    async def lifespan(app: object) -> AsyncIterator[dict[str, str]]:
        async with AsyncExitStack() as stack:
            if tasks:
                group = await stack.enter_async_context(anyio.create_task_group())
                stack.callback(group.cancel_scope.cancel)
                group.start_soon(use)
            mark("starting")
            try:
                await startup()
                mark("started")
                yield {name: "open"}
            finally:
                mark("stopping")
                await shutdown()
                mark("stopped")

    lifespan.__qualname__ = name
    return lifespan
