"""What the installed FastAPI does with startup and shutdown events.

Chapter 8 shows the most of it. Here is what has no place there: it takes hundreds of
routers, a real server, or is one case more of something that is shown.
"""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Any

import httpx
import pytest
import uvicorn
from fastapi import APIRouter, FastAPI
from starlette.testclient import TestClient
from starlette.types import ASGIApp, Receive, Scope, Send

from lifespan_course.captures import capture
from lifespan_lab import running
from tests.captures.rebuild import PROBES

pytestmark = [
    pytest.mark.anyio,
    # FastAPI before 0.128.3 hands the lists to Starlette, which deprecates them.
    pytest.mark.filterwarnings("ignore:The on_startup and on_shutdown parameters"),
    # The TestClient of the oldest Starlette that is allowed leaves streams open.
    pytest.mark.filterwarnings("ignore:Unclosed <MemoryObject:ResourceWarning"),
]
asyncio_only = pytest.mark.parametrize("anyio_backend", ["asyncio"])


class Calls:
    """Notes what was called; makes routers and apps that call it."""

    def __init__(self) -> None:
        self.log: list[str] = []

    async def start(self) -> None:
        self.log.append("start")

    async def stop(self) -> None:
        self.log.append("stop")

    @asynccontextmanager
    async def lifespan(self, app: FastAPI) -> AsyncIterator[None]:
        await self.start()
        yield
        await self.stop()

    def with_handlers(self, make: Callable[..., Any]) -> Any:
        return make(on_startup=[self.start], on_shutdown=[self.stop])


async def run_of(app: FastAPI, calls: Calls) -> list[str]:
    async with running(app):
        calls.log.append("serving")
    return calls.log


@pytest.mark.parametrize(
    "name", ["fastapi_releases", "starlette_releases", "httpx_app", "uvicorn_state"]
)
def test_the_installed_release_does_what_is_stored(name: str) -> None:
    """Where the installed release has a stored run, the script still prints that."""
    distribution = next(iter(capture(name).runs[0].versions))
    installed = version(distribution)
    stored = {
        run.versions[distribution]: run.result
        for run in capture(name).runs
        if run.versions[distribution] == installed
    }
    if not stored:
        pytest.skip(f"{distribution} {installed} isn't among the captures")
    (script,) = (probe.script for probe in PROBES if probe.name == name)
    printed = subprocess.check_output([sys.executable, "-E", script], encoding="utf-8")
    assert json.loads(printed) == stored[installed]


async def test_a_router_included_twice() -> None:
    """Its lifespan runs twice."""
    calls, app = Calls(), FastAPI()
    router = APIRouter(lifespan=calls.lifespan)
    for prefix in ("/a", "/b"):
        app.include_router(router, prefix=prefix)
    assert await run_of(app, calls) == ["start"] * 2 + ["serving"] + ["stop"] * 2


async def test_a_router_with_handlers_included_twice() -> None:
    """Its handlers run four times: each time it is copied, and run by itself."""
    calls, app = Calls(), FastAPI()
    router = calls.with_handlers(APIRouter)
    for prefix in ("/a", "/b"):
        app.include_router(router, prefix=prefix)
    assert await run_of(app, calls) == ["start"] * 4 + ["serving"] + ["stop"] * 4


@pytest.mark.parametrize("depth", [1, 2, 3])
@pytest.mark.parametrize("beside_lifespan", [False, True])
async def test_how_often_a_router_handler_runs(
    depth: int, beside_lifespan: bool
) -> None:
    """Once for each level, and once more in an app without a lifespan."""
    calls = Calls()
    app = FastAPI(lifespan=Calls().lifespan) if beside_lifespan else FastAPI()
    router = calls.with_handlers(APIRouter)
    for _ in range(depth - 1):
        outer = APIRouter()
        outer.include_router(router)
        router = outer
    app.include_router(router)
    times = depth if beside_lifespan else depth + 1
    expected = ["start"] * times + ["serving"] + ["stop"] * times
    assert await run_of(app, calls) == expected


async def test_a_router_included_late() -> None:
    """Its handlers run once: they were copied to the router around it, which is run."""
    calls, app, middle = Calls(), FastAPI(), APIRouter()
    app.include_router(middle)
    middle.include_router(calls.with_handlers(APIRouter))
    assert await run_of(app, calls) == ["start", "serving", "stop"]


async def test_a_mounted_app() -> None:
    """Neither the events nor the lifespan of a mounted app run."""
    calls, app = Calls(), FastAPI()
    app.mount("/events", calls.with_handlers(FastAPI))
    app.mount("/lifespan", FastAPI(lifespan=calls.lifespan))
    assert await run_of(app, calls) == ["serving"]


async def test_a_router_lifespan_beside_events() -> None:
    """An app's own handlers run around the lifespan of a router, all of them once."""
    calls, inner = Calls(), Calls()
    inner.log = calls.log
    app = calls.with_handlers(FastAPI)
    app.include_router(APIRouter(lifespan=inner.lifespan))
    assert await run_of(app, calls) == ["start"] * 2 + ["serving"] + ["stop"] * 2


@asyncio_only
@pytest.mark.parametrize(("number", "starts"), [(300, True), (1000, False)])
async def test_hundreds_of_routers(number: int, starts: bool) -> None:
    """Each router nests the lifespan once more: some hundreds start, a thousand don't.

    Measured on Python 3.11: 485 start and 490 don't, called from a shallow stack.
    """
    app = FastAPI()
    for _ in range(number):
        app.include_router(APIRouter())
    started = False
    try:
        async with app.router.lifespan_context(app):
            started = True
    except RecursionError:
        pass
    assert started == starts


def served(calls: Calls) -> FastAPI:
    app = calls.with_handlers(FastAPI)

    @app.get("/")
    async def log() -> list[str]:
        return calls.log

    return app


@asyncio_only
async def test_a_transport_alone_does_not_wait_for_startup() -> None:
    """A request through ASGITransport is answered though no handler has run."""
    app = served(Calls())
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        assert (await client.get("/")).json() == []


def test_a_test_client_without_with_does_not_wait_for_startup() -> None:
    """TestClient runs the handlers in a with block, and not without one."""
    app = served(Calls())
    assert TestClient(app).get("/").json() == []
    with TestClient(app) as client:
        assert client.get("/").json() == ["start"]


class Server:
    """A real uvicorn in this event loop, on a free port of loopback."""

    def __init__(self, app: ASGIApp, **settings: Any) -> None:
        config = uvicorn.Config(app, port=0, log_level="critical", **settings)
        self.server = uvicorn.Server(config)

    async def __aenter__(self) -> "Server":
        self.task = asyncio.create_task(self.server.serve())
        return self

    async def answer(self) -> Any:
        async with asyncio.timeout(10):
            while not self.server.started:  # noqa: ASYNC110 - it has no event
                await asyncio.sleep(0.001)
        host, port = self.server.servers[0].sockets[0].getsockname()
        async with httpx.AsyncClient() as client:
            return (await client.get(f"http://{host}:{port}/")).json()

    async def __aexit__(self, *error: object) -> None:
        self.server.should_exit = True
        async with asyncio.timeout(10):
            await self.task


@asyncio_only
async def test_a_server_waits_for_startup() -> None:
    """A server isn't up before the last startup handler is done."""
    calls, begun, ready = Calls(), asyncio.Event(), asyncio.Event()
    app = served(calls)
    app.router.add_event_handler("startup", begun.set)
    app.router.add_event_handler("startup", ready.wait)
    async with Server(app) as server:
        await begun.wait()
        await asyncio.sleep(0.02)
        assert not server.server.started
        ready.set()
        assert await server.answer() == ["start"]
    assert calls.log == ["start", "stop"]


def unsupporting(app: ASGIApp) -> ASGIApp:
    async def wrapper(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            raise NotImplementedError
        await app(scope, receive, send)

    return wrapper


@asyncio_only
@pytest.mark.parametrize(
    ("lifespan", "wrap"), [("off", lambda app: app), ("auto", unsupporting)]
)
async def test_a_server_that_does_not_run_them(
    lifespan: str, wrap: Callable[[ASGIApp], ASGIApp]
) -> None:
    """uvicorn serves without any handler, if told so or if a wrapper refuses."""
    calls = Calls()
    async with Server(wrap(served(calls)), lifespan=lifespan) as server:
        assert await server.answer() == []
    assert calls.log == []
