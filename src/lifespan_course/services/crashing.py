"""A service whose background task crashes while the app serves."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from anyio import create_task_group
from fastapi import FastAPI

import lifespan_lab


@asynccontextmanager
async def database(app: FastAPI) -> AsyncGenerator[None]:
    print("database: open")
    try:
        yield
    finally:
        print("database: closed")


async def feed(app: FastAPI) -> None:
    print("feed: crash")
    raise ConnectionError("the feed is gone")


@asynccontextmanager
async def in_group(app: FastAPI) -> AsyncGenerator[None]:
    async with create_task_group() as tasks:
        tasks.start_soon(feed, app)
        try:
            yield
        finally:
            tasks.cancel_scope.cancel()


background = in_group
app = FastAPI(lifespan=lifespan_lab.combine(database, background))


@app.get("/alive")
async def alive() -> bool:
    return True
