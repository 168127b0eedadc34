"""Checks of the exercises of chapter 3, the lifespan."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from fastapi import FastAPI

from lifespan_course.cast import Model
from lifespan_course.verdicts import NotYet, async_verdict, expect
from lifespan_lab import Events, running


class BodyError(Exception):
    """Raised by the checks while an app is up."""


@async_verdict
async def once(make_app: Callable[..., FastAPI]) -> str:
    """Check that the model is opened once per run and released at its end."""
    log = Events()

    @contextmanager
    def open_model() -> Iterator[Model]:
        with log.span("model"):
            yield Model({"yield": 1})

    app = make_app(open_model)
    expect(not log.order, "The model is opened when the app is made, before its start.")
    try:
        async with running(app) as client:
            answers = [(await client.get("/yeild")).json() for _ in range(2)]
            log.mark("served")
    except AttributeError as error:
        raise NotYet(f"A request found no model: {error}.") from None
    expect(answers == ["yield", "yield"], f"The answers are {answers}.")
    expect("model: start" in log.order, "open_model was never called.")
    expect(
        log.order.count("model: start") == 1,
        "The model was opened more than once for two requests.",
    )
    expect("model: end" in log.order, "The model is opened, but never released.")
    expect(
        log.order == ["model: start", "served", "model: end"],
        "The model is released before the requests come. Yield inside the with block.",
    )
    return "Opened once, shared, released."


class FakeTable:
    """Answers every question with one number."""

    def __init__(self, number: int) -> None:
        self.number = number

    def times(self, word: str) -> int:
        """Return the number, whatever the word."""
        return self.number


@async_verdict
async def say_what_you_need(
    make_app: Callable[..., FastAPI], get_database: Callable[..., Any]
) -> str:
    """Check that the endpoint gets the database through the dependency."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, Any]]:
        yield {"database": FakeTable(1)}

    async def replaced() -> FakeTable:
        return FakeTable(2)

    app = make_app(lifespan)
    app.dependency_overrides[get_database] = replaced
    async with running(app) as client:
        answer = (await client.get("/yield")).json()
    expect(answer == 2, "get_database was replaced, and the endpoint didn't notice it.")
    app.dependency_overrides.clear()
    async with running(app) as client:
        answer = (await client.get("/yield")).json()
    expect(answer == 1, f"Without a replacement the endpoint answers {answer!r}.")
    return "The endpoint says what it needs, and a test can replace it."


class Closable:
    """Something that is opened at once and closed by ``close()``."""

    def __init__(self, name: str, log: Events) -> None:
        self.name, self.log, self.open = name, log, True
        log.mark(f"{name} opened")

    def close(self) -> None:
        """Close it and leave a mark."""
        self.open = False
        self.log.mark(f"{self.name} closed")


@async_verdict
async def two_bugs(make_lifespan: Callable[..., Any]) -> str:
    """Check the order of the teardowns, and that an error skips none of them."""
    log = Events()

    @asynccontextmanager
    async def start_worker(database: Closable) -> AsyncIterator[None]:
        try:
            yield
        finally:
            log.mark("written" if database.open else "lost")

    lifespan = make_lifespan(
        lambda: Closable("database", log), start_worker, lambda: Closable("model", log)
    )
    async with lifespan(FastAPI()) as state:
        expect(set(state) == {"database", "model"}, f"It yields {sorted(state)}.")
        expect(state["model"].open, "The model is closed before the app serves.")
        expect(state["database"].open, "The database is closed before the app serves.")
    expect(
        "lost" not in log.order,
        "The database is closed while the worker still wants to write.",
    )
    for name in ("database", "model"):
        expect(log.order.count(f"{name} closed") > 0, f"Nobody closes the {name}.")
        expect(log.order.count(f"{name} closed") < 2, f"The {name} is closed twice.")
    log.clear()
    try:
        async with lifespan(FastAPI()):
            raise BodyError
    except BodyError:
        pass
    else:
        raise NotYet("The error of the body must go on.")
    for name in ("database", "model"):
        expect(
            f"{name} closed" in log.order,
            f"When the body raises, the {name} stays open: no try, no with around it.",
        )
    expect("written" in log.order, "When the body raises, the counts are lost.")
    return "The counts are written, then everything closes, whatever happens."
