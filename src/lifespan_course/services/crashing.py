"""A service whose background task crashes, and takes the process with it."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from lifespan_lab import combine, worker


@asynccontextmanager
async def database(app: FastAPI) -> AsyncGenerator[None]:
    print("startup")
    try:
        yield
    finally:
        print("shutdown")


async def feed(app: FastAPI) -> None:
    print("crash")
    raise ConnectionError("the feed is gone")


app = FastAPI(lifespan=combine(database, worker(feed, on_crash="exit")))
