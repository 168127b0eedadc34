"""Checks of the exercises of chapter 9, migrating."""

import gc
import sqlite3
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from fastapi import APIRouter, FastAPI, Request

from lifespan_course.comparison import RAISES, Record, compare, log, record
from lifespan_course.exercises.probes import BodyError
from lifespan_course.verdicts import NotYet, async_verdict, expect
from lifespan_lab import from_handlers

with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
    from lifespan_course.legacy.glossary import main as glossary

PATHS = ["/explain/yield", "/asked/yield", "/asked/hello"]
MEANT = [
    "fewer: announce, once; before: twice",
    "another value: GET /asked/hello, 1; before: 2",
]
LIMIT = 1.0  # seconds for an app to start or to stop; one that is right takes none

with_state = APIRouter()


@with_state.get("/explain/{word}")
async def explain(word: str, request: Request) -> str:
    """Tell what a word means, and remember that it was asked for."""
    request.state.history.add(word)
    meaning: str = request.state.meanings[word]
    return meaning


@with_state.get("/asked/{word}")
async def asked(word: str, request: Request) -> int:
    """Tell how often a word was asked for."""
    times: int = request.state.history.times(word)
    return times


@contextmanager
def tidy() -> Iterator[None]:
    """Close what the learner's code has left open, and be silent about it."""
    with warnings.catch_warnings(action="ignore"):
        try:
            yield
        finally:
            if hasattr(glossary, "history"):
                glossary.history.close()
            glossary.meanings.clear()
            gc.collect()


async def run(app: FastAPI, failing: str | None = None) -> Record:
    """Run an app of the exercises, ask it, and stop it."""
    return await record(app, *PATHS, failing=failing, limit=LIMIT)


def expect_nothing_else_told(on_purpose: Sequence[str]) -> None:
    """Expect that only what is meant was told to the comparison.

    Raises:
        NotYet: a mistake was told as if it were meant.
    """
    for line in on_purpose:
        expect(
            line.startswith(("fewer: announce", "another value: GET /asked/hello")),
            f"You tell the comparison that this is meant: {line}. But nobody wants it.",
        )


def expect_same(before: Record, after: Record, on_purpose: Sequence[str]) -> None:
    """Expect that nothing differs but what was told.

    Raises:
        NotYet: something does; it says what.
    """
    for error in after.told(RAISES):
        raise NotYet(f"Now the app raises {error}.")
    comparison = compare(before, after, on_purpose)
    if set(comparison.found) & set(MEANT) and set(comparison.found) <= set(MEANT):
        lines = "\n".join(comparison.found)
        raise NotYet(f"What is left is meant, so tell it to the comparison:\n{lines}")
    expect(comparison.same, f"The comparison says: {comparison}")


@async_verdict
async def carry_over(
    on_startup: list[Callable[[], Any]],
    on_shutdown: list[Callable[[], Any]],
    on_purpose: list[str],
) -> str:
    """Check the lists that are handed to `from_handlers`."""
    expect(on_startup or on_shutdown, "Both lists of handlers are empty.")
    expect(
        glossary.announce not in on_startup,
        "announce belongs to the router, and the router still runs it.",
    )
    with tidy():
        first = await run(glossary.app)
        app = FastAPI(lifespan=from_handlers(on_startup, on_shutdown))
        app.include_router(glossary.asking)
        now = await run(app)
    expect_nothing_else_told(on_purpose)
    if glossary.forget in on_shutdown:
        expect(
            on_shutdown.index(glossary.forget) != 0,
            "forget comes last in the file, and runs last: in which order do the "
            "three ways append to the list?",
        )
    expect_same(first, now, on_purpose)
    return "The glossary has a lifespan, and does what it did."


@async_verdict
async def one_lifespan(lifespan: Any) -> str:
    """Check a lifespan that yields what the endpoints need."""
    app, other = FastAPI(lifespan=lifespan), FastAPI(lifespan=lifespan)
    for each in (app, other):
        each.include_router(with_state)
    with tidy():
        first = await run(glossary.app)
        now = await run(app)
        for name in ("history", "meanings"):
            expect(
                not any(f"'{name}'" in text for text in now.told("GET /explain/yield")),
                f"A request asks for request.state.{name}, and there is none.",
            )
        expect_same(first, now, MEANT)
        await _expect_two_apps(app, other)
        bad_day = await run(app, failing="announce")
        expect(
            {"close_history: end", "forget: end"} <= set(bad_day.labels),
            "announce fails, and what was opened before it isn't closed.",
        )
        await _expect_closed_after_body_error(app)
    return "One function, local variables, and it closes what it opened."


async def _expect_two_apps(one: FastAPI, other: FastAPI) -> None:
    async with (
        one.router.lifespan_context(one) as first,
        other.router.lifespan_context(other) as second,
    ):
        histories = [state["history"] for state in (first, second)]  # type: ignore[index]
        expect(
            histories[0] is not histories[1],
            "Two apps run, and both write to the same history.",
        )
    for history in histories:
        try:
            history.times("yield")
        except sqlite3.ProgrammingError:
            continue
        raise NotYet("Two apps ran, and one of the histories was never closed.")


async def _expect_closed_after_body_error(app: FastAPI) -> None:
    """Expect that the lifespan closes also when an error comes to its yield."""
    log.clear()
    try:
        async with app.router.lifespan_context(app):
            raise BodyError
    except BodyError:
        pass
    expect(
        {"close_history: end", "forget: end"} <= set(log.order),
        "The runs are the same now. But when an error comes to the yield, nothing is "
        "closed. (The old handlers ran then, too.)",
    )


@async_verdict
async def find_the_bugs(make_app: Callable[[], FastAPI], on_purpose: list[str]) -> str:
    """Check that nothing is hidden any more, and nothing to be hidden."""
    with tidy():
        first = await run(glossary.app)
        now = await run(make_app())
        expect_nothing_else_told(on_purpose)
        expect_same(first, now, on_purpose)
        await _expect_closed_after_body_error(make_app())
    return "It does what the old one did, also when there is an error."
