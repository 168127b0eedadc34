"""The failing service in a wrapper that doesn't know what a lifespan is."""

from starlette.types import Receive, Scope, Send

from lifespan_course.services.failing import app as inner


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "lifespan":
        raise RuntimeError("what is a lifespan?")
    await inner(scope, receive, send)
