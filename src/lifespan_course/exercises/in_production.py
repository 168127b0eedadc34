"""Checks of the exercises of chapter 11, in production."""

import asyncio
import logging
import signal
import sqlite3
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing, contextmanager
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
REQUEST = 3  # seconds that an ordinary request takes


@async_verdict
async def choose_the_options(options: list[str]) -> str:
    """Check uvicorn's options on two services, each in a process of its own."""
    expect(
        isinstance(options, list) and all(isinstance(each, str) for each in options),
        "The options are a list of strings, as a shell would pass them.",
    )
    expect(options, "There is no option yet.")
    together = next((each for each in options if " " in each), "")
    expect(not together, f"Split {together!r} at the space: it is two strings.")
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
    expect(
        limit >= REQUEST,  # type: ignore[operator]
        f"After {limit} s ordinary requests are cut off: they take up to {REQUEST}.",
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
            self.state = "cleaning up"
            try:
                await _some_turns(200)  # many more than an app's shutdown has
            finally:
                self.state = "over"
            raise
        self.state = "over"
        if self.error is not None:
            raise self.error
        return "the model"


MakeApp = Callable[[Callable[[], Awaitable[str]]], FastAPI]


@async_verdict
async def alive_before_ready(make_app: MakeApp) -> str:
    """Check an app that loads beside serving, and says so."""
    try:
        with _logged():
            await _expect_ready_when_loaded(make_app)
            await _expect_loads_that_fail(make_app)
            await _expect_end_of_load(make_app)
            await _expect_end_when_cancelled(make_app)
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is not None and task.cancelling():  # it is the check that is cancelled
            raise
        raise NotYet(
            "The lifespan ends with a CancelledError: whoever awaits a task that was "
            "cancelled gets one. `await asyncio.wait([task])` only waits."
        ) from None
    return "Alive at once, ready when the model is there, and nothing left behind."


async def _expect_ready_when_loaded(make_app: MakeApp) -> None:
    load, served = _Load(), False
    app = make_app(load)
    expect(callable(app), "make_app doesn't return an app.")
    try:
        async with running(
            app, startup_timeout=LIMIT, shutdown_timeout=LIMIT
        ) as client:
            served = True
            await _expect_status(client, "/alive", 200, "It serves")
            await _expect_begun(load)
            await _expect_status(client, "/ready", 503, "The model isn't there yet")
            load.go_on.set()
            await _some_turns()
            await _expect_status(client, "/ready", 200, "The model is there")
    except TimeoutError:
        raise NotYet(
            "The model is loaded, and the shutdown doesn't end."
            if served
            else "The app doesn't serve before the model is loaded."
        ) from None


async def _expect_begun(load: _Load) -> None:
    await _some_turns()
    expect(load.state != "never begun", "Nobody calls load.")


async def _expect_loads_that_fail(make_app: MakeApp) -> None:
    load = _Load()
    load.error = LoadError("no such file")
    try:
        with _logged() as records:
            async with running(make_app(load), shutdown_timeout=LIMIT) as client:
                load.go_on.set()
                await _some_turns()
                heard = bool(records)
                await _expect_status(client, "/alive", 200, "The load has failed")
                await _expect_status(client, "/ready", 503, "The load has failed")
    except* LoadError:
        raise NotYet(
            "A load that failed takes the app down, or comes out at its shutdown."
        ) from None
    expect(heard, "The load fails, and nothing is logged: who is to know?")


async def _expect_end_of_load(make_app: MakeApp) -> None:
    load = _Load()
    try:
        async with running(make_app(load), shutdown_timeout=LIMIT):
            await _expect_begun(load)
    except TimeoutError:
        raise NotYet("The shutdown waits for a load that takes for ever.") from None
    left = load.state
    await _let_end(load)
    expect(left != "waiting", "After the shutdown the load is still running.")
    expect(
        left == "over",
        "The load is cancelled, and the shutdown doesn't wait until it has ended: it "
        "was still cleaning up.",
    )


async def _expect_end_when_cancelled(make_app: MakeApp) -> None:
    """Cancel the lifespan at its yield, as a second Ctrl+C does."""
    load = _Load()

    async def served() -> None:
        app = make_app(load)
        async with app.router.lifespan_context(app):
            await asyncio.sleep(60)

    lifespan = asyncio.create_task(served())
    await _expect_begun(load)
    lifespan.cancel()
    await asyncio.wait([lifespan], timeout=LIMIT)
    left = load.state
    await _let_end(load)
    expect(
        left == "over",
        "A second Ctrl+C cancels the lifespan at its yield, and the load is left "
        "running.",
    )


async def _let_end(load: _Load) -> None:
    """Let a load that was left behind come to its end, so that nothing is."""
    load.go_on.set()
    await _some_turns(400)


class _Records(logging.Handler):
    """The warnings and errors that a learner's code logs, in a list."""

    def __init__(self, records: list[logging.LogRecord]) -> None:
        super().__init__(logging.WARNING)
        self.records = records

    def emit(self, record: logging.LogRecord) -> None:
        if record.name != "asyncio":  # which tells of errors that nobody fetched
            self.records.append(record)


@contextmanager
def _logged() -> Iterator[list[logging.LogRecord]]:
    """Collect what is logged in the block. Nobody else gets it: it is no news."""
    root, records = logging.getLogger(), list[logging.LogRecord]()
    handlers, root.handlers = root.handlers, [_Records(records)]
    try:
        yield records
    finally:
        root.handlers = handlers


async def _expect_status(
    client: httpx.AsyncClient, path: str, status: int, when: str
) -> None:
    hint = f"{when}: {path} should answer {status}."
    try:
        async with asyncio.timeout(LIMIT):
            answered = (await client.get(path)).status_code
    except TimeoutError:
        raise NotYet(f"{hint} It didn't answer at all.") from None
    except Exception as error:
        raise NotYet(
            f"{hint} It raised {error!r}, which a server answers with 500."
        ) from None
    expect(answered == status, f"{hint} It answered {answered}.")


async def _some_turns(number: int = 10) -> None:
    for _ in range(number):
        await asyncio.sleep(0)


Work = Callable[[sqlite3.Connection], None]
DoOnce = Callable[[sqlite3.Connection, str, Work], None]


@verdict
def once_and_not_twice(do_once: DoOnce) -> str:
    """Check a function that two connections call at the same time."""
    with TemporaryDirectory() as folder:
        path = Path(folder, "done.db")
        _expect_names(do_once, path)  # so its table is there when two meet
        done, locked = _side_by_side(do_once, path)
        expect(done, "Nobody did the work.")
        _call(do_once, path, done, "words")
        expect(len(done) == 1, "What was done already was done again.")
        failing = Path(folder, "failing.db")
        _expect_next_one_tries(do_once, failing)
        expect(
            locked,
            "While one does the work, the database is open to others. A lock of "
            "Python's holds in one process; a worker is another.",
        )
        expect(
            not _is_there(failing),
            "The work fails half-way, and its half is kept: the next one finds it.",
        )
    return "Done once, by whoever comes first."


def _connected(path: Path, timeout: float = 5.0) -> closing[sqlite3.Connection]:
    return closing(sqlite3.connect(path, timeout=timeout, isolation_level=None))


def _call(do_once: DoOnce, path: Path, done: list[str], name: str) -> None:
    with _connected(path) as database:
        do_once(database, name, lambda database: done.append(name))
        expect(
            not database.in_transaction,
            "A transaction is left open. It has to end with a COMMIT.",
        )


def _side_by_side(do_once: DoOnce, path: Path) -> tuple[list[str], bool]:
    """Let a second caller come while the first one is at work.

    Returns:
        Who did the work, and whether the database was locked meanwhile.
    """
    done: list[str] = []
    errors: list[Exception] = []
    at_work, go_on = threading.Event(), threading.Event()

    def first_work(database: sqlite3.Connection) -> None:
        done.append("first")
        at_work.set()
        go_on.wait(LIMIT)

    def call(work: Work) -> None:
        try:
            with _connected(path) as database:
                do_once(database, "words", work)
        except Exception as error:
            errors.append(error)
        finally:
            at_work.set()

    def second_work(database: sqlite3.Connection) -> None:
        done.append("second")

    first = threading.Thread(target=call, args=[first_work])
    second = threading.Thread(target=call, args=[second_work])
    first.start()
    at_work.wait(LIMIT)
    locked = _is_locked(path)
    second.start()
    second.join(LIMIT / 5)  # it should be waiting now
    go_on.set()
    for thread in (first, second):
        thread.join()
    expect(len(done) < 2, "Both did the work.")
    if errors:
        raise errors[0]
    return done, locked


def _is_locked(path: Path) -> bool:
    """Whether another process could not write to it now."""
    with _connected(path, timeout=0) as database:
        try:
            database.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return True
    return False


def _expect_next_one_tries(do_once: DoOnce, path: Path) -> None:
    def fail(database: sqlite3.Connection) -> None:
        database.execute("CREATE TABLE words (word)")
        raise LoadError("no space left")

    with _connected(path) as database:
        try:
            do_once(database, "words", fail)
        except LoadError:
            pass
        else:
            raise NotYet("The error of the work doesn't come out.")
        expect(
            not database.in_transaction,
            "When the work fails, the transaction is left open, and the others wait.",
        )
    done: list[str] = []
    _call(do_once, path, done, "words")
    expect(done, "The work failed, and the next one takes it for done.")


def _is_there(path: Path) -> bool:
    """Whether the table is there that the work began with."""
    with _connected(path) as database:
        query = "SELECT 1 FROM sqlite_master WHERE name = 'words'"
        return bool(database.execute(query).fetchone())


def _expect_names(do_once: DoOnce, path: Path) -> None:
    done: list[str] = []
    for name in ("one", "another"):
        _call(do_once, path, done, name)
        expect(done, "Nobody did the work.")
    expect(done == ["one", "another"], "Work of another name wasn't done.")
