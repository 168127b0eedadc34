"""Checks of the exercises of chapter 2, async context managers."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Generator
from contextlib import AbstractAsyncContextManager
from copy import copy
from typing import Any

import anyio

from lifespan_course.verdicts import NotYet, async_verdict, expect

Block = Callable[[], Coroutine[Any, Any, None]]
Manager = AbstractAsyncContextManager[Any]

LONG = 1.0  # seconds until a block that doesn't end is given up
SHORT = 0.02  # seconds that a teardown is given when nobody answers
TURNS = 10  # turns of the event loop until a goodbye is said


class BodyError(Exception):
    """Raised by the checks inside the learner's ``async with`` blocks."""


class OpeningError(Exception):
    """Raised by a connection that can't be opened."""


class Hanging(Exception):  # noqa: N818 - stands for no error, but for no end
    """The outcome of a block that had to be given up."""


class Call:
    """What an async function returns, but without a warning when nobody awaits it."""

    def __init__(self, function: Callable[[], Awaitable[None]]) -> None:
        self.function = function

    def __await__(self) -> Generator[Any, None, None]:
        return self.function().__await__()


class Connection:
    """Opens and closes with an await, and keeps what was called and what was done."""

    def __init__(self, *, broken: bool = False) -> None:
        self.broken = broken
        self.called: list[str] = []
        self.done: list[str] = []

    def open(self) -> Call:
        return self._call("open")

    def close(self) -> Call:
        return self._call("close")

    def _call(self, name: str) -> Call:
        async def run() -> None:
            await asyncio.sleep(0)
            if self.broken:
                raise OpeningError("the other side doesn't answer")
            self.done.append(name)

        self.called.append(name)
        return Call(run)


@async_verdict
async def connected(answer: Callable[[Connection], Manager]) -> str:
    """Check that a connection is opened and closed, each with an await."""
    connection = Connection()

    async def ends_well() -> None:
        async with _async(answer(connection)) as value:
            expect(
                "open" in connection.called,
                "Inside the block the connection isn't open.",
            )
            expect(
                "open" in connection.done,
                "You call open(), but nobody awaits it, so nothing is opened.",
            )
            expect("close" not in connection.called, "It is closed before the body.")
            expect(
                value is connection, "The name after as must stand for the connection."
            )

    _raise_other(await _outcome(ends_well))
    expect(
        "close" in connection.called, "After the block the connection is still open."
    )
    expect(
        "close" in connection.done,
        "You call close(), but nobody awaits it, so nothing is closed.",
    )
    connection = Connection()

    async def raises() -> None:
        async with _async(answer(connection)):
            raise BodyError

    error = await _outcome(raises)
    _raise_other(error, BodyError)
    expect(error, "Your manager drops the error of the body. Let it go on.")
    expect(
        "close" in connection.done,
        "It works while the body ends well. When the body raises, the line "
        "after your yield isn't reached.",
    )
    connection = Connection(broken=True)
    error = await _outcome(raises)
    expect(
        "close" not in connection.called,
        "open() failed, and close() was called all the same. "
        "What was not opened is not to be closed.",
    )
    _raise_other(error, OpeningError)
    expect(error, "The error of open() must come out.")
    return "What was opened is closed, whatever happens in between."


class Work:
    """Runs until it is cancelled, and keeps what the end of the block did to it."""

    def __init__(self) -> None:
        self.task: asyncio.Task[Any] | None = None
        self.begun = asyncio.Event()
        self.told = False
        self.over = False

    async def run(self) -> None:
        self.task = asyncio.current_task()
        self.begun.set()
        await anyio.sleep_forever()

    def look(self) -> None:
        if self.task:
            self.told = self.task.cancelling() > 0
            self.over = self.task.done()

    async def stop(self) -> None:
        if self.task and not self.task.done():
            self.task.cancel()
            await asyncio.wait([self.task])


@async_verdict
async def working(answer: Callable[[Block], Manager]) -> str:
    """Check that a task runs beside the block, is cancelled and awaited at its end."""

    async def body_ends() -> None:
        pass

    async def body_raises() -> None:
        raise BodyError

    async def body_is_cancelled() -> None:
        if task := asyncio.current_task():
            task.cancel()
        await anyio.sleep_forever()

    work, error = await _beside(answer, body_ends)
    expect(
        not isinstance(error, asyncio.CancelledError),
        "A CancelledError comes out of your block: whoever awaits a cancelled task "
        "gets it.",
    )
    _raise_other(error)
    expect(work.told, "After the block the work still goes on.")
    expect(
        work.over,
        "The work is told to stop, but the block doesn't wait until it has stopped.",
    )
    work, error = await _beside(answer, body_raises)
    expect(
        work.told or not error,
        "It works while the body ends well. When the body raises, the work goes on: "
        "the lines after your yield aren't reached.",
    )
    expect(
        not isinstance(error, asyncio.CancelledError) and error,
        "The body raised an error, and it is lost on the way out of your block.",
    )
    _raise_other(error, BodyError)
    expect(work.over, "When the body raises, nobody waits until the work has stopped.")
    work, error = await _beside(answer, body_is_cancelled)
    expect(
        isinstance(error, asyncio.CancelledError),
        "When the block itself is cancelled, your manager swallows that.",
    )
    expect(work.over, "When the block itself is cancelled, the work goes on.")
    return "Started, cancelled and awaited, whatever happens in between."


async def _beside(
    answer: Callable[[Block], Manager], body: Block
) -> tuple[Work, BaseException | None]:
    """Go through the learner's block; what became of the work, and what came out."""
    work = Work()
    entered = asyncio.Event()

    async def block() -> None:
        try:
            async with _async(answer(work.run)):
                entered.set()
                try:
                    await asyncio.wait_for(work.begun.wait(), LONG / 2)
                except TimeoutError:
                    raise NotYet("Inside the block nothing runs the work.") from None
                await body()
        finally:
            work.look()

    outcome = await _outcome(block, work.stop)
    await work.stop()
    expect(
        entered.is_set() or not isinstance(outcome, Hanging),
        "Your manager doesn't reach its yield: it waits for work that has no end.",
    )
    expect(
        not isinstance(outcome, Hanging),
        "The end of your block waits for the work, and nobody told the work to stop.",
    )
    return work, outcome


class Talk:
    """Has something to say, which takes a while, and is closed at once.

    Args:
        silent: the other side doesn't answer until it is released.
    """

    def __init__(self, *, silent: bool = False) -> None:
        self.answered = asyncio.Event()
        if not silent:
            self.answered.set()
        self.said = False
        self.closed = False

    def say(self, word: str) -> Call:
        async def run() -> None:
            for _ in range(TURNS):
                await asyncio.sleep(0)
            await self.answered.wait()
            self.said = not self.closed

        return Call(run)

    def close(self) -> None:
        self.closed = True

    async def release(self) -> None:
        """Answer, and wait for whoever still talks, also in the background."""
        self.answered.set()
        for _ in range(2 * TURNS):
            await asyncio.sleep(0)


@async_verdict
async def talking(answer: Callable[[Talk, float], Manager]) -> str:
    """Check a teardown that awaits, when its block is cancelled."""

    async def body_ends() -> None:
        pass

    async def body_raises() -> None:
        raise BodyError

    talk, error = await _around(answer, Talk(), body_ends)
    _raise_other(error)
    expect(talk.said, "Nobody is cancelled, and still nothing is said before close().")
    expect(talk.closed, "Nobody is cancelled, and still nothing is closed.")
    talk, error = await _around(answer, Talk(), None)
    _raise_other(error)
    expect(
        talk.said or talk.closed,
        "When the block is cancelled, the goodbye is cut at its await, and close() "
        "isn't reached.",
    )
    expect(
        talk.said,
        "close() is reached now. But the goodbye is still cut: what keeps the "
        "cancellation away from it?",
    )
    expect(talk.closed, "When the block is cancelled, close() isn't reached.")
    talk, error = await _around(answer, Talk(silent=True), None, limit=SHORT)
    expect(
        not isinstance(error, Hanging),
        "The goodbye is said. But when nobody answers, the teardown waits longer "
        "than limit.",
    )
    expect(talk.closed, "Nobody answers, the limit passes, and close() isn't reached.")
    _raise_other(error, TimeoutError)
    talk, error = await _around(answer, Talk(), body_raises)
    _raise_other(error, BodyError)
    expect(error, "Your manager drops the error of the body. Let it go on.")
    expect(talk.said and talk.closed, "When the body raises, something is left out.")
    return "The goodbye is said or given up in time, and the end is always reached."


async def _around(
    answer: Callable[[Talk, float], Manager],
    talk: Talk,
    body: Block | None,
    *,
    limit: float = LONG / 2,
) -> tuple[Talk, BaseException | None]:
    """Go through the learner's block, without a body in a block that is cancelled.

    Returns:
        The talk as it was when the block was left, and the error that came out.
    """
    left = copy(talk)

    async def block() -> None:
        nonlocal left
        try:
            with anyio.CancelScope() as scope:
                async with _async(answer(talk, limit)):
                    if body:
                        await body()
                    else:
                        scope.cancel()
                        await anyio.sleep_forever()
        finally:
            left = copy(talk)

    error = await _outcome(block, talk.release)
    await talk.release()
    return left, error


def _async(manager: Any) -> Manager:
    expect(
        isinstance(manager, AbstractAsyncContextManager),
        f"async with can't use what you return, of type {type(manager).__name__}. "
        "Which decorator makes an async context manager?",
    )
    return manager  # type: ignore[no-any-return]


async def _nothing() -> None:
    pass


async def _outcome(block: Block, release: Block = _nothing) -> BaseException | None:
    """Run a block in a task of its own, and return the error that came out of it.

    A learner's mistake may cancel, swallow a cancellation or wait for ever; none of
    it reaches whoever called the check.

    Args:
        block: runs the learner's manager around a body.
        release: ends what a block that hangs may be waiting for.

    Returns:
        The error, Hanging if the block doesn't end, or None.

    Raises:
        NotYet: the block itself found what is wrong.
    """
    task = asyncio.create_task(block())
    await asyncio.wait([task], timeout=LONG)
    hanging = not task.done()
    if hanging:
        task.cancel()
        await release()
        await asyncio.wait([task], timeout=LONG)
    error: BaseException | None = None
    if task.cancelled():
        error = asyncio.CancelledError()
    elif task.done():
        error = task.exception()
    if isinstance(error, NotYet):
        raise error
    return Hanging() if hanging else error


def _raise_other(
    error: BaseException | None, expected: type[BaseException] | None = None
) -> None:
    """Raise an outcome that is neither the expected error nor none at all."""
    if error is None or (expected and _consists_of(error, expected)):
        return
    expect(
        not isinstance(error, Hanging), "The end of your block waits, and never ends."
    )
    expect(
        not isinstance(error, asyncio.CancelledError),
        "A CancelledError comes out of your block, and nobody cancelled it.",
    )
    raise error


def _consists_of(error: BaseException, kind: type[BaseException]) -> bool:
    """Tell whether an error, or all that a group holds, is of a kind."""
    if isinstance(error, BaseExceptionGroup):
        return error.split(kind)[1] is None
    return isinstance(error, kind)
