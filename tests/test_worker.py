"""worker: a background task that runs while the app serves, whatever it does."""

import asyncio
import logging
import re
import signal
import sys
import textwrap
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from contextvars import ContextVar
from functools import partial
from types import MappingProxyType
from typing import Any

import anyio
import anyio.lowlevel
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.types import StatelessLifespan

from lifespan_lab import running
from lifespan_lab.worker import worker

pytestmark = pytest.mark.anyio

SHORT = 0.05  # seconds, for a limit that shall pass
LONG = 20.0  # seconds, for a limit that shall not
APP = object()
Lifespan = StatelessLifespan[Any]
Step = Callable[[], Awaitable[object]]
Function = Callable[..., Awaitable[object]]
asyncio_only = pytest.mark.parametrize("anyio_backend", ["asyncio"])
trio_only = pytest.mark.parametrize("anyio_backend", ["trio"])


@pytest.fixture(autouse=True)
async def _no_task_left(anyio_backend_name: str) -> AsyncIterator[None]:
    """No test leaves a task behind (trio sees to that by itself)."""
    if anyio_backend_name == "trio":
        yield
        return
    before = len(asyncio.all_tasks())
    yield
    assert len(asyncio.all_tasks()) == before


@pytest.fixture
def signals() -> Iterator[list[int]]:
    """The SIGTERMs that this process gets."""
    caught: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, frame: caught.append(number))
    yield caught
    signal.signal(signal.SIGTERM, before)


def recorder(log: list[Any]) -> Function:
    """A worker that says when it starts and when it ends, and sleeps between."""

    async def record(app: object) -> None:
        log.append("started")
        try:
            await anyio.sleep_forever()
        finally:
            log.append("ended")

    return record


def failing(error: BaseException) -> Function:
    async def fail(app: object) -> None:
        raise error

    return fail


def failure(error: BaseException) -> Step:
    async def fail() -> None:
        raise error

    return fail


def failing_at_the_end(error: BaseException) -> Function:
    async def fail_late(app: object) -> None:
        try:
            await anyio.sleep_forever()
        finally:
            raise error

    return fail_late


async def settle() -> None:
    """Let the worker run until it waits."""
    await anyio.wait_all_tasks_blocked()


async def serve(lifespan: Lifespan, body: Step = settle) -> None:
    """Enter the lifespan, let its worker run, then do what the body does."""
    async with lifespan(APP):
        await settle()
        await body()


def notes(error: BaseException) -> list[str]:
    return getattr(error, "__notes__", [])


def errors(caplog: pytest.LogCaptureFixture) -> list[BaseException | None]:
    """What was logged as an error."""
    return [
        record.exc_info[1]
        for record in caplog.records
        if record.levelno == logging.ERROR and record.exc_info
    ]


# The worker's life


async def test_runs_while_the_app_serves(caplog: pytest.LogCaptureFixture) -> None:
    """It runs between startup and shutdown, is cancelled and waited for."""
    log: list[str] = []

    async def answer(request: Request) -> PlainTextResponse:
        return PlainTextResponse(" ".join(log))

    app = Starlette(routes=[Route("/", answer)], lifespan=worker(recorder(log)))
    async with running(app) as client:
        await settle()
        assert (await client.get("/")).text == "started"
    assert log == ["started", "ended"]
    assert not caplog.records


async def test_is_called_with_the_app() -> None:
    """The function gets the app, and the lifespan yields nothing."""
    seen: list[object] = []

    async def see(app: object) -> None:
        seen.append(app)

    async with worker(see)(APP) as state:
        await settle()
        assert state is None
    assert seen == [APP]


async def test_wants_state() -> None:
    """A function with a parameter `state` gets the mapping that came before it."""
    seen: list[object] = []

    async def see(app: object, state: Mapping[str, Any]) -> None:
        seen.append(state)

    state = MappingProxyType({"words": ["yield"]})
    async with worker(see)(APP, state=state):
        await settle()
    assert seen == [state]


async def test_state_of_a_worker_alone() -> None:
    """Without anything before it, the state is an empty mapping."""
    seen: list[Mapping[str, Any]] = []

    async def see(app: object, state: Mapping[str, Any]) -> None:
        seen.append(state)

    async with running(Starlette(lifespan=worker(see))):
        await settle()
    assert seen == [{}]


async def test_returns_early(caplog: pytest.LogCaptureFixture) -> None:
    """A worker that has returned is no error, and said at level INFO."""
    caplog.set_level(logging.INFO, "lifespan_lab.worker")

    async def once(app: object) -> None: ...

    async with worker(once)(APP):
        await settle()
        assert [record.levelno for record in caplog.records] == [logging.INFO]
        assert re.search(r"worker \S+once has returned", caplog.text)
    assert len(caplog.records) == 1


async def test_returns_when_cancelled(caplog: pytest.LogCaptureFixture) -> None:
    """A worker that takes its cancellation as a sign to return has ended well."""
    caplog.set_level(logging.INFO, "lifespan_lab.worker")

    async def calm(app: object) -> None:
        try:
            await anyio.sleep_forever()
        except anyio.get_cancelled_exc_class():
            return

    async with worker(calm)(APP):
        await settle()
    assert not caplog.records


async def test_left_before_it_began() -> None:
    """A lifespan that is left at once leaves nothing, whether the function ran or not.

    It has ended if it has started.
    """
    log: list[str] = []
    async with worker(recorder(log))(APP):
        pass
    assert log in ([], ["started", "ended"])


async def test_may_be_used_again() -> None:
    """One lifespan can be run several times, each with a task of its own."""
    log: list[str] = []
    lifespan = worker(recorder(log))
    for _ in range(2):
        async with lifespan(APP):
            await settle()
    assert log == ["started", "ended"] * 2


async def test_context_variables() -> None:
    """It sees what was set before the lifespan started, and changes it for itself."""
    variable = ContextVar("variable", default="unset")
    seen: list[str] = []

    async def see(app: object) -> None:
        seen.append(variable.get())
        variable.set("by the worker")

    variable.set("before")
    async with worker(see)(APP):
        await settle()
        seen.append(variable.get())
    assert seen == ["before", "before"]


async def test_ends_in_its_turn() -> None:
    """Also when all is cancelled, what was opened after it is closed before it."""
    log: list[str] = []

    @asynccontextmanager
    async def resource(app: object) -> AsyncIterator[None]:
        try:
            yield
        finally:
            with anyio.CancelScope(shield=True):
                await settle()
            log.append("closed")

    with anyio.CancelScope() as scope:
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(worker(recorder(log))(APP))
            await stack.enter_async_context(resource(APP))
            await settle()
            scope.cancel()
            await anyio.sleep_forever()
    assert scope.cancelled_caught
    assert log == ["started", "closed", "ended"]


# A crash


@pytest.mark.parametrize(
    "error", [ValueError("no words"), SystemExit(3), KeyboardInterrupt()], ids=repr
)
async def test_crashes(error: BaseException, caplog: pytest.LogCaptureFixture) -> None:
    """It is logged at once, the app serves on, and the error comes out at the end."""

    async def answer(request: Request) -> PlainTextResponse:
        return PlainTextResponse("still here")

    app = Starlette(routes=[Route("/", answer)], lifespan=worker(failing(error)))

    async def use() -> None:
        async with running(app) as client:
            await settle()
            assert errors(caplog) == [error]
            assert re.search(r"The worker \S+fail failed\nTraceback", caplog.text)
            assert (await client.get("/")).text == "still here"

    with pytest.raises(type(error)) as caught:
        await use()
    assert caught.value is error
    assert errors(caplog) == [error]


async def test_the_body_and_the_worker_raise(caplog: pytest.LogCaptureFixture) -> None:
    """The body's error comes out as itself; the worker's is logged, and a note."""
    error, other = ValueError("no words"), OSError("not saved")
    with pytest.raises(ValueError, match="no words") as caught:
        await serve(worker(failing(other)), failure(error))
    assert caught.value is error
    [note] = notes(error)
    assert re.fullmatch(r"The worker \S+fail failed, too: OSError\('not saved'\)", note)
    assert errors(caplog) == [other]


async def test_the_body_raises(caplog: pytest.LogCaptureFixture) -> None:
    """Its error comes out as itself, and the worker is ended."""
    log: list[str] = []
    error = ValueError("no words")
    with pytest.raises(ValueError, match="no words") as caught:
        await serve(worker(recorder(log)), failure(error))
    assert caught.value is error
    assert not notes(error)
    assert error.__context__ is None
    assert log == ["started", "ended"]
    assert not caplog.records


@pytest.mark.parametrize("on_crash", ["log", "exit"])
async def test_the_clean_up_raises(
    on_crash: Any, caplog: pytest.LogCaptureFixture, signals: list[int]
) -> None:
    """Its error is logged and comes out; nothing is asked to stop, as it stops."""
    error = OSError("not saved")
    with pytest.raises(OSError, match="not saved") as caught:
        async with worker(failing_at_the_end(error), on_crash=on_crash)(APP):
            await settle()
    assert caught.value is error
    assert errors(caplog) == [error]
    assert signals == []


@pytest.mark.parametrize("cancelled", [False, True])
async def test_a_task_in_the_worker_fails_at_the_end(cancelled: bool) -> None:
    """The group that comes out is the worker's, and there is no cancellation in it."""
    error = OSError("not saved")
    caught: list[BaseException] = []

    async def team(app: object) -> None:
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(failing_at_the_end(error), app)
                tasks.start_soon(anyio.sleep_forever)
        except BaseException as raised:
            caught.append(raised)
            raise

    logged: BaseException | None = None
    with anyio.CancelScope() as scope:
        try:
            async with worker(team)(APP):
                await settle()
                if cancelled:
                    scope.cancel()
                await anyio.lowlevel.checkpoint()
        except ExceptionGroup as group:
            logged = group
    assert len(caught) == 1
    if cancelled:
        assert scope.cancelled_caught
    else:
        assert isinstance(logged, ExceptionGroup)
        assert logged.exceptions == (error,)


@asyncio_only
async def test_a_cancellation_that_nobody_asked_for(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A worker that awaited something cancelled has crashed, not returned."""

    async def wait(app: object) -> None:
        future = asyncio.get_running_loop().create_future()
        future.cancel()
        await future

    with pytest.raises(RuntimeError, match="wait ended with a cancellation") as caught:
        await serve(worker(wait))
    assert errors(caplog) == [caught.value]
    assert isinstance(caught.value.__cause__, asyncio.CancelledError)


# The process stops


async def test_exit(signals: list[int], caplog: pytest.LogCaptureFixture) -> None:
    """A crash asks the process to stop, at once; it still is logged and comes out."""
    error = ValueError("no words")

    async def see() -> None:
        assert signals == [signal.SIGTERM]
        assert errors(caplog) == [error]

    with pytest.raises(ValueError, match="no words") as caught:
        await serve(worker(failing(error), on_crash="exit"), see)
    assert caught.value is error
    assert signals == [signal.SIGTERM]


async def test_no_exit(signals: list[int]) -> None:
    """By default, and for a worker that returns, nothing is asked."""

    async def once(app: object) -> None: ...

    async with worker(once, on_crash="exit")(APP):
        await settle()
    with pytest.raises(ValueError, match="no words"):
        async with worker(failing(ValueError("no words")))(APP):
            await settle()
    assert signals == []


@trio_only
async def test_exit_by_a_handler_that_raises() -> None:
    """What the process's own handler raises isn't held back until the shutdown."""

    def leave(number: int, frame: object) -> None:
        raise SystemExit(4)

    before = signal.signal(signal.SIGTERM, leave)
    try:
        with pytest.raises(BaseExceptionGroup) as caught:
            async with worker(failing(ValueError("no words")), on_crash="exit")(APP):
                await anyio.sleep(LONG)
    finally:
        signal.signal(signal.SIGTERM, before)
    leaving = caught.value.subgroup(SystemExit)
    assert leaving


@asyncio_only
async def test_exit_of_a_server() -> None:
    """A real server shuts down as usual: what was opened before is closed."""
    program = textwrap.dedent(
        """
        from contextlib import AsyncExitStack, asynccontextmanager

        import anyio
        import uvicorn
        from starlette.applications import Starlette

        from lifespan_lab.worker import worker

        async def crash(app):
            await anyio.sleep(0.5)  # uvicorn 0.30 skips the shutdown while it starts
            raise ValueError("no words")

        @asynccontextmanager
        async def lifespan(app):
            try:
                async with worker(crash, on_crash="exit")(app):
                    yield
            finally:
                print("closed", flush=True)

        uvicorn.run(Starlette(lifespan=lifespan), port=0)
        """
    )
    done = await anyio.run_process([sys.executable, "-c", program], check=False)
    assert done.returncode == -signal.SIGTERM
    assert done.stdout == b"closed\n"
    assert b"The worker crash failed" in done.stderr
    assert b"Application shutdown failed" in done.stderr


# Cancelled


async def test_the_lifespan_is_cancelled(caplog: pytest.LogCaptureFixture) -> None:
    """The worker is ended with it."""
    log: list[str] = []
    with anyio.CancelScope() as scope:
        async with worker(recorder(log))(APP):
            await settle()
            scope.cancel()
            await anyio.sleep_forever()
    assert scope.cancelled_caught
    assert log == ["started", "ended"]
    assert not caplog.records


async def test_the_lifespan_is_cancelled_after_a_crash() -> None:
    """The cancellation comes out, as its scope needs it; the error is a note on it."""
    cancelled: BaseException | None = None
    with anyio.CancelScope() as scope:
        try:
            async with worker(failing(ValueError("no words")))(APP):
                await settle()
                scope.cancel()
                await anyio.sleep_forever()
        except BaseException as error:
            cancelled = error
            raise
    assert scope.cancelled_caught
    assert isinstance(cancelled, anyio.get_cancelled_exc_class())
    assert "no words" in notes(cancelled)[0]


async def test_the_body_raises_in_a_cancelled_scope() -> None:
    """The body's error is not lost to the cancellation."""
    error = ValueError("no words")
    scope = anyio.CancelScope()

    async def cancel() -> None:
        scope.cancel()
        raise error

    with pytest.raises(ValueError, match="no words") as caught, scope:
        await serve(worker(lingering([])), cancel)
    assert caught.value is error


@asyncio_only
async def test_the_task_is_cancelled() -> None:
    """A task of asyncio that is cancelled ends its worker, and is cancelled."""
    log: list[str] = []

    async def serve() -> None:
        async with worker(recorder(log))(APP):
            await asyncio.Event().wait()

    task = asyncio.create_task(serve())
    await settle()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert log == ["started", "ended"]


@asyncio_only
async def test_a_clean_up_may_await_on_asyncio() -> None:
    """There the worker is cancelled once, so its `finally` may await."""
    log: list[str] = []

    async def save(app: object) -> None:
        try:
            await anyio.sleep_forever()
        finally:
            await anyio.sleep(0.001)
            log.append("saved")

    async with worker(save)(APP):
        await settle()
    assert log == ["saved"]


async def test_a_shielded_clean_up() -> None:
    """On trio, what is shielded finishes, also when the lifespan is cancelled.

    (On asyncio it does, too, if nothing but the worker is cancelled.)
    """
    log: list[str] = []

    async def save(app: object) -> None:
        try:
            await anyio.sleep_forever()
        finally:
            with anyio.CancelScope(shield=True):
                await anyio.sleep(0.001)
                log.append("saved")

    async with worker(save)(APP):
        await settle()
    assert log == ["saved"]
    if anyio.get_cancelled_exc_class() is asyncio.CancelledError:
        return
    with anyio.CancelScope() as scope:
        async with worker(save)(APP):
            await settle()
            scope.cancel()
    assert log == ["saved", "saved"]


def lingering(log: list[str]) -> Function:
    """A worker whose clean-up takes long."""

    async def linger(app: object) -> None:
        try:
            await anyio.sleep_forever()
        finally:
            log.append("cancelled")
            await anyio.sleep(LONG)

    return linger


async def test_a_limit_ends_a_slow_clean_up() -> None:
    """A limit around the lifespan reaches a worker that was cancelled before."""
    log: list[str] = []
    with anyio.CancelScope() as scope:
        async with worker(lingering(log))(APP):
            await settle()
            scope.deadline = anyio.current_time() + SHORT
    assert log == ["cancelled"]


@asyncio_only
async def test_a_limit_around_the_shutdown_alone() -> None:
    """On asyncio, the shutdown by itself may stand in a scope with a limit."""
    log: list[str] = []
    lifespan = worker(lingering(log))(APP)
    await lifespan.__aenter__()
    await settle()
    with anyio.move_on_after(SHORT) as scope:
        await lifespan.__aexit__(None, None, None)
    assert scope.cancelled_caught
    assert log == ["cancelled"]


@asyncio_only
async def test_the_task_is_cancelled_during_the_shutdown() -> None:
    """A task of asyncio that is cancelled then, and again, still waits for the end."""
    log: list[str] = []

    async def resist(app: object) -> None:
        for line in "ended", "resisted", "resisted":
            try:
                await asyncio.sleep(LONG)
            except asyncio.CancelledError:
                log.append(line)
                task.cancel()
        log.append("left")

    async def serve() -> None:
        async with worker(resist)(APP):
            await settle()

    task = asyncio.create_task(serve())
    with pytest.raises(asyncio.CancelledError):
        await task
    assert log == ["ended", "resisted", "resisted", "left"]


@asyncio_only
async def test_is_cancelled_once_more() -> None:
    """A scope of anyio that cancels the shutdown cancels the worker once, no more."""
    log: list[str] = []

    async def save(app: object) -> None:
        try:
            await anyio.sleep_forever()
        finally:
            with suppress(asyncio.CancelledError):
                await anyio.sleep(LONG)
            await anyio.sleep(SHORT)
            log.append("saved")

    with anyio.CancelScope() as scope:
        async with worker(save)(APP):
            await settle()
            scope.cancel()
    assert log == ["saved"]


@asyncio_only
async def test_entered_in_one_task_and_left_in_another() -> None:
    """On asyncio each end of the lifespan may stand in a task of its own."""
    log: list[str] = []
    lifespan = worker(recorder(log))(APP)

    async def enter() -> None:
        await lifespan.__aenter__()
        await settle()

    async def leave() -> None:
        await lifespan.__aexit__(None, None, None)

    await asyncio.create_task(enter())
    await asyncio.create_task(leave())
    assert log == ["started", "ended"]


# What is no worker


async def no_parameter() -> None: ...


async def two_parameters(app: object, other: object) -> None: ...


async def state_alone(state: object) -> None: ...


def not_async(app: object) -> None: ...


async def generator(app: object) -> AsyncIterator[None]:
    yield


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        (no_parameter, r"no_parameter\(\).*: too many positional"),
        (two_parameters, r"two_parameters\(.*: missing a required argument: 'other'"),
        (state_alone, r"state_alone\(.*: multiple values for argument 'state'"),
        (not_async, "<function not_async"),
        (generator, "<function generator"),
        (None, "None"),
    ],
    ids=str,
)
def test_no_worker(function: Any, reason: str) -> None:
    """TypeError at once for what can't be one; it says what is needed, and what is."""
    needed = r"an `async def` function of \(app\) or of \(app, state\), not "
    with pytest.raises(TypeError, match=needed + reason):
        worker(function)


def test_no_such_way_to_crash() -> None:
    """ValueError at once for another `on_crash`."""
    with pytest.raises(ValueError, match='"log" or "exit", not \'raise\''):
        worker(two_parameters, on_crash="raise")  # type: ignore[arg-type]


class Team:
    """Ways to be an asynchronous function of one parameter."""

    def __init__(self, log: list[object]) -> None:
        self.log = log

    async def method(self, app: object) -> None:
        self.log.append(app)

    async def __call__(self, app: object, *, state: object) -> None:
        self.log.append((app, state))


async def test_callables() -> None:
    """A method, an object with an `async def __call__` and a partial will do."""
    log: list[object] = []
    team = Team(log)
    for function in team.method, team, partial(Team.method, team):
        async with worker(function)(APP, state={"key": 1}):
            await settle()
    assert log == [APP, (APP, {"key": 1}), APP]


def test_has_a_name() -> None:
    """The lifespan is named for its function, so that an error about it can say so."""
    assert worker(Team([]).method).__name__ == "worker(Team.method)"  # type: ignore[attr-defined]
