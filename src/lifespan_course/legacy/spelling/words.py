"""A router with handlers of its own."""

from fastapi import APIRouter

from lifespan_course.comparison import log

from .shared import opened

words = APIRouter()


@words.on_event("startup")
async def subscribe() -> None:
    with log.span("subscribe"):
        opened["topics"].append("words")


@words.on_event("shutdown")
async def unsubscribe() -> None:
    with log.span("unsubscribe"):
        opened["topics"].remove("words")


@words.get("/correct/{word}")
async def correct(word: str) -> str:
    opened["counts"][word] += 1
    meant: str = opened["model"].correct(word)
    return meant


@words.get("/explain/{word}")
async def explain(word: str) -> str:
    answer = await opened["client"].get(f"/words/{word}")
    meaning: str = answer.json()["meaning"]
    return meaning


@words.get("/topics")
async def topics() -> list[str]:
    return list(opened["topics"])
