"""A service that loads its model while it serves, and says whether it is ready."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import anyio
from fastapi import FastAPI, HTTPException, Request


async def load(box: dict[str, Any]) -> None:
    await box["file"].wait()
    box["model"] = "the model"
    print("model loaded")


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncGenerator[dict[str, Any]]:
    box = {"file": anyio.Event(), "model": None}
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(load, box)
        yield {"box": box}
        tasks.cancel_scope.cancel()


app = FastAPI(lifespan=lifespan)


@app.get("/alive")
async def alive() -> None: ...


@app.get("/ready")
async def ready(request: Request) -> None:
    if request.state.box["model"] is None:
        raise HTTPException(503, "still loading")


@app.post("/loaded")
async def loaded(request: Request) -> None:
    request.state.box["file"].set()
