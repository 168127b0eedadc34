"""with_mounts: the lifespans of mounted apps run with that of the app around them."""

import asyncio
import gc
import logging
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import httpx
import pytest
from fastapi import APIRouter, FastAPI
from packaging.version import Version
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Host, Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.testclient import TestClient
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket

from lifespan_course.websockets import ask_websocket
from lifespan_lab import running
from lifespan_lab.mounts import with_mounts
from lifespan_lab.server import serving

pytestmark = pytest.mark.anyio

# Before, include_router left out what is mounted in the router.
serves_mounts_of_routers = pytest.mark.skipif(
    Version(version("fastapi")) < Version("0.137"),
    reason="FastAPI before 0.137 doesn't serve the mounts of an included router",
)

Log = list[str]
Manager = AbstractAsyncContextManager[Any]


def lifespan_of(
    name: str, /, log: Log, *, failing: Sequence[str] = (), **state: Any
) -> Callable[[Any], Manager]:
    """A lifespan that writes to a log, yields the state, and may fail."""

    def step(what: str) -> None:
        log.append(what)
        if what in failing:
            raise LookupError(what)

    @asynccontextmanager
    async def lifespan(app: object) -> AsyncIterator[Mapping[str, Any] | None]:
        step(f"+{name}")
        try:
            yield state or None
        finally:
            await anyio.lowlevel.checkpoint()
            step(f"-{name}")

    return lifespan


def visible(connection: HTTPConnection) -> dict[str, Any]:
    return dict(connection.scope["state"])


async def show(request: Request) -> Response:
    return JSONResponse(visible(request))


async def show_over_websocket(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.send_text(repr(visible(websocket)))
    await websocket.close()


ROUTES = [Route("/state", show), WebSocketRoute("/ws", show_over_websocket)]


def starlette(lifespan: Any = None, *mounts: Any) -> Starlette:
    return Starlette(routes=[*mounts, *ROUTES], lifespan=lifespan)


def fastapi(lifespan: Any = None, *mounts: Any) -> FastAPI:
    return FastAPI(routes=[*mounts, *ROUTES], lifespan=lifespan)


def router(lifespan: Any = None, *mounts: Any) -> APIRouter:
    return APIRouter(routes=[*mounts, *ROUTES], lifespan=lifespan)


def plain(lifespan: Callable[[Any], Manager]) -> ASGIApp:
    """The lifespan in an ASGI app that is neither Starlette's nor FastAPI's."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            await JSONResponse(scope["state"])(scope, receive, send)
            return
        assert (await receive())["type"] == "lifespan.startup"
        async with lifespan(app) as state:
            scope["state"].update(state or {})
            await send({"type": "lifespan.startup.complete"})
            assert (await receive())["type"] == "lifespan.shutdown"
        await send({"type": "lifespan.shutdown.complete"})

    return app


class Passing:
    """A middleware that keeps the app where Starlette's middleware does."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)


def passing(lifespan: Any, *mounts: Any) -> ASGIApp:
    return Passing(Passing(starlette(lifespan, *mounts)))


def hide(app: ASGIApp) -> ASGIApp:
    """The app behind a middleware that doesn't let it be seen."""

    async def hidden(scope: Scope, receive: Receive, send: Send) -> None:
        await app(scope, receive, send)

    return hidden


def hidden(lifespan: Any) -> ASGIApp:
    return hide(starlette(lifespan))


async def state_at(client: httpx.AsyncClient, path: str, **headers: str) -> Any:
    response = await client.get(path, headers=headers)
    assert response.status_code == 200, path
    return response.json()


def entered(app: Starlette) -> Manager:
    return app.router.lifespan_context(app)


async def start(app: Starlette) -> None:
    with anyio.fail_after(5):
        async with entered(app):
            pass  # pragma: no cover


# Every kind of mount

KINDS = [starlette, fastapi, router, plain, passing, hidden]


@pytest.mark.parametrize("parent", [starlette, fastapi])
@pytest.mark.parametrize("kind", KINDS)
async def test_every_kind_of_app(
    kind: Callable[[Any], ASGIApp],
    parent: Callable[..., Starlette],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Its lifespan runs inside the parent's, and its requests see both states."""
    log: Log = []
    mounted = kind(lifespan_of("mounted", log, mounted=2))
    app = parent(with_mounts(lifespan_of("app", log, app=1)), Mount("/x", mounted))
    async with running(app) as client:
        assert log == ["+app", "+mounted"]
        assert await state_at(client, "/x/state") == {"app": 1, "mounted": 2}
        assert await state_at(client, "/state") == {"app": 1}
    assert log == ["+app", "+mounted", "-mounted", "-app"]
    assert not [r for r in caplog.records if r.levelno >= logging.WARNING]


async def test_without_with_mounts() -> None:
    """The lifespan of a mounted app never runs."""
    log: Log = []
    mounted = fastapi(lifespan_of("mounted", log))
    async with running(fastapi(None, Mount("/x", mounted))):
        assert log == []


async def test_order() -> None:
    """Entered in the order of routes, each before its own mounts; left in reverse."""
    log: Log = []

    def make(name: str, *mounts: Mount) -> Mount:
        return Mount(f"/{name}", starlette(lifespan_of(name, log), *mounts))

    app = starlette(
        with_mounts(), make("a", make("b", make("c")), make("d")), make("e")
    )
    async with running(app):
        assert log == ["+a", "+b", "+c", "+d", "+e"]
    assert log[5:] == ["-e", "-d", "-c", "-b", "-a"]


async def test_a_mount_of_routes() -> None:
    """What is mounted among the bare routes of a mount is found."""
    log: Log = []
    inner = starlette(lifespan_of("inner", log, inner=1))
    app = starlette(with_mounts(), Mount("/x", routes=[Mount("/y", inner)]))
    async with running(app) as client:
        assert await state_at(client, "/x/y/state") == {"inner": 1}
    assert log == ["+inner", "-inner"]


async def test_a_mount_with_middleware() -> None:
    """The middleware of a mount hides neither its app nor the mounts of that."""
    log: Log = []
    deep = starlette(lifespan_of("deep", log, deep=2))
    inner = starlette(lifespan_of("inner", log, inner=1), Mount("/y", deep))
    mount = Mount("/x", inner, middleware=[Middleware(Passing)])
    async with running(starlette(with_mounts(), mount)) as client:
        assert await state_at(client, "/x/y/state") == {"inner": 1, "deep": 2}
    assert log == ["+inner", "+deep", "-deep", "-inner"]


async def test_host() -> None:
    """An app for a host is a mounted app; names of its routes are found as ever."""
    log: Log = []
    inner = starlette(lifespan_of("inner", log, inner=1))
    app = starlette(with_mounts(), Host("api.example.org", inner, name="api"))
    async with running(app) as client:
        state = await state_at(client, "/state", host="api.example.org")
        assert state == {"inner": 1}
        assert await state_at(client, "/state") == {}
        assert app.url_path_for("api:show") == "/state"
    assert log == ["+inner", "-inner"]


@pytest.mark.parametrize("behind", [lambda app: app, Passing])
async def test_a_router_gets_the_app_around_it(
    behind: Callable[[ASGIApp], ASGIApp],
) -> None:
    """The lifespan of a mounted router gets the nearest app, as when it is included."""
    received = []

    @asynccontextmanager
    async def lifespan(app: object) -> AsyncIterator[None]:
        received.append(app)
        yield

    inner = starlette(None, Mount("/y", behind(router(lifespan))))
    app = starlette(with_mounts(), Mount("/x", inner))
    async with running(app):
        assert received == [inner]


async def test_an_app_gets_itself() -> None:
    """The lifespan of a mounted app gets that app."""
    received = []

    @asynccontextmanager
    async def lifespan(app: object) -> AsyncIterator[None]:
        received.append(app)
        yield

    inner = fastapi(lifespan)
    async with running(fastapi(with_mounts(), Mount("/x", inner))):
        assert received == [inner]


async def test_routers_that_a_mounted_app_includes() -> None:
    """FastAPI merges their lifespans with that of the mounted app."""
    log: Log = []
    inner = fastapi(lifespan_of("inner", log, inner=1))
    inner.include_router(router(lifespan_of("router", log, router=2)), prefix="/r")
    app = fastapi(with_mounts(), Mount("/x", inner))
    async with running(app) as client:
        expected = {"inner": 1, "router": 2}
        assert await state_at(client, "/x/state") == expected
        assert await state_at(client, "/x/r/state") == expected
    assert log == ["+inner", "+router", "-router", "-inner"]


async def test_routers_that_the_app_includes() -> None:
    """FastAPI wraps the lifespan: theirs are entered after those of the mounts."""
    log: Log = []
    mounted = fastapi(lifespan_of("mounted", log))
    app = fastapi(with_mounts(lifespan_of("app", log)), Mount("/x", mounted))
    app.include_router(router(lifespan_of("router", log)), prefix="/r")
    async with running(app):
        assert log == ["+app", "+mounted", "+router"]
    assert log[3:] == ["-router", "-mounted", "-app"]


# Once for each application object


@pytest.mark.parametrize("kind", [starlette, router, plain])
async def test_mounted_twice(kind: Callable[[Any], ASGIApp]) -> None:
    """One lifespan, one state, for all mounts of one app, also behind middleware."""
    log: Log = []
    shared = kind(lifespan_of("shared", log, shared=1))
    mounts = [
        Mount("/a", shared),
        Mount("/b", Passing(shared)),
        Mount("/c", starlette(None, Mount("/d", shared))),
        Host("api.example.org", shared),
    ]
    async with running(starlette(with_mounts(), *mounts)) as client:
        for path in ("/a/state", "/b/state", "/c/d/state"):
            assert await state_at(client, path) == {"shared": 1}
        state = await state_at(client, "/state", host="api.example.org")
        assert state == {"shared": 1}
        assert await state_at(client, "/c/state") == {}
    assert log == ["+shared", "-shared"]


async def test_mounted_in_itself() -> None:
    """An app that is mounted in itself is entered once."""
    log: Log = []
    app = starlette(with_mounts(lifespan_of("app", log, app=1)))
    app.mount("/again", app)
    async with running(app) as client:
        assert await state_at(client, "/again/again/state") == {"app": 1}
    assert log == ["+app", "-app"]


async def test_equal_routers_are_two() -> None:
    """Routers with equal routes are equal, and yet each has its lifespan."""
    log: Log = []
    one, two = router(lifespan_of("one", log)), router(lifespan_of("two", log))
    assert one == two
    async with running(starlette(with_mounts(), Mount("/1", one), Mount("/2", two))):
        assert log == ["+one", "+two"]


async def test_with_mounts_within_with_mounts() -> None:
    """A mounted app that has it leaves its mounts to the outer app."""
    log: Log = []
    deep = starlette(with_mounts(lifespan_of("deep", log)))
    inner = starlette(with_mounts(lifespan_of("inner", log)), Mount("/y", deep))
    included = router(with_mounts(), Mount("/z", deep))
    app = starlette(with_mounts(), Mount("/x", inner), Mount("/r", included))
    async with running(app):
        assert log == ["+inner", "+deep"]
    log.clear()
    async with running(inner):
        assert log == ["+inner", "+deep"]


@pytest.mark.parametrize("failing", [[], ["+last"]])
async def test_a_mounted_app_that_runs_by_itself_meanwhile(failing: list[str]) -> None:
    """It enters its mounts, although an outer app did so or tried to."""
    log: Log = []
    leaf = starlette(lifespan_of("leaf", log))
    inner = starlette(
        with_mounts(lifespan_of("last", log, failing=failing)), Mount("/leaf", leaf)
    )
    app = starlette(with_mounts(), Mount("/x", inner))
    with suppress(LookupError):
        async with entered(app):
            assert log == ["+last", "+leaf"]
    log.clear()
    failing.clear()
    async with entered(inner):
        assert log == ["+last", "+leaf"]


async def test_another_app_started_in_a_mounted_apps_lifespan() -> None:
    """An app of its own, which nobody mounted, enters its mounts itself."""
    log: Log = []
    leaf = starlette(lifespan_of("leaf", log))
    other = starlette(with_mounts(lifespan_of("other", log)), Mount("/leaf", leaf))

    @asynccontextmanager
    async def lifespan(app: object) -> AsyncIterator[None]:
        async with running(other):
            yield

    async with running(starlette(with_mounts(), Mount("/x", starlette(lifespan)))):
        assert log == ["+other", "+leaf"]
    assert log[2:] == ["-leaf", "-other"]


async def test_a_hidden_app_needs_with_mounts_of_its_own() -> None:
    """Mounts of an app that can't be seen are entered if that app enters them."""
    log: Log = []
    leaf = starlette(lifespan_of("leaf", log, leaf=1))
    async with running(
        starlette(with_mounts(), Mount("/x", hide(starlette(None, Mount("/y", leaf)))))
    ):
        assert log == []
    inner = starlette(with_mounts(), Mount("/y", leaf))
    async with running(starlette(with_mounts(), Mount("/x", hide(inner)))) as client:
        assert log == ["+leaf"]
        assert await state_at(client, "/x/y/state") == {"leaf": 1}


# Which mounts


async def test_mounted_by_the_apps_own_lifespan() -> None:
    """The routes are read when the app's own lifespan has been entered."""
    log: Log = []

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        app.mount("/x", starlette(lifespan_of("mounted", log)))
        yield

    async with running(starlette(with_mounts(lifespan))):
        assert log == ["+mounted"]


async def test_mounted_while_the_app_is_served() -> None:
    """It is too late for a lifespan: the app is served without."""
    log: Log = []
    app = starlette(with_mounts(lifespan_of("app", log, app=1)))
    async with running(app) as client:
        app.mount("/x", starlette(lifespan_of("late", log, late=2)))
        assert await state_at(client, "/x/state") == {"app": 1}
    assert log == ["+app", "-app"]


@serves_mounts_of_routers
async def test_mounts_of_included_routers() -> None:
    """They are found, at any depth, and their requests see the state in every run."""
    log: Log = []
    inner = starlette(lifespan_of("inner", log, inner=1))
    deep = starlette(lifespan_of("deep", log, deep=2))
    within = router(None, Mount("/deep", deep))
    outer = router(None, Mount("/inner", inner), Host("api.example.org", deep))
    outer.include_router(within, prefix="/within")
    app = fastapi(with_mounts())
    app.include_router(outer, prefix="/outer")
    app.openapi()  # the router makes copies of its mounts now
    for _ in range(2):
        log.clear()
        async with running(app) as client:
            assert log == ["+inner", "+deep"]
            for again in range(2):
                inner_state = await state_at(client, "/outer/inner/state")
                assert inner_state == {"inner": 1}
                deep_state = await state_at(client, "/outer/within/deep/state")
                assert deep_state == {"deep": 2}
                host_state = await state_at(
                    client, "/outer/state", host="api.example.org"
                )
                assert host_state == {"deep": 2}
                outer.add_route(f"/late{again}", show)  # and new copies now
    assert log == ["+inner", "+deep", "-deep", "-inner"]


# State


async def test_its_own_state_wins() -> None:
    """Each app sees its own value of a name that several yield."""
    log: Log = []
    deep = starlette(lifespan_of("deep", log, name="deep"))
    inner = starlette(lifespan_of("inner", log, name="inner", b=2), Mount("/y", deep))
    sibling = starlette(lifespan_of("sibling", log))
    mounts = [Mount("/x", inner), Mount("/s", sibling), Mount("/z", deep)]
    app = starlette(with_mounts(lifespan_of("app", log, name="app", a=1)), *mounts)
    async with running(app) as client:
        assert await state_at(client, "/state") == {"name": "app", "a": 1}
        assert await state_at(client, "/s/state") == {"name": "app", "a": 1}
        inner_state = {"name": "inner", "a": 1, "b": 2}
        assert await state_at(client, "/x/state") == inner_state
        deep_state = {"name": "deep", "a": 1, "b": 2}
        assert await state_at(client, "/x/y/state") == deep_state
        assert await state_at(client, "/z/state") == {"name": "deep", "a": 1}


@pytest.mark.parametrize("yields", [{}, {"own": 1}])
async def test_what_a_request_writes(yields: dict[str, int]) -> None:
    """It stays in a mounted app that yielded a state, and else is the parent's."""
    log: Log = []
    seen = []

    class Looking(Passing):
        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            await self.app(scope, receive, send)
            if scope["type"] == "http":
                seen.append(dict(scope["state"]))

    async def write(request: Request) -> Response:
        request.state.written = True
        return Response()

    inner = Starlette(
        routes=[Route("/write", write), *ROUTES],
        lifespan=lifespan_of("inner", log, **yields),
    )
    app = Starlette(
        routes=[Mount("/x", inner)],
        lifespan=with_mounts(lifespan_of("app", log, app=1)),
        middleware=[Middleware(Looking)],
    )
    async with running(app) as client:
        assert (await client.get("/x/write")).status_code == 200
        assert seen == [{"app": 1} if yields else {"app": 1, "written": True}]
        assert await state_at(client, "/x/state") == {"app": 1, **yields}


async def test_websocket() -> None:
    """A WebSocket to a mounted app sees the state, too."""
    log: Log = []
    inner = starlette(lifespan_of("inner", log, inner=2))
    app = starlette(with_mounts(lifespan_of("app", log, app=1)), Mount("/x", inner))

    async def with_state(scope: Scope, receive: Receive, send: Send) -> None:
        await app({**scope, "state": {"app": 1}}, receive, send)

    async with running(app):
        assert await ask_websocket(with_state, "/x/ws") == "{'app': 1, 'inner': 2}"


async def test_a_server_without_state() -> None:
    """Where the server hands out no state, a mounted app has its own all the same."""
    inner = starlette(lifespan_of("inner", [], inner=2))
    app = starlette(with_mounts(), Mount("/x", inner))
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://app") as client,
    ):
        assert await state_at(client, "/x/state") == {"inner": 2}


async def test_mounts_are_as_they_were() -> None:
    """What is wrapped at startup is put back at shutdown; then it can start again."""
    log: Log = []
    stateful = starlette(lifespan_of("stateful", log, inner=1))
    stateless = starlette(lifespan_of("stateless", log))
    mounts = [Mount("/x", stateful), Mount("/y", stateless)]
    app = starlette(with_mounts(), *mounts)
    for _ in range(2):
        async with running(app) as client:
            assert mounts[0].app is not stateful
            assert mounts[1].app is stateless
            assert await state_at(client, "/x/state") == {"inner": 1}
        assert mounts[0].app is stateful
        assert mounts[1].app is stateless


@pytest.mark.parametrize("kind", [starlette, plain])
async def test_two_runs_at_once(kind: Callable[[Any], ASGIApp]) -> None:
    """Mounts see the state of the run that began last and lasts still."""
    numbers = iter(range(3))
    log: Log = []

    @asynccontextmanager
    async def count(app: object) -> AsyncIterator[Mapping[str, int]]:
        number = next(numbers)
        yield {"number": number}
        log.append(f"-{number}")

    inner = kind(count)
    mount = Mount("/x", inner)
    app = starlette(with_mounts(), mount)
    async with running(app) as client:
        async with running(app) as second:
            for either in (client, second):
                assert await state_at(either, "/x/state") == {"number": 1}
        assert await state_at(client, "/x/state") == {"number": 0}
    assert log == ["-1", "-0"]
    assert mount.app is inner


async def test_the_older_of_two_runs_ends_first() -> None:
    """The younger one goes on, and puts the mount back."""
    numbers = iter(range(2))

    @asynccontextmanager
    async def count(app: object) -> AsyncIterator[Mapping[str, int]]:
        yield {"number": next(numbers)}

    inner = starlette(count)
    mount = Mount("/x", inner)
    app = starlette(with_mounts(), mount)
    contexts = [app.router.lifespan_context(app) for _ in range(2)]
    for context in contexts:
        await context.__aenter__()
    await contexts[0].__aexit__(None, None, None)
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://app") as client:
        assert await state_at(client, "/x/state") == {"number": 1}
    await contexts[1].__aexit__(None, None, None)
    assert mount.app is inner


async def test_a_mount_that_was_changed_meanwhile() -> None:
    """What somebody else put in the place of the mounted app stays there."""
    inner = starlette(lifespan_of("inner", [], inner=1))
    mount = Mount("/x", inner)
    async with running(starlette(with_mounts(), mount)) as client:
        mount.app = changed = Passing(mount.app)
        assert await state_at(client, "/x/state") == {"inner": 1}
    assert mount.app is changed
    async with running(starlette(None, mount)) as client:
        assert await state_at(client, "/x/state") == {}


@pytest.mark.parametrize("wants", [True, False])
async def test_the_state_parameter(wants: bool) -> None:
    """The app's own lifespan is given the state if it has a parameter for it."""
    received: list[object] = []

    @asynccontextmanager
    async def wanting(app: object, state: Any) -> AsyncIterator[None]:
        received.append(dict(state))
        yield

    @asynccontextmanager
    async def plain(app: object) -> AsyncIterator[None]:
        received.append(None)
        yield

    lifespan = with_mounts(wanting if wants else plain)
    async with lifespan(starlette()), lifespan(starlette(), state={"a": 1}):
        assert received == ([{}, {"a": 1}] if wants else [None, None])


async def test_what_it_yields() -> None:
    """It yields what the app's own lifespan yields, and None without one."""
    async with with_mounts(lifespan_of("app", [], app=1))(starlette()) as state:
        assert state == {"app": 1}
    async with with_mounts()(starlette()) as state:
        assert state is None
    async with with_mounts()(None) as state:
        assert state is None


# Errors


async def raw(app: object) -> AsyncIterator[None]:
    yield  # pragma: no cover


@pytest.mark.parametrize("wrong", [raw, lifespan_of("app", [])(None), ["a"], "a"])
def test_not_a_lifespan(wrong: Any) -> None:
    """What can't be a lifespan is refused at once, and named."""
    with pytest.raises(TypeError, match=r"^with_mounts: .+ is no @asynccon") as got:
        with_mounts(wrong)
    assert repr(wrong) in str(got.value)


STEPS = ["+app", "+a", "+b", "body", "-b", "-a", "-app"]


def described(error: BaseException | None) -> list[str]:
    """The error and all that stood behind it."""
    chain = []
    while error is not None:
        chain.append(repr(error))
        error = error.__context__
    return chain


async def outcome(failing: Sequence[str], enter: Any) -> tuple[Log, list[str]]:
    log: Log = []
    lifespans = [lifespan_of(name, log, failing=failing) for name in ("app", "a", "b")]
    try:
        async with enter(*lifespans):
            log.append("body")
            if "body" in failing:
                raise LookupError("body")
    except LookupError as error:
        return log, described(error)
    return log, []


@asynccontextmanager
async def by_hand(app: Any, a: Any, b: Any) -> AsyncIterator[None]:
    async with app(None), a(None), b(None):
        yield


def nested(app: Any, a: Any, b: Any) -> Manager:
    root = starlette(
        with_mounts(app), Mount("/a", starlette(a, Mount("/b", router(b))))
    )
    return root.router.lifespan_context(root)


def side_by_side(app: Any, a: Any, b: Any) -> Manager:
    root = fastapi(with_mounts(app), Mount("/a", fastapi(a)), Mount("/b", starlette(b)))
    return root.router.lifespan_context(root)


@pytest.mark.parametrize("enter", [nested, side_by_side])
async def test_errors_are_those_of_async_with(enter: Callable[..., Manager]) -> None:
    """Whatever fails, log, error and chain are those of `async with` by hand."""
    outcomes = set()
    for failures in range(2 ** len(STEPS)):
        failing = [step for bit, step in enumerate(STEPS) if failures >> bit & 1]
        expected = await outcome(failing, by_hand)
        assert await outcome(failing, enter) == expected, failing
        outcomes.add(str(expected))
    assert len(outcomes) > 20


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("sign", ["+", "-"])
async def test_a_note_names_the_mount(
    kind: Callable[[Any], ASGIApp], sign: str
) -> None:
    """An error of a mounted app's lifespan comes out as itself, with its path."""
    log: Log = []
    failing = kind(lifespan_of("failing", log, failing=[f"{sign}failing"]))
    inner = starlette(lifespan_of("inner", log), Mount("/y", failing))
    app = starlette(with_mounts(lifespan_of("app", log)), Mount("/x", inner))
    with pytest.raises(LookupError, match=rf"\{sign}failing") as caught:
        async with running(app):
            log.append("served")
    notes = ["Raised by the lifespan of the app mounted at '/x/y'"]
    assert caught.value.__notes__ == notes
    served = ["served", "-failing"] if sign == "-" else []
    assert log == ["+app", "+inner", "+failing", *served, "-inner", "-app"]


async def test_a_note_names_the_host() -> None:
    """Of an app for a host, the note names the host; below a mount, with its path."""
    failing = starlette(lifespan_of("failing", [], failing=["+failing"]))
    inner = starlette(None, Host("api.example.org", failing))
    app = starlette(with_mounts(), Mount("/x", inner))
    with pytest.raises(LookupError) as caught:
        async with running(app):
            pass  # pragma: no cover
    assert caught.value.__notes__[0].endswith("mounted at 'api.example.org/x'")


@pytest.mark.parametrize("kind", KINDS)
async def test_the_error_of_the_body(kind: Callable[[Any], ASGIApp]) -> None:
    """It passes by as it is, without a note, and every lifespan is left."""
    log: Log = []
    app = starlette(with_mounts(), Mount("/x", kind(lifespan_of("inner", log))))
    error = LookupError("body")
    with pytest.raises(LookupError) as caught:
        async with app.router.lifespan_context(app):
            raise error
    assert caught.value is error
    assert not hasattr(error, "__notes__")
    assert log == ["+inner", "-inner"]


async def test_a_lifespan_that_swallows() -> None:
    """A mounted app's lifespan that swallows the body's error does so here, too."""

    @asynccontextmanager
    async def swallow(app: object) -> AsyncIterator[None]:
        with suppress(LookupError):
            yield

    app = starlette(with_mounts(), Mount("/x", starlette(swallow)))
    async with app.router.lifespan_context(app):
        raise LookupError


async def test_a_state_that_is_no_mapping() -> None:
    """It is an error at startup, not in each request; the lifespan is left."""
    log: Log = []

    @asynccontextmanager
    async def lifespan(app: object) -> AsyncIterator[Any]:
        try:
            yield 1
        finally:
            log.append("left")

    app = starlette(with_mounts(), Mount("/x", starlette(lifespan)))
    with pytest.raises(TypeError, match="not iterable") as caught:
        async with running(app):
            pass  # pragma: no cover
    assert caught.value.__notes__[0].endswith("mounted at '/x'")
    assert log == ["left"]


# Apps that speak the protocol themselves, or don't


def asgi(
    converse: Callable[[Scope, Receive, Send], Awaitable[None]],
) -> tuple[Starlette, ASGIApp]:
    """An app, and what is mounted in it at /x, which answers its requests with "ok"."""

    async def mounted(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await converse(scope, receive, send)
        else:
            await PlainTextResponse("ok")(scope, receive, send)

    return starlette(with_mounts(), Mount("/x", mounted)), mounted


async def test_the_scope() -> None:
    """The app gets the lifespan scope that the specification describes."""
    scopes = []

    async def converse(scope: Scope, receive: Receive, send: Send) -> None:
        scopes.append(dict(scope))
        await receive()
        await send({"type": "lifespan.startup.complete"})

    app, mounted = asgi(converse)
    async with entered(app):
        pass
    asgi_versions = {"version": "3.0", "spec_version": "2.0"}
    expected = {"type": "lifespan", "asgi": asgi_versions, "app": mounted, "state": {}}
    assert scopes == [expected]


async def raises(scope: Scope, receive: Receive, send: Send) -> None:
    raise ValueError("http only")


async def sends_a_response(scope: Scope, receive: Receive, send: Send) -> None:
    await PlainTextResponse("ok")(scope, receive, send)


async def hears_and_sends_a_response(
    scope: Scope, receive: Receive, send: Send
) -> None:
    await receive()
    await PlainTextResponse("ok")(scope, receive, send)


async def returns(scope: Scope, receive: Receive, send: Send) -> None:
    return


async def hears_and_returns(scope: Scope, receive: Receive, send: Send) -> None:
    await receive()


@pytest.mark.parametrize(
    ("converse", "level", "message"),
    [
        (
            raises,
            "INFO",
            "No lifespan at '/x', served without: ValueError('http only')",
        ),
        (sends_a_response, "INFO", "http.response.start answers no lifespan"),
        (hears_and_sends_a_response, "INFO", "http.response.start answers no lifespan"),
        (returns, "WARNING", "No answer to lifespan.startup at '/x'"),
        (hears_and_returns, "WARNING", "No answer to lifespan.startup at '/x'"),
    ],
)
async def test_no_lifespan(
    converse: Any, level: str, message: str, caplog: pytest.LogCaptureFixture
) -> None:
    """An app without a lifespan is served without, and the log says so."""
    caplog.set_level(logging.INFO, "lifespan_lab.mounts")
    app, _ = asgi(converse)
    async with running(app) as client:
        assert (await client.get("/x/")).text == "ok"
    (record,) = (r for r in caplog.records if r.name == "lifespan_lab.mounts")
    assert record.levelname == level
    assert message in record.getMessage()


async def test_static_files(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """StaticFiles, the app that is mounted most, has no lifespan and needs none."""
    (tmp_path / "file.txt").write_text("ok", encoding="utf-8")
    app = starlette(with_mounts(), Mount("/x", StaticFiles(directory=tmp_path)))
    async with running(app) as client:
        assert (await client.get("/x/file.txt")).text == "ok"
    assert not [r for r in caplog.records if r.levelno >= logging.WARNING]


async def test_it_says_that_its_startup_failed(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The message of `startup.failed` is in the error, and the app isn't waited for."""

    async def converse(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "lifespan.startup.failed", "message": "no database"})
        await receive()
        raise AssertionError("heard more")  # pragma: no cover

    app, _ = asgi(converse)
    with pytest.raises(RuntimeError, match=r"startup\.failed: no database") as caught:
        await start(app)
    assert caught.value.__notes__[0].endswith("mounted at '/x'")
    assert not caplog.records


@pytest.mark.parametrize("listens_on", [True, False])
async def test_it_says_that_its_shutdown_failed(listens_on: bool) -> None:
    """A `shutdown.failed` is an error at the end, with the body's in its context."""

    async def converse(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.failed"})
        if listens_on:
            await receive()

    app, _ = asgi(converse)
    body = LookupError("body")
    with pytest.raises(
        RuntimeError, match=r"sent lifespan\.shutdown\.failed"
    ) as caught:
        async with entered(app):
            raise body
    assert caught.value.__context__ is body


async def test_it_listens_on() -> None:
    """An app that waits for more after its shutdown doesn't keep anyone waiting."""
    log: Log = []

    async def converse(scope: Scope, receive: Receive, send: Send) -> None:
        for _ in range(9):
            message = await receive()
            log.append(message["type"])
            await send({"type": f"{message['type']}.complete"})

    app, _ = asgi(converse)
    async with entered(app):
        assert log == ["lifespan.startup"]
    assert log == ["lifespan.startup", "lifespan.shutdown"]


async def test_it_breaks_off() -> None:
    """An app whose lifespan fails while it is served says so at shutdown."""
    breaking = anyio.Event()

    async def converse(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await breaking.wait()
        raise LookupError("broke off")

    async def serve(app: Starlette) -> None:
        async with running(app) as client:
            breaking.set()
            await anyio.wait_all_tasks_blocked()
            served.append((await client.get("/x/")).text)

    served: list[str] = []
    app, _ = asgi(converse)
    with pytest.raises(LookupError, match="broke off"):
        await serve(app)
    assert served == ["ok"]


@pytest.mark.parametrize("heard", [True, False])
async def test_it_ends_the_program(heard: bool) -> None:
    """A SystemExit is that also before the app listened, and comes out bare."""

    async def converse(scope: Scope, receive: Receive, send: Send) -> None:
        if heard:
            await receive()
        sys.exit(7)

    app, _ = asgi(converse)
    with pytest.raises(SystemExit) as caught:
        await start(app)
    assert caught.value.code == 7


async def test_cancelled_while_it_starts() -> None:
    """Its task is cancelled with the one that waits for it, and all is left."""
    log: Log = []

    async def converse(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        try:
            await anyio.sleep_forever()
        finally:
            log.append("cancelled")

    app, mounted = asgi(converse)
    first = Mount("/first", starlette(lifespan_of("first", log)))
    app = starlette(with_mounts(), first, Mount("/x", mounted))
    async with anyio.create_task_group() as group:
        group.start_soon(_enter, app)
        await anyio.wait_all_tasks_blocked()
        group.cancel_scope.cancel()
    assert log[:2] == ["+first", "cancelled"]


async def test_cancelled_while_it_shuts_down() -> None:
    """Its task is cancelled with the one that waits for its end."""
    log: Log = []

    async def converse(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        try:
            await anyio.sleep_forever()
        finally:
            log.append("cancelled")

    async def enter() -> None:
        async with entered(app):
            pass
        log.append("left")  # pragma: no cover

    app, _ = asgi(converse)
    async with anyio.create_task_group() as group:
        group.start_soon(enter)
        await anyio.wait_all_tasks_blocked()
        group.cancel_scope.cancel()
    assert log == ["cancelled"]


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_it_meets_a_cancelled_task() -> None:
    """A cancellation that is the app's own error comes out as any other error."""

    async def converse(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        connecting = asyncio.create_task(asyncio.sleep(1))
        connecting.cancel("never connected")
        await connecting

    app, _ = asgi(converse)
    with pytest.raises(asyncio.CancelledError, match="never connected"):
        await start(app)


async def _enter(app: Starlette) -> None:
    async with entered(app):
        await anyio.sleep_forever()


async def test_cancelled_while_it_is_served() -> None:
    """Its task is cancelled with the one that serves: no task is left."""
    log: Log = []

    async def converse(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        try:
            await receive()
        finally:
            log.append("cancelled")

    app, _ = asgi(converse)
    async with anyio.create_task_group() as group:
        group.start_soon(_enter, app)
        await anyio.wait_all_tasks_blocked()
        group.cancel_scope.cancel()
    assert log == ["cancelled"]


@pytest.mark.parametrize("kind", KINDS)
async def test_a_task_group_across_the_yield(kind: Callable[[Any], ASGIApp]) -> None:
    """A mounted app may hold a task group open; its tasks run while it is served."""
    ticks = anyio.Event()

    async def tick() -> None:
        ticks.set()
        await anyio.sleep_forever()

    @asynccontextmanager
    async def lifespan(app: object) -> AsyncIterator[None]:
        async with anyio.create_task_group() as group:
            group.start_soon(tick)
            yield
            group.cancel_scope.cancel()

    app = starlette(with_mounts(), Mount("/x", kind(lifespan)))
    async with running(app):
        await ticks.wait()


# Clients and servers


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
@pytest.mark.parametrize("kind", KINDS)
async def test_uvicorn(kind: Callable[[Any], ASGIApp]) -> None:
    """It holds under a real server."""
    log: Log = []
    mounted = kind(lifespan_of("mounted", log, mounted=2))
    app = fastapi(with_mounts(lifespan_of("app", log, app=1)), Mount("/x", mounted))
    async with serving(app) as url, httpx.AsyncClient(base_url=url) as client:
        assert await state_at(client, "/x/state") == {"app": 1, "mounted": 2}
        assert await state_at(client, "/state") == {"app": 1}
    assert log == ["+app", "+mounted", "-mounted", "-app"]


# The TestClient of the oldest Starlette that is allowed leaves streams open.
@pytest.mark.filterwarnings("ignore:Unclosed <MemoryObject:ResourceWarning")
@pytest.mark.parametrize("kind", KINDS)
def test_test_client(kind: Callable[[Any], ASGIApp]) -> None:
    """It holds in Starlette's TestClient."""
    log: Log = []
    mounted = kind(lifespan_of("mounted", log, mounted=2))
    app = fastapi(with_mounts(lifespan_of("app", log, app=1)), Mount("/x", mounted))
    with TestClient(app) as client:
        assert client.get("/x/state").json() == {"app": 1, "mounted": 2}
        assert client.get("/state").json() == {"app": 1}
    assert log == ["+app", "+mounted", "-mounted", "-app"]
    del client
    gc.collect()
