"""Checks of the exercises of chapter 4, running in-process."""

import asyncio
import sqlite3
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import (
    AbstractAsyncContextManager,
    asynccontextmanager,
    contextmanager,
    suppress,
)
from pathlib import Path
from tempfile import gettempdir
from typing import Annotated, Any

import httpx
from fastapi import Depends, FastAPI, Request

from lifespan_course.cast import Model, open_database
from lifespan_course.exercises.probes import BodyError
from lifespan_course.verdicts import NotYet, async_verdict, expect

LIMIT = 2.0  # seconds for an answer; one that is right takes a hundredth of it

NOT_STARTED = "Nobody started the app: a transport alone runs no lifespan."
NO_STATE = (
    "The app was started, but the request has no state. "
    "It comes along with manager.app of a LifespanManager."
)
NO_AWAIT = "An await is missing: what an async function returns is a coroutine."

Tasks = set[asyncio.Task[Any]]


class StageError(Exception):
    """Raised by an app of the checks, where it is made to fail."""


async def real_database() -> str:
    """Stand for the database that a test must not touch."""
    return "the real database"


class Stage:
    """An app that knows how often it was started and stopped.

    Args:
        tasks: takes each task that runs the lifespan.
        breaks: what is wrong with the app: nothing, or "at startup", "at shutdown",
            "without state", "answers", "plural".
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
            return {"answers": word, "plural": "yields"}.get(breaks, answer)

        @self.app.get("/database")
        async def database(found: Annotated[str, Depends(real_database)]) -> str:
            return found

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
        # One of another loop is TestClient's, and ended with it.
        loop = this.get_loop()
        left = {task for task in tasks - {this} if task.get_loop() is loop}
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
    hint = ""
    with warnings.catch_warnings():  # the hint says the same, and says it once
        warnings.filterwarnings("ignore", ".* was never awaited", RuntimeWarning)
        try:
            return await answer
        except AttributeError as error:
            if "'coroutine' object" in str(error):
                hint = NO_AWAIT
            elif "'State' object" in str(error):
                hint = NO_STATE if stage.starts else NOT_STARTED
            else:
                raise
        except ValueError as error:
            if "unknown url type" not in str(error):
                raise
            hint = "The client needs a base_url."
    raise NotYet(hint)


@async_verdict
async def ask(answer: Callable[[FastAPI, str], Awaitable[Any]]) -> str:
    """Check a function that starts an app, asks it once and stops it."""
    async with on_stage() as stage:
        said = await with_hints(answer(stage.app, "/correct/yeild"), stage)
        expect(stage.starts, "The app wasn't started.")
        expect(
            all(task.get_loop() is asyncio.get_running_loop() for task in stage.tasks),
            "The app ran in an event loop of its own, as with TestClient. "
            "Take LifespanManager and httpx.AsyncClient.",
        )
        expect(said == "yield", f"The answer should be 'yield', and it is {said!r}.")
        expect(stage.starts == 1, "You start the app more than once.")
        expect(stage.stops, "The app was started, and it is still running.")
        names = getattr(getattr(answer, "__code__", None), "co_names", ())
        expect("running" not in names, "It works. Now build it without running.")
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
    expect(
        all(path.name != ":memory:" for path in files.paths),
        "In memory is a good place, too. But here it is to be a file in a folder.",
    )
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
    "plural": "that answers every word with 'yields'",
}


@async_verdict
async def green(test: Callable[[FastAPI], Awaitable[None]]) -> str:
    """Check that a test passes for an app that works, and for no other."""
    async with on_stage() as stage:
        try:
            await with_hints(test(stage.app), stage)
        except NotYet:
            raise
        except Exception as error:
            why = NOT_STARTED
            if stage.starts:
                why = (
                    "The JSON of the answer is 'yield'; its text has quotes around it."
                )
            raise NotYet(
                f"An app that works fails your test with {type(error).__name__}. {why}"
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
    return "Green for the app that works, red for four that don't."


With = Callable[
    [FastAPI, Callable[[], Awaitable[str]], str],
    AbstractAsyncContextManager[httpx.AsyncClient],
]


@async_verdict
async def client_with(answer: With) -> str:
    """Check that an override is gone after the block, whatever raises."""
    own = "the test's database"

    async with on_stage() as stage:
        async with answer(stage.app, real_database, own) as client:
            found = (await client.get("/database")).json()
            expect(found == own, f"The endpoint gets {found!r}.")
            expect(stage.starts, NOT_STARTED)
        _all_over(stage, "All went well")
    async with on_stage() as stage:
        try:
            async with answer(stage.app, real_database, own):
                raise BodyError("a red test")
        except BodyError:
            pass
        else:
            raise NotYet("Your manager drops the error of a red test. Let it go on.")
        _all_over(stage, "The test was red")
    for breaks in ("at startup", "at shutdown"):
        async with on_stage(breaks) as stage:
            try:
                async with answer(stage.app, real_database, own):
                    pass
            except StageError:
                pass
            else:
                raise NotYet(f"The app fails {breaks}, and nobody is told.")
            _all_over(stage, f"The app failed {breaks}", stopped=False)
    return "The override is gone, whatever raises."


def _all_over(stage: Stage, ending: str, *, stopped: bool = True) -> None:
    if stopped:
        expect(stage.stops, f"{ending}, and the app is still running.")
    expect(not stage.app.dependency_overrides, f"{ending}, and the override stays.")
