"""Whether this release of httpx takes an app in place of a transport, as JSON."""

import asyncio
import json
import warnings
from collections.abc import Awaitable, Callable
from typing import Any

import httpx


async def app(
    scope: dict[str, Any],
    receive: Callable[[], Awaitable[Any]],
    send: Callable[[Any], Awaitable[None]],
) -> None:
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body"})


async def ask(**settings: Any) -> str:
    try:
        async with httpx.AsyncClient(base_url="http://test", **settings) as client:
            return str((await client.get("/")).status_code)
    except TypeError as error:
        return f"TypeError: {error}"


with warnings.catch_warnings(record=True, action="always") as seen:
    given = asyncio.run(ask(app=app))
print(
    json.dumps(
        {
            "AsyncClient(app=app)": given,
            "and it warns": bool(seen),
            "AsyncClient(transport=ASGITransport(app))": asyncio.run(
                ask(transport=httpx.ASGITransport(app))
            ),
        }
    )
)
