"""Checks of the exercises of chapter 11, in production."""

import asyncio
import signal
import sqlite3
import threading
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
from fastapi import FastAPI

from lifespan_course.servers import uvicorn
from lifespan_course.services import source
from lifespan_course.verdicts import NotYet, async_verdict, expect, verdict
from lifespan_lab import running

LIMIT = 1.0  # seconds for a learner's code; what is right takes a hundredth of it
PATIENCE = 10  # seconds from SIGTERM to SIGKILL, as the exercise says
TEARDOWN = 5  # seconds of these that are the teardown's


@async_verdict
async def choose_the_options(options: list[str]) -> str:
    """Check uvicorn's options on two services, each in a process of its own."""
    expect(
        isinstance(options, list) and all(isinstance(each, str) for each in options),
        "The options are a list of strings, as a shell would pass them.",
    )
    expect(options, "There is no option yet.")
    limit = _graceful(options)
    async with uvicorn(source("wrapped"), *options) as server:
        outcome = await server.serves_or_ends()
    expect(outcome != "exit 2", "uvicorn doesn't understand these options.")
    expect(outcome != "serves", "A startup that is broken by a wrapper is served.")
    expect(limit is not None, "An endless stream keeps the server from stopping.")
    expect(
        limit <= PATIENCE - TEARDOWN,  # type: ignore[operator]  # None was refused
        f"Requests may take {limit} s and the teardown {TEARDOWN}: SIGKILL comes after "
        f"{PATIENCE}.",
    )
    async with uvicorn(source("endless"), *_quicker(options)) as server:
        await server.ready()
        async with (
            httpx.AsyncClient() as client,
            client.stream("GET", f"{server.url}/stream"),
        ):
            await server.printed("stream begins")
            server.send(signal.SIGTERM)
            await server.ended(PATIENCE)
    expect("shutdown" in server.log.order, "The teardown didn't run.")
    return "A broken startup isn't served, and the teardown has its time."


GRACEFUL = "--timeout-graceful-shutdown"


def _graceful(options: list[str]) -> int | None:
    """The seconds that open requests are given, if they are said."""
    for option, value in zip(options, [*options[1:], ""], strict=True):
        text = option.removeprefix(f"{GRACEFUL}=") if "=" in option else value
        if option.split("=")[0] == GRACEFUL and text.isdigit():
            return int(text)
    return None


def _quicker(options: list[str]) -> list[str]:
    """The same options, with one second for open requests: nobody likes to wait."""
    return [*options, GRACEFUL, "1"]


class LoadError(Exception):
    """Raised by a load that fails."""


class _Load:
    """A load that is finished, or fails, when the check says so."""

    def __init__(self) -> None:
        self.go_on = asyncio.Event()
        self.error: LoadError | None = None
        self.state = "never begun"

    async def __call__(self) -> str:
        self.state = "waiting"
        try:
            await self.go_on.wait()
        except asyncio.CancelledError:
            self.state = "cancelled"
            raise
        self.state = "over"
        if self.error is not None:
            raise self.error
        return "the model"


@async_verdict
async def alive_before_ready(
    make_app: Callable[[Callable[[], Awaitable[str]]], FastAPI],
) -> str:
    """Check an app that loads beside serving, and says so."""
    load = _Load()
    try:
        async with running(make_app(load), startup_timeout=LIMIT) as client:
            expect(await _status(client, "/alive") == 200, "It should be alive.")
            await _expect_begun(load)
            expect(
                await _status(client, "/ready") == 503,
                "It says that it is ready, and the model isn't there. The answer "
                "should be 503.",
            )
            load.go_on.set()
            await _some_turns()
            expect(
                await _status(client, "/ready") == 200,
                "The model is loaded, and /ready doesn't answer 200.",
            )
    except TimeoutError:
        raise NotYet("The app doesn't serve before the model is loaded.") from None
    await _expect_loads_that_fail(make_app)
    await _expect_nothing_left(make_app)
    return "Alive at once, ready when the model is there, and nothing left behind."


async def _expect_begun(load: _Load) -> None:
    await _some_turns()
    expect(load.state != "never begun", "Nobody calls load.")


async def _expect_loads_that_fail(make_app: Callable[..., FastAPI]) -> None:
    load = _Load()
    load.error = LoadError("no such file")
    try:
        async with running(make_app(load), shutdown_timeout=LIMIT) as client:
            load.go_on.set()
            await _some_turns()
            expect(
                await _status(client, "/alive") == 200,
                "After a load that failed it isn't alive any more.",
            )
            expect(
                await _status(client, "/ready") == 503,
                "The load failed, and it says that it is ready.",
            )
    except* LoadError:
        raise NotYet(
            "A load that failed takes the app down, or comes out at its shutdown."
        ) from None


async def _expect_nothing_left(make_app: Callable[..., FastAPI]) -> None:
    load = _Load()
    try:
        async with running(make_app(load), shutdown_timeout=LIMIT):
            await _expect_begun(load)
    except TimeoutError:
        raise NotYet("The shutdown waits for a load that takes for ever.") from None
    left = load.state == "waiting"
    load.go_on.set()  # whatever was left running ends now
    await _some_turns()
    expect(not left, "After the shutdown the load is still running.")


async def _status(client: httpx.AsyncClient, path: str) -> int:
    return (await client.get(path)).status_code


async def _some_turns() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


DoOnce = Callable[[sqlite3.Connection, str, Callable[[], None]], None]


@verdict
def once_and_not_twice(do_once: DoOnce) -> str:
    """Check a function that two connections call at the same time."""
    with TemporaryDirectory() as folder:
        path = Path(folder, "done.db")
        done = _side_by_side(do_once, path)
        expect(done, "Nobody did the work.")
        _call(do_once, path, done)
        expect(len(done) == 1, "What was done already was done again.")
        _expect_next_one_tries(do_once, Path(folder, "failing.db"))
        _expect_names(do_once, Path(folder, "names.db"))
    return "Done once, by whoever comes first."


def _call(do_once: DoOnce, path: Path, done: list[str], name: str = "migrate") -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        do_once(database, name, lambda: done.append(name))
        expect(
            not database.in_transaction,
            "A transaction is left open. It has to end with a COMMIT.",
        )


def _side_by_side(do_once: DoOnce, path: Path) -> list[str]:
    """Let a second caller come while the first one is at work."""
    done: list[str] = []
    errors: list[Exception] = []
    at_work, go_on = threading.Event(), threading.Event()

    def first_work() -> None:
        done.append("first")
        at_work.set()
        go_on.wait(LIMIT)

    def call(work: Callable[[], None]) -> None:
        try:
            with closing(sqlite3.connect(path, isolation_level=None)) as database:
                do_once(database, "migrate", work)
        except Exception as error:
            errors.append(error)
        finally:
            at_work.set()

    first = threading.Thread(target=call, args=[first_work])
    second = threading.Thread(target=call, args=[lambda: done.append("second")])
    first.start()
    at_work.wait(LIMIT)
    second.start()
    second.join(LIMIT / 5)  # it should be waiting now
    go_on.set()
    for thread in (first, second):
        thread.join()
    expect(len(done) < 2, "Both did the work.")
    if errors:
        raise errors[0]
    return done


def _expect_next_one_tries(do_once: DoOnce, path: Path) -> None:
    def fail() -> None:
        raise LoadError("no space left")

    done: list[str] = []
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        try:
            do_once(database, "migrate", fail)
        except LoadError:
            pass
        else:
            raise NotYet("The error of the work doesn't come out.")
        expect(
            not database.in_transaction,
            "When the work fails, the transaction is left open, and the others wait.",
        )
    _call(do_once, path, done)
    expect(done, "The work failed, and the next one takes it for done.")


def _expect_names(do_once: DoOnce, path: Path) -> None:
    done: list[str] = []
    _call(do_once, path, done, "one")
    _call(do_once, path, done, "another")
    expect(done == ["one", "another"], "Work of another name wasn't done.")
