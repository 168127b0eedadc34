"""bounded: a lifespan with limits, and as without them while they hold."""

import asyncio
import logging
import math
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from contextvars import ContextVar
from functools import partial
from typing import Any

import anyio
import anyio.lowlevel
import pytest
import trio
import trio.testing
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from lifespan_lab import running
from lifespan_lab.bounds import bounded
from tests import probes
from tests.probes import (
    Lifespan,
    asyncio_only,
    failure,
    nothing,
    pause,
    trio_only,
)

pytestmark = pytest.mark.anyio

SHORT = 0.02  # seconds, for a limit that shall pass
LONG = 5.0  # seconds, for a limit that shall not

anyio_backend = probes.anyio_backend
_nothing_left = probes.nothing_left
tasks = probes.tasks


@pytest.fixture(params=["unbounded", "no limit", "limits"])
def wrap(request: pytest.FixtureRequest) -> Callable[[Lifespan], Lifespan]:
    """What may be done to a lifespan, and nobody notices."""
    return {
        "unbounded": lambda lifespan: lifespan,
        "no limit": bounded,
        "limits": partial(bounded, startup=LONG, shutdown=LONG),
    }[request.param]


async def hang() -> None:
    await anyio.sleep(1000 * LONG)


async def block_the_thread() -> None:
    """Let time pass without an await; trio's clock is told that it did."""
    try:
        clock = trio.lowlevel.current_clock()
    except RuntimeError:
        time.sleep(2 * SHORT)  # noqa: ASYNC251 - it blocks, and that's the point
    else:
        assert isinstance(clock, trio.testing.MockClock)
        clock.jump(2 * SHORT)


def resource(log: list[str], **steps: Any) -> Lifespan:
    """A lifespan named database, which writes to the log."""
    return probes.resource("database", log.append, **steps)


# Within the limits


async def test_within_the_limits(
    wrap: Callable[[Lifespan], Lifespan], tasks: bool
) -> None:
    """A lifespan that keeps its limits starts, yields and stops as it would."""
    log: list[str] = []
    lifespan = wrap(resource(log, startup=pause, shutdown=pause, tasks=tasks))
    for _ in range(2):  # it can be used again
        log.clear()
        async with lifespan(None) as state:
            assert state == {"database": "open"}
            assert log == ["starting", "started"]
        assert log == ["starting", "started", "stopping", "stopped"]


@pytest.mark.parametrize("anyio_backend", ["asyncio"], indirect=True)
async def test_no_limit_holds_while_serving() -> None:
    """The limits are for the startup and the shutdown, not for the time between."""
    log: list[str] = []
    async with bounded(resource([]), startup=SHORT, shutdown=SHORT)(None):
        await anyio.sleep(2 * SHORT)
        log.append("served")
    assert log == ["served"]


@trio_only
async def test_no_limit_holds_while_serving_on_trio() -> None:
    """The same on trio, for a day."""
    log: list[str] = []
    async with bounded(resource([]), startup=SHORT, shutdown=SHORT)(None):
        await anyio.sleep(24 * 60 * 60)
        log.append("served")
    assert log == ["served"]


async def test_an_app_is_served(tasks: bool) -> None:
    """A bounded lifespan is one for Starlette, and its state reaches a request."""

    async def endpoint(request: Request) -> JSONResponse:
        return JSONResponse(request.state.database)

    lifespan = bounded(resource([], tasks=tasks), startup=LONG, shutdown=LONG)
    app = Starlette(routes=[Route("/", endpoint)], lifespan=lifespan)
    async with running(app) as client:
        assert (await client.get("/")).json() == "open"


async def test_state_is_passed_on() -> None:
    """A lifespan that wants the state from outside gets it; it may be left out."""

    @asynccontextmanager
    async def worker(app: object, state: Mapping[str, Any]) -> AsyncIterator[Any]:
        yield {"app": app, "state": state}

    given = {"database": "open"}
    async with bounded(worker)("app", state=given) as got:
        assert got == {"app": "app", "state": given}
        assert got["state"] is given
    async with bounded(bounded(worker))("app") as got:
        assert got == {"app": "app", "state": {}}


async def test_yields_nothing(wrap: Callable[[Lifespan], Lifespan]) -> None:
    """A lifespan that yields nothing yields None."""

    @asynccontextmanager
    async def silent(app: object) -> AsyncIterator[None]:
        yield

    async with wrap(silent)(None) as state:
        assert state is None


async def test_context_variables(wrap: Callable[[Lifespan], Lifespan]) -> None:
    """A ContextVar that the lifespan sets is seen by the block, and by its end."""
    variable: ContextVar[str] = ContextVar("variable", default="unset")

    @asynccontextmanager
    async def lifespan(app: object) -> AsyncIterator[None]:
        variable.set("startup")
        yield
        assert variable.get() == "block"
        variable.set("shutdown")

    async with wrap(lifespan)(None):
        assert variable.get() == "startup"
        variable.set("block")
    assert variable.get() == "shutdown"


# Errors, as without limits


@pytest.mark.parametrize(
    "error",
    [
        ValueError("contxt"),
        ExceptionGroup("mine", [ValueError()]),
        StopAsyncIteration(),
        GeneratorExit(),
        KeyboardInterrupt(),
        TimeoutError("mine"),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_the_blocks_error(
    wrap: Callable[[Lifespan], Lifespan], error: BaseException
) -> None:
    """The block's error is raised at the yield, and comes out as the same object."""
    seen: list[BaseException] = []

    @asynccontextmanager
    async def lifespan(app: object) -> AsyncIterator[None]:
        try:
            yield
        except BaseException as raised:
            seen.append(raised)
            await pause()
            raise

    with pytest.raises(type(error)) as caught:
        async with wrap(lifespan)(None):
            raise error
    assert caught.value is error
    assert seen == [error]
    assert not hasattr(error, "__notes__")
    assert error.__context__ is None


async def test_the_blocks_error_is_suppressed(
    wrap: Callable[[Lifespan], Lifespan],
) -> None:
    """The lifespan may suppress the block's error."""

    @asynccontextmanager
    async def lifespan(app: object) -> AsyncIterator[None]:
        try:
            yield
        except ValueError:
            await pause()

    async with wrap(lifespan)(None):
        raise ValueError


async def test_the_blocks_error_is_replaced(
    wrap: Callable[[Lifespan], Lifespan],
) -> None:
    """The lifespan may raise another error instead, which keeps its chain."""
    first, other = ValueError("first"), OSError("other")
    with pytest.raises(OSError, match="other") as caught:
        async with wrap(resource([], shutdown=failure(other)))(None):
            raise first
    assert caught.value is other
    assert other.__context__ is first
    assert not hasattr(first, "__notes__")


@pytest.mark.parametrize("phase", ["startup", "shutdown"])
@pytest.mark.parametrize(
    "error",
    [OSError("no words"), TimeoutError("its own"), SystemExit(3)],
    ids=lambda error: type(error).__name__,
)
async def test_the_lifespans_error(
    wrap: Callable[[Lifespan], Lifespan], phase: str, error: BaseException
) -> None:
    """An error of the startup or the shutdown comes out as the same object."""
    steps: dict[str, Any] = {phase: failure(error)}
    with pytest.raises(type(error)) as caught:
        async with wrap(resource([], **steps))(None):
            assert phase == "shutdown"
    assert caught.value is error
    assert error.__cause__ is None
    assert not hasattr(error, "__notes__")


async def test_a_crash_in_use(wrap: Callable[[Lifespan], Lifespan]) -> None:
    """The lifespan's task crashes: the block is cancelled, the crash comes out."""
    log: list[str] = []
    error = ValueError("the worker crashed")
    lifespan = wrap(resource(log, use=failure(error), tasks=True))
    with pytest.raises(ExceptionGroup) as caught:
        async with lifespan(None):
            await hang()
    assert caught.value.exceptions == (error,)
    assert log == ["starting", "started", "stopping", "stopped"]


async def test_the_lifespan_breaks_off_in_use(
    wrap: Callable[[Lifespan], Lifespan],
) -> None:
    """The lifespan cancels its own scope: the block is cut short, without an error."""

    @asynccontextmanager
    async def lifespan(app: object) -> AsyncIterator[None]:
        with anyio.CancelScope() as scope:
            scope.cancel()
            yield

    async with wrap(lifespan)(None):
        await hang()
        pytest.fail("the block goes on")


@pytest.mark.parametrize("phase", ["startup", "use", "shutdown"])
async def test_cancelled_from_outside(
    wrap: Callable[[Lifespan], Lifespan], phase: str, tasks: bool
) -> None:
    """A cancelled scope around it all is obeyed in each phase."""
    log: list[str] = []

    async def cancel() -> None:
        scope.cancel()
        await hang()

    steps: dict[str, Any] = {} if phase == "use" else {phase: cancel}
    with anyio.CancelScope() as scope:
        async with wrap(resource(log, tasks=tasks, **steps))(None):
            await (cancel() if phase == "use" else nothing())
    assert scope.cancelled_caught
    assert (
        log
        == {
            "startup": ["starting", "stopping", "stopped"],
            "use": ["starting", "started", "stopping", "stopped"],
            "shutdown": ["starting", "started", "stopping"],
        }[phase]
    )


@asyncio_only
@pytest.mark.parametrize("phase", ["startup", "use", "shutdown"])
async def test_cancelled_by_asyncio(
    wrap: Callable[[Lifespan], Lifespan], phase: str, tasks: bool
) -> None:
    """A cancelled task is cancelled in each phase, with the message that it got."""
    reached = asyncio.Event()

    async def reach() -> None:
        reached.set()
        await hang()

    async def serve() -> None:
        steps: dict[str, Any] = {} if phase == "use" else {phase: reach}
        async with wrap(resource([], tasks=tasks, **steps))(None):
            await (reach() if phase == "use" else nothing())

    task = asyncio.create_task(serve())
    await reached.wait()
    task.cancel("the message")
    with pytest.raises(asyncio.CancelledError, match="the message"):
        await task
    assert task.cancelled()


@asyncio_only
async def test_entered_in_one_task_and_left_in_another(
    wrap: Callable[[Lifespan], Lifespan],
) -> None:
    """On asyncio each end may stand in a task of its own."""
    log: list[str] = []
    block = wrap(resource(log))(None)
    await asyncio.create_task(block.__aenter__())
    await asyncio.create_task(block.__aexit__(None, None, None))
    assert log == ["starting", "started", "stopping", "stopped"]


@asyncio_only
async def test_too_late_in_another_task() -> None:
    """The limit of the shutdown cancels the task that leaves."""
    block = bounded(resource([], shutdown=hang), shutdown=SHORT)(None)
    await asyncio.create_task(block.__aenter__())
    with pytest.raises(TimeoutError, match="The shutdown of database"):
        await asyncio.create_task(block.__aexit__(None, None, None))


# A limit passes


async def test_the_startup_is_too_late(tasks: bool) -> None:
    """The startup is cancelled, and the error names what, which phase and the limit."""
    log: list[str] = []
    lifespan = bounded(resource(log, startup=hang, tasks=tasks), startup=SHORT)
    with pytest.raises(TimeoutError) as caught:
        async with lifespan(None):
            pytest.fail("the block is not entered")
    assert str(caught.value) == (
        "The startup of database took longer than 0.02 s. The traceback above shows "
        "where it was cancelled, if it could be; bounded(..., startup=) allows more."
    )
    assert isinstance(caught.value.__cause__, anyio.get_cancelled_exc_class())
    assert not hasattr(caught.value, "__notes__")
    assert log == ["starting", "stopping", "stopped"]


async def test_the_shutdown_is_too_late(
    tasks: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """The shutdown is cancelled, and the error names it."""
    log: list[str] = []
    lifespan = bounded(resource(log, shutdown=hang, tasks=tasks), shutdown=SHORT)
    with pytest.raises(TimeoutError) as caught:
        async with lifespan(None):
            await pause()
    assert str(caught.value) == (
        "The shutdown of database took longer than 0.02 s. The traceback above shows "
        "where it was cancelled, if it could be; bounded(..., shutdown=) allows more."
    )
    assert isinstance(caught.value.__cause__, anyio.get_cancelled_exc_class())
    assert log == ["starting", "started", "stopping"]
    assert not caplog.records


async def test_an_error_of_the_cancelled_startup(tasks: bool) -> None:
    """What a cancelled startup raises is the cause of the TimeoutError."""
    error = OSError("half open")
    lifespan = resource([], startup=hang, shutdown=failure(error), tasks=tasks)
    with pytest.raises(TimeoutError, match="The startup of database") as caught:
        async with bounded(lifespan, startup=SHORT)(None):
            pytest.fail("the block is not entered")
    cause = caught.value.__cause__
    if isinstance(cause, BaseExceptionGroup):  # a task group's; trio adds its task
        assert error in cause.exceptions
    else:
        assert cause is error


async def test_no_time_at_all() -> None:
    """A limit of 0 seconds is one: it passes before the first wait is over."""
    with pytest.raises(TimeoutError, match="longer than 0 s"):
        async with bounded(resource([], startup=hang), startup=0)(None):
            pytest.fail("the block is not entered")


async def test_the_block_is_left_as_it_was() -> None:
    """After a TimeoutError nothing of the cancellation is left in the task."""
    with pytest.raises(TimeoutError):
        async with bounded(resource([], shutdown=hang), shutdown=SHORT)(None):
            pass
    with anyio.CancelScope() as scope:
        await pause()
    assert not scope.cancel_called


@pytest.mark.parametrize("phase", ["startup", "shutdown"])
async def test_limits_are_apart(phase: str) -> None:
    """A limit for the one phase is none for the other."""

    async def dawdle() -> None:
        await anyio.sleep(2 * SHORT)

    other: dict[str, Any] = {"startup": "shutdown", "shutdown": "startup"}
    limits: dict[str, Any] = {phase: SHORT, other[phase]: None}
    steps: dict[str, Any] = {other[phase]: dawdle}
    async with bounded(resource([], **steps), **limits)(None):
        pass
    steps = {phase: dawdle}
    with pytest.raises(TimeoutError, match=phase):
        async with bounded(resource([], **steps), **limits)(None):
            pass


# The clean-up after a limit


@asyncio_only
async def test_the_clean_up_may_await_on_asyncio(tasks: bool) -> None:
    """On asyncio a lifespan is cancelled once, and its clean-up may await."""
    log: list[str] = []
    lifespan = resource(log, startup=hang, shutdown=pause, tasks=tasks)
    with pytest.raises(TimeoutError):
        async with bounded(lifespan, startup=SHORT, grace=LONG)(None):
            pass
    assert log == ["starting", "stopping", "stopped"]


@trio_only
async def test_the_clean_up_may_not_await_on_trio(tasks: bool) -> None:
    """On trio each await is cancelled from the limit on."""
    log: list[str] = []
    lifespan = resource(log, startup=hang, shutdown=pause, tasks=tasks)
    with pytest.raises(TimeoutError):
        async with bounded(lifespan, startup=SHORT, grace=LONG)(None):
            pass
    assert log == ["starting", "stopping"]


async def test_a_shielded_clean_up_may_await() -> None:
    """A clean-up that shields itself may await on both."""
    log: list[str] = []

    async def close() -> None:
        with anyio.move_on_after(LONG, shield=True):
            await pause()

    lifespan = resource(log, startup=hang, shutdown=close)
    with pytest.raises(TimeoutError):
        async with bounded(lifespan, startup=SHORT, grace=LONG)(None):
            pass
    assert log == ["starting", "stopping", "stopped"]


@asyncio_only
async def test_cancelled_again_after_grace() -> None:
    """A clean-up that hangs is cancelled, too, and the clean-up of that one."""
    log: list[str] = []

    async def hang_again_and_again() -> None:
        for attempt in range(3):
            try:
                await hang()
            except asyncio.CancelledError:
                log.append(f"cancelled {attempt}")

    lifespan = resource([], shutdown=hang_again_and_again)
    with pytest.raises(TimeoutError, match="shutdown"):
        async with bounded(lifespan, shutdown=SHORT, grace=SHORT)(None):
            pass
    assert log == ["cancelled 0", "cancelled 1", "cancelled 2"]


@asyncio_only
@pytest.mark.parametrize("grace", [LONG, math.inf])
async def test_not_cancelled_again_within_grace(grace: float) -> None:
    """A clean-up that needs several times the limit, but not `grace`, gets it."""
    log: list[str] = []

    async def close() -> None:
        try:
            await hang()
        finally:
            await anyio.sleep(5 * SHORT)
            log.append("closed")

    lifespan = resource([], shutdown=close)
    with pytest.raises(TimeoutError):
        async with bounded(lifespan, shutdown=SHORT, grace=grace)(None):
            pass
    assert log == ["closed"]


# What can't be bounded


async def test_a_startup_that_blocks_the_thread(tasks: bool) -> None:
    """It is waited for, has missed its limit, and is closed without serving."""
    log: list[str] = []
    seen: list[BaseException] = []

    async def close() -> None:
        await pause()
        log.append("closed")

    blocking = resource(log, startup=block_the_thread, shutdown=close, tasks=tasks)

    @asynccontextmanager
    async def model(app: object) -> AsyncIterator[None]:
        async with blocking(app):
            try:
                yield
            except BaseException as error:
                seen.append(error)
                raise

    with pytest.raises(TimeoutError, match="The startup of model took") as caught:
        async with bounded(model, startup=SHORT)(None):
            pytest.fail("the block is not entered")
    assert log == ["starting", "started", "stopping", "closed", "stopped"]
    assert seen == [caught.value]
    assert caught.value.__cause__ is None


async def test_a_shutdown_that_blocks_the_thread() -> None:
    """It is waited for, and has missed its limit."""
    log: list[str] = []
    lifespan = bounded(resource(log, shutdown=block_the_thread), shutdown=SHORT)
    with pytest.raises(TimeoutError, match="The shutdown of database") as caught:
        async with lifespan(None):
            pass
    assert log == ["starting", "started", "stopping", "stopped"]
    assert caught.value.__cause__ is None


async def test_a_late_startup_cant_be_suppressed() -> None:
    """The app isn't served late because the lifespan suppresses every error."""

    @asynccontextmanager
    async def model(app: object) -> AsyncIterator[None]:
        await block_the_thread()
        try:
            yield
        except TimeoutError:
            await pause()

    with pytest.raises(TimeoutError, match="The startup of model"):
        async with bounded(model, startup=SHORT)(None):
            pytest.fail("the block is not entered")


async def test_late_at_both_ends(caplog: pytest.LogCaptureFixture) -> None:
    """A late startup's closing has its limit, too; the startup's error comes out."""
    lifespan = resource([], startup=block_the_thread, shutdown=hang)
    with pytest.raises(TimeoutError, match="The startup of database") as caught:
        async with bounded(lifespan, startup=SHORT, shutdown=SHORT)(None):
            pytest.fail("the block is not entered")
    [note] = caught.value.__notes__
    assert note.startswith("The shutdown of database took longer")
    assert [record.message for record in caplog.records] == [note]


async def test_late_at_both_ends_and_suppressed() -> None:
    """The startup's error comes out, although the lifespan suppressed it."""

    @asynccontextmanager
    async def model(app: object) -> AsyncIterator[None]:
        await block_the_thread()
        try:
            yield
        except TimeoutError:
            await block_the_thread()

    with pytest.raises(TimeoutError, match="The startup of model") as caught:
        async with bounded(model, startup=SHORT, shutdown=SHORT)(None):
            pytest.fail("the block is not entered")
    [note] = caught.value.__notes__
    assert note.startswith("The shutdown of model took longer")


async def test_a_startup_that_suppresses_its_cancellation(tasks: bool) -> None:
    """It starts too late: it is closed, and the error comes out."""
    log: list[str] = []

    async def stubborn() -> None:
        try:
            await hang()
        except anyio.get_cancelled_exc_class():
            log.append("cancelled")

    lifespan = bounded(resource(log, startup=stubborn, tasks=tasks), startup=SHORT)
    with pytest.raises(TimeoutError, match="startup") as caught:
        async with lifespan(None):
            pytest.fail("the block is not entered")
    assert not hasattr(caught.value, "__notes__")  # it stopped in time
    assert log == ["starting", "cancelled", "started", "stopping", "stopped"]


async def flush(log: list[str], seconds: float) -> None:
    with anyio.CancelScope(shield=True):
        await anyio.sleep(seconds)
        log.append("flushed")


@trio_only
async def test_a_shielded_shutdown_on_trio() -> None:
    """On trio a shielded scope is waited for, however long, beyond `grace`, too."""
    log: list[str] = []
    lifespan = resource(log, shutdown=partial(flush, log, 60))
    before = anyio.current_time()
    with pytest.raises(TimeoutError, match="The shutdown of database"):
        async with bounded(lifespan, shutdown=1, grace=1)(None):
            pass
    assert anyio.current_time() - before == pytest.approx(60)
    assert log == ["starting", "started", "stopping", "flushed", "stopped"]


@asyncio_only
async def test_a_shielded_shutdown_on_asyncio() -> None:
    """On asyncio the cancellation gets through a shield of anyio."""
    log: list[str] = []
    lifespan = resource(log, shutdown=partial(flush, log, 1000 * LONG))
    with pytest.raises(TimeoutError, match="The shutdown of database"):
        async with bounded(lifespan, shutdown=SHORT)(None):
            pass
    assert log == ["starting", "started", "stopping"]


@asyncio_only
async def test_a_shield_of_asyncio() -> None:
    """What asyncio.shield protects goes on alone, and isn't waited for."""
    end = asyncio.Event()
    flushing = asyncio.ensure_future(end.wait())

    async def close() -> None:
        await asyncio.shield(flushing)

    with pytest.raises(TimeoutError):
        async with bounded(resource([], shutdown=close), shutdown=SHORT)(None):
            pass
    assert not flushing.done()
    end.set()
    assert await flushing


# A limit passes, and something else is wrong


def logged(caplog: pytest.LogCaptureFixture) -> BaseException:
    """The one error that was logged."""
    [record] = caplog.records
    assert (record.name, record.levelno) == ("lifespan_lab.bounds", logging.ERROR)
    assert record.exc_info
    assert record.exc_info[1]
    assert str(record.exc_info[1]) == record.message
    return record.exc_info[1]


async def test_the_blocks_error_and_a_late_shutdown(
    tasks: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """The block's error comes out; the TimeoutError is its note, and is logged."""
    error = ValueError("first")
    lifespan = bounded(resource([], shutdown=hang, tasks=tasks), shutdown=SHORT)
    with pytest.raises(ValueError, match="first") as caught:
        async with lifespan(None):
            raise error
    assert caught.value is error
    [note] = error.__notes__
    assert note.startswith("The shutdown of database took longer than 0.02 s.")
    timeout = logged(caplog)
    assert isinstance(timeout, TimeoutError)
    assert str(timeout) == note
    assert timeout.__cause__ is not None


async def test_the_blocks_error_and_a_shutdown_that_blocks(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The block's error is not shown as the cause of the delay."""
    error = ValueError("first")
    lifespan = bounded(resource([], shutdown=block_the_thread), shutdown=SHORT)
    with pytest.raises(ValueError, match="first") as caught:
        async with lifespan(None):
            raise error
    assert caught.value is error
    assert logged(caplog).__cause__ is None


async def test_the_blocks_error_is_suppressed_too_late() -> None:
    """A block's error that the lifespan suppressed doesn't come out; its delay does."""

    @asynccontextmanager
    async def model(app: object) -> AsyncIterator[None]:
        try:
            yield
        except ValueError:
            await block_the_thread()

    with pytest.raises(TimeoutError, match="The shutdown of model"):
        async with bounded(model, shutdown=SHORT)(None):
            raise ValueError


async def test_a_crash_in_use_and_a_late_shutdown(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The crash comes out, as without limits; the TimeoutError is its note."""
    error = ValueError("the worker crashed")

    async def close() -> None:
        with anyio.CancelScope(shield=True):  # from the crash; the limit is passed
            await anyio.sleep(2 * SHORT)

    lifespan = resource([], use=failure(error), shutdown=close, tasks=True)
    with pytest.raises(ExceptionGroup) as caught:
        async with bounded(lifespan, shutdown=SHORT)(None):
            await hang()
    assert caught.value.exceptions == (error,)
    [note] = caught.value.__notes__
    assert note == str(logged(caplog))


async def test_breaks_off_in_use_and_a_late_shutdown(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A block that the lifespan cut short without an error: the delay comes out."""

    @asynccontextmanager
    async def model(app: object) -> AsyncIterator[None]:
        try:
            with anyio.CancelScope() as scope:
                scope.cancel()
                yield
        finally:
            await hang()

    with pytest.raises(TimeoutError, match="The shutdown of model"):
        async with bounded(model, shutdown=SHORT)(None):
            await hang()
    assert not caplog.records


async def test_cancelled_from_outside_and_a_late_shutdown(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The cancellation is obeyed; the TimeoutError is logged."""

    async def close() -> None:
        with anyio.CancelScope(shield=True):
            await anyio.sleep(2 * SHORT)

    lifespan = bounded(resource([], shutdown=close), shutdown=SHORT)
    with anyio.CancelScope() as scope:
        async with lifespan(None):
            scope.cancel()
            await hang()
    assert scope.cancelled_caught
    assert isinstance(logged(caplog), TimeoutError)


@asyncio_only
@pytest.mark.parametrize("phase", ["startup", "use", "shutdown"])
async def test_cancelled_by_asyncio_and_late(
    phase: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A task that is cancelled before or at the limit is cancelled, not late."""
    reached = asyncio.Event()

    async def reach() -> None:
        reached.set()
        try:
            await hang()
        except asyncio.CancelledError:
            if phase != "use":
                task.cancel()  # by somebody else, when the limit passes
            raise

    async def serve() -> None:
        steps: dict[str, Any] = {
            "startup": {"startup": reach},
            "use": {"shutdown": hang},
            "shutdown": {"shutdown": reach},
        }[phase]
        lifespan = bounded(resource([], **steps), startup=SHORT, shutdown=SHORT)
        async with lifespan(None):
            await (reach() if phase == "use" else nothing())

    task = asyncio.create_task(serve())
    await reached.wait()
    if phase == "use":
        task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert isinstance(logged(caplog), TimeoutError)


@asyncio_only
async def test_a_task_that_was_cancelled_before() -> None:
    """In the clean-up of a cancelled task a limit is a limit."""

    async def serve() -> None:
        try:
            await hang()
        except asyncio.CancelledError:
            async with bounded(resource([], startup=hang), startup=SHORT)(None):
                pass

    task = asyncio.create_task(serve())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(TimeoutError, match="The startup of database"):
        await task


# Arguments and names


@pytest.mark.parametrize("argument", ["startup", "shutdown", "grace"])
@pytest.mark.parametrize("seconds", [-1, -0.001, math.nan, -math.inf, "5", []])
def test_bad_seconds(argument: str, seconds: Any) -> None:
    """Seconds that are negative or no number are refused at once, by their name."""
    limits: dict[str, Any] = {argument: seconds}
    with pytest.raises(ValueError, match=f"^{argument}= takes seconds, 0") as got:
        bounded(resource([]), **limits)
    assert str(got.value).endswith(f"not {seconds!r}")


async def raw(app: object) -> AsyncIterator[None]:
    yield  # pragma: no cover


async def without_yield(app: object) -> None: ...


@pytest.mark.parametrize("wrong", [raw, without_yield, resource([])(None), None, "a"])
def test_not_a_lifespan(wrong: Any) -> None:
    """What can't be a lifespan is refused at once, and named."""
    with pytest.raises(TypeError, match=r"^bounded: .+ is no lifespan\. Pass ") as got:
        bounded(wrong)
    assert repr(wrong) in str(got.value)


class Cache:
    """A lifespan may be an object that can be called."""

    @asynccontextmanager
    async def __call__(self, app: object) -> AsyncIterator[None]:
        yield

    @asynccontextmanager
    async def method(self, app: object) -> AsyncIterator[None]:
        yield


@asynccontextmanager
async def module_level(app: object) -> AsyncIterator[None]:
    yield


@pytest.mark.parametrize(
    ("lifespan", "name"),
    [
        (module_level, "bounded(module_level)"),
        (resource([]), "bounded(database)"),
        (partial(module_level), "bounded(module_level)"),
        (partial(partial(module_level)), "bounded(module_level)"),
        (Cache(), "bounded(Cache)"),
        (Cache().method, "bounded(Cache.method)"),
        (bounded(module_level), "bounded(bounded(module_level))"),
    ],
)
async def test_names(lifespan: Lifespan, name: str) -> None:
    """A bounded lifespan is called by the name of the one within."""
    outer: Any = bounded(lifespan)
    assert (outer.__name__, outer.__qualname__) == (name, name)
    async with outer(None):
        pass


async def test_limits_in_limits() -> None:
    """The limit that passes first is the one that is named."""
    inner = bounded(resource([], startup=hang), startup=SHORT)
    with pytest.raises(TimeoutError, match=r"The startup of database took .* 0\.02 s"):
        async with bounded(inner, startup=LONG)(None):
            pass
    inner = bounded(resource([], startup=hang), startup=LONG)
    with pytest.raises(TimeoutError, match=r"of bounded\(database\) took .* 0\.02 s"):
        async with bounded(inner, startup=SHORT)(None):
            pass


# What bounded is for


@asyncio_only
async def test_a_limit_around_the_entering_alone() -> None:
    """Entering under `fail_after` breaks a lifespan that owns a task group."""

    async def enter() -> None:
        block = resource([], tasks=True)(None)
        with anyio.fail_after(LONG):
            await block.__aenter__()

    message = r"isn't the current task.* current cancel scope"
    with pytest.raises(RuntimeError, match=message):
        await anyio.to_thread.run_sync(asyncio.run, enter())
