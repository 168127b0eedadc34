"""A service that loads its model while it serves, and says whether it is ready."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import anyio
from fastapi import FastAPI, HTTPException, Request


async def load(box: dict[str, Any]) -> None:
    await box["file"].wait()
    if box["broken"]:
        raise OSError("the file is broken")
    box["model"] = "the model"
    print("model loaded")


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncGenerator[dict[str, Any]]:
    box = {"file": anyio.Event()}
    try:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(load, box)
            yield {"box": box}
            tasks.cancel_scope.cancel()
    finally:
        print("closed")


app = FastAPI(lifespan=lifespan)


@app.get("/alive")
async def alive() -> None: ...


@app.get("/ready")
async def ready(request: Request) -> None:
    if "model" not in request.state.box:
        raise HTTPException(503, "still loading")


@app.post("/file")
async def file(request: Request, broken: bool) -> None:
    request.state.box["broken"] = broken
    request.state.box["file"].set()
