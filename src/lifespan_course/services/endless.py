"""The plain service, and an endpoint whose answer has no end."""

from collections.abc import AsyncGenerator

from anyio import sleep_forever
from fastapi.responses import StreamingResponse

from lifespan_course.services.plain import app


async def ticks() -> AsyncGenerator[str]:
    print("stream begins")
    try:
        yield "tick"
        await sleep_forever()
    finally:
        print("stream ends")


@app.get("/stream")
async def stream() -> StreamingResponse:
    return StreamingResponse(ticks())
