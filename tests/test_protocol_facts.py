"""What released servers do with the lifespan protocol, beside what chapter 5 shows."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from asgi_lifespan import LifespanManager
from fastapi import FastAPI
from starlette.types import Receive, Scope, Send
from uvicorn import Config
from uvicorn.lifespan.on import LifespanOn

pytestmark = [pytest.mark.anyio, pytest.mark.pinned]


@asynccontextmanager
async def no_words(app: FastAPI) -> AsyncIterator[None]:
    raise FileNotFoundError("words.txt")
    yield


@asynccontextmanager
async def full_disk(app: FastAPI) -> AsyncIterator[None]:
    yield
    raise OSError("no space left")


async def without_lifespan(scope: Scope, receive: Receive, send: Send) -> None:
    assert scope["type"] == "http"


@pytest.mark.parametrize("anyio_backend", ["trio"])
async def test_asgi_lifespan_on_trio_wraps_the_error_of_a_startup() -> None:
    """asgi-lifespan 2.1 on trio: a failing startup comes out as a group of one."""
    with pytest.raises(BaseExceptionGroup, match="Exceptions from Trio nursery") as out:
        async with LifespanManager(FastAPI(lifespan=no_words)):
            pass
    assert [type(error) for error in out.value.exceptions] == [FileNotFoundError]


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_asgi_lifespan_waits_five_seconds() -> None:
    """asgi-lifespan 2.1 waits five seconds for each answer, if nothing is said."""
    manager = LifespanManager(without_lifespan)
    assert (manager.startup_timeout, manager.shutdown_timeout) == (5, 5)


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_uvicorn_logs_a_failing_shutdown(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """uvicorn logs the message of shutdown.failed, and says that it gives up."""
    part = LifespanOn(Config(FastAPI(lifespan=full_disk), log_config=None))
    with caplog.at_level(logging.ERROR, "uvicorn.error"):
        await part.startup()
        assert not caplog.messages
        await part.shutdown()
    assert "OSError: no space left" in caplog.messages[0]
    assert part.should_exit


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_uvicorn_says_that_all_is_well_when_a_lifespan_was_swallowed(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """uvicorn logs a complete startup for an app that returned without an answer."""

    async def returns(scope: Scope, receive: Receive, send: Send) -> None:
        return

    part = LifespanOn(Config(returns, lifespan="on", log_config=None))
    with caplog.at_level(logging.INFO, "uvicorn.error"):
        await part.startup()
    assert caplog.messages[-1] == "Application startup complete."
