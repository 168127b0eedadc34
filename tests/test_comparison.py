"""Two runs of an app, compared."""

from collections.abc import AsyncIterator, Callable
from contextlib import (
    AbstractAsyncContextManager,
    asynccontextmanager,
    contextmanager,
)
from typing import Any

import pytest
from fastapi import FastAPI

from lifespan_course.comparison import (
    PlannedError,
    Record,
    compare,
    log,
    marked,
    record,
)
from lifespan_lab import Events

pytestmark = pytest.mark.anyio
Lifespan = Callable[[Any], AbstractAsyncContextManager[Any]]


async def connect() -> None:
    with log.span("connect"):
        pass


def load() -> None:
    with log.span("load"):
        pass


async def disconnect() -> None:
    with log.span("disconnect"):
        pass


@asynccontextmanager
async def right(app: Any) -> AsyncIterator[None]:
    await connect()
    load()
    yield
    await disconnect()


@asynccontextmanager
async def forgotten(app: Any) -> AsyncIterator[None]:
    await connect()
    load()
    yield


@asynccontextmanager
async def doubled(app: Any) -> AsyncIterator[None]:
    async with right(app):
        load()
        yield


@asynccontextmanager
async def reordered(app: Any) -> AsyncIterator[None]:
    load()
    await connect()
    yield
    await disconnect()


@asynccontextmanager
async def unawaited(app: Any) -> AsyncIterator[None]:
    await connect()
    load()
    yield
    disconnect()  # type: ignore[unused-coroutine]  # the mistake in question


@asynccontextmanager
async def new(app: Any) -> AsyncIterator[None]:
    async with right(app):
        yield
        with log.span("report"):
            pass


@asynccontextmanager
async def failing(app: Any) -> AsyncIterator[None]:
    async with right(app):
        yield
        raise OSError("the disk is full")


def app_with(lifespan: Lifespan, answer: str = "yes") -> FastAPI:
    app = FastAPI(lifespan=lifespan)

    @app.get("/")
    async def ask() -> str:
        if answer == "broken":
            raise LookupError(answer)
        return answer

    return app


async def difference(lifespan: Lifespan, answer: str = "yes") -> list[str]:
    """What is different from an app that is right."""
    before = await record(app_with(right), "/")
    return compare(before, await record(app_with(lifespan, answer), "/")).found


async def test_same() -> None:
    """Two runs of one app are the same."""
    assert await difference(right) == []


@pytest.mark.parametrize(
    ("lifespan", "found"),
    [
        (forgotten, ["missing: disconnect"]),
        (doubled, ["doubled: load, twice; before: once"]),
        (reordered, ["out of order: load, connect; before: connect, load"]),
        (unawaited, ["not awaited: disconnect"]),
        (new, ["new: report"]),
        (
            failing,
            [
                "new: the app raises, OSError('the disk is full')",
                "missing: disconnect",
            ],
        ),
    ],
)
async def test_mistakes(lifespan: Lifespan, found: list[str]) -> None:
    """Each mistake is named, and nothing else with it."""
    assert await difference(lifespan) == found


async def test_values() -> None:
    """A request that is answered otherwise, or not at all, is a difference."""
    other = await difference(right, "no")
    assert other == ['another value: GET /, "no"; before: "yes"']
    [broken] = await difference(right, "broken")
    assert broken.startswith("another value: GET /, raises LookupError")


async def test_fewer() -> None:
    """What ran twice and runs once is a difference, but nothing has moved."""
    before, after = [
        await record(app_with(lifespan), "/") for lifespan in (doubled, right)
    ]
    assert compare(before, after).found == ["fewer: load, once; before: twice"]


async def test_another_end() -> None:
    """A handler that ended in another way is a difference."""
    runs = [
        await record(app_with(right), failing=failing)
        for failing in (None, "disconnect")
    ]
    app_raises, other = compare(*runs).found
    assert other.startswith("another end: disconnect, ")
    assert "PlannedError" in other
    assert app_raises.startswith("new: the app raises, PlannedError")


def run_of(*names: str) -> Record:
    """A run in which these begin and end, one after the other."""
    events = Events()
    for name in names:
        with events.span(name):
            pass
    return Record(tuple(events))


def order(before: Record, after: Record) -> str:
    return compare(before, after).found[-1]


async def test_what_has_moved() -> None:
    """What stands where it stood isn't told."""
    before, after = run_of("a", "b", "c", "d"), run_of("a", "c", "b", "d")
    assert order(before, after) == "out of order: c, b; before: b, c"


async def test_moved_and_fewer() -> None:
    """Of what runs less often, as many as are left are compared in their order."""
    before, after = run_of("a", "b", "a", "c"), run_of("c", "a", "b")
    assert compare(before, after).found == [
        "fewer: a, once (the first); before: twice",
        "out of order: c, a, b; before: a, b, c",
    ]


@pytest.mark.parametrize(
    ("kept", "which"),
    [
        (["a", "b", "c"], " (the first)"),
        (["b", "a", "c"], " (the second)"),
        (["b", "c", "a"], " (the third)"),
    ],
)
async def test_which_is_left(kept: list[str], which: str) -> None:
    """Of several runs of a handler, the one that is left is named by its place."""
    before = run_of("a", "b", "a", "c", "a")
    told = f"fewer: a, once{which}; before: three times"
    assert compare(before, run_of(*kept)).found == [told]


async def test_which_is_left_beside_what_has_moved() -> None:
    """The one that is left is named also if something else stands elsewhere."""
    before, after = run_of("a", "b", "c", "a"), run_of("a", "c", "b")
    assert compare(before, after).found == [
        "fewer: a, once (the first); before: twice",
        "out of order: c, b; before: b, c",
    ]


async def test_on_purpose() -> None:
    """What was told and happens is no difference; what was told and doesn't, is one."""
    before = await record(app_with(right), "/")
    told = ["missing: disconnect"]
    comparison = compare(before, await record(app_with(forgotten), "/"), told)
    assert comparison.same
    assert repr(comparison) == "The same, but for 1 change on purpose."
    comparison = compare(before, await record(app_with(right), "/"), told)
    assert not comparison.same
    assert comparison.absent == told


async def test_copied_from_the_output() -> None:
    """A line that was wrapped can be told as it is shown."""
    names = [f"handler_{number}" for number in range(8)]
    before, after = run_of(*names), run_of(*reversed(names))
    _, shown = repr(compare(before, after)).split("NOT THE SAME:")
    assert shown.count("\n") > 1
    assert compare(before, after, [shown]).same


@asynccontextmanager
async def marking(app: Any) -> AsyncIterator[None]:
    log.mark("ready")
    yield


async def test_mark_told_to_fail() -> None:
    """A mark fails in the run that asks for it, and is noted before."""
    bad_day = await record(app_with(marking), failing="ready")
    assert bad_day.labels == ["ready", "the app raises"]
    assert (await record(app_with(marking))).labels == ["ready", "serving"]


async def test_told_to_fail() -> None:
    """A span fails in the run that asks for it, and in no other."""
    bad_day = await record(app_with(right), failing="load")
    load()
    assert bad_day.labels[-2:] == ["load: failed", "the app raises"]
    assert await difference(right) == []


async def fail_inside(manager: AbstractAsyncContextManager[str]) -> None:
    async with manager as value:
        raise PlannedError(value)


async def test_marked() -> None:
    """A context manager is entered in one span, left in another, and told of errors."""
    told = []

    @contextmanager
    def resource() -> Any:
        with log.span("inside"):
            try:
                yield "value"
            except PlannedError as error:
                told.append(error)
                raise

    log.clear()
    with pytest.raises(PlannedError):
        await fail_inside(marked("open", resource(), "close"))
    assert log.order == [
        "open: start",
        "inside: start",
        "open: end",
        "close: start",
        "inside: failed",
        "close: end",
    ]
    assert [str(error) for error in told] == ["value"]
