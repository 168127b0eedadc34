"""What the pinned releases do with lifespans and state: facts behind chapter 6."""

import warnings
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest
from fastapi import APIRouter, FastAPI, Request
from starlette import exceptions
from starlette.applications import Starlette
from starlette.routing import Host, Mount
from starlette.testclient import TestClient

from lifespan_lab import Events, running

pytestmark = [pytest.mark.anyio, pytest.mark.pinned]

Lifespan = Callable[[Any], AbstractAsyncContextManager[dict[str, str]]]


def lifespan_of(name: str, log: Events, **state: str) -> Lifespan:
    @asynccontextmanager
    async def lifespan(app: Any) -> AsyncIterator[dict[str, str]]:
        log.mark(name, app=getattr(app, "title", type(app).__name__))
        yield state

    return lifespan


async def read_key(request: Request) -> str:
    return str(request.state.key)


async def test_the_parents_keys_win_then_the_first_routers() -> None:
    """Merged state: the app's own keys come first, then the first router's."""
    log = Events()
    first = APIRouter(lifespan=lifespan_of("first", log, key="first", more="first"))
    second = APIRouter(lifespan=lifespan_of("second", log, key="second", more="second"))
    app = FastAPI(lifespan=lifespan_of("app", log, key="app"))
    app.include_router(first)
    app.include_router(second)

    @app.get("/")
    async def read(request: Request) -> list[str]:
        return [request.state.key, request.state.more]

    async with running(app) as client:
        assert (await client.get("/")).json() == ["app", "first"]


async def test_a_routers_lifespan_receives_the_app() -> None:
    """The lifespan of an included router is called with the top-level app."""
    log = Events()
    inner = APIRouter(lifespan=lifespan_of("inner", log))
    outer = APIRouter()
    outer.include_router(inner)
    app = FastAPI(title="the top-level app")
    app.include_router(outer)
    async with running(app):
        assert [event.detail for event in log] == [(("app", "the top-level app"),)]


@pytest.mark.parametrize("kind", ["FastAPI", "APIRouter", "Host"])
async def test_a_mounted_lifespan_never_runs(kind: str) -> None:
    """A mounted app's lifespan is passed over, but it sees the parent's state."""
    log = Events()
    lifespan = lifespan_of("mounted", log, key="mounted")
    mounted: Any = APIRouter if kind == "APIRouter" else FastAPI
    sub = mounted(lifespan=lifespan)
    sub.add_api_route("/", read_key)
    app = FastAPI(lifespan=lifespan_of("app", log, key="app"))
    app.router.routes.append(
        Host("sub.test", app=sub) if kind == "Host" else Mount("/sub", app=sub)
    )
    url = "http://sub.test/" if kind == "Host" else "/sub/"
    async with running(app) as client:
        assert (await client.get(url)).json() == "app"
    assert log.order == ["app"]


async def test_a_mounted_lifespan_entered_by_hand() -> None:
    """The parent's lifespan can enter that of the app that it mounts."""
    log = Events()
    sub = FastAPI(lifespan=lifespan_of("mounted", log))

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with sub.router.lifespan_context(sub):
            yield

    app = FastAPI(lifespan=lifespan)
    app.mount("/sub", sub)
    async with running(app):
        assert log.order == ["mounted"]


async def bare(app: Any) -> AsyncIterator[None]:
    yield


async def test_starlette_warns_of_a_bare_generator() -> None:
    """A lifespan without @asynccontextmanager is deprecated in Starlette."""
    # Starlette has had a class of its own for that since one of its 1.x releases.
    kind = getattr(exceptions, "StarletteDeprecationWarning", DeprecationWarning)
    with pytest.warns(kind, match="async generator function"):
        Starlette(lifespan=bare)  # type: ignore[arg-type]


async def test_fastapi_takes_a_bare_generator_silently() -> None:
    """FastAPI wraps it without a word."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        app = FastAPI(lifespan=bare)  # type: ignore[arg-type]
    async with running(app):
        pass


async def test_state_has_no_keys_method() -> None:
    """``dict(request.state)`` fails: Starlette's State is no mapping."""
    app = FastAPI(lifespan=lifespan_of("app", Events(), key="app"))

    @app.get("/")
    async def read(request: Request) -> Any:
        return dict(request.state)

    async with running(app) as client:
        with pytest.raises(ValueError, match="dictionary update sequence"):
            await client.get("/")


def test_testclient_copies_the_state() -> None:
    """Under TestClient, too, what one request assigns is not found by the next one."""
    app = FastAPI(lifespan=lifespan_of("app", Events(), key="app"))

    @app.get("/{key}")
    async def swap(key: str, request: Request) -> str:
        found, request.state.key = request.state.key, key
        return str(found)

    with TestClient(app) as client:
        assert [client.get(f"/{key}").json() for key in "ab"] == ["app", "app"]
