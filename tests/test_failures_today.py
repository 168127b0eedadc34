"""What the pinned releases do when a lifespan fails: facts behind chapter 10."""

import asyncio
import gc
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import anyio
import pytest
from asgi_lifespan import LifespanManager
from fastapi import FastAPI
from starlette.applications import Starlette
from trio.testing import MockClock

from lifespan_course.servers import uvicorn
from lifespan_lab import Events, running

pytestmark = [pytest.mark.anyio, pytest.mark.pinned]


@pytest.fixture
def log() -> Events:
    return Events()


async def test_a_finally_in_a_group_that_crashed(log: Events) -> None:
    """When a task of the group has crashed, only a shielded teardown isn't cut."""

    async def crash() -> None:
        raise ConnectionError

    @asynccontextmanager
    async def lifespan(app: Any) -> AsyncIterator[None]:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(crash)
            try:
                yield
            finally:
                with anyio.CancelScope(shield=True), log.span("shielded"):
                    await anyio.sleep(0.01)
                with log.span("bare"):
                    await anyio.sleep(0.01)

    with pytest.raises(ExceptionGroup):
        async with lifespan(None):
            await anyio.sleep_forever()
    marks = ["shielded: start", "shielded: end", "bare: start", "bare: cancelled"]
    assert log.order == marks


@pytest.mark.parametrize("anyio_backend", ["trio"])
async def test_a_startup_error_on_trio() -> None:
    """asgi-lifespan raises a group on trio, `running` the error itself."""

    @asynccontextmanager
    async def lifespan(app: Any) -> AsyncIterator[None]:
        raise LookupError("no words")
        yield

    app = Starlette(lifespan=lifespan)
    with pytest.raises(ExceptionGroup, match="Exceptions from Trio nursery"):
        async with LifespanManager(app):
            pass
    with pytest.raises(LookupError, match="no words"):
        async with running(app):
            pass


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_stop_that_resists_its_cancellation(log: Events) -> None:
    """asgi-lifespan's limit cancels, and then waits for the stop all the same."""

    @asynccontextmanager
    async def lifespan(app: Any) -> AsyncIterator[None]:
        yield
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(60)
        log.mark("goes on")
        await asyncio.sleep(0.01)
        log.mark("over")

    with pytest.raises(TimeoutError):
        async with LifespanManager(Starlette(lifespan=lifespan), shutdown_timeout=0.01):
            pass
    assert log.order == ["goes on", "over"]


@pytest.mark.parametrize(
    "anyio_backend", [("trio", {"clock": MockClock(autojump_threshold=0)})]
)
async def test_a_shielded_stop_on_trio() -> None:
    """On trio a shield outlasts asgi-lifespan's limit."""

    @asynccontextmanager
    async def lifespan(app: Any) -> AsyncIterator[None]:
        yield
        with anyio.CancelScope(shield=True):
            await anyio.sleep(60)

    before = anyio.current_time()
    with suppress(TimeoutError, ExceptionGroup):
        async with LifespanManager(Starlette(lifespan=lifespan), shutdown_timeout=1):
            pass
    assert anyio.current_time() - before >= 60


FULL_DISK = """\
from contextlib import asynccontextmanager
from fastapi import FastAPI

@asynccontextmanager
async def lifespan(app):
    yield
    raise OSError("no space left")

app = FastAPI(lifespan=lifespan)
"""


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_stop_that_raises_under_uvicorn() -> None:
    """uvicorn logs it, and ends as it would without."""
    async with uvicorn(FULL_DISK) as server:
        await server.ready()
        server.send(signal.SIGTERM)
        assert await server.ended() == "SIGTERM"
    assert any("no space left" in line for line in server.said)


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_no_yield_under_the_decorator() -> None:
    """A decorated function without a yield has a message of its own."""

    async def lifespan(app: Any) -> None:
        pass

    decorated: Any = asynccontextmanager(lifespan)  # type: ignore[arg-type]

    async def enter() -> None:
        with pytest.raises(TypeError, match="'coroutine' object is not an async iter"):
            await decorated(None).__aenter__()
        gc.collect()

    with pytest.warns(RuntimeWarning, match="was never awaited"):
        await enter()


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_second_yield_after_an_error() -> None:
    """An except that yields again has a message of its own."""

    @asynccontextmanager
    async def lifespan(app: Any) -> AsyncIterator[None]:
        try:
            yield
        except LookupError:
            yield

    with pytest.raises(RuntimeError, match=r"generator didn't stop after athrow\(\)"):
        async with lifespan(None):
            raise LookupError


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (7, "'int' object is not iterable"),
        (object(), "'object' object is not iterable"),
        ("model", "element #0 has length 1; 2 is required"),
        (("model", "database"), "element #0 has length 5; 2 is required"),
    ],
)
@pytest.mark.parametrize("make", [FastAPI, Starlette])
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_what_is_yielded_is_no_mapping(
    make: Callable[..., Any], value: object, message: str
) -> None:
    """What dict.update says of it comes out of the startup."""

    @asynccontextmanager
    async def lifespan(app: Any) -> AsyncIterator[Any]:
        yield value

    with pytest.raises((TypeError, ValueError), match=message):
        async with running(make(lifespan=lifespan)):
            pass
