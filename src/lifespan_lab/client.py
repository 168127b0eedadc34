# Lifespan Lab 0.1.0, licence MIT-0: copy this file, no notice needed.
# Needs: anyio>=4.6, asgi-lifespan>=2.1, httpx>=0.27, starlette>=0.37.2
"""Start an ASGI app in this process, ask it with an httpx client, and stop it.

Use::

    import asyncio
    from client import running
    from starlette.applications import Starlette

    async def main():
        async with running(Starlette()) as client:
            print(await client.get("/"))

    asyncio.run(main())
"""

import logging
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import httpx  # for its fork: import httpx2 as httpx
from anyio import CancelScope, current_time, get_cancelled_exc_class, move_on_after
from asgi_lifespan import LifespanManager, LifespanNotSupported
from starlette.types import ASGIApp, Message, Receive, Scope, Send

logger = logging.getLogger(__name__)


class LifespanError(RuntimeError):
    """The app answered that its startup or shutdown failed, or didn't answer."""


@asynccontextmanager
async def running(
    app: ASGIApp,
    *,
    startup_timeout: float = 5.0,
    shutdown_timeout: float = 5.0,
    base_url: str = "http://testserver",
) -> AsyncIterator[httpx.AsyncClient]:
    """Run the app's lifespan around a block, and give the block a client for the app.

    However the block ends, the app gets a normal shutdown: what stands after its
    `yield` runs when the block raises or is cancelled, too. (asgi-lifespan by itself
    cancels the lifespan then, see its README, API Reference.) Each request gets a
    shallow copy of the lifespan's state, as the ASGI lifespan specification asks in
    "Lifespan State"; asgi-lifespan 2.1 hands one dict to all (its issue 57).

    An app that raises on the lifespan scope has no lifespan. It is served without,
    as the specification asks in "Scope", and a warning is logged. An app that returns
    from that scope without an answer is an error here. The specification doesn't know
    this case and servers pass over it; but mostly it is a middleware that forwards
    `http` only, and a lifespan that never ran should not be found out by a request
    that misses its state.

    Arguments:
        app: the ASGI app.
        startup_timeout: seconds for the app's startup; `math.inf` for no limit.
        shutdown_timeout: seconds for the app's shutdown; `math.inf` for no limit.
        base_url: what stands before the paths that the client is asked for.

    Errors: the error of the block comes out, as the same object; an error of the app
    beside it is logged, and attached to it as a note. Without an error of the block
    that of the app comes out, as itself: at once if the startup fails, after the block
    if the shutdown fails or the lifespan broke off while the app was served.
        LifespanError: the app answered `startup.failed` or `shutdown.failed` without
            raising, or returned from the lifespan scope without an answer.
        TimeoutError: a limit passed, and the app's lifespan was cancelled. As in any
            scope of anyio, its clean-up is cancelled at each `await`, too.

    What can't be cancelled can't be bounded: code that blocks the thread, such as
    `time.sleep`, another thread, such as `anyio.to_thread.run_sync` waits for, and a
    shielded scope. It is waited for, and has missed its limit then.

    On asyncio the block may be entered in one task and left in another, as happens
    between two cells of a notebook. It may not on trio, and there blocks must nest:
    asgi-lifespan holds a nursery open in the task that entered.
    """
    lifespan = _Lifespan(app, startup_timeout, shutdown_timeout)
    manager = _Manager(lifespan)
    transport = httpx.ASGITransport(manager.app)
    first: BaseException | None = None
    try:
        await manager.__aenter__()
        if lifespan.error is None:
            client = httpx.AsyncClient(transport=transport, base_url=base_url)
            async with client:
                yield client
    except BaseException as error:
        first = error
    try:
        await manager.__aexit__()  # told of an error it would skip the shutdown
    except get_cancelled_exc_class() as cancelled:
        first = cancelled if first is None else first
    if first is None:
        first = lifespan.error
    else:
        lifespan.attach_error(first)
    if first is not None:
        raise first


class _Over(BaseException):
    """The app listens, but there is nothing more to hear."""


class _Lifespan:
    """The app as the manager meets it: it always answers and never raises.

    So nothing is waited for in vain, and on trio no nursery wraps an error.
    """

    def __init__(self, app: ASGIApp, startup: float, shutdown: float) -> None:
        self.app = app
        self.timeouts = {"startup": startup, "shutdown": shutdown}
        # Entered in the lifespan's own task: the caller is free to change tasks. On
        # trio that task is in the caller's scopes, but isn't cancelled with them.
        self.limit = CancelScope(deadline=current_time() + startup, shield=True)
        self.heard = ""
        self.started = False
        self.failed: str | None = None
        self.error: BaseException | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.run(scope, receive, send)
        else:
            scope["state"] = scope["state"].copy()
            await self.app(scope, receive, send)

    async def run(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["asgi"] = {"version": "3.0", "spec_version": "2.0"}
        hear, answer = partial(self.hear, receive), partial(self.answer, send)
        raised: BaseException | None = None
        with self.limit:
            try:
                await self.app(scope, hear, answer)
            except BaseException as error:
                raised = error
        self.error = self.verdict(raised)
        if not self.heard:
            with move_on_after(0, shield=True):
                await receive()  # the manager takes no answer before
        await send({"type": "lifespan.startup.complete"})
        await send({"type": "lifespan.shutdown.complete"})

    async def hear(self, receive: Receive) -> Message:
        """The app's next message, unless it was told or said the last one."""
        if self.heard == "lifespan.shutdown" or self.failed is not None:
            raise _Over
        message = await receive()
        self.heard = message["type"]
        return message

    async def answer(self, send: Send, message: Message) -> None:
        """Keep the app's answer, and pass on only that it has started."""
        if not message["type"].startswith("lifespan."):
            self.heard = ""  # what it heard, it didn't understand
            raise LifespanNotSupported(f"{message['type']} answers no lifespan")
        if self.is_late():
            return
        if message["type"] == "lifespan.startup.complete":
            await send(message)
            self.started = True
            self.limit.deadline = math.inf
        elif message["type"].endswith(".failed"):
            self.failed = message.get("message", "")

    def is_late(self) -> bool:
        # Not limit.cancel_called: code that blocks the thread isn't cancelled in time.
        return current_time() >= self.limit.deadline

    def verdict(self, raised: BaseException | None) -> BaseException | None:
        """The error of an app that ended so, if it is one."""
        phase = "shutdown" if self.started else "startup"
        if self.is_late():
            error = TimeoutError(
                f"The app's {phase} took longer than {self.timeouts[phase]:g} s. The "
                f"traceback above shows where it waited; {phase}_timeout= allows more."
            )
            error.__cause__ = raised
            return error
        if isinstance(raised, Exception) and not self.heard:
            logger.warning("The app has no lifespan, it is served without: %r", raised)
            return None
        if raised is not None and not isinstance(raised, _Over):
            return raised
        if self.failed is not None:
            return LifespanError(f"The app's {phase} failed: {self.failed}")
        if not self.started and not self.limit.cancel_called:
            return LifespanError(
                "The app didn't answer lifespan.startup. A middleware has to pass on "
                "the scopes that it doesn't handle: await self.app(scope, receive, "
                "send). An app without a lifespan has to raise on its scope."
            )
        return None

    def attach_error(self, first: BaseException) -> None:
        """Log the app's error, if there is one, and add it as a note to the first."""
        quiet = get_cancelled_exc_class(), type(None)
        if not isinstance(self.error, quiet):
            first.add_note(f"The app's lifespan failed, too: {self.error!r}")
            logger.error("The app's lifespan failed, too", exc_info=self.error)


class _Manager(LifespanManager):
    """A manager that cancels the app at a limit, and shuts down when cancelled, too."""

    def __init__(self, lifespan: _Lifespan) -> None:
        super().__init__(lifespan, startup_timeout=None, shutdown_timeout=None)
        self.lifespan = lifespan

    async def startup(self) -> None:
        try:
            await super().startup()
        except BaseException:  # the caller is cancelled, so the app's startup is
            self.lifespan.limit.cancel()
            raise

    async def shutdown(self) -> None:
        self.lifespan.limit.deadline = (
            current_time() + self.lifespan.timeouts["shutdown"]
        )
        with CancelScope(shield=True):
            await super().shutdown()
