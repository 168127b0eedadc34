"""Checks of the exercises of chapter 2, async context managers."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from copy import copy
from typing import Any, TypeVar

import anyio
import anyio.lowlevel

from lifespan_course.exercises.probes import BodyError, Call
from lifespan_course.verdicts import NotYet, async_verdict, expect

Block = Callable[[], Coroutine[Any, Any, None]]
Manager = AbstractAsyncContextManager[Any]

LONG = 1.0  # seconds until a block that doesn't end is given up
SHORT = 0.02  # seconds that a teardown is given when nobody answers
TURNS = 10  # turns of the event loop that a teardown takes
CHANCES = 5  # awaits at which the body of a cancelled block may be cut


class OpeningError(Exception):
    """Raised by a connection that can't be opened."""


class Hanging(Exception):  # noqa: N818 - stands for no error, but for no end
    """The outcome of a block that had to be given up."""


class Connection:
    """Opens and closes with an await, and keeps what was called and what was done.

    Args:
        broken: it can't be opened.
        silent: nobody answers when it is closed, until it is released.
    """

    def __init__(self, *, broken: bool = False, silent: bool = False) -> None:
        self.broken = broken
        self.answered = asyncio.Event()
        if not silent:
            self.answered.set()
        self.called: tuple[str, ...] = ()
        self.done: tuple[str, ...] = ()

    def open(self) -> Call:
        async def run() -> None:
            await asyncio.sleep(0)
            if self.broken:
                raise OpeningError("the other side doesn't answer")
            self.done += ("open",)

        self.called += ("open",)
        return Call(run)

    def close(self) -> Call:
        async def run() -> None:
            await _turns()
            await self.answered.wait()
            self.done += ("close",)

        self.called += ("close",)
        return Call(run)

    async def release(self) -> None:
        """Answer, and wait for whoever still closes, also in the background."""
        self.answered.set()
        await _turns(2)


@async_verdict
async def connected(answer: Callable[[Connection, float], Manager]) -> str:
    """Check that a connection is opened and closed, each with an await."""
    connection = Connection()

    async def ends_well() -> None:
        async with _async(answer(connection, LONG / 2)) as value:
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
    connection, error = await _around(answer, Connection(), _raise)
    _raise_other(error, BodyError)
    expect(error, "Your manager drops the error of the body. Let it go on.")
    expect(
        "close" in connection.done,
        "It works while the body ends well. When the body raises, the line "
        "after your yield isn't reached.",
    )
    connection, error = await _around(answer, Connection(broken=True), _raise)
    expect(
        "close" not in connection.called,
        "open() failed, and close() was called all the same. "
        "What was not opened is not to be closed.",
    )
    _raise_other(error, OpeningError)
    expect(error, "The error of open() must come out.")
    connection, error = await _around(answer, Connection(), None)
    _raise_other(error)
    expect(
        "close" in connection.done,
        "Body and errors are all right. But when anyio cancels the block, close() is "
        "cut at its await.",
    )
    connection, error = await _around(
        answer, Connection(silent=True), None, limit=SHORT
    )
    expect(
        not isinstance(error, Hanging),
        "It is closed, cancelled or not. But when nobody answers, close() is awaited "
        "longer than limit.",
    )
    _raise_other(error, TimeoutError)
    return "What was opened is closed or given up in time, whatever happens in between."


class Work:
    """Runs until it is cancelled, and keeps what the end of the block did to it.

    Args:
        at_the_end: called when the work has been cancelled and isn't over yet.
    """

    def __init__(self, at_the_end: Callable[[], object] | None = None) -> None:
        self.at_the_end = at_the_end
        self.task: asyncio.Task[Any] | None = None
        self.begun = asyncio.Event()
        self.told = False
        self.over = False

    async def run(self) -> None:
        self.task = asyncio.current_task()
        self.begun.set()
        try:
            await anyio.sleep_forever()
        finally:
            if self.at_the_end:
                self.at_the_end()
            await _turns()

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

    async def body_is_cancelled() -> None:
        if task := asyncio.current_task():
            task.cancel()
        await anyio.sleep_forever()

    work, error = await _beside(answer, Work(), _nothing)
    expect(
        not (isinstance(error, TypeError) and "coroutine was expected" in str(error)),
        "What runs is a call: create_task wants work(), and gets the function work.",
    )
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
    work, error = await _beside(answer, Work(), _raise)
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
    work, error = await _beside(answer, Work(), body_is_cancelled)
    expect(
        isinstance(error, asyncio.CancelledError),
        "When the block itself is cancelled, your manager swallows that.",
    )
    expect(work.over, "When the block itself is cancelled, the work goes on.")
    await _check_hard_ends(answer)
    return "Started, cancelled and awaited, whatever happens in between."


async def _check_hard_ends(answer: Callable[[Block], Manager]) -> None:
    """Check the ends that a first answer seldom thinks of."""
    work, error = await _beside(answer, Work(), None)
    _raise_other(error)
    expect(
        work.over or not work.begun.is_set(),
        "When the body doesn't await, the work begins after the block, and goes on.",
    )
    blocks: list[asyncio.Task[Any]] = []

    async def noted() -> None:
        if task := asyncio.current_task():
            blocks.append(task)

    _, error = await _beside(answer, Work(lambda: blocks[0].cancel()), noted)
    expect(
        isinstance(error, asyncio.CancelledError),
        "While your block waits for the work, the block itself may be cancelled. Your "
        "manager swallows that as if it were the work's own CancelledError.",
    )
    work, error = await _beside(answer, Work(), _nothing, by_anyio=True)
    _raise_other(error)
    expect(
        work.over,
        "When anyio cancels the block, the await for the work is cut: nobody waits "
        "until the work has stopped.",
    )


async def _beside(
    answer: Callable[[Block], Manager],
    work: Work,
    body: Block | None,
    *,
    by_anyio: bool = False,
) -> tuple[Work, BaseException | None]:
    """Go through the learner's block; what became of the work, and what came out.

    Args:
        answer: makes the learner's manager.
        work: runs beside the block.
        body: what the block does when the work has begun; without it the block is
            left at once, without any await.
        by_anyio: the body is cancelled by a scope around the block.
    """
    entered = asyncio.Event()

    async def block() -> None:
        with anyio.CancelScope() as scope:
            try:
                async with _async(answer(work.run)):
                    entered.set()
                    if body:
                        await _begun(work)
                        await body()
                    if by_anyio:
                        await _cut_by(scope)
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


async def _begun(work: Work) -> None:
    try:
        await asyncio.wait_for(work.begun.wait(), LONG / 2)
    except TimeoutError:
        raise NotYet("Inside the block nothing runs the work.") from None


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
        self.heard = False  # said, even if it was too late
        self.closed = False

    def say(self, word: str) -> Call:
        async def run() -> None:
            await _turns()
            await self.answered.wait()
            self.heard = True
            self.said = not self.closed

        return Call(run)

    def close(self) -> None:
        self.closed = True

    async def release(self) -> None:
        """Answer, and wait for whoever still talks, also in the background."""
        self.answered.set()
        await _turns(2)


@async_verdict
async def talking(answer: Callable[[Talk, float], Manager]) -> str:
    """Check a teardown that awaits, when its block is cancelled."""
    left, error = await _around(answer, Talk(), _nothing)
    _raise_other(error)
    expect(left.said, "Nobody is cancelled, and still nothing is said before close().")
    expect(left.closed, "Nobody is cancelled, and still nothing is closed.")
    talk = Talk()
    left, error = await _around(answer, talk, None)
    _raise_other(error)
    expect(
        left.said or not talk.heard,
        "The goodbye goes on in the background, and your teardown is cut while it "
        "waits for it. asyncio.shield protects the goodbye, not the waiting.",
    )
    if not left.said and not left.closed:
        await _look_for_limit(answer)
    expect(
        left.said or left.closed,
        "When the block is cancelled, the goodbye is cut at its await, and close() "
        "isn't reached.",
    )
    expect(
        left.said,
        "close() is reached now. But the goodbye is still cut: what keeps the "
        "cancellation away from it?",
    )
    expect(left.closed, "When the block is cancelled, close() isn't reached.")
    left, error = await _around(answer, Talk(silent=True), None, limit=SHORT)
    expect(
        not isinstance(error, Hanging),
        "The goodbye is said. But when nobody answers, the teardown waits longer "
        "than limit.",
    )
    expect(left.closed, "Nobody answers, the limit passes, and close() isn't reached.")
    _raise_other(error, TimeoutError)
    left, error = await _around(answer, Talk(), _raise)
    _raise_other(error, BodyError)
    expect(error, "Your manager drops the error of the body. Let it go on.")
    expect(left.said and left.closed, "When the body raises, something is left out.")
    return "The goodbye is said or given up in time, and the end is always reached."


async def _look_for_limit(answer: Callable[[Talk, float], Manager]) -> None:
    """Tell a cut goodbye that has a limit from one that has nothing."""
    left, error = await _around(answer, Talk(silent=True), _nothing, limit=SHORT)
    expect(
        isinstance(error, Hanging) or left.said,
        "The goodbye has a limit now. But a limit alone keeps no cancellation away: "
        "the goodbye is cut as before.",
    )


Other = TypeVar("Other", Connection, Talk)


async def _around(
    answer: Callable[[Other, float], Manager],
    other: Other,
    body: Block | None,
    *,
    limit: float = LONG / 2,
) -> tuple[Other, BaseException | None]:
    """Go through the learner's block, without a body in a block that is cancelled.

    Returns:
        The other side as it was when the block was left, and the error that came out.
    """
    left = copy(other)

    async def block() -> None:
        nonlocal left
        try:
            with anyio.CancelScope() as scope:
                async with _async(answer(other, limit)):
                    if body:
                        await body()
                    else:
                        await _cut_by(scope)
        finally:
            left = copy(other)

    error = await _outcome(block, other.release)
    await other.release()
    return left, error


async def _cut_by(scope: anyio.CancelScope) -> None:
    """Be a body that a scope cancels.

    Raises:
        NotYet: the cancellation doesn't arrive, as the learner shielded the body.
    """
    scope.cancel()
    for _ in range(CHANCES):
        await anyio.lowlevel.checkpoint()
    raise NotYet(
        "Your shield stands around the yield, so nothing can cancel the body any "
        "more. Only the teardown is to be shielded."
    )


async def _raise() -> None:
    raise BodyError


async def _turns(times: int = 1) -> None:
    for _ in range(times * TURNS):
        await asyncio.sleep(0)


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
