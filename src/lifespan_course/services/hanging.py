"""A service whose teardown hangs."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from anyio import sleep_forever
from fastapi import FastAPI


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
    print("startup")
    try:
        yield
        await sleep_forever()
        print("shutdown")
    finally:
        print("closed")


app = FastAPI(lifespan=lifespan)
