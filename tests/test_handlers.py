"""from_handlers: the old lists as a lifespan, compared with FastAPI's own."""

from collections.abc import Awaitable, Callable, Generator, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from functools import partial
from itertools import product
from typing import Any

import anyio
import anyio.lowlevel
import pytest
from fastapi import APIRouter, FastAPI
from starlette.applications import Starlette

from lifespan_course.captures import capture
from lifespan_lab import running
from lifespan_lab.handlers import from_handlers

pytestmark = [
    pytest.mark.anyio,
    # FastAPI before 0.128.3 hands the lists to Starlette, which deprecates them.
    pytest.mark.filterwarnings("ignore:The on_startup and on_shutdown parameters"),
]

Handler = Callable[[], Any]
Manager = Callable[[], AbstractAsyncContextManager[object]]


class Recorder:
    """Makes handlers that write to one log."""

    def __init__(self, kind: str = "async", failing: Sequence[str] = ()) -> None:
        self.log: list[str] = []
        self.kind = kind
        self.failing = failing

    def step(self, name: str) -> None:
        self.log.append(name)
        if name in self.failing:
            raise LookupError(name)

    def handler(self, name: str, *, blocking: bool) -> Handler:
        async def waits() -> None:
            await anyio.lowlevel.checkpoint()
            self.step(name)

        return partial(self.step, name) if blocking else waits

    def handlers(self, phase: str, count: int = 3) -> list[Handler]:
        return [
            self.handler(
                f"{phase} {number}",
                blocking=self.kind == "def" or (self.kind == "mixed" and number == 2),
            )
            for number in range(1, count + 1)
        ]


def fastapi_lists(on_startup: list[Handler], on_shutdown: list[Handler]) -> FastAPI:
    return FastAPI(on_startup=on_startup, on_shutdown=on_shutdown)


def as_lifespan(on_startup: list[Handler], on_shutdown: list[Handler]) -> FastAPI:
    return FastAPI(lifespan=from_handlers(on_startup, on_shutdown))


def entered(app: FastAPI) -> AbstractAsyncContextManager[object]:
    """The app's lifespan itself, so that it meets the error of the body."""
    return app.router.lifespan_context(app)


def described(error: BaseException | None) -> list[object]:
    """The error, its notes, and all that stood behind it."""
    chain: list[object] = []
    while error is not None:
        chain.append((repr(error), getattr(error, "__notes__", [])))
        error = error.__context__
    return chain


async def outcome(recorder: Recorder, manager: Manager) -> tuple[list[str], object]:
    """What was logged and what came out when the body logs, too, and may fail."""
    try:
        async with manager():
            recorder.step("serving")
    except LookupError as error:
        return recorder.log, described(error)
    return recorder.log, None


FAILING: list[tuple[str, ...]] = [
    (),
    ("startup 1",),
    ("startup 2",),
    ("startup 3",),
    ("serving",),
    ("shutdown 1",),
    ("shutdown 3",),
    ("serving", "shutdown 2"),
    ("shutdown 1", "shutdown 2"),
]
RAN_WITHOUT_FAILURE = [
    *("startup 1", "startup 2", "startup 3"),
    "serving",
    *("shutdown 1", "shutdown 2", "shutdown 3"),
]


@pytest.mark.parametrize("start", [running, entered], ids=["running", "entered"])
@pytest.mark.parametrize("failing", FAILING, ids=" and ".join)
@pytest.mark.parametrize("kind", ["async", "def", "mixed"])
async def test_the_same_as_the_lists_of_fastapi(
    kind: str, failing: Sequence[str], start: Callable[[FastAPI], Any]
) -> None:
    """Whatever fails, the log and the error are those of on_startup= in FastAPI."""
    outcomes = []
    for make_app in (fastapi_lists, as_lifespan):
        recorder = Recorder(kind, failing)
        app = make_app(recorder.handlers("startup"), recorder.handlers("shutdown"))
        outcomes.append(await outcome(recorder, partial(start, app)))
    assert outcomes[0] == outcomes[1]
    assert (outcomes[0][0] == RAN_WITHOUT_FAILURE) == (
        failing in [(), ("serving",), ("shutdown 3",)]
    )


@pytest.mark.parametrize("counts", [*product(range(2), repeat=2)])
async def test_lists_of_any_length(counts: tuple[int, int]) -> None:
    """Empty lists are fine, and the two need not be equally long."""
    logs = []
    for make_app in (fastapi_lists, as_lifespan):
        recorder = Recorder()
        lists = map(recorder.handlers, ("startup", "shutdown"), counts)
        async with running(make_app(*lists)):
            recorder.step("serving")
        logs.append(recorder.log)
    assert logs[0] == logs[1]
    assert len(logs[0]) == sum(counts) + 1


@pytest.mark.parametrize("reverse", [False, True])
async def test_the_body_is_cancelled(reverse: bool) -> None:
    """Shutdown handlers run; one that awaits is cut there, as any teardown is."""
    outcomes = []
    for make_app in (
        fastapi_lists,
        lambda first, last: FastAPI(
            lifespan=from_handlers(first, last, reverse=reverse)
        ),
    ):
        recorder = Recorder("mixed")
        last = [*recorder.handlers("shutdown", 1), *recorder.handlers("last", 2)]
        # "last 2" is the only one that doesn't await; in reverse it comes first.
        order = [last[2], last[0], last[1]]
        with anyio.CancelScope() as scope:
            async with entered(make_app([], order)):
                scope.cancel()
                await anyio.sleep_forever()
        outcomes.append((recorder.log, scope.cancelled_caught))
    assert outcomes[0] == outcomes[1] == (["last 2"], True)


class Waitable:
    """What a `def` handler may return; it notes whether it was awaited."""

    def __init__(self, log: list[str]) -> None:
        self.log = log

    def __await__(self) -> Generator[Any, Any, None]:
        self.log.append("awaited")
        yield from anyio.lowlevel.checkpoint().__await__()


class Callables:
    """Handlers of every sort; each of them returns something to wait for."""

    def __init__(self, log: list[str]) -> None:
        self.log = log

    def method(self) -> Waitable:
        self.log.append("called")
        return Waitable(self.log)

    async def async_method(self, *words: str) -> None:
        await self.method()

    async def __call__(self, *words: str) -> None:
        await self.method()


def documented(function: Any) -> Handler:
    """A partial with an attribute: Python doesn't melt that into another one."""
    function.about = "what it is for"
    return function


CALLABLES: dict[str, Callable[[Callables], Handler]] = {
    "def": lambda it: it.method,
    "lambda": lambda it: lambda: it.method(),
    "async def": lambda it: it.async_method,
    "partial": lambda it: partial(it.async_method, "yield"),
    "object": lambda it: it,
    "partial of an object": lambda it: partial(it, "yield"),
    "partial of a partial": lambda it: partial(documented(partial(it)), "yield"),
    "type": lambda it: partial(Waitable, it.log),
}


@pytest.mark.parametrize("kind", CALLABLES)
async def test_what_is_awaited(kind: str) -> None:
    """Only what is `async def` is awaited, not what a `def` returns: FastAPI's rule."""
    logs = []
    for make_app in (fastapi_lists, as_lifespan):
        log: list[str] = []
        handler = CALLABLES[kind](Callables(log))
        async with running(make_app([handler], [handler])):
            log.append("serving")
        logs.append(log)
    assert logs[0] == logs[1]
    assert ("awaited" in logs[0]) == (kind not in ("def", "lambda", "type"))


async def test_read_when_needed() -> None:
    """What is appended before a list is run counts, as in app.router.on_startup."""
    logs = []
    for bridged in (False, True):
        recorder = Recorder()
        app = FastAPI()
        startup, shutdown = app.router.on_startup, app.router.on_shutdown
        if bridged:
            app.router.lifespan_context = from_handlers(startup, shutdown)
        late, *more = recorder.handlers("late")

        async def adds(startup: list[Handler] = startup, late: Handler = late) -> None:
            startup.append(late)

        startup.append(adds)
        async with running(app):
            shutdown.extend(more)
        logs.append(recorder.log)
    assert logs[0] == logs[1] == ["late 1", "late 2", "late 3"]


async def test_fastapi_copies_the_lists_that_it_is_given() -> None:
    """Here the two differ: an append to one's own list, after the app was made."""
    logs = []
    for make_app in (fastapi_lists, as_lifespan):
        recorder = Recorder()
        mine: list[Handler] = []
        app = make_app(mine, [])
        mine.extend(recorder.handlers("late", 1))
        async with running(app):
            logs.append(recorder.log)
    assert logs == [[], ["late 1"]]


async def test_the_app_may_start_again() -> None:
    """One lifespan serves any number of starts, also of a Starlette app."""
    recorder = Recorder("mixed")
    first, last = recorder.handlers("startup", 2), recorder.handlers("shutdown", 2)
    app = Starlette(lifespan=from_handlers(first, last))
    for _ in range(2):
        async with running(app):
            recorder.step("serving")
    once = ["startup 1", "startup 2", "serving", "shutdown 1", "shutdown 2"]
    assert recorder.log == once * 2


async def test_the_same_as_the_lists_of_starlette() -> None:
    """The log is that of Starlette 0.52.1, the last release that had the lists."""
    recorder = Recorder("mixed")
    first, last = recorder.handlers("start", 2), recorder.handlers("stop", 3)
    async with running(Starlette(lifespan=from_handlers(first, last))):
        recorder.step("serving")
    (run,) = capture("starlette_lists").runs
    assert run.versions == {"starlette": "0.52.1"}
    assert run.result[0] == "log: " + ", ".join(recorder.log)


@pytest.mark.parametrize("failing", FAILING, ids=" and ".join)
@pytest.mark.parametrize("kind", ["async", "def", "mixed"])
async def test_reverse_is_an_exit_stack(kind: str, failing: Sequence[str]) -> None:
    """With reverse=True the shutdown is AsyncExitStack's: order, errors and chain."""

    def stacked(recorder: Recorder) -> Manager:
        return partial(exit_stack, recorder)

    def reversed_lists(recorder: Recorder) -> Manager:
        first, last = recorder.handlers("startup"), recorder.handlers("shutdown")
        return partial(from_handlers(first, last, reverse=True), None)

    outcomes = []
    for make_manager in (stacked, reversed_lists):
        recorder = Recorder(kind, failing)
        outcomes.append(await outcome(recorder, make_manager(recorder)))
    assert outcomes[0] == outcomes[1]
    ran = [name for name in outcomes[0][0] if name.startswith("shutdown")]
    expected = [] if "startup" in "".join(failing) else RAN_WITHOUT_FAILURE[:3:-1]
    assert ran == expected


class exit_stack(AsyncExitStack):  # noqa: N801 - used as a function
    """What `reverse=True` must equal: startup by hand, then callbacks on a stack."""

    def __init__(self, recorder: Recorder) -> None:
        super().__init__()
        self.recorder = recorder

    async def __aenter__(self) -> "exit_stack":
        for name in RAN_WITHOUT_FAILURE[:3]:
            self.recorder.step(name)
        for name in RAN_WITHOUT_FAILURE[4:]:
            self.callback(self.recorder.step, name)
        return self


def a_function() -> None: ...


@pytest.mark.parametrize(
    "handlers", [a_function, {a_function}, (each for each in [a_function]), None]
)
@pytest.mark.parametrize("name", ["on_startup", "on_shutdown"])
def test_a_list_is_needed(name: str, handlers: Any) -> None:
    """What is no list is refused when the lifespan is made, not when the app stops."""
    with pytest.raises(TypeError, match="a list of handlers is needed, not "):
        from_handlers(**{name: handlers})


def test_the_order_of_the_arguments() -> None:
    """reverse is given by name only."""
    lifespan: Callable[..., Awaitable[object]] = from_handlers  # type: ignore[assignment]
    with pytest.raises(TypeError):
        lifespan([], [], True)


@pytest.mark.parametrize(("hand_over_copies", "times"), [(False, 1), (True, 2)])
async def test_handlers_of_a_router(hand_over_copies: bool, times: int) -> None:
    """They run once less than in the old app, unless their copies are handed over."""
    recorder = Recorder()
    router = APIRouter(on_startup=recorder.handlers("router", 1))
    old = FastAPI()
    old.include_router(router)
    async with running(old):
        assert recorder.log == ["router 1"] * 2
    recorder.log.clear()
    copies = old.router.on_startup if hand_over_copies else []
    new = FastAPI(lifespan=from_handlers(copies))
    new.include_router(router)
    async with running(new):
        assert recorder.log == ["router 1"] * times


@pytest.mark.parametrize("body_raises", [False, True])
async def test_an_earlier_error_in_reverse(body_raises: bool) -> None:
    """It is lost, unless the body raised, too: then it is the context of the last."""
    recorder = Recorder("def", failing=["stop 1", "stop 3"])
    lifespan = from_handlers([], recorder.handlers("stop"), reverse=True)

    async def run() -> None:
        async with lifespan(None):
            if body_raises:
                raise KeyError("body")

    with pytest.raises(LookupError, match="stop 1") as raised:
        await run()
    assert recorder.log == ["stop 3", "stop 2", "stop 1"]
    context = raised.value.__context__
    assert (str(context) == "stop 3") if body_raises else context is None
