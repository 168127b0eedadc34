"""Whether this release of uvicorn copies the lifespan state per request, as JSON."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import uvicorn

REQUEST = b"GET / HTTP/1.1\r\nhost: test\r\n\r\n"


async def app(
    scope: dict[str, Any],
    receive: Callable[[], Awaitable[Any]],
    send: Callable[[Any], Awaitable[None]],
) -> None:
    if scope["type"] == "lifespan":
        await receive()
        scope["state"]["visitors"] = 0
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})
        return
    scope["state"]["visitors"] += 1
    body = b"%d" % scope["state"]["visitors"]
    headers = [(b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> int:
    writer.write(REQUEST)
    await writer.drain()
    await reader.readuntil(b"\r\n\r\n")
    return int(await reader.readexactly(1))


async def main() -> dict[str, object]:
    config = uvicorn.Config(app, port=0, log_level="error", lifespan="on")
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - it has no event to wait for
        await asyncio.sleep(0.01)
    host, port = server.servers[0].sockets[0].getsockname()
    kept = await asyncio.open_connection(host, port)
    other = await asyncio.open_connection(host, port)
    counted = [await ask(*each) for each in (kept, kept, other)]
    for _, writer in (kept, other):
        writer.close()
    server.should_exit = True
    await serving
    return {"visitors counted": counted, "a copy for each request": set(counted) == {1}}


print(json.dumps(asyncio.run(asyncio.wait_for(main(), 20))))
