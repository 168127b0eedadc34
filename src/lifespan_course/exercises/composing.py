"""Checks of the exercises of chapter 7, composing."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import anyio
import anyio.lowlevel
from fastapi import FastAPI

from lifespan_course.exercises.lifespans import expect_state
from lifespan_course.exercises.probes import BodyError
from lifespan_course.verdicts import NotYet, async_verdict, expect
from lifespan_lab import Events, running

Lifespan = Callable[..., AbstractAsyncContextManager[Any]]

LIMIT = 2.0  # seconds for an answer that may wait for ever
PATIENCE = 0.2  # seconds: for the one beside it, and for a task's first turn


class Resource:
    """A lifespan and its context manager. It isn't closed by being forgotten."""

    def __init__(
        self, name: str, log: Events, state: dict[str, Any] | None = None
    ) -> None:
        self.name, self.log, self.state = name, log, state

    async def __aenter__(self) -> dict[str, Any] | None:
        self.log.mark(f"{self.name}: start")
        return self.state

    async def __aexit__(self, kind: object, *error: object) -> None:
        self.log.mark(f"{self.name}: {'failed' if kind else 'end'}")

    def lifespan(self, app: Any) -> "Resource":
        """Return the context manager: itself."""
        return self


@async_verdict
async def two_and_a_worker(make_lifespan: Callable[..., Lifespan]) -> str:
    """Check that two start at the same time, and that a worker finds both."""
    log, seen = Events(), anyio.Event()
    here = {"database": anyio.Event(), "cache": anyio.Event()}
    found: list[str] = []

    def member(name: str, other: str) -> Lifespan:
        @asynccontextmanager
        async def lifespan(app: Any) -> AsyncIterator[dict[str, str]]:
            here[name].set()
            with anyio.move_on_after(PATIENCE):
                await here[other].wait()
            with log.span(name if here[other].is_set() else f"{name} alone"):
                yield {name: name}

        return lifespan

    async def refresh(app: Any, state: Mapping[str, Any]) -> None:
        found[:] = sorted(state)
        seen.set()
        with log.span("refresh"):
            await anyio.sleep_forever()

    lifespan = make_lifespan(
        member("database", "cache"), member("cache", "database"), refresh
    )
    expect(callable(lifespan), "make_lifespan has to return a lifespan.")
    async with running(
        FastAPI(lifespan=lifespan), startup_timeout=LIMIT, shutdown_timeout=LIMIT
    ):
        with anyio.move_on_after(PATIENCE):
            await seen.wait()
        log.mark("served")
    order = log.order
    for name in here:
        expect(any(name in mark for mark in order), f"The {name} isn't opened.")
    expect("refresh: start" in order, "Nobody starts refresh.")
    expect(
        found,
        "refresh needs both, and finds nothing. A member of combine finds what was "
        "yielded before it; joined and concurrently hand nothing on.",
    )
    expect(
        found == ["cache", "database"],
        f"refresh needs both, and finds the {found[0]} only. It has to come after "
        "both.",
    )
    expect(
        not any("alone" in mark for mark in order),
        "The database and the cache start one after the other.",
    )
    expect(order.count("refresh: start") == 1, "refresh is started more than once.")
    expect(
        order.index("served") < order.index("refresh: cancelled"),
        "refresh is stopped before the app has served.",
    )
    await _expect_closed(make_lifespan)
    return "Two start at the same time, and the worker has both of them to its end."


async def _expect_closed(make_lifespan: Callable[..., Lifespan]) -> None:
    """Expect the database to be closed when the cache fails to start beside it."""
    log, is_open = Events(), anyio.Event()

    class Database(Resource):
        async def __aenter__(self) -> dict[str, Any] | None:
            is_open.set()
            return await super().__aenter__()

    class Cache(Resource):
        async def __aenter__(self) -> dict[str, Any] | None:
            with anyio.move_on_after(PATIENCE):
                await is_open.wait()
            await anyio.lowlevel.checkpoint()  # the database has its turn to the end
            raise BodyError

    async def refresh(app: Any, state: Mapping[str, Any]) -> None:
        await anyio.sleep_forever()

    database = Database("database", log, {"database": 1}).lifespan
    cache = Cache("cache", log, {"cache": 1}).lifespan
    app = FastAPI(lifespan=make_lifespan(database, cache, refresh))
    try:
        async with running(app, startup_timeout=LIMIT, shutdown_timeout=LIMIT):
            pass
    except BodyError:
        pass
    else:
        raise NotYet("The cache fails to start, and the app starts all the same.")
    expect(
        len(log.order) != 1,
        "The cache fails to start, and the database, which has started, stays open.",
    )


@async_verdict
async def refuse_to_lose(joined: Callable[..., Lifespan]) -> str:
    """Check that a key given twice is an error, and that all the rest still holds."""
    with anyio.move_on_after(LIMIT):
        return await _refuse_to_lose(joined)
    raise NotYet("It waits for something that never comes.")


async def _refuse_to_lose(joined: Callable[..., Lifespan]) -> str:
    log = Events()
    one = Resource("one", log, {"a": 1}).lifespan
    two = Resource("two", log, {"url": None}).lifespan
    quiet = Resource("quiet", log).lifespan
    again = Resource("again", log, {"url": "again"}).lifespan
    same = Resource("same", log, {"url": None}).lifespan
    expect(callable(joined(one)), "joined has to return a lifespan.")
    await _expect_peace(log, joined(one, quiet, two))
    log.clear()
    await _expect_refusal(joined(one, two, again))
    for name in ("one", "two", "again"):
        ended = f"{name}: end" in log.order or f"{name}: failed" in log.order
        expect(ended, f"After the ValueError the lifespan {name!r} is still open.")
    await _expect_refusal(joined(two, one, again), ", but not one after the other")
    await _expect_refusal(joined(two, same), ", with equal values")
    log.clear()
    try:
        async with joined(one, two)(FastAPI()):
            raise BodyError
    except BodyError:
        pass
    else:
        raise NotYet("The error of the body must go on.")
    expect("one: failed" in log.order, "The error of the body reaches none of them.")
    return "A key given twice stops the startup, and what was open is closed."


async def _expect_peace(log: Events, lifespan: Lifespan) -> None:
    """Expect lifespans without a conflict to run: one, quiet (yields None), two."""
    try:
        async with lifespan(FastAPI()) as state:
            log.mark("served")
    except ValueError as error:
        raise NotYet(
            f"There was no conflict, and your code raised ValueError: {error}"
        ) from None
    except (TypeError, AttributeError) as error:
        expect(
            "NoneType" not in str(error),
            "A lifespan may yield nothing, and then you get None. Your first joined "
            "knew what to do: yielded or {}.",
        )
        raise
    expect_state(state)
    expect(
        dict(state or {}) == {"a": 1, "url": None},
        "Three lifespans without a conflict yield the keys a and url. Together they "
        f"yield {state}.",
    )
    names = ["one", "quiet", "two"]
    starts = [f"{name}: start" for name in names]
    ends = [f"{name}: end" for name in reversed(names)]
    expect(
        log.order == [*starts, "served", *ends],
        "Three lifespans without a conflict ran like this: " + ", ".join(log.order),
    )


async def _expect_refusal(lifespan: Lifespan, how: str = "") -> None:
    """Expect a ValueError at startup that names the key: url.

    Args:
        lifespan: one in which two yield that key.
        how: in which way they do, for the hint.
    """
    conflict, served = f"Two lifespans yield 'url'{how}", False
    try:
        async with lifespan(FastAPI()) as state:
            served = True
            kept = dict(state or {}).get("url")
    except ValueError as error:
        expect(
            not served,
            f"{conflict}. The ValueError comes at shutdown, when the app has served.",
        )
        expect("url" in str(error), "The message doesn't name the key, which is 'url'.")
    except Exception as error:
        raise NotYet(
            f"{conflict}. That should raise ValueError, and it raises "
            f"{type(error).__name__}."
        ) from None
    else:
        which = "later" if kept == "again" else "earlier"
        raise NotYet(f"{conflict}, and the {which} value wins silently.")


@async_verdict
async def each_once(make_app: Callable[..., FastAPI]) -> str:
    """Check that three lifespans run once each, and that all routes are there."""
    log = Events()
    given: dict[str, Any] = {}

    def member(name: str) -> Lifespan:
        @asynccontextmanager
        async def lifespan(app: Any) -> AsyncIterator[dict[str, str]]:
            given[name] = app
            with log.span(name):
                yield {name: name}

        return lifespan

    async def answer() -> str:
        return "here"

    members = [member(name) for name in ("stock", "search", "admin")]
    try:
        app = make_app(*members, answer)
    except TypeError as error:
        expect(
            "with_mounts()" not in str(error),
            "with_mounts takes one lifespan: make one of several with combine.",
        )
        raise
    expect(isinstance(app, FastAPI), "make_app has to return the app.")
    paths = ["/v1/products", "/v2/products", "/v1/find", "/v2/find", "/office/"]
    async with running(app, startup_timeout=LIMIT, shutdown_timeout=LIMIT) as client:
        for path in paths:
            status = (await client.get(path)).status_code
            expect(status == 200, f"{path} answers {status}.")
    for name in ("stock", "search", "admin"):
        times = log.order.count(f"{name}: start")
        expect(times, f"The lifespan {name} never runs.")
        expect(times == 1, f"The lifespan {name} runs {times} times.")
    expect(given["admin"] is not app, "admin is given the outer app, not the office.")
    return "Three lifespans, each of them once."
