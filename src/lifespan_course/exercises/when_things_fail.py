"""Checks of the exercises of chapter 10, when things fail."""

import asyncio
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from itertools import compress, product
from typing import Any

from fastapi import FastAPI

from lifespan_course.exercises.lifespans import expect_lifespan, expect_state
from lifespan_course.exercises.probes import BodyError, Call
from lifespan_course.verdicts import NotYet, async_verdict, expect
from lifespan_lab import running

Lifespan = Callable[[Any], AbstractAsyncContextManager[Any]]

PARTS = ("startup", "body", "shutdown")
ATTEMPTS = 3
LIMIT = 0.1  # seconds for an attempt to connect
LONG = 1.0  # seconds after which an attempt that hangs is given up by the check
TOO_LONG = {
    "starting": "The start takes too long, and not in connect(). Make no pause between "
    "two attempts.",
    "serving": "The lifespan doesn't come to its end.",
}
TAKEN_FOR_A_FAILURE = (
    ", and its TimeoutError is taken for a failed attempt: the yield stands in both, "
    "the with and the try"
)
TOO_OFTEN = 20  # attempts after which the check makes an end of it
TURNS = 10  # turns of the event loop


class PartError(Exception):
    """Raised by a part of the lifespan that fails."""


@async_verdict
async def outcome(answer: Callable[[list[str]], Any]) -> str:
    """Check what is said of the eight cases against eight runs."""
    cases = [list(compress(PARTS, marks)) for marks in product([0, 1], repeat=3)]
    said = [_pair(answer(list(failing))) for failing in cases]
    expect(any(part for _, part in said), "You say that no error ever comes out.")
    for failing, (runs, part) in zip(cases, said, strict=True):
        really_runs, really_part = await _run_parts(failing)
        case = " and ".join(failing) or "nothing"
        if "startup" in failing:
            expect(
                runs == really_runs,
                f"What fails: {case}. You say that these run: {', '.join(runs)}. "
                "What didn't start isn't stopped.",
            )
            expect(
                part == really_part,
                f"What fails: {case}. Nothing after the startup runs, so nothing after "
                "it can fail.",
            )
        expect(
            "shutdown" in runs or "startup" in failing,
            f"What fails: {case}. The shutdown runs all the same: it is in a finally.",
        )
        expect(
            failing != ["body", "shutdown"] or part != "body",
            "Body and shutdown fail. The later error comes out; it is running that "
            "lets out the first.",
        )
        expect(
            runs == really_runs and part == really_part,
            f"What fails: {case}. Your answer is {(runs, part)}.",
        )
    return "All eight cases are as in the table."


def _pair(answer: Any) -> tuple[list[str], str | None]:
    expect(
        isinstance(answer, tuple) and len(answer) == 2 and isinstance(answer[0], list),
        "Return a pair: the list of the parts that run, and the part whose error comes "
        "out, or None.",
    )
    runs, part = answer
    expect(
        part is None or part in PARTS,
        f"What comes out is named by its part, or it is None; not {part!r}.",
    )
    return runs, part


async def _run_parts(failing: list[str]) -> tuple[list[str], str | None]:
    """Run a lifespan of which these parts fail: what runs, and what comes out."""
    runs: list[str] = []

    def step(part: str) -> None:
        runs.append(part)
        if part in failing:
            raise PartError(part)

    @asynccontextmanager
    async def lifespan() -> AsyncIterator[None]:
        step("startup")
        try:
            yield
        finally:
            step("shutdown")

    try:
        async with lifespan():
            step("body")
    except PartError as error:
        return runs, str(error)
    return runs, None


class Connection:
    """Opens and closes with an await, and keeps what was called and what was done."""

    def __init__(self) -> None:
        self.called: list[str] = []
        self.done: list[str] = []

    def open(self) -> Call:
        """Prepare the opening."""
        return self._call("open")

    def close(self) -> Call:
        """Prepare the closing."""
        return self._call("close")

    def _call(self, name: str) -> Call:
        async def run() -> None:
            await _some_turns()
            self.done.append(name)

        self.called.append(name)
        return Call(run)


class Database:
    """Answers each attempt to connect as it was told to; the last answer is repeated.

    answers: a connection, an error, or None, which hangs.
    """

    def __init__(self, *answers: Connection | Exception | None) -> None:
        self.answers = answers
        self.calls = 0
        self.hung = False

    async def connect(self) -> Connection:
        """Connect, or don't."""
        answer = self.answers[min(self.calls, len(self.answers) - 1)]
        self.calls += 1
        await asyncio.sleep(0)
        if self.calls > TOO_OFTEN:
            return Connection()
        if answer is None:
            if not self.hung:  # one is enough to tell
                await asyncio.sleep(LONG)
                self.hung = True
            raise ConnectionError
        if isinstance(answer, Exception):
            raise answer
        return answer


MakeLifespan = Callable[[Callable[[], Awaitable[Connection]], int, float], Lifespan]


@async_verdict
async def comes_up_late(make_lifespan: MakeLifespan) -> str:
    """Check a lifespan that tries to connect a few times, each time within a limit."""
    connection = Connection()
    database = Database(connection)
    error = await _serve(make_lifespan, database, connection, served_for=2 * LIMIT)
    expect(
        database.calls == 1,
        "connect() has succeeded, and is called again. Leave the loop after a success.",
    )
    _raise(error)
    expect("close" in connection.done, "At the end the connection isn't closed.")
    for answers in ([ConnectionError("refused")] * 2, [None] * 2):
        connection = Connection()
        database = Database(*answers, connection)
        error = await _serve(make_lifespan, database, connection)
        _expect_tried_again(database, error, answers[0])
    for always in (ConnectionError("refused"), None):
        database = Database(always)
        error = await _serve(make_lifespan, database, None)
        _expect_given_up(database, error, always)
    await _expect_no_second_try(make_lifespan)
    await _expect_closed_after(make_lifespan, ConnectionError("in the body"))
    return "It waits for a database that is late, and not for ever."


async def _serve(
    make_lifespan: MakeLifespan,
    database: Database,
    connection: Connection | None,
    body_error: Exception | None = None,
    served_for: float = 0,
) -> Exception | None:
    """Run the learner's lifespan once; the error that comes out."""
    lifespan = make_lifespan(database.connect, ATTEMPTS, LIMIT)
    expect(callable(lifespan), "make_lifespan returns a lifespan: return lifespan.")
    expect_lifespan(lifespan)
    served = interrupted = False
    verdict: NotYet | None = None
    error: Exception | None = None
    try:
        async with asyncio.timeout(2 * LONG) as limit, lifespan(None) as state:
            served = True
            try:
                _expect_connection(state, connection)
            except NotYet as said:  # the lifespan mustn't fail for it, and hide it
                verdict = said
            else:
                interrupted = True
                await asyncio.sleep(served_for)
                interrupted = False
                if body_error is not None:
                    raise body_error
    except asyncio.CancelledError as cancelled:
        _expect_own(cancelled)
    except Exception as raised:
        error = raised
    _raise(verdict)
    if limit.expired() and not database.hung:
        raise NotYet(TOO_LONG["serving" if served else "starting"])
    if interrupted:
        retried = "" if isinstance(error, TimeoutError) else TAKEN_FOR_A_FAILURE
        raise NotYet(f"The limit is at work while the app is served{retried}.")
    return error


def _expect_own(cancelled: asyncio.CancelledError) -> None:
    """Expect that a cancellation is that of who runs the check, and pass it on."""
    task = asyncio.current_task()
    expect(
        task is None or task.cancelling(),
        "A CancelledError comes out. Who awaits a task that was cancelled gets it: "
        "catch it there, and do the rest of the teardown.",
    )
    raise cancelled


def _expect_connection(state: Any, connection: Connection | None) -> None:
    expect_state(state)
    value = (state or {}).get("connection")
    if inspect.iscoroutine(value):
        value.close()
        raise NotYet("You call connect(), but nobody awaits it.")
    if connection is None:
        return
    expect(value is connection, 'Yield the connection as "connection".')
    expect(not connection.called, "The connection is closed before the app is served.")


def _expect_tried_again(
    database: Database, error: Exception | None, answer: Exception | None
) -> None:
    """Expect that two attempts failed and the third one didn't."""
    expect(
        not database.hung,
        "An attempt hangs, and nobody gives it up after limit seconds.",
    )
    if answer is None:
        expect(
            not isinstance(error, TimeoutError),
            "An attempt that hangs has failed, too: each one has a limit of its own, "
            "and TimeoutError is no reason to stop before the last.",
        )
    else:
        expect(
            error is not answer,
            f"The attempts that may fail are {ATTEMPTS}. Yours stop after "
            f"{database.calls}.",
        )
    _raise(error)


def _expect_given_up(
    database: Database, error: Exception | None, answer: Exception | None
) -> None:
    """Expect that all attempts failed, and that the last error came out."""
    expect(database.calls <= TOO_OFTEN, "It never gives up.")
    expect(error, "All attempts fail, and the app is started without a connection.")
    expect(
        database.calls == ATTEMPTS,
        f"For {ATTEMPTS} attempts, connect is called {database.calls} times.",
    )
    right = isinstance(error, TimeoutError) if answer is None else error is answer
    expect(
        right,
        "All attempts fail. The error of the last one should come out, not this: "
        f"{type(error).__name__}.",
    )


async def _expect_no_second_try(make_lifespan: MakeLifespan) -> None:
    wrong = PermissionError("wrong password")
    database = Database(wrong)
    error = await _serve(make_lifespan, database, None)
    expect(
        error is wrong and database.calls == 1,
        "A wrong password is tried again. Catch ConnectionError and TimeoutError, and "
        "nothing else.",
    )


async def _expect_closed_after(
    make_lifespan: MakeLifespan, body_error: Exception
) -> None:
    """Expect that an error of the body comes out, and the connection is closed."""
    connection = Connection()
    database = Database(connection)
    error = await _serve(make_lifespan, database, connection, body_error)
    expect(
        database.calls == 1 and not isinstance(error, RuntimeError),
        "The body raises a ConnectionError, and it is taken for a failed attempt. The "
        "yield stands in the try.",
    )
    expect(error is not None, "The error of the body must go on.")
    _raise(None if error is body_error else error)
    expect(
        connection.called == connection.done == ["close"],
        "When the body raises, the connection stays open.",
    )


class FeedError(Exception):
    """Raised by a feed that crashes."""


class Feed:
    """Runs until it is cancelled or crashes, and keeps what it saw."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.given: Any = None
        self.trouble = asyncio.Event()
        self.task: asyncio.Task[Any] | None = None
        self.runs = False
        self.closed_before_end = False

    async def __call__(self, connection: Any) -> None:
        """Feed, until there is trouble."""
        self.given, self.task, self.runs = connection, asyncio.current_task(), True
        try:
            await self.trouble.wait()
            raise FeedError("the feed is gone")
        finally:
            self.runs = False
            self.closed_before_end = "close" in self.connection.called

    async def release(self) -> None:
        """End the task that ran it, and hear its error, so that nothing is left."""
        if self.task is not None:
            self.task.cancel()
            await asyncio.wait([self.task], timeout=LONG)
            if self.task.done() and not self.task.cancelled():
                self.task.exception()


@async_verdict
async def zombie(make_lifespan: Callable[[Connection, Feed], Lifespan]) -> str:
    """Check a lifespan whose background task may crash alone."""
    await _expect_a_good_end(make_lifespan)
    await _expect_a_lonely_crash(make_lifespan)
    await _expect_a_good_end(make_lifespan, BodyError("stop"))
    return "The feed crashes alone, and the connection is closed in any case."


async def _expect_a_good_end(
    make_lifespan: Callable[[Connection, Feed], Lifespan],
    body_error: BodyError | None = None,
) -> None:
    """Expect that all is closed in order, whether the body raises or not."""
    connection = Connection()
    feed = Feed(connection)
    case = "Nothing fails, and yet" if body_error is None else "When the body raises,"
    lifespan = make_lifespan(connection, feed)
    expect(callable(lifespan), "make_lifespan returns a lifespan.")
    error: BaseException | None = None
    try:
        async with asyncio.timeout(LONG), lifespan(None) as state:
            expect_state(state)
            await _some_turns()
            expect("open" in connection.done, "The connection isn't opened.")
            expect(
                (state or {}).get("connection") is connection,
                'Yield the connection as "connection".',
            )
            expect(feed.runs, "Nobody starts the feed.")
            expect(feed.given is connection, "The feed isn't given the connection.")
            if body_error is not None:
                raise body_error
    except TimeoutError:
        raise NotYet("The lifespan doesn't come to its end.") from None
    except asyncio.CancelledError as cancelled:
        _expect_own(cancelled)
    except (BodyError, BaseExceptionGroup) as raised:
        error = raised
    finally:
        still_runs = feed.runs
        await feed.release()
    _raise_own(error, BodyError)
    expect(not still_runs, f"{case} the feed runs on after the end.")
    expect("close" in connection.called, f"{case} the connection isn't closed.")
    expect(
        "close" in connection.done,
        f"{case} close() is cut at its await, in a scope that is cancelled.",
    )
    expect(not feed.closed_before_end, "It is closed while the feed still uses it.")
    expect(body_error is None or error is not None, "The body's error must go on.")


async def _expect_a_lonely_crash(
    make_lifespan: Callable[[Connection, Feed], Lifespan],
) -> None:
    """Expect that a crash is heard at the end, and closes nothing before."""
    connection = Connection()
    feed = Feed(connection)
    app = FastAPI(lifespan=make_lifespan(connection, feed))
    crash: BaseException | None = None
    try:
        async with running(app, startup_timeout=LONG, shutdown_timeout=LONG):
            await _some_turns()
            feed.trouble.set()
            await asyncio.sleep(LIMIT)
            expect(
                "close" not in connection.called,
                "The feed crashes, and the connection is closed while the app is still "
                "served.",
            )
    except asyncio.CancelledError as cancelled:
        _expect_own(cancelled)
    except (FeedError, BaseExceptionGroup) as raised:
        crash = raised
    finally:
        await feed.release()
    _raise_own(crash, FeedError)
    expect(crash is not None, "The feed crashes, and nobody ever hears of it.")
    expect("close" in connection.done, "After a crash the connection isn't closed.")


async def _some_turns() -> None:
    """Let others have their turns: more than any right answer needs."""
    for _ in range(TURNS):
        await asyncio.sleep(0)


def _raise(error: Exception | None) -> None:
    """Raise an error that is the learner's own."""
    if error is not None:
        raise error


def _raise_own(error: BaseException | None, expected: type[Exception]) -> None:
    """Raise what is in a group beside the error that was expected."""
    if isinstance(error, BaseExceptionGroup):
        _, others = error.split(expected)
        if others is not None:
            raise others
