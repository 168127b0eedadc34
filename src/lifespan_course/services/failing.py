"""A service that can't start."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from fastapi import FastAPI


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
    raise RuntimeError("no model")
    yield


app = FastAPI(lifespan=lifespan)
