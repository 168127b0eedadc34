"""Checks of the exercises of chapter 9, migrating."""

import dis
import gc
import inspect
import sqlite3
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import CodeType
from typing import Any

from fastapi import APIRouter, FastAPI, Request

from lifespan_course.cast import Database
from lifespan_course.comparison import RAISES, Record, compare, log, record
from lifespan_course.exercises.probes import break_off
from lifespan_course.verdicts import NotYet, async_verdict, expect
from lifespan_lab import from_handlers

with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
    from lifespan_course.legacy.glossary import main as glossary

PATHS = ["/explain/yield", "/asked/yield", "/asked/hello"]
MEANT = [
    "fewer: announce, once; before: twice",
    "another value: GET /asked/hello, 1; before: 2",
]
STARTUP = [glossary.read, glossary.open_history]
SHUTDOWN = [glossary.sum_up, glossary.close_history, glossary.forget]
# What has to be closed if one of them fails.
BAD_DAYS = {
    "open_history": ["forget"],
    "announce": ["close_history", "forget"],
    "sum_up": ["close_history", "forget"],
    "close_history": ["forget"],
}
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


def expect_only_meant_told(
    before: Record, after: Record, on_purpose: Sequence[str]
) -> None:
    """Expect that what was told to the comparison is what is meant, word for word.

    Raises:
        NotYet: a mistake was told as if it were meant, or something that the
            comparison doesn't say.
    """
    expect(
        not isinstance(on_purpose, str),
        "on_purpose is a string. Make it a list of strings, one for each difference.",
    )
    differences = compare(before, after).found
    for line in [" ".join(each.split()) for each in on_purpose]:
        if line in MEANT:
            continue
        expect(
            line not in differences,
            f"You tell the comparison that this is meant: {line}. But it is a mistake.",
        )
        raise NotYet(
            f"You tell the comparison something that it doesn't find: {line}. Take it "
            "out, or copy the line that it shows, word for word."
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
    _expect_functions([*on_startup, *on_shutdown])
    expect(
        glossary.announce not in on_startup,
        "announce belongs to the router, and the router still runs it.",
    )
    with tidy():
        first = await run(glossary.app)
        app = FastAPI(lifespan=from_handlers(on_startup, on_shutdown))
        app.include_router(glossary.asking)
        now = await run(app)
    _expect_old_order("startup", on_startup, STARTUP)
    _expect_old_order("shutdown", on_shutdown, SHUTDOWN)
    expect_only_meant_told(first, now, on_purpose)
    expect_same(first, now, on_purpose)
    return "The glossary has a lifespan, and does what it did."


def _expect_functions(handlers: Sequence[object]) -> None:
    for handler in handlers:
        if inspect.iscoroutine(handler):
            handler.close()
    expect(
        all(map(callable, handlers)),
        "The lists hold the handlers themselves: name them without parentheses, which "
        "would call them now.",
    )


def _expect_old_order(
    list_name: str, handlers: Sequence[object], old: Sequence[object]
) -> None:
    expect(
        list(handlers) == list(old)
        or sorted(map(id, handlers)) != sorted(map(id, old)),
        f"All handlers of the {list_name} are there, but in another order than in the "
        "old list: in which order do the three ways append to it?",
    )


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
        expect(
            now.is_mark("sum_up") or not now.times["sum_up"],
            'sum_up is a mark, and no span: log.mark("sum_up", asked=...).',
        )
        expect_same(first, now, MEANT)
        names = ", ".join(_assigned_globals(lifespan))
        expect(not names, f"A global is assigned: {names}. Use a local variable.")
        await _expect_two_apps(app, other)
        await _expect_closed_on_bad_days(app)
        await _expect_closed_after_body_error(app)
    return "One function, local variables, and it closes what it opened."


def _assigned_globals(lifespan: Any) -> list[str]:
    """The names that a function, or one inside it, declares global and assigns."""
    codes = [getattr(inspect.unwrap(lifespan), "__code__", None)]
    names = {}
    while codes:
        if isinstance(code := codes.pop(), CodeType):
            codes += code.co_consts
            for each in dis.get_instructions(code):
                if each.opname == "STORE_GLOBAL":
                    names[each.argval] = True
    return list(names)


async def _expect_two_apps(one: FastAPI, other: FastAPI) -> None:
    """Expect that two apps at the same time don't notice each other."""
    hint = ""
    try:
        async with one.router.lifespan_context(one) as first:
            async with other.router.lifespan_context(other) as second:
                hint = _what_is_shared(first, second)
            hint = hint or _what_is_gone(first)
    except Exception:
        if not hint:
            raise
    expect(not hint, hint)
    for state in (first, second):
        expect(
            _is_closed(state["history"]),  # type: ignore[index]
            "Two apps ran, and one of the histories was never closed.",
        )


def _what_is_shared(first: Any, second: Any) -> str:
    for name in ("history", "meanings"):
        if second[name] is getattr(glossary, name, None):
            return f"The {name} of your lifespan is still the global of the old module."
        if first[name] is second[name]:
            return f"Two apps run, and both have the same {name}. So that is a global."
    return ""


def _what_is_gone(state: Any) -> str:
    if _is_closed(state["history"]) or not state["meanings"]:
        return "Two apps run, one of them stops, and the other has lost what it reads."
    return ""


def _is_closed(history: Database) -> bool:
    try:
        history.times("yield")
    except sqlite3.ProgrammingError:
        return True
    return False


async def _expect_closed_on_bad_days(app: FastAPI) -> None:
    for failing, closing in BAD_DAYS.items():
        bad_day = await run(app, failing=failing)
        skipped = [each for each in closing if f"{each}: end" not in bad_day.labels]
        expect(
            not skipped, f"{failing} fails, and this is skipped: {', '.join(skipped)}."
        )


async def _expect_closed_after_body_error(app: FastAPI) -> None:
    """Expect that the lifespan closes also when an error comes to its yield."""
    log.clear()
    await break_off(app)
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
        expect_only_meant_told(first, now, on_purpose)
        expect_same(first, now, on_purpose)
        await _expect_closed_after_body_error(make_app())
        bad_day = await run(make_app(), failing="open_history")
    if "forget: end" in bad_day.labels:
        return (
            "With no error it does what the old one did. And if a startup fails, it "
            "closes what was opened, which the old one didn't."
        )
    return (
        "It does what the old one did. So if a startup fails, nothing is closed: a "
        "stack that is filled step by step would close what was opened."
    )
