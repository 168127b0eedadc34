"""concurrently: lifespans that start and stop at the same time."""

import asyncio
import logging
import traceback
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from contextvars import ContextVar
from functools import partial
from typing import Any

import anyio
import anyio.lowlevel
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from lifespan_lab import running
from lifespan_lab.concurrency import concurrently
from tests import probes
from tests.probes import Lifespan, Step, asyncio_only, failure, nothing, pause

pytestmark = pytest.mark.anyio

anyio_backend = probes.anyio_backend
_nothing_left = probes.nothing_left
tasks = probes.tasks


def resource(name: str, log: list[str] | None = None, **steps: Any) -> Lifespan:
    """A lifespan, which writes to the log under its name."""

    def mark(text: str) -> None:
        if log is not None:
            log.append(f"{name} {text}")

    return probes.resource(name, mark, **steps)


def told(log: list[tuple[str, BaseException | None]], name: str = "model") -> Lifespan:
    """A lifespan that notes what is raised at its yield, and suppresses it."""

    @asynccontextmanager
    async def lifespan(app: object) -> AsyncIterator[None]:
        try:
            yield
        except BaseException as error:
            log.append((name, error))
        else:
            log.append((name, None))

    return lifespan


class Meeting:
    """Steps that end when all of them have begun: they must run at the same time."""

    def __init__(self, size: int) -> None:
        self.missing = size
        self.complete = anyio.Event()

    async def __call__(self) -> None:
        self.missing -= 1
        if self.missing == 0:
            self.complete.set()
        await self.complete.wait()


# All goes well


async def test_all_at_the_same_time(tasks: bool) -> None:
    """Members start at the same time, are all open, and stop at the same time."""
    log: list[str] = []
    start, stop = Meeting(3), Meeting(3)
    names = ["database", "model", "client"]
    members = [
        resource(name, log, startup=start, shutdown=stop, tasks=tasks) for name in names
    ]
    async with concurrently(*members)(None) as state:
        assert state == dict.fromkeys(names, "open")
        assert list(state) == names
        assert sorted(log) == sorted(
            f"{name} {step}" for name in names for step in ("starting", "started")
        )
        assert all(line.endswith("starting") for line in log[:3])
        log.clear()
    assert all(line.endswith("stopping") for line in log[:3])
    assert sorted(log[3:]) == sorted(f"{name} stopped" for name in names)


async def test_it_can_be_used_again() -> None:
    """Each entering starts the members anew, also two at a time."""
    log: list[str] = []
    lifespan = concurrently(resource("database", log))
    async with lifespan(None), lifespan(None):
        assert log == ["database starting", "database started"] * 2
    assert len(log) == 8


async def test_each_in_one_task_of_its_own() -> None:
    """A member is entered and left in the same task, which is nobody else's."""
    seen: dict[str, list[int]] = {"one": [], "two": []}

    def member(name: str) -> Lifespan:
        @asynccontextmanager
        async def lifespan(app: object) -> AsyncIterator[None]:
            seen[name].append(anyio.get_current_task().id)
            yield
            seen[name].append(anyio.get_current_task().id)

        return lifespan

    async with concurrently(member("one"), member("two"))(None):
        pass
    assert [len(set(ids)) for ids in seen.values()] == [1, 1]
    everybody = {anyio.get_current_task().id, *seen["one"], *seen["two"]}
    assert len(everybody) == 3


@asyncio_only
async def test_gather_does_not_do() -> None:
    """Entering under `gather` breaks a lifespan that owns a task group."""

    async def serve() -> None:
        block = resource("database", tasks=True)(None)
        await asyncio.gather(block.__aenter__())
        await block.__aexit__(None, None, None)

    with pytest.raises(RuntimeError, match="cancel scope in a different task"):
        await anyio.to_thread.run_sync(asyncio.run, serve())


async def test_an_app_is_served(tasks: bool) -> None:
    """It is a lifespan for Starlette, and the state of all reaches a request."""

    async def endpoint(request: Request) -> JSONResponse:
        return JSONResponse([request.state.database, request.state.model])

    members = [resource(name, tasks=tasks) for name in ("database", "model")]
    app = Starlette(routes=[Route("/", endpoint)], lifespan=concurrently(*members))
    async with running(app) as client:
        assert (await client.get("/")).json() == ["open", "open"]


async def test_nested() -> None:
    """A member may be one of these itself, and is named so."""
    inner = concurrently(resource("database"), resource("model"))
    outer: Any = concurrently(inner, resource("client"))
    assert outer.__name__ == "concurrently(concurrently(database, model), client)"
    async with outer(None) as state:
        assert set(state) == {"database", "model", "client"}


async def raw(app: object) -> AsyncIterator[None]:
    yield  # pragma: no cover


async def without_yield(app: object) -> None: ...


@pytest.mark.parametrize("wrong", [raw, without_yield, resource("a")(None), None, "a"])
def test_not_a_lifespan(wrong: Any) -> None:
    """What can't be a lifespan is refused at once, and named."""
    with pytest.raises(TypeError, match=r"^concurrently: .+ is no lifespan\.") as got:
        concurrently(resource("database"), wrong)
    assert repr(wrong) in str(got.value)


# State


@asynccontextmanager
async def silent(app: object) -> AsyncIterator[None]:
    yield


def yielding(value: Any, name: str = "words") -> Lifespan:
    @asynccontextmanager
    async def lifespan(app: object) -> AsyncIterator[Any]:
        yield value

    lifespan.__qualname__ = name
    return lifespan


@pytest.mark.parametrize(
    ("members", "state"),
    [
        ([], None),
        ([silent], None),
        ([silent, silent], None),
        ([silent, yielding({})], {}),
        ([yielding({"a": 1}), silent, yielding({"b": None})], {"a": 1, "b": None}),
    ],
    ids=repr,
)
async def test_what_is_yielded(members: list[Lifespan], state: object) -> None:
    """All that was yielded in one mapping, or None if nobody yielded."""
    async with concurrently(*members)(None) as yielded:
        assert yielded == state


async def test_yielded_mappings_are_left_alone() -> None:
    """The mapping is a new one, not one of the members'."""
    own = {"a": 1}
    async with concurrently(yielding(own), yielding({"b": 2}))(None) as yielded:
        yielded["c"] = 3
    assert own == {"a": 1}


@pytest.mark.parametrize("yielded", [5, "words", ["a"], 0], ids=repr)
async def test_what_is_no_mapping(yielded: object) -> None:
    """A member that yields something else is named, and all are closed."""
    log: list[str] = []
    lifespan = concurrently(resource("database", log), yielding(yielded, "model"))
    with pytest.raises(TypeError, match=r"^model yielded .*, not a mapping\.$") as got:
        async with lifespan(None):
            pytest.fail("the block is not entered")
    assert repr(yielded) in str(got.value)
    assert log[-1] == "database stopped"


async def test_a_key_given_twice() -> None:
    """The error names the key and both members, and all are closed."""
    log: list[str] = []
    lifespan = concurrently(
        resource("database", log),
        yielding({"a": 1, "pool": 1}, "cache"),
        yielding({"pool": 1, "b": 1}, "client"),
    )
    with pytest.raises(ValueError, match="pool") as caught:
        async with lifespan(None):
            pytest.fail("the block is not entered")
    assert str(caught.value) == (
        "cache and client both yield the key 'pool'. Rename it in one of them."
    )
    assert log[-1] == "database stopped"


async def test_state_from_outside() -> None:
    """Who wants the state gets that from outside, and nothing of the neighbours."""
    seen: list[object] = []

    @asynccontextmanager
    async def worker(app: object, state: Mapping[str, Any]) -> AsyncIterator[Any]:
        await pause()
        seen.append((app, dict(state)))
        yield {"worker": 1}

    lifespan = concurrently(
        resource("database"), worker, concurrently(worker_too(seen))
    )
    given = {"settings": 1}
    async with lifespan("app", state=given) as state:
        assert set(state) == {"database", "worker", "too"}
    assert seen == [("app", given), ("app", given)]
    seen.clear()
    async with concurrently(worker)("app"):
        assert seen == [("app", {})]


def worker_too(seen: list[object]) -> Lifespan:
    @asynccontextmanager
    async def worker(app: object, state: Mapping[str, Any]) -> AsyncIterator[Any]:
        await anyio.sleep(0.01)
        seen.append((app, dict(state)))
        yield {"too": 1}

    return worker


async def test_context_variables() -> None:
    """A member sees the caller's ContextVars; what it sets itself, nobody else sees."""
    variable: ContextVar[str] = ContextVar("variable")
    variable.set("outside")
    seen: list[str] = []

    @asynccontextmanager
    async def member(app: object) -> AsyncIterator[None]:
        seen.append(variable.get())
        variable.set("inside")
        yield
        seen.append(variable.get())

    async with concurrently(member, member)(None):
        assert variable.get() == "outside"
    assert seen == ["outside", "outside", "inside", "inside"]


# A member fails to start


async def test_one_fails_to_start(
    tasks: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """What has started is closed, what still starts is cancelled."""
    log: list[str] = []
    error = OSError("no words")
    ready = anyio.Event()

    async def fail() -> None:
        await ready.wait()
        raise error

    async def announce() -> None:
        ready.set()

    async def dawdle() -> None:
        try:
            await anyio.sleep_forever()
        finally:
            log.append("client cancelled")

    lifespan = concurrently(
        resource("model", log, startup=fail),
        resource("client", log, startup=dawdle, tasks=tasks),
        resource("database", log, startup=announce, shutdown=pause),
    )
    with pytest.raises(OSError, match="no words") as caught:
        async with lifespan(None):
            pytest.fail("the block is not entered")
    assert caught.value is error
    assert error.__context__ is error.__cause__ is None
    assert not hasattr(error, "__notes__")
    assert not caplog.records
    for name in ("model", "client", "database"):
        assert [line for line in log if line.startswith(name)][-1] == f"{name} stopped"
    assert "client cancelled" in log
    assert "database started" in log


async def test_those_that_started_are_told_of_the_failure() -> None:
    """The failure of a startup is raised at the yield of those that have started."""
    seen: list[tuple[str, BaseException | None]] = []
    error = OSError("no words")

    async def fail() -> None:
        await anyio.sleep(0.01)
        raise error

    lifespan = concurrently(told(seen), resource("model", startup=fail))
    with pytest.raises(OSError, match="no words") as caught:
        async with lifespan(None):
            pytest.fail("the block is not entered")
    assert caught.value is error
    assert seen == [("model", error)]


async def test_the_failures_traceback() -> None:
    """The traceback leads to the line that failed, and not through the others."""

    async def fail() -> None:
        await pause()
        raise OSError("no words")

    others = [resource(name, tasks=True) for name in ("database", "client", "cache")]
    with pytest.raises(OSError, match="no words") as caught:
        async with concurrently(*others, resource("model", startup=fail))(None):
            pass
    lines = [frame.name for frame in traceback.extract_tb(caught.value.__traceback__)]
    assert lines[-1] == "fail"
    assert lines.count("lifespan") == 1
    assert "tell" not in lines


async def test_all_fail_to_start(caplog: pytest.LogCaptureFixture) -> None:
    """The first failure comes out; the others are its notes, and are logged."""
    errors = [OSError("one"), ValueError("two"), KeyError("three")]
    members = [
        resource(name, startup=failure(error))
        for name, error in zip(("a", "b", "c"), errors, strict=True)
    ]
    with pytest.raises((OSError, ValueError, KeyError)) as caught:
        async with concurrently(*members)(None):
            pytest.fail("the block is not entered")
    first = caught.value
    others = [
        f"{name} failed, too: {error!r}"
        for name, error in zip(("a", "b", "c"), errors, strict=True)
        if error is not first
    ]
    assert first in errors
    assert sorted(first.__notes__) == others
    assert len(caplog.records) == 2


async def test_a_failure_while_the_others_are_closed(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """What goes wrong in closing comes after the first failure: a note, and logged."""
    error, later = OSError("first"), ValueError("later")

    async def fail() -> None:
        await pause()
        raise error

    lifespan = concurrently(
        resource("database", shutdown=failure(later)), resource("model", startup=fail)
    )
    with pytest.raises(OSError, match="first") as caught:
        async with lifespan(None):
            pytest.fail("the block is not entered")
    assert caught.value is error
    assert error.__notes__ == ["database failed, too: ValueError('later')"]
    [record] = caplog.records
    assert (record.name, record.levelno) == ("lifespan_lab.concurrency", logging.ERROR)
    assert record.message == "database failed, too"
    assert record.exc_info
    assert record.exc_info[1] is later


async def test_what_ignores_its_cancellation_is_closed() -> None:
    """A member that starts although it was cancelled is closed, and not served."""
    log: list[str] = []

    async def stubborn() -> None:
        with anyio.CancelScope(shield=True):
            await anyio.sleep(0.01)

    lifespan = concurrently(
        resource("database", log, startup=stubborn),
        resource("model", startup=failure(OSError("no words"))),
    )
    with pytest.raises(OSError, match="no words"):
        async with lifespan(None):
            pytest.fail("the block is not entered")
    assert log == [
        f"database {step}" for step in ("starting", "started", "stopping", "stopped")
    ]


@pytest.mark.parametrize(
    "error",
    [
        KeyboardInterrupt(),
        SystemExit(3),
        GeneratorExit(),
        ExceptionGroup("the member's", [ValueError()]),
    ],
    ids=lambda error: type(error).__name__,
)
@pytest.mark.parametrize("phase", ["startup", "shutdown"])
async def test_errors_of_every_kind(error: BaseException, phase: str) -> None:
    """What a member raises comes out as itself, in no group but its own."""
    log: list[str] = []
    steps: dict[str, Any] = {phase: failure(error)}
    lifespan = concurrently(resource("database", log), resource("model", **steps))
    with pytest.raises(type(error)) as caught:
        async with lifespan(None):
            assert phase == "shutdown"
    assert caught.value is error
    assert not hasattr(error, "__notes__")
    assert log[-1] == "database stopped"


async def test_a_lifespan_that_cant_be_called() -> None:
    """A member with the wrong parameters fails like any startup."""
    log: list[str] = []

    @asynccontextmanager
    async def forgot() -> AsyncIterator[None]:
        yield

    with pytest.raises(TypeError, match="forgot"):
        async with concurrently(resource("database", log), forgot)(None):
            pytest.fail("the block is not entered")
    assert not log or log[-1] == "database stopped"


@asyncio_only
async def test_a_startup_that_awaits_a_cancelled_task() -> None:
    """A cancellation that nobody asked for is a failure like any other."""
    task = asyncio.create_task(anyio.sleep_forever())
    task.cancel()

    async def wait() -> None:
        await task

    log: list[str] = []
    with pytest.raises(asyncio.CancelledError):
        async with concurrently(resource("a", log), resource("b", startup=wait))(None):
            pytest.fail("the block is not entered")
    assert log[-1] == "a stopped"


# The block fails


@pytest.mark.parametrize(
    "error",
    [
        ValueError("contxt"),
        ExceptionGroup("mine", [ValueError(), ExceptionGroup("", [KeyError()])]),
        StopAsyncIteration(),
        StopIteration(),
        GeneratorExit(),
        KeyboardInterrupt(),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_the_blocks_error(
    error: BaseException, tasks: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """All members are closed, and the block's error comes out as the same object."""
    error.__traceback__ = None  # of an earlier test
    log: list[str] = []
    members = [resource(name, log, shutdown=pause, tasks=tasks) for name in ("a", "b")]
    with pytest.raises(type(error)) as caught:
        async with concurrently(*members)(None):
            raise error
    assert caught.value is error
    assert error.__context__ is None
    assert not hasattr(error, "__notes__")
    assert not caplog.records
    assert sorted(log[-2:]) == ["a stopped", "b stopped"]
    frames = traceback.extract_tb(error.__traceback__)
    assert [frame.name for frame in frames] == ["test_the_blocks_error"]


async def test_all_are_told_of_the_blocks_error() -> None:
    """The error is raised at each yield; there is nobody who could suppress it."""
    seen: list[tuple[str, BaseException | None]] = []
    error = ValueError("contxt")
    with pytest.raises(ValueError, match="contxt"):
        async with concurrently(told(seen, "a"), told(seen, "b"))(None):
            raise error
    assert sorted(seen) == [("a", error), ("b", error)]


async def test_nobody_is_told_when_all_goes_well() -> None:
    """A block that ends well is an ordinary end for each member."""
    seen: list[tuple[str, BaseException | None]] = []
    async with concurrently(told(seen, "a"), told(seen, "b"))(None):
        pass
    assert sorted(seen) == [("a", None), ("b", None)]


async def test_nobody_is_told_of_a_failure_to_stop() -> None:
    """A member that fails to stop changes nothing for those that stop with it."""
    seen: list[tuple[str, BaseException | None]] = []
    failing = resource("database", shutdown=failure(OSError("half closed")))
    members = [told(seen, "a"), failing, told(seen, "b")]
    with pytest.raises(OSError, match="half closed"):
        async with concurrently(*members)(None):
            pass
    assert sorted(seen) == [("a", None), ("b", None)]


async def test_the_blocks_error_and_the_members(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The block's error comes out; what members raise are its notes, and logged."""
    error, later = ValueError("first"), OSError("later")
    lifespan = concurrently(
        resource("database", shutdown=failure(later)), resource("model", tasks=True)
    )
    with pytest.raises(ValueError, match="first") as caught:
        async with lifespan(None):
            raise error
    assert caught.value is error
    assert error.__notes__ == ["database failed, too: OSError('later')"]
    assert [record.message for record in caplog.records] == ["database failed, too"]


async def test_the_blocks_error_in_a_members_group(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """In a group that a member raises, the block's error isn't a failure."""
    error = ValueError("first")

    @asynccontextmanager
    async def model(app: object) -> AsyncIterator[None]:
        try:
            yield
        except ValueError as raised:
            raise ExceptionGroup("both", [raised, OSError("later")]) from None

    with pytest.raises(ValueError, match="first") as caught:
        async with concurrently(model)(None):
            raise error
    assert caught.value is error
    [note] = error.__notes__
    assert note.endswith(
        "model failed, too: ExceptionGroup('both', [OSError('later')])"
    )


async def test_two_members_fail_to_stop(caplog: pytest.LogCaptureFixture) -> None:
    """The first failure comes out, the other is its note; both have stopped."""
    first, later = OSError("first"), ValueError("later")
    log: list[str] = []

    async def fail_later() -> None:
        await anyio.sleep(0.01)
        raise later

    async def close() -> None:
        await anyio.sleep(0.02)

    lifespan = concurrently(
        resource("a", shutdown=fail_later),
        resource("b", shutdown=failure(first)),
        resource("c", log, shutdown=close),
    )
    with pytest.raises(OSError, match="first") as caught:
        async with lifespan(None):
            pass
    assert caught.value is first
    assert first.__notes__ == ["a failed, too: ValueError('later')"]
    assert later.__context__ is None
    assert log[-1] == "c stopped"
    assert len(caplog.records) == 1


# A member breaks off while the app serves


@pytest.fixture(params=["plain", "concurrently", "with another"])
def wrap(request: pytest.FixtureRequest) -> Callable[[Lifespan], Lifespan]:
    """A lifespan as it is, and in `concurrently`: its crash must look the same."""
    return {
        "plain": lambda lifespan: lifespan,
        "concurrently": concurrently,
        "with another": lambda lifespan: concurrently(resource("other"), lifespan),
    }[request.param]


async def test_a_crash_in_use(wrap: Callable[[Lifespan], Lifespan]) -> None:
    """The block is cancelled, then the member is closed, and its error comes out."""
    log: list[str] = []
    error = ValueError("the worker crashed")

    async def crash() -> None:
        await pause()
        raise error

    lifespan = wrap(resource("worker", log, use=crash, tasks=True))

    async def block() -> None:
        try:
            await anyio.sleep_forever()
        finally:
            with anyio.CancelScope(shield=True):
                await anyio.sleep(0.01)
            log.append("block over")

    with pytest.raises(ExceptionGroup) as caught:
        async with lifespan(None):
            await block()
    assert caught.value.exceptions == (error,)
    assert log == [
        "worker starting",
        "worker started",
        "block over",
        "worker stopping",
        "worker stopped",
    ]


async def test_a_crash_that_the_block_outruns(
    wrap: Callable[[Lifespan], Lifespan],
) -> None:
    """A block that doesn't wait any more isn't cancelled; the error comes out."""
    error = ValueError("the worker crashed")
    crashed = anyio.Event()

    async def crash() -> None:
        crashed.set()
        raise error

    lifespan = wrap(resource("worker", use=crash, tasks=True))

    async def block() -> None:
        with anyio.CancelScope(shield=True):
            await crashed.wait()
            await pause()

    with pytest.raises(ExceptionGroup) as caught:
        async with lifespan(None):
            await block()
    assert caught.value.exceptions == (error,)


async def test_a_crash_and_the_blocks_error(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """What the cancelled block raises comes out; the crash is its note."""
    error = ValueError("the block's")
    lifespan = concurrently(
        resource("worker", use=failure(OSError("crashed")), tasks=True)
    )

    async def block() -> None:
        try:
            await anyio.sleep_forever()
        except anyio.get_cancelled_exc_class():
            raise error from None

    with pytest.raises(ValueError, match="the block's") as caught:
        async with lifespan(None):
            await block()
    assert caught.value is error
    [note] = error.__notes__
    assert note.startswith("worker failed, too: ExceptionGroup(")
    assert len(caplog.records) == 1


async def test_the_others_are_told_of_the_crash() -> None:
    """When the block is over, the crash is raised at the yield of the others."""
    seen: list[tuple[str, BaseException | None]] = []
    error = ValueError("the worker crashed")
    lifespan = concurrently(
        told(seen), resource("worker", use=failure(error), tasks=True)
    )
    with pytest.raises(ExceptionGroup) as caught:
        async with lifespan(None):
            await anyio.sleep_forever()
    assert seen == [("model", caught.value)]


async def test_a_crash_while_another_starts() -> None:
    """The startup of the other is cancelled, and the crash comes out."""
    log: list[str] = []
    error = ValueError("the worker crashed")

    async def crash() -> None:
        await anyio.sleep(0.01)
        raise error

    lifespan = concurrently(
        resource("model", log, startup=anyio.sleep_forever),
        resource("worker", log, use=crash, tasks=True),
    )
    with pytest.raises(ExceptionGroup) as caught:
        async with lifespan(None):
            pytest.fail("the block is not entered")
    assert caught.value.exceptions == (error,)
    assert sorted(log) == [
        "model starting",
        "model stopped",
        "model stopping",
        "worker started",
        "worker starting",
        "worker stopped",
        "worker stopping",
    ]


def breaking_off(moment: Step) -> Lifespan:
    """A lifespan that cancels its own scope, and ends without an error."""

    @asynccontextmanager
    async def lifespan(app: object) -> AsyncIterator[None]:
        async def cancel() -> None:
            await moment()
            group.cancel_scope.cancel()

        async with anyio.create_task_group() as group:
            group.start_soon(cancel)
            yield

    return lifespan


async def test_breaking_off_without_an_error(
    wrap: Callable[[Lifespan], Lifespan],
) -> None:
    """The block is cut short, and nothing is raised."""
    log: list[str] = []
    async with wrap(breaking_off(pause))(None):
        log.append("block")
        await anyio.sleep_forever()
        pytest.fail("the block goes on")
    assert log == ["block"]


async def test_breaking_off_while_another_starts() -> None:
    """The startup of the other is cancelled; there is nothing to serve."""
    log: list[str] = []
    lifespan = concurrently(
        breaking_off(pause), resource("model", log, startup=anyio.sleep_forever)
    )
    with pytest.raises(RuntimeError, match="didn't yield"):
        async with lifespan(None):
            pytest.fail("the block is not entered")
    assert log == ["model starting", "model stopping", "model stopped"]


async def test_a_crash_while_it_stops() -> None:
    """A crash in a member's closing comes out, and the others are closed."""
    log: list[str] = []
    error = ValueError("the flush failed")

    @asynccontextmanager
    async def worker(app: object) -> AsyncIterator[None]:
        async with anyio.create_task_group() as group:
            yield
            group.start_soon(failure(error))
            await anyio.sleep_forever()

    lifespan = concurrently(worker, resource("database", log, shutdown=pause))
    with pytest.raises(ExceptionGroup) as caught:
        async with lifespan(None):
            pass
    assert caught.value.exceptions == (error,)
    assert log[-1] == "database stopped"


# All is cancelled


@pytest.mark.parametrize("phase", ["startup", "use", "shutdown"])
async def test_cancelled_from_outside(
    phase: str, tasks: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """A cancelled scope around it all is obeyed in each phase, and all are closed."""
    log: list[str] = []

    async def cancel() -> None:
        scope.cancel()
        await anyio.sleep_forever()

    steps: dict[str, Any] = {} if phase == "use" else {phase: cancel}
    lifespan = concurrently(
        resource("a", log, tasks=tasks), resource("b", log, tasks=tasks, **steps)
    )
    with anyio.CancelScope() as scope:
        async with lifespan(None):
            await (cancel() if phase == "use" else nothing())
            assert phase == "shutdown"
    assert scope.cancelled_caught
    assert "a stopped" in log
    assert "b stopping" in log
    assert not caplog.records


@pytest.mark.parametrize("phase", ["startup", "use"])
async def test_cancelled_and_a_failure(
    phase: str, caplog: pytest.LogCaptureFixture
) -> None:
    """What a member raises when all is cancelled is logged; the cancellation counts."""

    async def cancel() -> None:
        scope.cancel()
        await anyio.sleep_forever()

    error = OSError("half open")
    steps: dict[str, Any] = {"startup": cancel} if phase == "startup" else {}
    lifespan = concurrently(resource("a", shutdown=failure(error), **steps))
    with anyio.CancelScope() as scope:
        async with lifespan(None):
            await cancel()
    assert scope.cancelled_caught
    assert [record.exc_info and record.exc_info[1] for record in caplog.records] == [
        error
    ]


async def test_cancelled_while_it_stops_and_a_failure() -> None:
    """A failure comes out of a cancelled scope, as from any lifespan."""

    async def fail() -> None:
        try:
            scope.cancel()
            await anyio.sleep_forever()
        finally:
            raise OSError("half closed")

    with pytest.raises(OSError, match="half closed"), anyio.CancelScope() as scope:
        async with concurrently(resource("a", shutdown=fail))(None):
            pass


@asyncio_only
@pytest.mark.parametrize("phase", ["startup", "use", "shutdown"])
async def test_cancelled_by_asyncio(phase: str, tasks: bool) -> None:
    """A cancelled task is cancelled in each phase, with the message that it got."""
    reached = asyncio.Event()
    log: list[str] = []

    async def reach() -> None:
        reached.set()
        await anyio.sleep_forever()

    async def serve() -> None:
        steps: dict[str, Any] = {} if phase == "use" else {phase: reach}
        lifespan = concurrently(
            resource("a", log, shutdown=nothing if steps else pause, tasks=tasks),
            resource("b", log, tasks=tasks, **steps),
        )
        async with lifespan(None):
            await (reach() if phase == "use" else nothing())

    task = asyncio.create_task(serve())
    await reached.wait()
    task.cancel("the message")
    with pytest.raises(asyncio.CancelledError, match="the message"):
        await task
    assert task.cancelled()
    assert "a stopped" in log  # in use: although its clean-up awaits
    assert "b stopping" in log


@asyncio_only
async def test_cancelled_by_asyncio_while_it_stops_after_an_error() -> None:
    """The block's error is not lost when its task is cancelled, too."""
    error = ValueError("first")

    async def cancel() -> None:
        task.cancel()
        await anyio.sleep_forever()

    async def serve() -> None:
        async with concurrently(resource("a", shutdown=cancel))(None):
            raise error

    task = asyncio.create_task(serve())
    with pytest.raises(ValueError, match="first") as caught:
        await task
    assert caught.value is error
    assert not hasattr(error, "__notes__")


# Names


class Cache:
    """A lifespan may be an object that can be called."""

    @asynccontextmanager
    async def __call__(self, app: object) -> AsyncIterator[None]:
        yield

    @asynccontextmanager
    async def method(self, app: object) -> AsyncIterator[None]:
        yield


async def test_names() -> None:
    """It is called by the names of its members."""

    @asynccontextmanager
    async def local(app: object) -> AsyncIterator[None]:
        yield

    members = [silent, partial(partial(silent)), Cache(), Cache().method, local]
    lifespan: Any = concurrently(*members)
    name = "concurrently(silent, silent, Cache, Cache.method, local)"
    assert (lifespan.__name__, lifespan.__qualname__) == (name, name)
    async with lifespan(None) as state:
        assert state is None
