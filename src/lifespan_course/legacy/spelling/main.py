"""The app and its handlers."""

import asyncio
from collections import Counter
from pathlib import Path

from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient

from lifespan_course.cast import MEANINGS, Database, Model, dictionary_app, write_counts
from lifespan_course.comparison import log

from .admin import admin
from .shared import opened
from .words import words

app = FastAPI()


@app.on_event("startup")
async def connect() -> None:
    with log.span("connect"):
        opened["database"] = Database(Path(":memory:"))
        opened["database"].create_table()


@app.on_event("startup")
def load() -> None:
    with log.span("load"):
        opened["model"] = Model(dict.fromkeys(MEANINGS, 1))


@app.on_event("startup")
async def open_client() -> None:
    with log.span("open_client"):
        transport = ASGITransport(dictionary_app)
        opened["client"] = AsyncClient(transport=transport, base_url="http://words")


@app.on_event("startup")
def prepare() -> None:
    with log.span("prepare"):
        opened["counts"] = Counter({"(start)": 1})
        opened["topics"] = []


async def write() -> None:
    with log.span("write"):
        while True:
            write_counts(opened["counts"], opened["database"])
            await asyncio.sleep(60)


@app.on_event("startup")
async def start_writing() -> None:
    with log.span("start_writing"):
        opened["task"] = asyncio.create_task(write())


@app.on_event("shutdown")
def stop_writing() -> None:
    with log.span("stop_writing"):
        opened["task"].cancel()


@app.on_event("shutdown")
async def disconnect() -> None:
    with log.span("disconnect"):
        opened["database"].close()


@app.on_event("shutdown")
def release() -> None:
    with log.span("release"):
        opened["model"].release()


@app.on_event("shutdown")
async def close_client() -> None:
    with log.span("close_client"):
        await opened["client"].aclose()


app.include_router(words)
app.mount("/admin", admin)
