"""Checks of the exercises of chapter 4, running in-process."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import (
    AbstractAsyncContextManager,
    asynccontextmanager,
    contextmanager,
    suppress,
)
from pathlib import Path
from tempfile import gettempdir
from typing import Any

import httpx
from fastapi import FastAPI, Request

from lifespan_course.cast import Model, open_database
from lifespan_course.verdicts import NotYet, async_verdict, expect

LIMIT = 2.0  # seconds for an answer; one that is right takes a hundredth of it

NOT_STARTED = "Nobody started the app: a transport alone runs no lifespan."

Tasks = set[asyncio.Task[Any]]


class BodyError(Exception):
    """Raised by the checks inside the learner's blocks."""


class StageError(Exception):
    """Raised by an app of the checks, where it is made to fail."""


class Stage:
    """An app that knows how often it was started and stopped.

    Args:
        tasks: takes each task that runs the lifespan.
        breaks: what is wrong with the app: nothing, or "at startup", "at shutdown",
            "without state", "answers".
    """

    def __init__(self, tasks: Tasks, breaks: str = "") -> None:
        self.tasks = tasks
        self.breaks = breaks
        self.starts = 0
        self.stops = 0
        self.app = FastAPI(lifespan=self.lifespan)

        @self.app.get("/correct/{word}")
        async def correct(word: str, request: Request) -> str:
            answer = str(request.state.model.correct(word))
            return word if breaks == "answers" else answer

    @asynccontextmanager
    async def lifespan(self, app: FastAPI) -> AsyncIterator[dict[str, Model]]:
        """Count a start and a stop, and go wrong where that is asked for."""
        _note_task(self.tasks)
        self.starts += 1
        if self.breaks == "at startup":
            raise StageError("no words")
        state = {"model": Model({"yield": 1})}
        try:
            yield {} if self.breaks == "without state" else state
        finally:
            self.stops += 1
            if self.breaks == "at shutdown":
                raise StageError("no space left")


def _note_task(tasks: Tasks) -> None:
    task = asyncio.current_task()
    assert task
    tasks.add(task)


@asynccontextmanager
async def bounded() -> AsyncIterator[Tasks]:
    """Give up an answer that waits for ever, and end the apps that it left running.

    Yields:
        A set for the tasks that run these apps.
    """
    tasks: Tasks = set()
    this = asyncio.current_task()
    assert this
    limit = asyncio.timeout(LIMIT)
    try:
        async with limit:
            yield tasks
    except TimeoutError:
        if not limit.expired():
            raise
        raise NotYet("Your code waits for something that doesn't come.") from None
    except asyncio.CancelledError:
        if this.cancelling():
            raise
        raise NotYet("Something in your code was cancelled.") from None
    finally:
        left = tasks - {this}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)


@asynccontextmanager
async def on_stage(breaks: str = "") -> AsyncIterator[Stage]:
    """Give an app to try an answer on."""
    async with bounded() as tasks:
        yield Stage(tasks, breaks)


async def with_hints(answer: Awaitable[Any], stage: Stage) -> Any:
    """Wait for an answer, and say what the errors mean that one gets on the way."""
    try:
        return await answer
    except AttributeError as error:
        if "'State' object" not in str(error):
            raise
        raise NotYet(
            "The app was started, but your request goes past the manager, "
            "who keeps the state."
            if stage.starts
            else NOT_STARTED
        ) from None
    except ValueError as error:
        if "unknown url type" not in str(error):
            raise
        raise NotYet("The client needs a base_url.") from None


@async_verdict
async def ask(answer: Callable[[FastAPI, str], Awaitable[Any]]) -> str:
    """Check a function that starts an app, asks it once and stops it."""
    async with on_stage() as stage:
        said = await with_hints(answer(stage.app, "/correct/yeild"), stage)
        expect(stage.starts, "The app wasn't started.")
        expect(said == "yield", f"The answer should be 'yield', and it is {said!r}.")
        expect(stage.starts == 1, "You start the app more than once.")
        expect(stage.stops, "The app was started, and it is still running.")
    return "Started once, asked, stopped."


class Files:
    """Makes apps with a database, and knows their files.

    Args:
        tasks: takes each task that runs a lifespan.
    """

    def __init__(self, tasks: Tasks) -> None:
        self.tasks = tasks
        self.paths: list[Path] = []
        self.running = 0

    def make_app(self, path: Path) -> FastAPI:
        """Return an app that counts words in a file."""
        self.paths.append(Path(path))

        @asynccontextmanager
        async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, Any]]:
            _note_task(self.tasks)
            with open_database(path) as database:
                self.running += 1
                try:
                    yield {"database": database}
                finally:
                    self.running -= 1

        app = FastAPI(lifespan=lifespan)

        @app.get("/ask/{word}")
        async def ask(word: str, request: Request) -> int:
            request.state.database.add(word)
            return int(request.state.database.times(word))

        return app

    @property
    def left(self) -> list[Path]:
        """Files that are still there."""
        return [path for path in self.paths if path.exists()]

    @contextmanager
    def removed(self) -> Iterator[None]:
        """Remove at the end what an answer left, and the folders that it made."""
        temporary = Path(gettempdir())
        before = set(temporary.iterdir())
        try:
            yield
        finally:
            for path in self.paths:
                path.unlink(missing_ok=True)
                folder = path.parent
                if folder.parent == temporary and folder not in before:
                    with suppress(OSError):
                        folder.rmdir()


Fresh = Callable[
    [Callable[[Path], FastAPI]], AbstractAsyncContextManager[httpx.AsyncClient]
]


@async_verdict
async def fresh(answer: Fresh) -> str:
    """Check that each use works on a database of its own and leaves nothing of it."""
    async with bounded() as tasks:
        files = Files(tasks)
        with files.removed():
            await _use_fresh(answer, files)
    return "Each test has a database of its own, and nothing is left of it."


async def _use_fresh(answer: Fresh, files: Files) -> None:
    async def use(error: Exception | None = None) -> int:
        async with answer(files.make_app) as client:
            expect(files.paths, "The app must come from make_app.")
            times = int((await client.get("/ask/yeild")).json())
            if error:
                raise error
        return times

    try:
        first, second = await use(), await use()
    except sqlite3.OperationalError:
        raise NotYet(
            "The database can't be opened. Is the folder still there when "
            "the app starts?"
        ) from None
    except AttributeError as error:
        raise NotYet(NOT_STARTED if "'State'" in str(error) else f"{error}.") from None
    expect(first == 1, "The first test finds words that somebody asked for before.")
    expect(second == 1, "The second test finds what the first one wrote.")
    expect(not files.running, "The tests are over, and the app is still running.")
    expect(not files.left, "The tests are over, and their files are still there.")
    red = BodyError("a red test")
    try:
        await use(red)
    except BodyError:
        pass
    else:
        raise NotYet("A red test turns green: its error doesn't come out.")
    expect(not files.left, "It works until a test fails. Then its file stays.")
    expect(not files.running, "It works until a test fails. Then the app runs on.")


BROKEN = {
    "at startup": "whose startup fails",
    "without state": "whose lifespan yields no model",
    "answers": "that answers every word with itself",
}


@async_verdict
async def green(test: Callable[[FastAPI], Awaitable[None]]) -> str:
    """Check that a test passes for an app that works, and for no other."""
    async with on_stage() as stage:
        try:
            await test(stage.app)
        except Exception as error:
            why = "" if stage.starts else f" {NOT_STARTED}"
            raise NotYet(
                f"An app that works fails your test with {type(error).__name__}.{why}"
            ) from None
        expect(stage.starts, "Your test is green, and it didn't even start the app.")
        expect(stage.stops, "Your test is over, and the app is still running.")
    for breaks, which in BROKEN.items():
        async with on_stage(breaks) as stage:
            try:
                await test(stage.app)
            except Exception:
                continue
            raise NotYet(f"An app {which} passes your test.")
    return "Green for the app that works, red for three that don't."


@async_verdict
async def client_for(
    answer: Callable[[FastAPI], AbstractAsyncContextManager[httpx.AsyncClient]],
) -> str:
    """Check that neither the app nor the client stays open, whatever raises."""
    async with on_stage() as stage:
        async with answer(stage.app) as client:
            said = await with_hints(client.get("/correct/yeild"), stage)
            expect(said.json() == "yield", "The client doesn't reach the app.")
        expect(stage.stops, "All went well, and the app is still running.")
        expect(client.is_closed, "All went well, and the client is still open.")
    async with on_stage() as stage:
        try:
            async with answer(stage.app) as client:
                raise BodyError("a red test")
        except BodyError:
            pass
        else:
            raise NotYet("Your manager drops the error of the body. Let it go on.")
        expect(stage.stops, "The body raised, and the app is still running.")
        expect(client.is_closed, "The body raised, and the client is still open.")
    async with on_stage("at shutdown") as stage:
        try:
            async with answer(stage.app) as client:
                pass
        except StageError:
            pass
        else:
            raise NotYet("The app's shutdown failed, and nobody is told.")
        expect(client.is_closed, "The shutdown raised, and the client is still open.")
    return "The app is stopped and the client is closed, whatever raises."
