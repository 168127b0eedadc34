"""What the pinned FastAPI does with the lifespans of routers: facts behind chapter 7.

Whose state wins and what a router's lifespan is given stands in test_state_today, a
router included twice and hundreds of them in test_events_today, what `gather` breaks
in test_concurrency.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest
from fastapi import APIRouter, FastAPI

from lifespan_lab import Events, combine, running, with_mounts

pytestmark = [pytest.mark.anyio, pytest.mark.pinned]

Lifespan = Callable[[Any], AbstractAsyncContextManager[Any]]


def resource(name: str, log: Events) -> Lifespan:
    @asynccontextmanager
    async def lifespan(app: Any) -> AsyncIterator[None]:
        with log.span(name):
            yield

    return lifespan


def router_of(name: str, log: Events) -> APIRouter:
    """A router with a lifespan and a route of the same name."""
    router = APIRouter(lifespan=resource(name, log))

    @router.get(f"/{name}")
    async def answer() -> str:
        return name

    return router


async def test_a_late_routers_lifespan_never_runs() -> None:
    """Included into a router that is included already: the route answers, no more."""
    log = Events()
    app, outer, late = FastAPI(), router_of("outer", log), router_of("late", log)
    app.include_router(outer)
    outer.include_router(late)
    async with running(app) as client:
        assert (await client.get("/late")).json() == "late"
    assert log.order == ["outer: start", "outer: end"]


async def test_from_the_inside_out() -> None:
    """Included before the router around it is, its lifespan runs once, within that."""
    log = Events()
    app, outer, inner = FastAPI(), router_of("outer", log), router_of("inner", log)
    outer.include_router(inner)
    app.include_router(outer)
    async with running(app) as client:
        assert (await client.get("/inner")).json() == "inner"
    assert log.order == ["outer: start", "inner: start", "inner: end", "outer: end"]


async def test_included_while_the_app_is_served() -> None:
    """Its route answers, its lifespan doesn't run."""
    log, app = Events(), FastAPI()
    async with running(app) as client:
        app.include_router(router_of("late", log))
        assert (await client.get("/late")).json() == "late"
    assert log.order == []


async def test_in_two_routers() -> None:
    """A router that stands in two others is included twice, so it runs twice."""
    log, app = Events(), FastAPI()
    shared = router_of("shared", log)
    for prefix in ("/a", "/b"):
        outer = APIRouter(prefix=prefix)
        outer.include_router(shared)
        app.include_router(outer)
    async with running(app):
        assert log.order == ["shared: start"] * 2


async def test_the_order() -> None:
    """The app's own lifespan stands around those of its routers, in their order."""
    log = Events()
    app = FastAPI(lifespan=resource("app", log))
    for name in ("first", "second"):
        app.include_router(router_of(name, log))
    async with running(app):
        assert log.order == ["app: start", "first: start", "second: start"]
    assert log.order[3:] == ["second: end", "first: end", "app: end"]


async def test_a_router_fails_to_start() -> None:
    """What the app has opened is closed."""
    log = Events()

    @asynccontextmanager
    async def broken(app: Any) -> AsyncIterator[None]:
        raise OSError("broken")
        yield

    app = FastAPI(lifespan=resource("app", log))
    app.include_router(APIRouter(lifespan=broken))
    with pytest.raises(OSError, match="broken"):
        async with running(app):
            pass
    assert log.order == ["app: start", "app: failed"]


async def test_no_state_for_a_router() -> None:
    """A router's lifespan isn't told what the app's has yielded."""
    given: list[dict[str, Any]] = []

    @asynccontextmanager
    async def parent(app: Any) -> AsyncIterator[dict[str, str]]:
        yield {"key": "parent"}

    @asynccontextmanager
    async def asking(app: Any, state: Mapping[str, Any]) -> AsyncIterator[None]:
        given.append(dict(state))
        yield

    app = FastAPI(lifespan=parent)
    app.include_router(APIRouter(lifespan=combine(asking)))
    async with running(app):
        assert given == [{}]


async def test_mounts_before_routers() -> None:
    """With `with_mounts`: the app's own, its mounts, then the routers it includes."""
    log = Events()
    app = FastAPI(lifespan=with_mounts(resource("app", log)))
    app.include_router(router_of("router", log))
    app.mount("/sub", FastAPI(lifespan=resource("sub", log)))
    async with running(app):
        assert log.order == ["app: start", "sub: start", "router: start"]
