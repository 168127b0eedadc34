"""FromState: what the lifespan yielded reaches an endpoint by its name."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

import httpx
import pytest
from asgi_lifespan import LifespanManager
from fastapi import Depends, FastAPI, WebSocket

from lifespan_lab import running
from lifespan_lab.state import FromState, StateError

pytestmark = pytest.mark.anyio

Number = Annotated[int, FromState("number")]


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, Any]]:
    yield {"number": 1, "word": "yield"}


@asynccontextmanager
async def empty_lifespan(app: FastAPI) -> AsyncIterator[None]:
    yield


async def double(number: Number) -> int:
    return number * 2


def make_app(lifespan: Any = lifespan) -> FastAPI:
    app = FastAPI(lifespan=lifespan)

    @app.get("/number")
    async def read(number: Number) -> int:
        return number

    @app.get("/double")
    async def read_double(number: Annotated[int, Depends(double)]) -> int:
        return number

    @app.get("/wrong")
    async def read_wrong(number: Annotated[int, FromState("nmuber")]) -> int:
        return number

    @app.websocket("/ws")
    async def talk(websocket: WebSocket, number: Number) -> None:
        await websocket.accept()
        await websocket.send_json(number)
        await websocket.close()

    return app


async def test_http() -> None:
    """An HTTP endpoint gets the value."""
    async with running(make_app()) as client:
        assert (await client.get("/number")).json() == 1


async def test_dependency_of_a_dependency() -> None:
    """A dependency may ask for it, too."""
    async with running(make_app()) as client:
        assert (await client.get("/double")).json() == 2


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_websocket() -> None:
    """A WebSocket endpoint gets the value."""
    inbox: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    inbox.put_nowait({"type": "websocket.connect"})
    outbox: asyncio.Queue[Any] = asyncio.Queue()
    scope = {
        "type": "websocket",
        "path": "/ws",
        "query_string": b"",
        "headers": [],
        "subprotocols": [],
    }
    async with LifespanManager(make_app()) as manager:
        await manager.app(scope, inbox.get, outbox.put)
    assert outbox.get_nowait()["type"] == "websocket.accept"
    assert outbox.get_nowait()["text"] == "1"


async def test_a_wrong_name() -> None:
    """The error says which names there are."""
    async with running(make_app()) as client:
        with pytest.raises(StateError, match=r"no 'nmuber'\. It has: 'number', 'word'"):
            await client.get("/wrong")


async def test_no_lifespan_ran() -> None:
    """Without a lifespan, the error says so and what to do."""
    transport = httpx.ASGITransport(make_app())
    async with httpx.AsyncClient(transport=transport, base_url="http://app") as client:
        with pytest.raises(StateError, match="no lifespan ran"):
            await client.get("/number")


async def test_a_lifespan_that_yields_nothing() -> None:
    """A state without any names is told apart from a wrong name."""
    async with running(make_app(empty_lifespan)) as client:
        with pytest.raises(StateError, match=r"It has: nothing"):
            await client.get("/number")


async def test_override() -> None:
    """A test replaces the value by the key of an equal FromState."""

    async def fake() -> int:
        return 7

    app = make_app()
    app.dependency_overrides[FromState("number").dependency] = fake
    async with running(app) as client:
        assert (await client.get("/number")).json() == 7
        assert (await client.get("/double")).json() == 14
