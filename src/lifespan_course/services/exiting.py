"""The service with the probes, which asks to be stopped when its load fails."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import anyio
from fastapi import FastAPI

from lifespan_course.services import probes
from lifespan_lab import combine, worker


@asynccontextmanager
async def box(app: FastAPI) -> AsyncGenerator[dict[str, Any]]:
    try:
        yield {"box": {"file": anyio.Event()}}
    finally:
        print("closed")


async def load(app: FastAPI, state: Mapping[str, Any]) -> None:
    await probes.load(state["box"])


app = FastAPI(lifespan=combine(box, worker(load, on_crash="exit")))
app.mount("/", probes.app)  # the same endpoints; its own lifespan doesn't run
