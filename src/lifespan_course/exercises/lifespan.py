"""Checks of the exercises of chapter 3, the lifespan."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import anyio
from fastapi import FastAPI
from fastapi.exceptions import FastAPIError

from lifespan_course.cast import Model
from lifespan_course.exercises.lifespans import expect_state
from lifespan_course.exercises.probes import (
    BodyError,
    break_off,
    expect_no_parameter_in_url,
)
from lifespan_course.verdicts import NotYet, async_verdict, expect
from lifespan_lab import Events, running


@async_verdict
async def once(make_app: Callable[..., FastAPI]) -> str:
    """Check that the model is opened once per run and released at its end."""
    log = Events()
    app = make_app(lambda: OpenModel(log))
    expect(not log.order, "The model is opened when the app is made, before its start.")
    await _expect_model(app, log)
    log.clear()
    async with running(app) as client:
        answers = [(await client.get("/yeild")).json() for _ in range(2)]
        log.mark("served")
    expect(answers == ["yield", "yield"], f"The answers are {answers}.")
    expect(
        log.order.count("model: start") == 1,
        "The model was opened more than once for two requests.",
    )
    expect("model: end" in log.order, "The model is opened, but never released.")
    expect(
        log.order == ["model: start", "served", "model: end"],
        "The model is released before the requests come. Yield inside the with block.",
    )
    log.clear()
    expect(await break_off(app), "The error of the body must go on.")
    expect(
        log.order != ["model: start"],
        "When something raises at the yield, the model isn't released.",
    )
    return "Opened once, shared, released."


class OpenModel:
    """Opens a small model. Unlike a generator, it isn't closed by being forgotten."""

    def __init__(self, log: Events) -> None:
        self.log = log

    def __enter__(self) -> Model:
        self.log.mark("model: start")
        return Model({"yield": 1})

    def __exit__(self, *error: object) -> None:
        self.log.mark("model: end")


async def _expect_model(app: FastAPI, log: Events) -> None:
    async with app.router.lifespan_context(app) as state:
        expect_state(state)
        yielded = bool(state) and "model" in dict(state or {})
        if hasattr(app.state, "model"):
            expect(
                not yielded, "It is in app.state as well, and outlives the run there."
            )
            raise NotYet("It is in app.state. The endpoint looks into what is yielded.")
        expect(yielded, "No model is yielded, by that name.")
        expect(
            isinstance(dict(state or {})["model"], Model),
            "open_model() makes a context manager. Enter it to get the model.",
        )
        expect(log.order, "The open_model that is handed in was never called.")


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

    try:
        app = make_app(lifespan)
    except FastAPIError:
        raise NotYet(
            "FastAPI takes the parameter for data of the request. Is it marked with "
            "Depends(...)?"
        ) from None
    app.dependency_overrides[get_database] = replaced
    async with running(app) as client:
        answer = (await client.get("/yield")).json()
    expect(answer == 2, "get_database was replaced, and the endpoint didn't notice it.")
    app.dependency_overrides.clear()
    async with running(app) as client:
        answer = (await client.get("/yield")).json()
    expect_no_parameter_in_url(answer)
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
async def three_bugs(make_lifespan: Callable[..., Any]) -> str:
    """Check the order of the teardowns, and that an error skips none of them."""
    log = Events()
    opened: list[Closable] = []

    @asynccontextmanager
    async def start_worker(database: Closable) -> AsyncIterator[None]:
        try:
            yield
        finally:
            log.mark("written" if database.open else "lost")

    def connect() -> Closable:
        opened.append(Closable("database", log))
        return opened[-1]

    def load() -> Closable:
        opened.append(Closable("model", log))
        return opened[-1]

    def fail() -> Closable:
        raise BodyError

    lifespan = make_lifespan(connect, start_worker, load)
    async with lifespan(FastAPI()) as state:
        expect(isinstance(state, dict), "The lifespan yields no dictionary.")
        expect(set(state) == {"database", "model"}, f"It yields {sorted(state)}.")
        expect(state["model"].open, "The model is closed before the app serves.")
        expect(state["database"].open, "The database is closed before the app serves.")
    expect({"written", "lost"} & set(log.order), "The worker was never started.")
    expect(
        "lost" not in log.order,
        "The database is closed while the worker still wants to write.",
    )
    for name in ("database", "model"):
        times = log.order.count(f"{name} opened")
        expect(times == 1, f"The {name} is opened {times} times in one run.")
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
    with anyio.CancelScope() as scope:
        async with lifespan(FastAPI()):
            scope.cancel()
            await anyio.sleep_forever()
    for thing in opened:
        expect(
            not thing.open,
            f"When the lifespan is cancelled, the {thing.name} stays open: a "
            "cancellation is no Exception.",
        )
    try:
        async with make_lifespan(connect, start_worker, fail)(FastAPI()):
            pass
    except BodyError:
        pass
    except Exception as error:
        raise NotYet(
            f"When load() fails, another error comes out: {type(error).__name__}."
        ) from None
    else:
        raise NotYet("When load() fails, the app starts all the same.")
    expect(
        not any(thing.open for thing in opened),
        "When load() fails, the database stays open.",
    )
    return "The counts are written, then everything closes, whatever happens."
