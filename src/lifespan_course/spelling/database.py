"""The database: remembers how often each word was asked for."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from lifespan_course.cast import Database, open_database
from lifespan_course.spelling import log


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncGenerator[dict[str, Database]]:
    with log.span("database"), open_database(app.state.path) as database:
        yield {"database": database}
