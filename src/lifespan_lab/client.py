# Lifespan Lab 0.1.0 (https://spdx.org/licenses/MIT-0.html): copy this file, no notice needed.
# Needs: anyio>=4.4, asgi-lifespan>=2.1, httpx>=0.27, starlette>=0.37.2
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
from types import TracebackType

import httpx  # for its fork: import httpx2 as httpx
from anyio import CancelScope, current_time, get_cancelled_exc_class, move_on_after
from asgi_lifespan import LifespanManager, LifespanNotSupported
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["LifespanError", "running"]

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

    Errors: the error of the block comes out, as the same object. If there is none, the
    error of the app comes out, as itself: at once if the startup fails, after the
    block if the shutdown fails or the lifespan broke off while the app was served.
    An error of the app after one of the block is logged and attached to that as a
    note. Two errors are made here:
        LifespanError: the app answered `startup.failed` or `shutdown.failed` without
            raising, or returned from the lifespan scope without an answer.
        TimeoutError: a limit passed, and the app's lifespan was cancelled. As with
            any scope of anyio, its clean-up is cancelled at each `await`, too.

    What can't be cancelled can't be bounded and is waited for: code that blocks the
    thread (`time.sleep`), a thread (`anyio.to_thread.run_sync`), a shielded scope.

    On asyncio the block may be entered in one task and left in another, as happens
    between two cells of a notebook. It may not on trio, and there blocks must nest:
    asgi-lifespan holds a nursery open in the task that entered.
    """
    async with _Lifespan(app, startup_timeout, shutdown_timeout) as served:
        transport = httpx.ASGITransport(served)
        async with httpx.AsyncClient(transport=transport, base_url=base_url) as client:
            yield client


class _Manager(LifespanManager):
    """A manager that waits for the shutdown in a cancelled scope, too."""

    async def shutdown(self) -> None:
        with CancelScope(shield=True):
            await super().shutdown()


class _Lifespan:
    """One lifespan of the app: for the manager an app, for `running` a context manager.

    The manager sees an app that always answers and never raises: it waits for nothing
    in vain, and no nursery of trio's wraps an error. The error is kept for the caller.
    """

    def __init__(self, app: ASGIApp, startup: float, shutdown: float) -> None:
        self.app = app
        self.timeouts = {"startup": startup, "shutdown": shutdown}
        # A scope for the lifespan's task alone: the caller is free to change tasks.
        self.limit = CancelScope(deadline=current_time() + startup)
        self.manager = _Manager(self, startup_timeout=None, shutdown_timeout=None)
        self.heard = ""
        self.started = False
        self.failed: str | None = None
        self.error: BaseException | None = None

    async def __aenter__(self) -> ASGIApp:
        try:
            await self.manager.__aenter__()
        except BaseException as error:  # cancelled during the startup
            self.cancel()
            await self.manager.shutdown()
            self.report(error)
            raise
        if self.error is not None:
            await self.__aexit__(None, None, None)
        return self.manager.app

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.limit.deadline = current_time() + self.timeouts["shutdown"]
        try:
            await self.manager.__aexit__()  # told of an error it would not shut down
        except get_cancelled_exc_class() as cancelled:
            if error is None:
                self.report(cancelled)
                raise
        self.report(error)

    def report(self, first: BaseException | None) -> None:
        """Raise the app's error, or attach it to the error that came first."""
        if self.error is None:
            return
        if first is None:
            raise self.error
        if not isinstance(self.error, get_cancelled_exc_class()):
            first.add_note(f"Then the app's lifespan failed: {self.error!r}")
            logger.error("The app's lifespan failed, too", exc_info=self.error)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.converse(scope, receive, send)
        else:
            scope["state"] = scope["state"].copy()
            await self.app(scope, receive, send)

    async def converse(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass messages between the manager and the app until the app has ended."""

        async def hear() -> Message:
            if self.heard == "lifespan.shutdown" or self.failed is not None:
                self.cancel()  # there is nothing more to hear
            message = await receive()
            self.heard = message["type"]
            return message

        async def answer(message: Message) -> None:
            if not message["type"].startswith("lifespan."):
                raise LifespanNotSupported(f"{message['type']} answers no lifespan")
            if self.limit.cancel_called:
                return  # too late
            if message["type"] == "lifespan.startup.complete":
                await send(message)
                self.started = True
                self.limit.deadline = math.inf
                self.limit.shield = True  # trio puts this task into the caller's scopes
            elif message["type"].endswith(".failed"):
                self.failed = message.get("message", "")

        scope["asgi"] = {"version": "3.0", "spec_version": "2.0"}
        cancelled = raised = None
        try:
            with self.limit:
                try:
                    await self.app(scope, hear, answer)
                except get_cancelled_exc_class() as error:
                    cancelled = error  # its traceback shows what the app waited for
                    raise
        except BaseException as error:
            raised = error
        self.error = self.verdict(raised, cancelled)
        if not self.heard:
            with move_on_after(0, shield=True):
                await receive()  # the manager takes no answer before
        await send({"type": "lifespan.startup.complete"})
        await send({"type": "lifespan.shutdown.complete"})

    def cancel(self) -> None:
        self.limit.deadline = math.inf  # so it isn't taken for a limit that passed
        self.limit.cancel()

    def verdict(
        self, raised: BaseException | None, cancelled: BaseException | None
    ) -> BaseException | None:
        """The error to report for an app that ended so, if any."""
        phase = "shutdown" if self.started else "startup"
        if self.limit.cancel_called and self.limit.deadline < math.inf:
            error = TimeoutError(
                f"The app's {phase} took longer than {self.timeouts[phase]:g} s, so it "
                "was cancelled. The traceback above shows what it waited for: mend "
                f"that, or allow more seconds with {phase}_timeout=..."
            )
            error.__cause__ = raised or cancelled
            return error
        if isinstance(raised, LifespanNotSupported) or (
            isinstance(raised, Exception) and not self.heard
        ):
            logger.warning("The app has no lifespan, it is served without: %r", raised)
            return None
        if raised is not None:
            return raised
        if self.failed is not None:
            return LifespanError(f"The app's {phase} failed: {self.failed}")
        if not self.started and not self.limit.cancel_called:
            return LifespanError(
                "The app returned from its lifespan and didn't answer "
                "lifespan.startup. If a middleware swallowed it: pass on each scope "
                "that you don't handle, with `await self.app(scope, receive, send)`. "
                "If the app has no lifespan: raise on scope['type'] == 'lifespan'."
            )
        return None
