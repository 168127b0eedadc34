"""serving: a real server in a thread, whatever the app and the block do."""

import asyncio
import logging
import math
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import anyio
import httpx
import psutil
import pytest
import trio
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

import lifespan_lab.server
from lifespan_lab.server import LifespanError, serving

pytestmark = pytest.mark.anyio

SHORT = 0.1  # seconds, for a limit that shall pass
LONG = 20.0  # seconds, for a wait that shall be cut short
Step = Callable[[], Awaitable[object]]
asyncio_only = pytest.mark.parametrize("anyio_backend", ["asyncio"])


@pytest.fixture(autouse=True)
async def _nothing_left(anyio_backend_name: str) -> AsyncIterator[None]:
    """No test leaves a server's thread or a file descriptor behind, such as a socket.

    (trio keeps threads of its own for a while, to look up addresses.)
    """
    before = psutil.Process().num_fds()
    yield
    assert not [thread for thread in threading.enumerate() if " at " in thread.name]
    assert psutil.Process().num_fds() == before


@pytest.fixture
def released() -> Iterator[threading.Event]:
    """Set it to let go a thread that waits for it; at the latest the test's end does.

    The threads that a test let block are joined then.
    """
    before = set(threading.enumerate())
    event = threading.Event()
    yield event
    event.set()
    for thread in set(threading.enumerate()) - before:
        thread.join(LONG)


async def nothing() -> None: ...


async def dawdle() -> None:
    await anyio.sleep(LONG)


def failure(error: BaseException) -> Step:
    async def fail() -> None:
        raise error

    return fail


def blocking(event: threading.Event) -> Step:
    async def block() -> None:
        event.wait(LONG)

    return block


def service(
    log: list[str],
    *,
    startup: Step = nothing,
    shutdown: Step = nothing,
    answer: Callable[[Request], Any] | None = None,
) -> Starlette:
    """An app whose lifespan has a bare yield, so only a normal shutdown gets by."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[dict[str, Any]]:
        log.append("startup")
        try:
            await startup()
        except asyncio.CancelledError:
            log.append("cancelled")
            raise
        yield {"words": ["yield"]}
        log.append("shutdown")
        await shutdown()
        await asyncio.sleep(0.001)
        log.append("closed")

    async def words(request: Request) -> JSONResponse:
        return JSONResponse(request.state.words)

    return Starlette(routes=[Route("/", answer or words)], lifespan=lifespan)


def script(*lines: str) -> ASGIApp:
    """An app that follows a script on the lifespan scope and raises nothing.

    A line is "receive" or the type of a message to send, without "lifespan."; after
    a colon its text.
    """

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == "lifespan"
        for line in lines:
            kind, _, text = line.partition(": ")
            if line == "receive":
                await receive()
            else:
                await send({"type": f"lifespan.{kind}", "message": text})

    return app


def get(url: str) -> httpx.Response:
    """Ask the server and block until it has answered."""
    return httpx.get(url, timeout=LONG)


def refused(url: str) -> bool:
    address = httpx.URL(url)
    with socket.socket() as client:
        return client.connect_ex((address.host, address.port)) != 0


def notes(error: BaseException) -> list[str]:
    return getattr(error, "__notes__", [])


# The server


async def test_serves_between_startup_and_shutdown() -> None:
    """A client that blocks and one that doesn't are answered, and see the state."""
    log: list[str] = []
    async with serving(service(log)) as url:
        assert get(url).json() == ["yield"]
        async with httpx.AsyncClient(base_url=url) as client:
            assert (await client.get("/")).json() == ["yield"]
        assert log == ["startup"]
    assert log == ["startup", "shutdown", "closed"]
    assert refused(url)


async def test_the_url() -> None:
    """It is one of this machine alone, and the port is free: two servers have two."""
    async with serving(service([])) as one, serving(service([])) as two:
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+", one)
        assert one != two


async def test_nobody_is_answered_before_the_startup_is_complete() -> None:
    """While the app starts, the port refuses."""
    log: list[object] = []

    async def startup() -> None:
        url = threading.current_thread().name.rpartition(" ")[2]
        log.append(await asyncio.to_thread(refused, url))
        log.append(url)

    async with serving(service([], startup=startup)) as url:
        assert log == [True, url]
        assert not refused(url)


async def test_no_signal_handler() -> None:
    """Signals reach the process as before."""
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    async with serving(service([])):
        during = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    assert during == before


async def test_the_server_is_quiet(
    capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing is printed, and uvicorn's loggers are left as they were."""
    uvicorn = logging.getLogger("uvicorn"), logging.getLogger("uvicorn.access")
    before = [(log.level, log.handlers[:], log.propagate) for log in uvicorn]
    async with serving(service([])) as url:
        get(url)
        assert [(log.level, log.handlers, log.propagate) for log in uvicorn] == before
    assert capfd.readouterr() == ("", "")
    assert not caplog.records


@pytest.mark.parametrize("seconds", [0, -1, math.nan])
@pytest.mark.parametrize("limit", ["startup_timeout", "shutdown_timeout"])
async def test_no_limit(limit: str, seconds: float) -> None:
    """A limit is above 0, and nothing starts otherwise."""
    log: list[str] = []
    with pytest.raises(ValueError, match=f"above 0, not .*{seconds}"):
        async with serving(service(log), **{limit: seconds}):
            pytest.fail("the block is not entered")
    assert not log


async def test_without_limits() -> None:
    """`math.inf` is no limit."""
    log: list[str] = []
    app = service(log)
    async with serving(app, startup_timeout=math.inf, shutdown_timeout=math.inf):
        pass
    assert log == ["startup", "shutdown", "closed"]


@asyncio_only
async def test_the_limits_are_for_startup_and_shutdown_alone() -> None:
    """While the app is served, neither limit runs."""
    log: list[str] = []
    async with serving(service(log), startup_timeout=2, shutdown_timeout=1) as url:
        await anyio.sleep(2.1)
        assert get(url).json() == ["yield"]
    assert log == ["startup", "shutdown", "closed"]


# The block


async def test_the_block_raises() -> None:
    """The app gets a normal shutdown, and the block's error comes out as itself."""
    log: list[str] = []
    error = ValueError("no words")
    with pytest.raises(ValueError, match="no words") as caught:
        async with serving(service(log)):
            raise error
    assert caught.value is error
    assert not notes(error)
    assert log == ["startup", "shutdown", "closed"]


async def test_the_block_and_the_shutdown_raise(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The block's error comes out; the app's is logged and attached as a note."""
    error, later = ValueError("no words"), OSError("not saved")
    with pytest.raises(ValueError, match="no words") as caught:
        async with serving(service([], shutdown=failure(later))):
            raise error
    assert caught.value is error
    assert notes(error) == [f"Serving ended with this, too: {later!r}"]
    [record] = [record for record in caplog.records if record.exc_info]
    assert record.exc_info
    assert record.exc_info[1] is later


async def test_cancelled_while_serving(caplog: pytest.LogCaptureFixture) -> None:
    """A cancelled block gets a normal shutdown, and is waited for."""
    log: list[str] = []
    with anyio.CancelScope() as scope:
        async with serving(service(log)):
            scope.cancel()
            await anyio.sleep_forever()
    assert scope.cancelled_caught
    assert log == ["startup", "shutdown", "closed"]
    assert not caplog.records


async def test_cancelled_during_the_startup(caplog: pytest.LogCaptureFixture) -> None:
    """The app's startup is cancelled with the task that waits for it."""
    log: list[str] = []
    with anyio.CancelScope() as scope:

        async def cancelled() -> None:
            call(scope.cancel)
            await dawdle()

        call = caller()
        app = service(log, startup=cancelled)
        async with serving(app, shutdown_timeout=math.inf):
            pytest.fail("the block is not entered")
    assert scope.cancelled_caught
    assert log == ["startup", "cancelled"]
    assert not [record for record in caplog.records if record.exc_info]


def caller() -> Callable[[Callable[[], object]], object]:
    """A function by which another thread has something called in this event loop."""
    if anyio.get_cancelled_exc_class() is asyncio.CancelledError:
        return asyncio.get_running_loop().call_soon_threadsafe
    return trio.lowlevel.current_trio_token().run_sync_soon


@asyncio_only
async def test_a_task_cancelled_during_the_shutdown() -> None:
    """A task of asyncio that is cancelled then waits for the end, and is cancelled."""
    log: list[str] = []
    call = caller()

    async def shutdown() -> None:
        call(task.cancel)
        await asyncio.sleep(SHORT)

    async def serve() -> None:
        async with serving(service(log, shutdown=shutdown)):
            pass

    task = asyncio.create_task(serve())
    with pytest.raises(asyncio.CancelledError):
        await task
    assert log == ["startup", "shutdown", "closed"]


async def test_entered_in_one_task_and_left_in_another() -> None:
    """Each end of the block may stand in a task of its own."""
    log: list[str] = []
    block = serving(service(log))
    urls: list[str] = []

    async def enter() -> None:
        urls.append(await block.__aenter__())

    async def leave() -> None:
        await block.__aexit__(None, None, None)

    for step in enter, leave:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(step)
    assert log == ["startup", "shutdown", "closed"]
    assert refused(urls[0])


async def test_left_in_any_order() -> None:
    """What was entered first may be left first."""
    first, second = serving(service([])), serving(service([]))
    await first.__aenter__()
    url = await second.__aenter__()
    await first.__aexit__(None, None, None)
    assert get(url).json() == ["yield"]
    await second.__aexit__(None, None, None)


# The startup fails


async def test_the_startup_raises(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The app's error comes out as itself, and no traceback of it is logged."""
    # A server that ran before, with settings of its own, leaves its log as it set it.
    monkeypatch.setattr(logging.getLogger("uvicorn"), "propagate", True)
    caplog.set_level(logging.ERROR, "uvicorn.error")
    error = ValueError("no model")
    with pytest.raises(ValueError, match="no model") as caught:
        async with serving(service([], startup=failure(error)), startup_timeout=LONG):
            pytest.fail("the block is not entered")
    assert caught.value is error
    assert not notes(error)
    said = {(record.message, record.exc_info) for record in caplog.records}
    assert said == {("Application startup failed. Exiting.", None)}


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt()], ids=repr)
async def test_the_startup_exits(error: BaseException) -> None:
    """An app that wants to leave the process leaves the block, and is not served."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        raise error

    with pytest.raises(type(error)) as caught:
        async with serving(app):
            pytest.fail("the block is not entered")
    assert caught.value is error


async def test_the_startup_cancels_itself() -> None:
    """An app that raises a cancellation which nobody asked for fails with it."""
    error = asyncio.CancelledError("stray")

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        raise error

    with pytest.raises(asyncio.CancelledError) as caught:
        async with serving(app):
            pytest.fail("the block is not entered")
    assert caught.value is error


@pytest.mark.parametrize("end", [[], ["receive"]], ids=["returns", "goes on"])
async def test_startup_failed_is_sent(end: list[str]) -> None:
    """An app that only says that its startup failed is an error with its words."""
    app = script("receive", "startup.failed: no model", *end)
    with pytest.raises(LifespanError, match=r"startup\.failed.*no model"):
        async with serving(app, startup_timeout=LONG):
            pytest.fail("the block is not entered")


@pytest.mark.parametrize("lines", [[], ["receive"]], ids=["at once", "after startup"])
async def test_an_app_that_returns(lines: list[str]) -> None:
    """An app that returns from the lifespan without an answer is an error."""
    with pytest.raises(LifespanError, match=r"didn't answer lifespan\.startup"):
        async with serving(script(*lines)):
            pytest.fail("the block is not entered")


async def test_an_answer_that_is_none() -> None:
    """An app whose answer the server doesn't know is not served."""
    with pytest.raises(AssertionError):
        async with serving(script("receive", "startup.perhaps")):
            pytest.fail("the block is not entered")


async def test_the_startup_takes_too_long() -> None:
    """It is cancelled; the error names app, phase, limit and argument."""
    log: list[str] = []
    with pytest.raises(
        TimeoutError,
        match=r"startup of Starlette at http\S+ was cancelled after 0\.1 s; "
        "startup_timeout= allows more$",
    ) as caught:
        async with serving(
            service(log, startup=dawdle),
            startup_timeout=SHORT,
            shutdown_timeout=math.inf,
        ):
            pytest.fail("the block is not entered")
    assert log == ["startup", "cancelled"]
    assert isinstance(caught.value.__cause__, asyncio.CancelledError)


async def test_the_cancelled_startup_raises() -> None:
    """What a startup raises when its limit has passed is the cause of the error."""
    error = OSError("not closed")

    async def leak() -> None:
        try:
            await dawdle()
        finally:
            raise error

    with pytest.raises(TimeoutError) as caught:
        async with serving(service([], startup=leak), startup_timeout=SHORT):
            pytest.fail("the block is not entered")
    assert caught.value.__cause__ is error


async def test_the_thread_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """What keeps the thread from serving comes out as itself."""
    error = OSError("no event loop")

    class Broken(asyncio.Runner):
        def __enter__(self) -> asyncio.Runner:
            raise error

    monkeypatch.setattr(asyncio, "Runner", Broken)
    with pytest.raises(OSError, match="no event loop") as caught:
        async with serving(service([])):
            pytest.fail("the block is not entered")
    assert caught.value is error


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
    async with serving(app) as url:
        assert get(url).json() == {}
    [record] = caplog.records
    assert record.levelno == logging.WARNING
    assert "The app has no lifespan" in record.message


# The shutdown fails


async def test_the_shutdown_raises() -> None:
    """An error of the shutdown comes out as itself, after the block."""
    error = ValueError("not saved")
    with pytest.raises(ValueError, match="not saved") as caught:
        async with serving(service([], shutdown=failure(error))):
            pass
    assert caught.value is error


async def test_shutdown_failed_is_sent() -> None:
    """An app that only says that its shutdown failed is an error with its words."""
    app = script("receive", "startup.complete", "receive", "shutdown.failed: not saved")
    with pytest.raises(LifespanError, match=r"shutdown\.failed.*not saved"):
        async with serving(app):
            pass


@pytest.mark.parametrize(
    "end",
    [[], ["receive", "shutdown.complete", "receive"]],
    ids=["returned before", "goes on"],
)
async def test_ways_to_end_well(end: list[str]) -> None:
    """An app that has shut down, or never listened for it, is waited for no more."""
    async with serving(
        script("receive", "startup.complete", *end), shutdown_timeout=LONG
    ):
        pass


async def test_the_lifespan_breaks_off_while_serving() -> None:
    """What ends the lifespan while the app is served comes out after the block."""
    error = ValueError("the worker crashed")

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await script("receive", "startup.complete")(scope, receive, send)
            raise error
        await PlainTextResponse("still here")(scope, receive, send)

    with pytest.raises(ValueError, match="the worker crashed") as caught:
        async with serving(app) as url:
            assert get(url).text == "still here"
    assert caught.value is error


async def test_the_shutdown_takes_too_long() -> None:
    """The same as for the startup, with the shutdown's name, seconds and argument."""
    log: list[str] = []
    with pytest.raises(
        TimeoutError,
        match=r"shutdown of Starlette at http\S+ was cancelled after 0\.5 s; "
        "shutdown_timeout= allows more$",
    ) as caught:
        async with serving(service(log, shutdown=dawdle), shutdown_timeout=0.5) as url:
            pass
    assert log == ["startup", "shutdown"]
    assert isinstance(caught.value.__cause__, asyncio.CancelledError)
    assert refused(url)


async def exhaust(words: AsyncIterator[bytes]) -> None:
    async for word in words:
        assert word == b"word"


async def test_an_endless_stream_is_cut_off() -> None:
    """An open request is cancelled in time for a normal shutdown of the app."""
    log: list[str] = []

    async def endless() -> AsyncIterator[bytes]:
        try:
            while True:
                yield b"word"
                await asyncio.sleep(0.01)
        finally:
            log.append("cut off")

    async def answer(request: Request) -> StreamingResponse:
        return StreamingResponse(endless())

    async with httpx.AsyncClient() as client:
        async with serving(service(log, answer=answer), shutdown_timeout=1.0) as url:
            request = client.build_request("GET", url)
            response = await client.send(request, stream=True)
            words = response.aiter_raw(4)
            assert await anext(words) == b"word"
        with pytest.raises(httpx.RemoteProtocolError):
            await exhaust(words)
    assert sorted(log) == ["closed", "cut off", "shutdown", "startup"]


# What can't be cancelled


async def test_a_shutdown_that_blocks_is_given_up(
    released: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error names the thread and shows where it stands; the port is free."""
    monkeypatch.setattr(lifespan_lab.server, "GRACE", SHORT)
    log: list[str] = []
    app = service(log, shutdown=blocking(released))
    with pytest.raises(TimeoutError, match="shutdown of Starlette") as caught:
        async with serving(app, shutdown_timeout=0.5) as url:
            pass
    assert not released.is_set()
    assert log == ["startup", "shutdown"]
    [thread] = [thread for thread in threading.enumerate() if url in thread.name]
    assert thread.daemon
    assert f"Its thread {thread.name!r} runs on" in str(caught.value)
    assert "event.wait(LONG)" in str(caught.value)
    assert refused(url)


async def test_a_startup_that_blocks_is_given_up(
    released: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same; and when the thread comes free, the app is cancelled, not served."""
    monkeypatch.setattr(lifespan_lab.server, "GRACE", SHORT)
    log: list[str] = []

    async def startup() -> None:
        await blocking(released)()
        await dawdle()

    app = service(log, startup=startup)
    before = threading.enumerate()
    with pytest.raises(TimeoutError, match=r"startup of Starlette.*Its thread"):
        async with serving(app, startup_timeout=SHORT):
            pytest.fail("the block is not entered")
    assert not released.is_set()
    assert log == ["startup"]
    [thread] = set(threading.enumerate()) - set(before)
    released.set()
    thread.join(LONG)
    assert log == ["startup", "cancelled"]


async def test_a_cancelled_startup_that_blocks_is_given_up(
    released: threading.Event,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The cancellation comes out, and the error about the thread is beside it."""
    monkeypatch.setattr(lifespan_lab.server, "GRACE", SHORT)
    cancelled: BaseException | None = None
    with anyio.move_on_after(SHORT) as scope:
        try:
            async with serving(service([], startup=blocking(released))):
                pytest.fail("the block is not entered")
        except BaseException as error:
            cancelled = error
            raise
    assert scope.cancelled_caught
    assert cancelled
    [note] = notes(cancelled)
    assert re.search(r"startup of \S+ at \S+ was cancelled\. Its thread", note)
    assert isinstance(caplog.records[-1].exc_info, tuple)
    assert isinstance(caplog.records[-1].exc_info[1], TimeoutError)


async def test_a_shutdown_that_resists_is_given_up(
    released: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What swallows its cancellation is given up as what blocks is."""
    monkeypatch.setattr(lifespan_lab.server, "GRACE", SHORT)

    async def resist() -> None:
        while not released.is_set():
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(0.01)

    with pytest.raises(TimeoutError, match="Its thread"):
        async with serving(service([], shutdown=resist), shutdown_timeout=0.5):
            pass


@pytest.mark.parametrize("held", ["before", "after"])
async def test_a_thread_without_a_loop_is_given_up(
    held: str, released: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thread that has no loop yet, or no longer, is told, and starts nothing."""

    class Held(asyncio.Runner):
        def __enter__(self) -> asyncio.Runner:
            if held == "before":
                released.wait(LONG)
            return super().__enter__()

        def __exit__(self, *error: Any) -> None:
            super().__exit__(*error)
            released.wait(LONG)

    monkeypatch.setattr(asyncio, "Runner", Held)
    monkeypatch.setattr(lifespan_lab.server, "GRACE", SHORT)
    log: list[str] = []
    before = threading.enumerate()
    limits = {"startup_timeout": SHORT if held == "before" else LONG}
    with pytest.raises(TimeoutError, match="Its thread"):
        async with serving(service(log), **limits, shutdown_timeout=0.5):
            assert held == "after"
    [thread] = set(threading.enumerate()) - set(before)
    released.set()
    thread.join(LONG)
    assert log == ([] if held == "before" else ["startup", "shutdown", "closed"])


def test_failing_startup_prints_nothing() -> None:
    """A startup that fails is raised, and where no log is set up nothing is printed."""
    program = """
import asyncio
from lifespan_lab import serving

async def app(scope, receive, send):
    await receive()
    raise ValueError("no model")

async def main():
    try:
        async with serving(app):
            pass
    except ValueError as error:
        print(error)

asyncio.run(main())
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert (done.stdout, done.stderr) == ("no model\n", "")
