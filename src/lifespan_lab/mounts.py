# Lifespan Lab 0.1.0, licence MIT-0: copy this file, no notice needed.
# Needs: anyio>=4.6, starlette>=0.37.2
"""Run the lifespans of mounted apps with that of the app that mounts them.

Use::

    from mounts import with_mounts
    from starlette.applications import Starlette

    admin = Starlette()  # with a lifespan of its own
    app = Starlette(lifespan=with_mounts())
    app.mount("/admin", admin)
"""

import logging
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager as Manager
from contextlib import AsyncExitStack, asynccontextmanager, nullcontext
from contextvars import ContextVar
from inspect import isasyncgenfunction, signature
from types import MappingProxyType
from typing import Any

import anyio
from starlette.applications import Starlette
from starlette.routing import Host, Mount, Router
from starlette.types import ASGIApp, Message, Receive, Scope, Send

Lifespan = Callable[..., Manager[Any]]
State = Mapping[str, Any]

UNANSWERED = "No answer to lifespan.startup at %r: does a middleware keep it to itself?"

logger = logging.getLogger(__name__)
# The app whose lifespan an outer with_mounts is entering at the moment.
_entering: ContextVar[object] = ContextVar("_entering", default=None)


def with_mounts(lifespan: Lifespan | None = None) -> Lifespan:
    """Make a lifespan that runs the lifespans of mounted apps, too.

    Write ``FastAPI(lifespan=with_mounts(lifespan))``. Without it, the lifespan of a
    mounted app never runs (FastAPI 0.115 to 0.165; its documentation, "Lifespan
    Events", "Sub Applications"). Give it to the outermost app. Mounted apps may have
    it, too, to run alone; mounted, they leave their mounts to the outer one.

    The app's own lifespan is entered first. Then its routes are read, and each mounted
    app is entered, in the order of the routes, before its own mounts. All are left in
    reverse. An app is entered once, wherever and however often it is mounted. What is
    mounted later, while the app is served, has no lifespan. (The routers that the
    outermost app includes come last: FastAPI wraps its lifespan for them.)

    Found are `Mount` and `Host`, in routers that FastAPI includes, too (from 0.137;
    before, it doesn't serve mounts of an included router).

    - Starlette and FastAPI apps: their lifespan is entered with the app.
    - Routers, such as an `APIRouter` that is mounted: with the app that they are in.
    - All others, also an app behind middleware: by the messages of the ASGI lifespan
      specification, in a task of their own. They learn of the shutdown, not of errors.
      An app that raises on the lifespan scope (`StaticFiles`) has no lifespan. It is
      served without, and that is logged as information. One that returns without an
      answer, such as a middleware that forwards `http` only, is logged as a warning.

    Behind middleware, an app's own mounts are found and its identity is known if the
    middleware keeps it as `self.app`, as Starlette's do. Else it counts as another app
    and its mounts are left alone: give it `with_mounts`, too.

    State: a request to a mounted app sees what its lifespan yielded, and beside it the
    state of the apps it is mounted in; its own wins. Parent and siblings don't see it.
    What such a request writes to its state stays there, too: a middleware of the
    parent doesn't see it. An app that yields nothing shares the parent's state as ever.
    To that end, the `app` of each mount is wrapped at startup and put back at shutdown.
    If an app runs twice at the same time, its mounts see the state of the later run.

    Arguments:
        lifespan: that of the app itself; None for none. It gets the parameter `state`
            if it has one, and what it yields is yielded.

    Errors: those of `async with` over the same lifespans, one inside the other. One
    that a mounted app's lifespan raises has a note that names the mount.
        TypeError: at once, for what is no lifespan, as far as it shows.
        RuntimeError: a mounted app answered `startup.failed` or `shutdown.failed`
            without raising.
    """
    own: Lifespan = lifespan or (lambda app: nullcontext())
    if isasyncgenfunction(own) or not callable(own) or hasattr(type(own), "__aexit__"):
        raise TypeError(f"with_mounts: {own!r} is no @asynccontextmanager function")
    wants_state = "state" in signature(own).parameters

    @asynccontextmanager
    async def lifespan_with_mounts(
        app: Any, state: State = MappingProxyType({})
    ) -> AsyncIterator[State | None]:
        manager = own(app, state=state) if wants_state else own(app)
        async with manager as yielded, AsyncExitStack() as stack:
            if _entering.get() is not app:
                await _enter_mounts(stack, {id(app): {}}, app, app, "")
            yield yielded

    return lifespan_with_mounts


async def _enter_mounts(
    stack: AsyncExitStack, states: dict[int, State], app: Any, outer: Any, path: str
) -> None:
    """Enter the mounts of `outer`: the app, or a router in it.

    The states are those of the apps entered so far, by id, for routers have no hash.
    """
    for mount in _mounts(getattr(outer, "routes", ())):
        where = mount.host + path if isinstance(mount, Host) else path + mount.path
        front = mount.app
        wrapper = front if isinstance(front, _WithState) else _WithState(front)
        inner = _behind_middleware(wrapper)
        if id(inner) not in states:
            inner_app = app if isinstance(inner, Router) else inner
            manager = _noted(wrapper.app, inner_app, where)
            token = _entering.set(inner_app)
            try:
                states[id(inner)] = await stack.enter_async_context(manager)
            finally:
                _entering.reset(token)
            await _enter_mounts(stack, states, inner_app, inner, where)
        if state := states[id(inner)]:
            wrapper.states[id(state)] = state
            mount.app = wrapper
            stack.callback(wrapper.withdraw, state, mount)


class _WithState:
    """A mounted app whose requests see its state. Without any, it changes nothing."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.routes = getattr(app, "routes", [])  # Host asks for them
        self.states: dict[int, State] = {}  # by id; the last one holds

    def withdraw(self, state: State, mount: Mount | Host) -> None:
        self.states.pop(id(state), None)
        if not self.states and mount.app is self:
            mount.app = self.app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        states = list(self.states.values())
        if states:  # a copy of the scope, as the ASGI specification asks, "Middleware"
            scope = {**scope, "state": {**scope.get("state", {}), **states[-1]}}
        await self.app(scope, receive, send)


def _mounts(routes: Iterable[Any]) -> Iterator[Mount | Host]:
    for route in routes:
        if isinstance(route, Mount | Host):
            yield route
        elif hasattr(route, "original_router"):
            # An included router serves copies of its mounts. It makes them anew when
            # a route is added, so both they and the originals count.
            for candidate in route.effective_candidates():
                yield from _mounts([getattr(candidate, "starlette_route", candidate)])
            yield from _mounts(route.original_router.routes)


def _behind_middleware(app: Any) -> Any:
    while not isinstance(app, Starlette | Router) and hasattr(app, "app"):
        app = app.app
    return app


def _lifespan(mounted: ASGIApp, app: Any, where: str) -> Manager[State | None]:
    router = getattr(mounted, "router", mounted)
    if isinstance(router, Router):
        return router.lifespan_context(app)
    return _Conversation(mounted, app, where)


@asynccontextmanager
async def _noted(mounted: ASGIApp, app: Any, where: str) -> AsyncIterator[State]:
    """The mounted app's lifespan, whose errors say where it is mounted."""
    passing: BaseException | None = None
    try:
        async with _lifespan(mounted, app, where) as yielded:
            state = dict(yielded or {})
            try:
                yield state
            except BaseException as error:
                passing = error
                raise
    except Exception as error:
        if error is not passing:
            error.add_note(f"Raised by the lifespan of the app mounted at {where!r}")
        raise


class _Conversation(Manager[Any]):
    """The lifespan messages with an app, which answers in a task of its own."""

    def __init__(self, mounted: ASGIApp, app: Any, where: str) -> None:
        self.mounted, self.where = mounted, where
        asgi = {"version": "3.0", "spec_version": "2.0"}
        self.scope: Scope = {"type": "lifespan", "asgi": asgi, "app": app, "state": {}}
        self.heard, self.answered, self.stopping = "", anyio.Event(), anyio.Event()
        self.error: BaseException | None = None

    async def __aenter__(self) -> Any:
        async with AsyncExitStack() as stack:
            group = await stack.enter_async_context(anyio.create_task_group())
            group.start_soon(self.run)
            await self.answered.wait()
            if self.error is None:
                self.group = stack.pop_all()  # which isn't told of the body's errors
                return self.scope["state"]
        raise self.error

    async def __aexit__(self, *error: object) -> None:
        self.stopping.set()
        await self.group.aclose()
        if self.error is not None:
            raise self.error

    async def run(self) -> None:
        try:
            with anyio.CancelScope() as self.listening:
                await self.mounted(self.scope, self.receive, self.send)
            if not self.answered.is_set() and self.error is None:
                logger.warning(UNANSWERED, self.where)
        except BaseException as error:
            if self.heard or not isinstance(error, Exception):
                self.error = error
            else:
                logger.info("No lifespan at %r, served without: %r", self.where, error)
        finally:
            self.answered.set()

    async def receive(self) -> Message:
        if self.heard == "lifespan.shutdown" or self.error is not None:
            self.listening.cancel()  # it listens on, and there is nothing more to hear
            await anyio.sleep_forever()
        if self.heard:
            await self.stopping.wait()
        self.heard = "lifespan.shutdown" if self.heard else "lifespan.startup"
        return {"type": self.heard}

    async def send(self, message: Message) -> None:
        kind = message["type"]
        if kind == "lifespan.startup.complete":
            self.answered.set()
        elif kind in ("lifespan.startup.failed", "lifespan.shutdown.failed"):
            self.error = RuntimeError(f"App sent {kind}: {message.get('message', '')}")
        elif kind != "lifespan.shutdown.complete":
            self.heard = ""  # what it heard, it didn't understand
            raise RuntimeError(f"{kind} answers no lifespan")
