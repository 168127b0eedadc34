"""The failing service in a wrapper that passes on requests, and nothing else."""

from starlette.types import Receive, Scope, Send

from lifespan_course.services.failing import app as inner


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "http":
        await inner(scope, receive, send)
