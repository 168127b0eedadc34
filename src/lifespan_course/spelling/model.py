"""The model: finds the word that was meant."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from lifespan_course.cast import Model, open_model
from lifespan_course.spelling import log


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncGenerator[dict[str, Model]]:
    with log.span("model"), open_model() as model:
        yield {"model": model}
