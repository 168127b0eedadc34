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
import socket
import sys
import threading
import time
import traceback
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import cast

import uvicorn
from anyio import CancelScope, get_cancelled_exc_class, sleep
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["LifespanError", "serving"]

logger = logging.getLogger(__name__)
# What fails is raised in the caller. Where nobody handles uvicorn's own log, Python
# would print it to stderr as well.
logging.getLogger("uvicorn").addHandler(logging.NullHandler())
TICK = 0.01  # seconds between two looks at the thread
GRACE = 1.0  # seconds for a thread to end after it was cancelled


class LifespanError(RuntimeError):
    """The app answered that its startup or shutdown failed, or didn't answer."""


@asynccontextmanager
async def serving(
    app: ASGIApp, *, startup_timeout: float = 10.0, shutdown_timeout: float = 10.0
) -> AsyncIterator[str]:
    """Serve the app around a block, and give the block its URL.

    The server is uvicorn on 127.0.0.1, at a free port, in a daemon thread with an event
    loop of its own (asyncio's, also if the caller's is trio's). So the block may ask it
    with a client that blocks. The port answers when the startup is complete, not
    before. However the block ends, the app gets a normal shutdown. No signal handler is
    installed, and no logging set up: uvicorn logs to "uvicorn.error".

    An app that raises on the lifespan scope, before it listened, has no lifespan. It is
    served without, as the ASGI specification asks in "Scope" of its lifespan protocol,
    and a warning is logged. An app that returns from that scope without an answer is
    an error here, although uvicorn serves it: mostly it is a middleware that forwards
    `http` only, and a lifespan that never ran.

    Arguments:
        app: the ASGI app.
        startup_timeout: seconds for the app's startup; `math.inf` for no limit.
        shutdown_timeout: seconds for the shutdown; `math.inf` for no limit. Requests
            that are still open after half of it are cancelled, as with uvicorn's
            `timeout_graceful_shutdown`; then comes the app's own shutdown.

    Errors: the error of the block comes out, as the same object; an error of the app
    beside it is logged, and attached to it as a note. Without an error of the block
    that of the app comes out, as itself: at once if the startup fails, after the block
    if the shutdown fails or the lifespan broke off while the app was served.
        LifespanError: the app answered `startup.failed` or `shutdown.failed` without
            raising, or returned from the lifespan scope without an answer.
        TimeoutError: a limit passed, and the app was cancelled. A thread that hasn't
            ended a second later is given up: what blocks it, such as `time.sleep`,
            can't be cancelled. The error names the thread and shows where it stands. It
            ends with what blocks it, or with the process.
        ValueError: a limit that isn't above 0.

    The block may be entered in one task and left in another, as happens between two
    cells of a notebook. A cancelled caller waits for the shutdown, too.
    """
    limits = {"startup": startup_timeout, "shutdown": shutdown_timeout}
    if not (startup_timeout > 0 and shutdown_timeout > 0):  # nor is NaN
        raise ValueError(f"The timeouts are seconds above 0, not {limits}")
    server = _Server(app, limits)
    first: BaseException | None = None
    try:
        if await server.startup():
            yield server.url
    except BaseException as error:
        first = error
    await server.shutdown()
    errors = [e for e in (first, server.cancelled, server.failure()) if e is not None]
    for later in errors[1:]:
        errors[0].add_note(f"Serving ended with this, too: {later!r}")
        logger.error("Serving ended with this, too", exc_info=later)
    if errors:
        raise errors[0]


class _Lifespan:
    """The app as the server meets it: it keeps what its lifespan raises."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.heard = self.answered = self.cancelled = False
        self.error: BaseException | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            await self.app(scope, receive, send)
            return
        self.receive, self.send = receive, send
        try:
            await self.app(scope, self.hear, self.answer)
        except BaseException as error:
            if self.error is None or not isinstance(error, asyncio.CancelledError):
                self.error = error
        if not self.answered:
            await send({"type": f"lifespan.startup.{self.verdict()}"})

    async def hear(self) -> Message:
        message = await self.receive()
        self.heard = True
        return message

    async def answer(self, message: Message) -> None:
        if not message["type"].startswith("lifespan."):
            self.heard = False  # what it heard, it didn't understand
        if message["type"].endswith(".failed") and not self.cancelled:
            self.error = LifespanError(f"The app sent {message}")
        # Without its text, which the server would log. It raises if this is no answer.
        await self.send({"type": message["type"]})
        self.answered = True

    def verdict(self) -> str:
        """What to answer for an app that didn't: it has a lifespan, or it has none."""
        if isinstance(self.error, Exception) and not self.heard:
            logger.warning("The app has no lifespan: served without, %r", self.error)
            self.error = None
            return "complete"
        self.error = self.error or LifespanError(
            "The app didn't answer lifespan.startup. Does a middleware keep it back?"
        )
        return "failed"


class _Server(threading.Thread):
    """The thread of a uvicorn server: what runs in it, and what its caller does."""

    def __init__(self, app: ASGIApp, limits: dict[str, float]) -> None:
        self.limits = limits
        self.lifespan = _Lifespan(app)
        config = uvicorn.Config(self.lifespan, lifespan="on", log_config=None)
        # Declared as int, but handed to asyncio, which takes a fraction and infinity.
        config.timeout_graceful_shutdown = cast(int, limits["shutdown"] / 2)
        self.server = uvicorn.Server(config)
        # Bound, but not listening: nobody is answered before the startup is complete.
        self.socket = socket.socket()
        self.socket.bind(("127.0.0.1", 0))
        self.url = "http://{}:{}".format(*self.socket.getsockname())
        name = getattr(app, "__qualname__", type(app).__qualname__)
        super().__init__(name=f"{name} at {self.url}", daemon=True)
        self.task: asyncio.Task[object] | None = None
        self.phase, self.late = "startup", False
        self.cancelled: BaseException | None = None

    def run(self) -> None:
        try:
            with asyncio.Runner() as runner:
                runner.run(self.serve())
        except BaseException as error:  # SystemExit, too: uvicorn's, from 0.50 on
            self.lifespan.error = self.lifespan.error or error

    async def serve(self) -> None:
        self.task = asyncio.current_task()
        if not self.server.should_exit:
            await self.server.serve(sockets=[self.socket])

    async def startup(self) -> bool:
        self.start()
        deadline = time.monotonic() + self.limits["startup"]
        while self.is_alive() and not self.server.started:
            if time.monotonic() >= deadline:
                self.late = True
                return False
            await sleep(TICK)
        if self.server.started:
            self.phase = "shutdown"
        return self.server.started

    async def shutdown(self) -> None:
        self.server.should_exit = True
        served = self.phase == "shutdown"
        if not await self.ended(self.limits["shutdown"] if served else 0):
            self.late |= served
            self.lifespan.cancelled = True
            if self.task is not None:
                with suppress(RuntimeError):  # its loop is closed: it ends just now
                    self.task.get_loop().call_soon_threadsafe(self.task.cancel)
            await self.ended(GRACE)
        self.socket.close()

    async def ended(self, seconds: float) -> bool:
        """Whether the thread ends in time. A cancelled caller waits for it, too."""
        deadline = time.monotonic() + seconds
        with CancelScope(shield=True):
            while self.is_alive() and time.monotonic() < deadline:
                try:
                    await sleep(TICK)
                except get_cancelled_exc_class() as error:  # by a task of asyncio
                    self.cancelled = error
        return not self.is_alive()

    def failure(self) -> BaseException | None:
        """What went wrong, if anything did."""
        error, phase = self.lifespan.error, self.phase
        if not self.late and not self.is_alive():
            asked_for = self.lifespan.cancelled or phase == "shutdown"
            cancelled = isinstance(error, asyncio.CancelledError)
            return None if cancelled and asked_for else error
        text = f"The {phase} of {self.name} was cancelled"
        if self.late:
            text += f" after {self.limits[phase]:g} s; {phase}_timeout= allows more"
        if self.is_alive():
            frame = sys._current_frames().get(self.ident or 0)
            stack = "".join(traceback.format_stack(frame, limit=5))
            text += f". Its thread {self.name!r} runs on; mend what blocks it:\n{stack}"
        late = TimeoutError(text)
        late.__cause__ = error
        return late
