"""A service that prints what its lifespan does."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from fastapi import FastAPI


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
    print("startup")
    try:
        yield
        print("shutdown")
    finally:
        print("closed")


app = FastAPI(lifespan=lifespan)


@app.get("/")
async def hello() -> str:
    return "hello"
