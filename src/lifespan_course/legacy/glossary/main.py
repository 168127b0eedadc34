"""The app. Its handlers are registered in every way there is."""

from pathlib import Path

from fastapi import APIRouter, FastAPI

from lifespan_course.cast import MEANINGS, Database
from lifespan_course.comparison import log

meanings: dict[str, str] = {}
history: Database


def read() -> None:
    with log.span("read"):
        meanings.update(MEANINGS)


def sum_up() -> None:
    log.mark("sum_up", asked=sum(map(history.times, meanings)))


app = FastAPI(on_startup=[read], on_shutdown=[sum_up])


@app.on_event("startup")
async def open_history() -> None:
    global history
    with log.span("open_history"):
        history = Database(Path(":memory:"))
        history.create_table()


@app.on_event("shutdown")
async def close_history() -> None:
    with log.span("close_history"):
        history.close()


def forget() -> None:
    with log.span("forget"):
        meanings.clear()


app.router.add_event_handler("shutdown", forget)

asking = APIRouter()


@asking.on_event("startup")
async def announce() -> None:
    with log.span("announce"):
        history.add("hello")


@asking.get("/explain/{word}")
async def explain(word: str) -> str:
    history.add(word)
    return meanings[word]


@asking.get("/asked/{word}")
async def asked(word: str) -> int:
    return history.times(word)


app.include_router(asking)
