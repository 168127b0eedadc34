"""The plain service, and an endpoint that reads all that it is sent."""

from fastapi import Request

from lifespan_course.services.plain import app


@app.post("/upload")
async def upload(request: Request) -> str:
    print("request begins")
    text = await request.body()
    print("request ends")
    return text.decode()
