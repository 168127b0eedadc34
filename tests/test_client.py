"""running: an app's lifespan around a block, whatever the app and the block do."""

import asyncio
import importlib
import importlib.util
import logging
import math
import re
import time
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import anyio
import anyio.lowlevel
import httpx
import pytest
from fastapi import FastAPI
from fastapi import Request as FastAPIRequest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from trio.testing import MockClock

import lifespan_lab.client
from lifespan_lab import running
from lifespan_lab.client import LifespanError

pytestmark = pytest.mark.anyio

SHORT = 0.1  # seconds, for a limit that shall pass
LONG = 2.0  # seconds, for a limit that shall not
Step = Callable[[], Awaitable[object]]
asyncio_only = pytest.mark.parametrize("anyio_backend", ["asyncio"])


@pytest.fixture(autouse=True)
async def _no_task_left(anyio_backend_name: str) -> AsyncIterator[None]:
    """No test leaves a task behind (trio sees to that by itself)."""
    if anyio_backend_name == "trio":
        yield
        return
    before = len(asyncio.all_tasks())
    yield
    assert len(asyncio.all_tasks()) == before


async def nothing() -> None: ...


async def dawdle() -> None:
    await anyio.sleep(LONG)


def failure(error: BaseException) -> Step:
    async def fail() -> None:
        raise error

    return fail


def service(
    log: list[str], *, startup: Step = nothing, shutdown: Step = nothing
) -> Starlette:
    """An app whose lifespan has a bare yield, so only a normal shutdown gets by."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[dict[str, Any]]:
        log.append("startup")
        await startup()
        yield {"words": ["yield"]}
        log.append("shutdown")
        await shutdown()
        await anyio.sleep(0.001)
        log.append("closed")

    async def words(request: Request) -> JSONResponse:
        return JSONResponse(request.state.words)

    return Starlette(routes=[Route("/", words)], lifespan=lifespan)


def script(*lines: str, log: list[Any] | None = None) -> ASGIApp:
    """An app that follows a script on the lifespan scope and raises nothing.

    A line is "receive" or the type of a message to send, without "lifespan."; after
    a colon its text.
    """

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == "lifespan"
        for line in lines:
            heard: Message | None = None
            if line == "receive":
                heard = await receive()
            else:
                kind, _, text = line.partition(": ")
                message = {"type": f"lifespan.{kind}"}
                await send(message | {"message": text} if text else message)
            if log is not None:
                log.append(heard["type"] if heard else line)

    return app


# The client


@pytest.fixture(params=["httpx", "httpx2"])
def library(request: pytest.FixtureRequest) -> ModuleType:
    """The client library: httpx, or httpx2, its fork."""
    return importlib.import_module(request.param)


@pytest.fixture
def client_module(library: ModuleType, tmp_path: Path) -> ModuleType:
    """The snippet, with its import changed as its comment says for httpx2."""
    if library is httpx:
        return lifespan_lab.client
    text = Path(lifespan_lab.client.__file__).read_text(encoding="utf-8")
    text, changed = re.subn(
        r"^import httpx  # for its fork: (import httpx2 .+)$", r"\1", text, flags=re.M
    )
    assert changed == 1
    copy = tmp_path / "client.py"
    copy.write_text(text, encoding="utf-8")
    spec = importlib.util.spec_from_file_location("client_with_httpx2", copy)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


async def test_serves_between_startup_and_shutdown(
    client_module: ModuleType, library: ModuleType
) -> None:
    """The app is started, asked by a client of the library, and shut down, once."""
    log: list[str] = []
    async with client_module.running(service(log)) as client:
        assert isinstance(client, library.AsyncClient)
        assert log == ["startup"]
        answer = await client.get("/")
        assert (answer.status_code, answer.json()) == (200, ["yield"])
        assert log == ["startup"]
    assert log == ["startup", "shutdown", "closed"]
    assert client.is_closed


async def test_fastapi(client_module: ModuleType) -> None:
    """A FastAPI app is served in the same way."""
    log: list[str] = []

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, str]]:
        log.append("startup")
        yield {"word": "context"}
        log.append("shutdown")

    app = FastAPI(lifespan=lifespan)

    @app.get("/")
    async def word(request: FastAPIRequest) -> str:
        return str(request.state.word)

    async with client_module.running(app) as client:
        assert (await client.get("/")).json() == "context"
    assert log == ["startup", "shutdown"]


async def test_base_url() -> None:
    """Paths are asked for below the base URL, "http://testserver" by default."""

    async def url(request: Request) -> PlainTextResponse:
        return PlainTextResponse(str(request.url))

    app = Starlette(routes=[Route("/{path:path}", url)])
    async with running(app) as client:
        assert (await client.get("/a")).text == "http://testserver/a"
    async with running(app, base_url="https://words.example/v1") as client:
        assert (await client.get("/a")).text == "https://words.example/v1/a"


async def test_state_is_copied_for_each_request() -> None:
    """A request sees what the lifespan yielded, not what another request set."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[dict[str, Any]]:
        yield {"shared": [], "number": 0}

    async def visit(request: Request) -> JSONResponse:
        seen = [len(request.state.shared), request.state.number]
        request.state.shared.append("visit")
        request.state.number += 1
        return JSONResponse(seen)

    app = Starlette(routes=[Route("/", visit)], lifespan=lifespan)
    async with running(app) as client:
        assert (await client.get("/")).json() == [0, 0]
        assert (await client.get("/")).json() == [1, 0]  # a shallow copy


async def test_state_of_the_next_request_is_clean() -> None:
    """What a request adds to its state is gone in the next request."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            scope["state"]["word"] = "yield"
            await script("receive", "startup.complete")(scope, receive, send)
        else:
            keys = sorted(scope["state"])
            scope["state"]["left behind"] = True
            await JSONResponse(keys)(scope, receive, send)

    async with running(app) as client:
        assert (await client.get("/")).json() == ["word"]
        assert (await client.get("/")).json() == ["word"]


async def test_two_apps_at_once() -> None:
    """Blocks may be nested, each with a lifespan and a client of its own."""
    log: list[str] = []
    async with running(service(log)) as outer, running(service(log)) as inner:
        assert (await outer.get("/")).json() == (await inner.get("/")).json()
    assert log == [*["startup"] * 2, *["shutdown", "closed"] * 2]


async def test_the_lifespan_scope_names_its_versions() -> None:
    """The lifespan scope has the key "asgi", which asgi-lifespan leaves out."""
    scopes: list[Scope] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        scopes.append(dict(scope))
        await script("receive", "startup.complete")(scope, receive, send)

    async with running(app):
        pass
    assert scopes == [
        {
            "type": "lifespan",
            "asgi": {"version": "3.0", "spec_version": "2.0"},
            "state": {},
        }
    ]


# The block fails


@pytest.mark.parametrize(
    "error",
    [
        ValueError("contxt"),
        ExceptionGroup("mine", [ValueError()]),
        StopAsyncIteration(),
        GeneratorExit(),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_the_blocks_error(error: BaseException) -> None:
    """A block that raises gets a normal shutdown, and its error comes out untouched."""
    log: list[str] = []
    with pytest.raises(type(error)) as caught:
        async with running(service(log)):
            raise error
    assert caught.value is error
    assert not hasattr(error, "__notes__")
    assert log == ["startup", "shutdown", "closed"]


async def test_the_blocks_error_and_the_apps(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The block's error comes out; the shutdown's is its note, and is logged."""
    first, later = ValueError("first"), OSError("later")
    with pytest.raises(ValueError, match="first") as caught:
        async with running(service([], shutdown=failure(later))):
            raise first
    assert caught.value is first
    assert first.__notes__ == ["The app's lifespan failed, too: OSError('later')"]
    assert later.__context__ is not first
    [record] = caplog.records
    assert record.levelno == logging.ERROR
    assert record.exc_info
    assert record.exc_info[1] is later


async def test_the_block_is_cancelled() -> None:
    """A block that is cancelled gets a normal shutdown, and stays cancelled."""
    log: list[str] = []
    with anyio.CancelScope() as scope:
        async with running(service(log)):
            scope.cancel()
            await anyio.sleep_forever()
    assert scope.cancelled_caught
    assert log == ["startup", "shutdown", "closed"]


async def test_the_block_is_cancelled_and_the_shutdown_fails(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The cancellation comes out; the shutdown's error is logged."""
    error = OSError("later")
    with anyio.CancelScope() as scope:
        async with running(service([], shutdown=failure(error))):
            scope.cancel()
            await anyio.sleep_forever()
    assert scope.cancelled_caught
    assert [record.exc_info and record.exc_info[1] for record in caplog.records] == [
        error
    ]


async def test_the_block_raises_in_a_cancelled_scope() -> None:
    """The block's own error comes out of a cancelled scope, too."""
    log: list[str] = []
    error = ValueError("first")

    async def block() -> None:
        async with running(service(log)):
            scope.cancel()
            raise error

    with anyio.CancelScope() as scope, pytest.raises(ValueError, match="first") as got:
        await block()
    assert got.value is error
    assert not hasattr(error, "__notes__")
    assert log == ["startup", "shutdown", "closed"]


@asyncio_only
async def test_cancelled_at_the_end(caplog: pytest.LogCaptureFixture) -> None:
    """A cancellation before the last line is not lost, nor is the app's error."""
    error = OSError("later")
    caught: BaseException | None = None
    with anyio.CancelScope() as scope:
        try:
            async with running(service([], shutdown=failure(error))):
                scope.cancel()
        except BaseException as cancelled:
            caught = cancelled
            raise
    assert isinstance(caught, asyncio.CancelledError)
    assert [record.exc_info and record.exc_info[1] for record in caplog.records] == [
        error
    ]


@asyncio_only
async def test_asyncio_cancels_the_block() -> None:
    """The same holds for a task of asyncio: a normal shutdown, then cancelled."""
    log: list[str] = []
    entered = asyncio.Event()

    async def block() -> None:
        async with running(service(log)):
            entered.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(block())
    await entered.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert log == ["startup", "shutdown", "closed"]


@asyncio_only
async def test_asyncio_cancels_the_shutdown(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A task that is cancelled while it shuts down doesn't wait for the app."""
    log: list[str] = []
    shutting_down = asyncio.Event()

    async def hang() -> None:
        shutting_down.set()
        await asyncio.Event().wait()

    async def block() -> None:
        async with running(service(log, shutdown=hang), shutdown_timeout=LONG):
            pass

    task = asyncio.create_task(block())
    await shutting_down.wait()
    task.cancel("again")
    with pytest.raises(asyncio.CancelledError, match="again"):
        await task
    assert log == ["startup", "shutdown"]
    assert not caplog.records


# The startup fails


async def test_the_startup_raises() -> None:
    """An error of the startup comes out as itself, in no group, before the block."""
    error = ValueError("no words")
    with pytest.raises(ValueError, match="no words") as caught:
        async with running(service([], startup=failure(error))):
            pytest.fail("the block is not entered")
    assert caught.value is error
    assert error.__cause__ is error.__context__ is None


async def test_the_app_raises_a_group() -> None:
    """A group that the app raised is not taken apart, not even a group of one."""
    error = ExceptionGroup("the app's", [ValueError()])
    with pytest.raises(ExceptionGroup) as caught:
        async with running(service([], startup=failure(error))):
            pass
    assert caught.value is error


@pytest.mark.parametrize("end", [[], ["receive"]], ids=["returns", "goes on"])
async def test_startup_failed_is_sent(end: list[str]) -> None:
    """An app that only says that its startup failed is an error with its words."""
    log: list[str] = []
    app = script("receive", "startup.failed: no words", *end, log=log)
    with pytest.raises(LifespanError, match="startup failed: no words"):
        async with running(app, startup_timeout=LONG):
            pytest.fail("the block is not entered")
    assert log == ["lifespan.startup", "startup.failed: no words"]


async def test_startup_failed_without_words() -> None:
    """The message of `startup.failed` may be missing."""
    with pytest.raises(LifespanError, match=r"The app's startup failed: $"):
        async with running(script("receive", "startup.failed")):
            pass


async def test_startup_takes_too_long() -> None:
    """The limit's error names the phase, the seconds, the argument and the place."""
    with pytest.raises(
        TimeoutError, match=r"startup took longer than 0\.1 s.* startup_timeout="
    ) as caught:
        async with running(service([], startup=dawdle), startup_timeout=SHORT):
            pytest.fail("the block is not entered")
    assert caught.value.__cause__
    shown = traceback.format_exception(caught.value.__cause__)
    assert "await startup()" in "".join(shown)


async def test_the_answer_comes_too_late() -> None:
    """An app that goes on when it is cancelled has missed the limit all the same."""

    async def stubborn() -> None:
        try:
            await anyio.sleep_forever()
        except anyio.get_cancelled_exc_class():
            pass

    with pytest.raises(TimeoutError, match="startup took longer"):
        async with running(service([], startup=stubborn), startup_timeout=SHORT):
            pytest.fail("the block is not entered")


async def test_an_error_at_the_limit() -> None:
    """What the app raises when it is cancelled at the limit is the limit's cause."""
    error = OSError("not closed")

    async def leak() -> None:
        try:
            await anyio.sleep_forever()
        finally:
            raise error

    with pytest.raises(TimeoutError) as caught:
        async with running(service([], startup=leak), startup_timeout=SHORT):
            pass
    assert caught.value.__cause__ is error


async def test_what_is_shielded_is_waited_for() -> None:
    """A limit doesn't bound a shielded scope; it is missed when that has ended."""
    log: list[str] = []

    async def shielded() -> None:
        with anyio.CancelScope(shield=True):
            await anyio.sleep(1.5 * SHORT)
            log.append("slept")

    with pytest.raises(TimeoutError):
        async with running(service(log, startup=shielded), startup_timeout=SHORT):
            pass
    assert log == ["startup", "slept"]


@pytest.mark.parametrize("end", [nothing, failure(ValueError("no words"))])
async def test_what_blocks_the_thread_is_waited_for(end: Step) -> None:
    """A limit doesn't bound `time.sleep`, but it is missed."""

    async def block() -> None:
        time.sleep(0.02)  # noqa: ASYNC251 - what is shown
        await end()

    with pytest.raises(TimeoutError, match="startup took longer"):
        async with running(service([], startup=block), startup_timeout=0.01):
            pytest.fail("the block is not entered")


async def test_cancelled_during_the_startup(caplog: pytest.LogCaptureFixture) -> None:
    """A startup is cancelled with the task that waits for it, and nothing is left."""
    log: list[str] = []

    async def cancelled() -> None:
        scope.cancel()
        await anyio.sleep_forever()

    with anyio.CancelScope() as scope:
        async with running(service(log, startup=cancelled), startup_timeout=LONG):
            pass
    assert scope.cancelled_caught
    assert log == ["startup"]
    assert not caplog.records


@pytest.mark.parametrize("lines", [[], ["startup.complete", "receive"]])
async def test_a_cancelled_startup_goes_on(
    lines: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    """An app that won't be cancelled owes no answer, and is not waited for."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await receive()
            around.cancel()
            await anyio.sleep_forever()
        except anyio.get_cancelled_exc_class():
            await script(*lines)(scope, receive, send)

    with anyio.CancelScope() as around:
        async with running(app):
            pass
    assert around.cancelled_caught
    assert not caplog.records


@asyncio_only
async def test_asyncio_cancels_a_startup_that_goes_on() -> None:
    """The same holds for a task of asyncio."""
    entered = asyncio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            entered.set()
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            lines = "receive", "startup.complete", "receive"
            await script(*lines)(scope, receive, send)

    task = asyncio.create_task(running(app).__aenter__())
    await entered.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_cancelled_before_the_startup() -> None:
    """A cancelled scope enters nothing, and no group comes out of it."""
    caught: BaseException | None = None
    with anyio.CancelScope() as scope:
        scope.cancel()
        try:
            async with running(service([]), startup_timeout=LONG):
                await anyio.lowlevel.checkpoint()
        except BaseException as cancelled:
            caught = cancelled
            raise
    assert isinstance(caught, anyio.get_cancelled_exc_class())


async def test_cancelled_during_the_startup_that_fails(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """What a cancelled startup raises is logged, and the cancellation comes out."""
    error = OSError("not closed")

    async def leak() -> None:
        scope.cancel()
        try:
            await anyio.sleep_forever()
        finally:
            raise error

    with anyio.CancelScope() as scope:
        async with running(service([], startup=leak)):
            pass
    assert scope.cancelled_caught
    assert [record.exc_info and record.exc_info[1] for record in caplog.records] == [
        error
    ]


# The shutdown fails


async def test_the_shutdown_raises() -> None:
    """An error of the shutdown comes out as itself, after the block."""
    error = ValueError("not saved")
    with pytest.raises(ValueError, match="not saved") as caught:
        async with running(service([], shutdown=failure(error))):
            pass
    assert caught.value is error


@pytest.mark.parametrize("end", [[], ["receive"]], ids=["returns", "goes on"])
async def test_shutdown_failed_is_sent(end: list[str]) -> None:
    """An app that only says that its shutdown failed is an error with its words."""
    app = script(
        "receive", "startup.complete", "receive", "shutdown.failed: not saved", *end
    )
    with pytest.raises(LifespanError, match="shutdown failed: not saved"):
        async with running(app, shutdown_timeout=LONG):
            pass


async def test_shutdown_takes_too_long() -> None:
    """The same as for the startup, with the shutdown's name, seconds and argument."""
    log: list[str] = []
    with pytest.raises(
        TimeoutError, match=r"shutdown took longer than 0\.1 s.* shutdown_timeout="
    ) as caught:
        async with running(service(log, shutdown=dawdle), shutdown_timeout=SHORT):
            pass
    assert log == ["startup", "shutdown"]
    assert caught.value.__cause__
    shown = traceback.format_exception(caught.value.__cause__)
    assert "await shutdown()" in "".join(shown)


async def test_an_app_that_is_deaf_to_the_shutdown() -> None:
    """The shutdown's limit holds for an app that never listens for it."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await script("receive", "startup.complete")(scope, receive, send)
        await dawdle()

    with pytest.raises(TimeoutError, match="shutdown took longer"):
        async with running(app, shutdown_timeout=SHORT):
            pass


async def test_the_limits_are_for_startup_and_shutdown_alone() -> None:
    """While the app is served, neither limit runs."""
    log: list[str] = []
    async with running(
        service(log), startup_timeout=0.5, shutdown_timeout=0.5
    ) as client:
        await anyio.sleep(0.6)
        assert (await client.get("/")).json() == ["yield"]
    assert log == ["startup", "shutdown", "closed"]


@pytest.mark.parametrize(
    "anyio_backend", [("trio", {"clock": MockClock(autojump_threshold=0)})]
)
async def test_only_our_limits_run() -> None:
    """A limit above asgi-lifespan's own, of 5 seconds, holds for both ends."""

    async def hesitate() -> None:
        await anyio.sleep(8)

    app = service([], startup=hesitate, shutdown=hesitate)
    async with running(app, startup_timeout=9, shutdown_timeout=9) as client:
        assert (await client.get("/")).json() == ["yield"]


async def test_no_limits() -> None:
    """`math.inf` is no limit."""
    log: list[str] = []
    async with running(
        service(log), startup_timeout=math.inf, shutdown_timeout=math.inf
    ):
        pass
    assert log == ["startup", "shutdown", "closed"]


async def test_the_lifespan_breaks_off_while_serving() -> None:
    """What ends the lifespan while the app is served comes out after the block."""
    error = ValueError("the worker crashed")

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await script("receive", "startup.complete")(scope, receive, send)
            raise error
        await PlainTextResponse("still here")(scope, receive, send)

    with pytest.raises(ValueError, match="the worker crashed") as caught:
        async with running(app) as client:
            assert (await client.get("/")).text == "still here"
    assert caught.value is error


@pytest.mark.parametrize(
    "end",
    [
        [],
        ["receive"],
        ["receive", "shutdown.complete"],
        ["receive", "shutdown.complete", "receive"],
        ["receive", "receive"],
    ],
    ids=" ".join,
)
async def test_ways_to_end_well(end: list[str]) -> None:
    """An app that fell silent has shut down; what it waits for more is cut short."""
    log: list[str] = []
    app = script("receive", "startup.complete", *end, log=log)
    async with running(app, shutdown_timeout=LONG):
        pass
    heard = ["lifespan.startup", "lifespan.shutdown"][: 1 + ("receive" in end)]
    assert [line for line in log if line.startswith("lifespan.")] == heard


# No lifespan


async def raises(scope: Scope, receive: Receive, send: Send) -> None:
    assert scope["type"] == "http"
    await JSONResponse(scope["state"])(scope, receive, send)


async def answers_everything(scope: Scope, receive: Receive, send: Send) -> None:
    await JSONResponse(scope["state"])(scope, receive, send)


async def listens_and_answers(scope: Scope, receive: Receive, send: Send) -> None:
    while (await receive()).get("more_body"):
        pass
    await JSONResponse(scope["state"])(scope, receive, send)


@pytest.mark.parametrize("app", [raises, answers_everything, listens_and_answers])
async def test_an_app_without_a_lifespan(
    app: ASGIApp, caplog: pytest.LogCaptureFixture
) -> None:
    """It is served without one, its state is empty, and a warning says so."""
    async with running(app) as client:
        assert (await client.get("/")).json() == {}
    [record] = caplog.records
    assert record.levelno == logging.WARNING
    assert "The app has no lifespan, it is served without" in record.message


async def test_an_exit_is_not_a_missing_lifespan() -> None:
    """An app that wants to leave the process is not served instead."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        raise SystemExit(3)

    with pytest.raises(SystemExit):
        async with running(app):
            pytest.fail("the block is not entered")


@pytest.mark.parametrize("lines", [[], ["receive"]], ids=["at once", "after startup"])
async def test_an_app_that_returns(lines: list[str]) -> None:
    """An app that returns from the lifespan without an answer is an error."""
    with pytest.raises(LifespanError, match=r"didn't answer lifespan\.startup"):
        async with running(script(*lines), startup_timeout=LONG):
            pytest.fail("the block is not entered")


async def test_a_middleware_swallows_the_lifespan() -> None:
    """A middleware that forwards `http` only is an error, and the cure is named."""
    log: list[str] = []
    inner = service(log)

    async def middleware(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await inner(scope, receive, send)

    with pytest.raises(LifespanError, match=r"await self\.app"):
        async with running(middleware, startup_timeout=LONG):
            pytest.fail("the block is not entered")
    assert log == []


# Tasks


@asyncio_only
async def test_entered_in_one_task_and_left_in_another() -> None:
    """On asyncio each end of the block may stand in a task of its own."""
    log: list[str] = []

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(anyio.sleep_forever)
            yield
            tasks.cancel_scope.cancel()
        log.append("shutdown")

    block = running(Starlette(lifespan=lifespan))
    client = await asyncio.create_task(block.__aenter__())
    answer = await asyncio.create_task(client.get("/"))
    assert answer.status_code == 404
    await asyncio.create_task(block.__aexit__(None, None, None))
    assert log == ["shutdown"]


@asyncio_only
async def test_left_in_any_order() -> None:
    """On asyncio, what was entered first may be left first."""
    log: list[str] = []
    first, second = running(service(log)), running(service(log))
    await first.__aenter__()
    client = await second.__aenter__()
    await first.__aexit__(None, None, None)
    assert (await client.get("/")).json() == ["yield"]
    await second.__aexit__(None, None, None)
    assert log == ["startup", "startup", "shutdown", "closed", "shutdown", "closed"]
