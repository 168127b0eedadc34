"""The counts, and the worker that writes them to the database."""

from collections import Counter
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI

from lifespan_course.cast import keep_writing
from lifespan_course.spelling import log
from lifespan_lab import combine, worker


@asynccontextmanager
async def count(app: FastAPI) -> AsyncGenerator[dict[str, Counter[str]]]:
    yield {"counts": Counter()}


async def write(app: FastAPI, state: Mapping[str, Any]) -> None:
    with log.span("worker"):
        await keep_writing(state["counts"], state["database"])


lifespan = combine(count, worker(write))
