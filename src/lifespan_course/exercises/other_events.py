"""Checks of the exercises of chapter 12, other events."""

import asyncio
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from fastapi import FastAPI
from fastapi_events.handlers.local import LocalHandler

from lifespan_course.exercises.lifespans import expect_lifespan
from lifespan_course.exercises.probes import BodyError
from lifespan_course.verdicts import NotYet, async_verdict, expect
from lifespan_lab import Events

LIMIT = 1.0  # seconds for a learner's code; what is right takes a thousandth of it

Listener = Callable[[Any], Awaitable[None]]
Lifespan = Callable[[Any], AbstractAsyncContextManager[Any]]
Opener = Callable[[], AbstractAsyncContextManager[str]]


async def _within_limit(work: Awaitable[Any]) -> None:
    """Wait for a learner's code, but not for ever."""
    try:
        async with asyncio.timeout(LIMIT) as limit:
            await work
    except TimeoutError:
        if limit.expired():
            raise NotYet("Your code waits for something that doesn't come.") from None
        raise


@async_verdict
async def hear_every_word(
    make_listeners: Callable[[Callable[[str], None]], LocalHandler],
) -> str:
    """Check a handler that listens to all names with a beginning."""
    heard: list[str] = []
    listeners = make_listeners(heard.append)
    expect(
        isinstance(listeners, LocalHandler),
        "make_listeners has to return the LocalHandler.",
    )
    for name in ("word_corrected", "word_asked", "sword_drawn", "wordless", "started"):
        event = (name, {"word": name})
        await _within_limit(listeners.handle(event))
    expect(heard, "No word was heard.")
    expect("word_asked" in heard, "word_corrected was heard, and word_asked wasn't.")
    expect("started" not in heard, "An event was heard whose name has no word_.")
    expect("sword_drawn" not in heard, "sword_drawn doesn't begin with word_.")
    expect("wordless" not in heard, "wordless doesn't begin with word_, either.")
    expect(
        heard == ["word_corrected", "word_asked"],
        f"Heard for the events word_corrected and word_asked: {heard}. Each event "
        "should be heard once, and by the word of its payload.",
    )
    return "Every event whose name begins with word_ is heard, and no other."


class _Stage:
    """What the lifespan is given: listeners and a database that write to one log."""

    def __init__(self) -> None:
        self.log = Events()
        self.listeners = LocalHandler()  # type: ignore[no-untyped-call]
        self.listeners.register(self.listen)  # type: ignore[no-untyped-call]

    async def listen(self, event: tuple[str, object]) -> None:
        await asyncio.sleep(0)  # a listener that is not waited for is late
        self.log.mark(str(event[0]))

    @asynccontextmanager
    async def open_database(self) -> AsyncIterator[str]:
        with self.log.span("database"):
            yield "the database"

    async def run(self, lifespan: Lifespan, error: Exception | None) -> None:
        """Serve once, and end normally or with the error."""
        try:
            async with lifespan(FastAPI()) as state:
                expect(
                    state == {"database": "the database"},
                    "The lifespan no longer yields the database.",
                )
                self.log.mark("serving")
                if error is not None:
                    raise error
        except BodyError:
            self.log.mark("error")
        finally:
            for _ in range(5):  # turns for tasks that were forgotten
                await asyncio.sleep(0)


@async_verdict
async def announce_the_start(
    make_lifespan: Callable[[LocalHandler, Opener], Lifespan],
) -> str:
    """Check a lifespan that announces its start and its stop, and waits for it."""
    calm = await _announced(make_lifespan, None)
    expect(
        {"started", "stopping"} <= set(calm),
        "Somebody listens to started and to stopping. Heard: "
        f"{', '.join(sorted({'started', 'stopping'} & set(calm))) or 'nothing'}. "
        "`await listeners.handle(...)` calls them and waits for them.",
    )
    expect(
        calm.index("database: start") < calm.index("started") < calm.index("serving"),
        "Who listens to started isn't done before the app serves, or was called "
        "before the database was open.",
    )
    expect(
        calm.index("serving") < calm.index("stopping"),
        "The stop was announced before the app had served.",
    )
    expect(
        calm.index("stopping") < calm.index("database: end"),
        "When who listens to stopping was done, the database was closed.",
    )
    expect(
        calm.count("started") == calm.count("stopping") == 1,
        "An event was handled more than once.",
    )
    broken = await _announced(make_lifespan, BodyError())
    expect(
        "stopping" in broken,
        "When the app is broken off, an error arrives at the yield. Then nobody "
        "hears of the stop.",
    )
    expect("error" in broken, "The error of the app that broke off got lost.")
    expect(
        broken.index("stopping") < broken.index("database: failed"),
        "When the app is broken off, the database closes before the listeners are "
        "done.",
    )
    return (
        "The listeners are done before the app serves and before the database closes."
    )


async def _announced(
    make_lifespan: Callable[[LocalHandler, Opener], Lifespan],
    error: Exception | None,
) -> list[str]:
    stage = _Stage()
    lifespan = make_lifespan(stage.listeners, stage.open_database)
    expect_lifespan(lifespan)
    try:
        await _within_limit(stage.run(lifespan, error))
    except LookupError as lookup:
        expect(
            "middleware" not in str(lookup),
            "dispatch looks for the middleware of a request, and in a lifespan there "
            "is no request.",
        )
        raise
    except ValueError as error:
        expect("unpack" not in str(error), "An event is a pair: (name, payload).")
        raise
    return stage.log.order


@async_verdict
async def one_listener_fails(
    careful: Callable[[Listener, Callable[[Exception], None]], Listener],
) -> str:
    """Check a listener whose errors are reported, and go no further."""
    heard: list[object] = []
    errors: list[Exception] = []
    failure = BodyError("no connection")

    async def hear(event: object) -> None:
        heard.append(event)

    async def fail(event: object) -> None:
        raise failure

    async def be_cancelled(event: object) -> None:
        raise asyncio.CancelledError

    async def call(listener: Listener) -> None:
        listen = careful(listener, errors.append)
        expect(
            inspect.iscoroutinefunction(listen),
            "careful has to return an async function that takes the event.",
        )
        await _within_limit(listen(("ordered", None)))

    await call(hear)
    expect(heard == [("ordered", None)], "A listener that is well isn't called.")
    expect(not errors, "An error was reported, and there was none.")
    try:
        await call(fail)
    except BodyError:
        raise NotYet("The error of the listener comes out, and ends the row.") from None
    expect(errors, "The error of the listener was not reported.")
    expect(errors == [failure], "What was reported isn't the error itself.")
    try:
        await call(be_cancelled)
    except asyncio.CancelledError:
        return "An error is reported and goes no further. A cancellation goes on."
    raise NotYet("A cancellation has to go on, and your listener keeps it.")
