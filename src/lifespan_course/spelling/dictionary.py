"""The dictionary: a client of the service that knows what words mean."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from httpx import AsyncClient

from lifespan_course.cast import open_dictionary
from lifespan_course.spelling import log


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncGenerator[dict[str, AsyncClient]]:
    with log.span("dictionary"):
        async with open_dictionary() as dictionary:
            yield {"dictionary": dictionary}
