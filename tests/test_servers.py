"""uvicorn in a process of its own, and what is heard of it."""

import asyncio
import contextlib
import importlib
import pkgutil
import signal
import sqlite3
import sys
from pathlib import Path

import httpx
import psutil
import pytest

from lifespan_course import services
from lifespan_course.servers import LIMIT, ServerProcess, uvicorn
from lifespan_course.services import once, source

pytestmark = pytest.mark.anyio
NAMES = [module.name for module in pkgutil.iter_modules(services.__path__)]


@pytest.fixture
def anyio_backend() -> str:
    """Subprocesses are asyncio's here."""
    return "asyncio"


def family(server: ServerProcess) -> list[psutil.Process]:
    """The process and those that it started."""
    process = psutil.Process(server.process.pid)
    return [process, *process.children(recursive=True)]


def expect_gone(processes: list[psutil.Process]) -> None:
    """Expect that none of them runs; a dead one that nobody has asked for will do."""
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            assert process.status() == psutil.STATUS_ZOMBIE


async def test_marks_what_is_printed_and_sent() -> None:
    """The log has the app's lines, the signals and the end, in order."""
    async with uvicorn(source("plain")) as server:
        await server.ready()
        processes = family(server)
        server.send(signal.SIGTERM)
        assert await server.ended() == "SIGTERM"
    lines = ["startup", "→ SIGTERM", "shutdown", "closed", "process: SIGTERM"]
    assert server.log.order == lines
    assert server.url.startswith("http://127.0.0.1:")
    expect_gone(processes)


async def test_kills_what_still_runs() -> None:
    """A server and its workers are gone after the block, also if it raises."""
    with contextlib.suppress(KeyError):
        async with uvicorn(source("plain"), "--workers", "2") as server:
            await server.printed("startup", times=2)
            processes = family(server)
            raise KeyError
    assert len(processes) > 2
    expect_gone(processes)


@pytest.mark.pinned  # uvicorn 0.30 ends at once if the signal comes while it starts
async def test_what_does_not_end() -> None:
    """A limit that passes is said, and the log ends there."""
    async with uvicorn(source("hanging")) as server:
        await server.ready()
        server.send(signal.SIGTERM)
        await server.says("Waiting for application shutdown")
        assert await server.ended(0.05) == "still running"
    assert server.log.order[-1] == "process: still running"


async def test_what_is_waited_for_in_vain() -> None:
    """A line that can't come any more is an error, with what uvicorn said."""
    async with uvicorn(source("failing")) as server:
        with pytest.raises(RuntimeError, match=r"(?s)prints 'startup'.*no model"):
            await server.printed("startup")
        assert await server.serves_or_ends() == "exit 3"
        with pytest.raises(RuntimeError, match="uvicorn says 'welcome'"):
            await server.says("welcome")


async def test_serves() -> None:
    """A server that answers is told from one that has ended."""
    async with uvicorn(source("wrapped")) as server:
        assert await server.serves_or_ends() == "serves"


async def test_waiting_can_be_cancelled() -> None:
    """Who waits for a line may stop waiting, and nothing is left."""
    async with uvicorn(source("plain")) as server:
        await server.printed("startup")
        waiting = asyncio.create_task(server.printed("never"))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting


def test_sources_are_shown_as_they_are() -> None:
    """A source is the module's text without its docstring, and shown as it stands."""
    text = source("plain")
    assert text.startswith("from collections.abc import")
    assert repr(text) == str(text)


@pytest.mark.parametrize("name", NAMES)
def test_each_service_has_an_app(name: str) -> None:
    """Each module of services has an app for uvicorn to find."""
    assert callable(importlib.import_module(f"lifespan_course.services.{name}").app)
    assert "app" in source(name)


def test_once_waits_for_the_others(tmp_path: Path) -> None:
    """Who finds the database locked waits for as many seconds as PATIENCE says."""
    limits = []

    def ask(database: sqlite3.Connection) -> None:
        limits.append(database.execute("PRAGMA busy_timeout").fetchone()[0])

    once.do_once(str(tmp_path / "service.db"), "words", ask)
    assert limits == [1000 * once.PATIENCE]


def test_sqlite_waits_for_five_seconds() -> None:
    """sqlite3's own limit is the five seconds that the service's comment says."""
    with contextlib.closing(sqlite3.connect(":memory:")) as database:
        assert database.execute("PRAGMA busy_timeout").fetchone() == (5000,)


def test_once_keeps_nothing_of_work_that_fails(tmp_path: Path) -> None:
    """Work that fails is rolled back, the next one does it, and no other does."""
    path = str(tmp_path / "service.db")

    def broken(database: sqlite3.Connection) -> None:
        once.migrate(database)
        raise OSError("no space left")

    with pytest.raises(OSError, match="no space left"):
        once.do_once(path, "words", broken)
    once.do_once(path, "words", once.migrate)
    once.do_once(path, "words", once.migrate)  # a second table is an error of SQLite's


@pytest.mark.pinned
async def test_a_second_sigint_and_an_open_connection() -> None:
    """It ends uvicorn at once up to Python 3.11, and from 3.12 when the client left."""
    waits = sys.version_info >= (3, 12)
    async with uvicorn(source("endless")) as server:
        await server.ready()
        url = f"{server.url}/stream"
        async with httpx.AsyncClient() as client, client.stream("GET", url):
            await server.printed("stream begins")
            server.send(signal.SIGINT)
            await server.says("Waiting for connections to close")
            server.send(signal.SIGINT)
            limit = 0.5 if waits else LIMIT
            how = await server.ended(limit, quietly=True)
            assert how == ("still running" if waits else "exit 0")
        assert await server.ended() == "exit 0"
    assert "shutdown" not in server.log.order
    assert "closed" in server.log.order
