"""Open a WebSocket to an app in this process."""

from collections.abc import MutableMapping
from typing import Any

import anyio
from starlette.types import ASGIApp


async def ask_websocket(app: ASGIApp, path: str) -> str:
    """Open a WebSocket, and return the first text that the app sends.

    Args:
        app: the ASGI app; its lifespan has to be running.
        path: such as "/ws".

    Raises:
        RuntimeError: the app ended without having sent a text.
    """
    texts: list[str] = []
    hello = [{"type": "websocket.connect"}]

    async def receive() -> MutableMapping[str, Any]:
        if hello:
            return hello.pop()
        await anyio.sleep_forever()
        raise AssertionError("unreachable")

    async def send(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "websocket.send":
            texts.append(message["text"])

    await app(_scope(path), receive, send)
    if not texts:
        raise RuntimeError(f"the app sent no text over {path}")
    return texts[0]


def _scope(path: str) -> dict[str, Any]:
    return {
        "type": "websocket",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "scheme": "ws",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [],
        "client": ("testclient", 1),
        "server": ("testserver", 80),
        "subprotocols": [],
    }
