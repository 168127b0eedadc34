# Lifespan Lab 0.1.0, licence MIT-0: copy this file, no notice needed.
# Needs: anyio>=4.6, starlette>=0.37.2
"""Run the lifespans of mounted apps with that of the app that mounts them.

Use::

    from mounts import with_mounts
    from starlette.applications import Starlette

    app = Starlette(lifespan=with_mounts())
    app.mount("/admin", Starlette(lifespan=lambda admin: ...))
"""

import logging
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    asynccontextmanager,
    contextmanager,
)
from contextvars import ContextVar
from inspect import signature
from types import MappingProxyType
from typing import Any

from anyio import (
    CancelScope,
    Event,
    create_task_group,
    get_cancelled_exc_class,
    sleep_forever,
)
from starlette.applications import Starlette
from starlette.routing import Host, Mount, Router
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["with_mounts"]

Lifespan = Callable[..., AbstractAsyncContextManager[Any]]

logger = logging.getLogger(__name__)
# The app whose lifespan is being entered for an outer with_mounts.
_entering: ContextVar[object] = ContextVar("_entering", default=None)


def with_mounts(lifespan: Lifespan | None = None) -> Lifespan:
    """Make a lifespan that runs those of all mounted apps, too.

    Write ``FastAPI(lifespan=with_mounts(lifespan))``. (Without it the lifespan of a
    mounted app never runs: FastAPI's documentation, "Lifespan Events", Sub
    Applications.)
    """
    passes_state = lifespan and "state" in signature(lifespan).parameters

    @asynccontextmanager
    async def lifespan_with_mounts(
        app: Any, state: Mapping[str, Any] = MappingProxyType({})
    ) -> AsyncIterator[Mapping[str, Any] | None]:
        yielded = None
        async with AsyncExitStack() as stack:
            if lifespan is not None:
                manager = lifespan(app, **({"state": state} if passes_state else {}))
                yielded = await stack.enter_async_context(manager)
            if _entering.get() is not app:  # else the outer one enters the mounts
                await _Run(stack, app).enter_mounts(app, app, "")
            yield yielded

    return lifespan_with_mounts


class _Run:
    """One run of the mounted apps: what was entered, and what it yielded."""

    def __init__(self, stack: AsyncExitStack, app: object) -> None:
        self.stack = stack
        # By id, since a router has no hash; with the app, which so keeps its id.
        self.states: dict[int, tuple[object, dict[str, Any]]] = {id(app): (app, {})}

    async def enter_mounts(self, app: object, mounted: object, path: str) -> None:
        for mount in list(_mounts(getattr(mounted, "routes", ()))):
            where = path + mount.path if isinstance(mount, Mount) else mount.host
            inner = _unwrapped(mount.app)
            if id(inner) not in self.states:
                self.states[id(inner)] = inner, {}
                nearest = inner if not isinstance(inner, Router) else app
                state = await self.enter(mount.app, nearest, where)
                self.states[id(inner)] = inner, state
                await self.enter_mounts(nearest, inner, where)
            self.give(mount, self.states[id(inner)][1])

    async def enter(self, app: ASGIApp, argument: Any, where: str) -> dict[str, Any]:
        """Enter the app's lifespan, and return what it yields."""
        while isinstance(app, _WithState):
            app = app.app
        manager: AbstractAsyncContextManager[Any] = _Protocol(app, where)
        token = _entering.set(argument)
        try:
            with _noted(where):
                if isinstance(app, Starlette | Router):
                    router = app.router if isinstance(app, Starlette) else app
                    manager = router.lifespan_context(argument)
                yielded = await manager.__aenter__()

                async def leave(*error: Any) -> bool | None:
                    with _noted(where, unless=error[1]):
                        return await manager.__aexit__(*error)

                self.stack.push_async_exit(leave)
                return dict(yielded or {})
        finally:
            _entering.reset(token)

    def give(self, mount: Mount | Host, state: Mapping[str, Any]) -> None:
        """Let the requests to the mount see the state while this run lasts."""
        if not state:
            return
        app = mount.app
        wrapper = app if isinstance(app, _WithState) else _WithState(app)
        wrapper.states[id(self)] = state
        mount.app = wrapper

        def take() -> None:
            wrapper.states.pop(id(self), None)
            if not wrapper.states and mount.app is wrapper:
                mount.app = wrapper.app

        self.stack.callback(take)


class _WithState:
    """A mounted app whose requests see its own state beside that of its parent."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.states: dict[int, Mapping[str, Any]] = {}

    @property
    def routes(self) -> Any:
        return getattr(self.app, "routes", [])  # Host looks here for names of routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self.states:
            own = list(self.states.values())[-1]
            # A scope of its own, as the ASGI specification asks in "Middleware".
            scope = {**scope, "state": {**scope.get("state", {}), **own}}
        await self.app(scope, receive, send)


class _Protocol(AbstractAsyncContextManager[dict[str, Any]]):
    """The lifespan of any ASGI app, by messages, in a task of its own."""

    def __init__(self, app: ASGIApp, where: str) -> None:
        self.app, self.where = app, where
        self.state: dict[str, Any] = {}
        self.answered, self.stopping = Event(), Event()
        self.running = CancelScope()
        self.stack = AsyncExitStack()
        self.heard: list[str] = []
        self.started = False
        self.failed: str | None = None
        self.error: BaseException | None = None

    async def __aenter__(self) -> dict[str, Any]:
        async with AsyncExitStack() as stack:
            group = await stack.enter_async_context(create_task_group())
            group.start_soon(self.run)
            await self.answered.wait()
            if self.started:
                self.stack = stack.pop_all()
                return dict(self.state)
        if isinstance(self.error, Exception) and not self.heard:
            logger.info("The app at %s has no lifespan: %r", self.where, self.error)
            self.error = None
        elif self.error is None and self.failed is None:
            logger.warning(
                "The app at %s didn't answer lifespan.startup. It is served without a "
                "lifespan. A middleware has to pass on the scopes that it doesn't "
                "handle: await self.app(scope, receive, send).",
                self.where,
            )
        self.raise_error("startup")
        return {}

    async def __aexit__(self, *error: object) -> None:
        self.stopping.set()
        await self.stack.aclose()
        self.raise_error("shutdown")

    def raise_error(self, phase: str) -> None:
        if self.error is not None:
            raise self.error
        if self.failed is not None:
            raise RuntimeError(f"The app's {phase} failed: {self.failed}")

    async def run(self) -> None:
        asgi = {"version": "3.0", "spec_version": "2.0"}
        scope = {"type": "lifespan", "asgi": asgi, "state": self.state}
        try:
            with self.running:
                await self.app(scope, self.receive, self.send)
        except get_cancelled_exc_class():
            raise
        except BaseException as error:
            self.error = error
        finally:
            self.answered.set()

    async def receive(self) -> Message:
        if not self.heard:
            self.heard.append("lifespan.startup")
        elif self.failed is None and self.heard[-1] == "lifespan.startup":
            await self.stopping.wait()
            self.heard.append("lifespan.shutdown")
        else:  # it listens on, but there is nothing more to hear
            self.running.cancel()
            await sleep_forever()
        return {"type": self.heard[-1]}

    async def send(self, message: Message) -> None:
        kind = message["type"]
        if kind == "lifespan.startup.complete":
            self.started = True
            self.answered.set()
        elif kind in ("lifespan.startup.failed", "lifespan.shutdown.failed"):
            self.failed = message.get("message", "")
        elif kind != "lifespan.shutdown.complete":
            self.heard.clear()  # what it heard, it didn't understand
            raise RuntimeError(f"{kind} answers no lifespan")


def _mounts(routes: Iterable[Any]) -> Iterator[Mount | Host]:
    """The mounts among the routes, in order."""
    for route in routes:
        if isinstance(route, Mount | Host):
            yield route
        elif hasattr(route, "original_router"):
            # A router included in FastAPI 0.137 or later: what it serves are copies
            # of its mounts, made anew from the originals when a route is added.
            yield from _mounts(route.original_router.routes)
            for candidate in route.effective_candidates():
                yield from _mounts([getattr(candidate, "starlette_route", candidate)])


def _unwrapped(app: Any) -> Any:
    """The app behind its middleware, as far as they keep it as their `app`."""
    while not isinstance(app, Starlette | Router) and hasattr(app, "app"):
        app = app.app
    return app


@contextmanager
def _noted(where: str, unless: BaseException | None = None) -> Iterator[None]:
    """Name the mount in the error that its lifespan raises, not in one passing by."""
    try:
        yield
    except Exception as error:
        if error is not unless:
            error.add_note(f"This was raised by the lifespan of the app at {where}")
        raise
