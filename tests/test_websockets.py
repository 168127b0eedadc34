"""ask_websocket: one WebSocket to an app in this process."""

import pytest
from fastapi import FastAPI, WebSocket

from lifespan_course.websockets import ask_websocket

pytestmark = pytest.mark.anyio

app = FastAPI()


@app.websocket("/hello")
async def hello(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.send_text("hello")
    await websocket.send_text("again")
    await websocket.close()


@app.websocket("/silent")
async def silent(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.close()


async def test_returns_the_first_text() -> None:
    """The first text that the app sends comes back."""
    assert await ask_websocket(app, "/hello") == "hello"


@pytest.mark.parametrize("path", ["/silent", "/nowhere"])
async def test_no_text(path: str) -> None:
    """An app that sends no text is an error that names the path."""
    with pytest.raises(RuntimeError, match=f"no text over {path}"):
        await ask_websocket(app, path)
