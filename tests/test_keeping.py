"""keep and let_go: something stays open over several cells, and only once."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import pytest

from lifespan_course import keep, let_go

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def resource(log: list[str], name: str = "it") -> AsyncIterator[str]:
    log.append(f"open {name}")
    try:
        yield f"the value of {name}"
    finally:
        log.append(f"close {name}")


@contextmanager
def plain_resource(log: list[str]) -> Iterator[str]:
    log.append("open")
    yield "a plain value"
    log.append("close")


async def test_stays_open_until_let_go() -> None:
    """What is kept is open, gives its value, and is closed when it is let go."""
    log: list[str] = []
    assert await keep("thing", resource(log)) == "the value of it"
    assert log == ["open it"]
    await let_go("thing")
    assert log == ["open it", "close it"]


async def test_a_plain_context_manager() -> None:
    """A context manager without await is kept in the same way."""
    log: list[str] = []
    assert await keep("thing", plain_resource(log)) == "a plain value"
    await let_go("thing")
    assert log == ["open", "close"]


async def test_the_same_name_again() -> None:
    """The second one is opened when the first one has been closed."""
    log: list[str] = []
    await keep("thing", resource(log, "first"))
    await keep("thing", resource(log, "second"))
    await let_go("thing")
    assert log == ["open first", "close first", "open second", "close second"]


async def test_let_go_of_all() -> None:
    """Without a name, everything is closed, the last one first."""
    log: list[str] = []
    await keep("a", resource(log, "first"))
    await keep("b", resource(log, "second"))
    await let_go()
    assert log[2:] == ["close second", "close first"]


async def test_let_go_twice() -> None:
    """Letting go of what isn't kept does nothing."""
    log: list[str] = []
    await keep("thing", resource(log))
    await let_go("thing")
    await let_go("thing")
    assert log == ["open it", "close it"]


async def test_what_does_not_open_is_not_kept() -> None:
    """A failed entry is raised and leaves nothing to be closed."""

    @asynccontextmanager
    async def broken() -> AsyncIterator[None]:
        raise OSError("no such file")
        yield

    with pytest.raises(OSError, match="no such file"):
        await keep("thing", broken())
    await let_go("thing")
