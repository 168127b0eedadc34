# Lifespan Lab 0.1.0, licence MIT-0: copy this file, no notice needed.
# Needs: anyio>=4.6, starlette>=0.37.2, uvicorn>=0.30
"""Serve an ASGI app with uvicorn in a thread, from a test or a notebook cell.

Use::

    import asyncio
    from server import serving
    from starlette.applications import Starlette

    async def main():
        async with serving(Starlette()) as url:
            print(url)

    asyncio.run(main())
"""

import asyncio
import logging
import math
import socket
import sys
import threading
import time
import traceback
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import cast

import uvicorn
from anyio import CancelScope, get_cancelled_exc_class, sleep
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["LifespanError", "serving"]

logger = logging.getLogger(__name__)
TICK = 0.01  # seconds between two looks at the thread
GRACE = 1.0  # seconds for a thread to end after it was cancelled


class LifespanError(RuntimeError):
    """The app answered that its startup or shutdown failed, or didn't answer."""


@asynccontextmanager
async def serving(
    app: ASGIApp, *, startup_timeout: float = 10.0, shutdown_timeout: float = 10.0
) -> AsyncIterator[str]:
    """Serve the app around a block, and give the block its URL.

    Arguments:
        app: the ASGI app.
        startup_timeout: seconds for the app's startup; `math.inf` for no limit.
        shutdown_timeout: seconds for the shutdown; `math.inf` for no limit. Requests
            that are still open after half of it are cancelled.
    """
    limits = {"startup": startup_timeout, "shutdown": shutdown_timeout}
    for phase, seconds in limits.items():
        if not seconds > 0:
            raise ValueError(
                f"{phase}_timeout must be a number of seconds above 0, not {seconds!r}"
            )
    server = _Server(app, limits)
    first: BaseException | None = None
    try:
        if await server.start():
            yield server.url
    except BaseException as error:
        first = error
    await server.stop()
    first = server.cancelled if first is None else first
    failure = server.failure()
    if first is None:
        first = failure
    elif failure is not None:
        first.add_note(f"The server failed, too: {failure!r}")
        logger.error("The server failed, too", exc_info=failure)
    if first is not None:
        raise first


class _Lifespan:
    """The app as the server meets it: it tells of its errors, and never raises them."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.heard = False
        self.started = False
        self.failed: str | None = None
        self.raised: BaseException | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            await self.app(scope, receive, send)
            return
        hear, answer = partial(self.hear, receive), partial(self.answer, send)
        try:
            await self.app(scope, hear, answer)
        except BaseException as error:
            self.raised = error
        if self.started or self.failed is not None:
            return
        if isinstance(self.raised, Exception) and not self.heard:
            logger.warning(
                "The app has no lifespan, it is served without: %r", self.raised
            )
            self.raised = None
            await send({"type": "lifespan.startup.complete"})
            return
        if self.raised is None:
            self.raised = LifespanError(
                "The app didn't answer lifespan.startup. A middleware has to pass on "
                "the scopes that it doesn't handle: await self.app(scope, receive, "
                "send). An app without a lifespan has to raise on its scope."
            )
        await send({"type": "lifespan.startup.failed"})

    async def hear(self, receive: Receive) -> Message:
        message = await receive()
        self.heard = True
        return message

    async def answer(self, send: Send, message: Message) -> None:
        kind = message["type"]
        if not kind.startswith("lifespan."):
            self.heard = False  # what it heard, it didn't understand
            raise RuntimeError(f"{kind} answers no lifespan")
        if kind == "lifespan.startup.complete":
            self.started = True
        elif kind.endswith(".failed"):
            self.failed = message.get("message", "")
        await send({"type": kind})  # without the text, which the server would log


class _Server:
    """A uvicorn server and the thread that it runs in."""

    def __init__(self, app: ASGIApp, limits: dict[str, float]) -> None:
        self.limits = limits
        self.lifespan = _Lifespan(app)
        requests = limits["shutdown"] / 2
        config = uvicorn.Config(
            self.lifespan,
            lifespan="on",
            log_config=None,
            timeout_graceful_shutdown=(
                None if math.isinf(requests) else cast(int, requests)
            ),
        )
        self.server = uvicorn.Server(config)
        # Bound, but not listening: nobody is answered before the startup is complete.
        self.socket = socket.socket()
        self.socket.bind(("127.0.0.1", 0))
        self.url = "http://{}:{}".format(*self.socket.getsockname())
        self.name = f"{getattr(app, '__qualname__', type(app).__qualname__)} {self.url}"
        self.thread = threading.Thread(
            target=self.run, name=f"serving {self.name}", daemon=True
        )
        self.task: asyncio.Task[object] | None = None
        self.late: str | None = None
        self.cancelled: BaseException | None = None
        self.error: BaseException | None = None

    def run(self) -> None:
        try:
            with asyncio.Runner() as runner:
                runner.run(self.serve())
        except BaseException as error:
            self.error = error

    async def serve(self) -> None:
        self.task = asyncio.current_task()
        if not self.server.should_exit:
            with suppress(SystemExit):  # uvicorn from 0.50 on, for a failed startup
                await self.server.serve(sockets=[self.socket])

    async def start(self) -> bool:
        self.thread.start()
        deadline = time.monotonic() + self.limits["startup"]
        while self.thread.is_alive() and not self.server.started:
            if time.monotonic() >= deadline:
                self.late = "startup"
                return False
            await sleep(TICK)
        return self.server.started

    async def stop(self) -> None:
        """End the thread, or give it up. The caller waits, also when cancelled."""
        self.server.should_exit = True
        if not await self.ended(self.limits["shutdown"] if self.server.started else 0):
            if self.server.started:
                self.late = "shutdown"
            self.cancel()
            await self.ended(GRACE)
        self.socket.close()

    async def ended(self, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        with CancelScope(shield=True):
            while self.thread.is_alive() and time.monotonic() < deadline:
                try:
                    await sleep(TICK)
                except get_cancelled_exc_class() as error:  # by a task of asyncio
                    self.cancelled = error
        return not self.thread.is_alive()

    def cancel(self) -> None:
        if self.task is not None:
            with suppress(RuntimeError):  # the loop is closed, the thread about to end
                self.task.get_loop().call_soon_threadsafe(self.task.cancel)

    def failure(self) -> BaseException | None:
        """What went wrong with the server, if anything did."""
        raised = self.error if self.lifespan.raised is None else self.lifespan.raised
        phase = "shutdown" if self.server.started else "startup"
        if self.late is not None or self.thread.is_alive():
            return self.timeout(self.late, raised)
        if raised is not None and not isinstance(raised, asyncio.CancelledError):
            return raised
        if self.lifespan.failed is not None:
            return LifespanError(
                f"The {phase} of {self.name} failed: {self.lifespan.failed}"
            )
        return None

    def timeout(self, phase: str | None, raised: BaseException | None) -> TimeoutError:
        text = f"The startup of {self.name} was cancelled with its caller."
        if phase is not None:
            text = (
                f"The {phase} of {self.name} took longer than {self.limits[phase]:g} s "
                f"and was cancelled; {phase}_timeout= allows more."
            )
        frame = sys._current_frames().get(self.thread.ident or 0)
        if self.thread.is_alive():
            text += (
                f" Its thread {self.thread.name!r} still runs, and dies only with the "
                "process: something in it blocks, or ignores its cancellation."
            )
        error = TimeoutError(text)
        error.__cause__ = raised
        if frame:
            error.add_note("It stands here:\n" + "".join(traceback.format_stack(frame)))
        return error
