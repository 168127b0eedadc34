"""What is different about Python in a browser, made as small as it can be.

A browser gives Python no threads. FastAPI calls a ``def`` endpoint or dependency in
one, so that it may block. Here it is called on the event loop, as an ``async def``
without an ``await`` would be: its answer is the same, but while it runs, nothing else
does.

Pyodide's event loop prints a task's exception as soon as the task ends, also where
somebody is going to await it. asyncio prints it when the task is forgotten, and so it
is done here.

Its `call_at` returns a handle that doesn't know its time, as asyncio promises it does.
"""

import asyncio
from collections.abc import Callable
from contextvars import Context, copy_context
from typing import Any, TypeVar

import anyio.lowlevel
import anyio.to_thread

T = TypeVar("T")


async def run_here(function: Callable[..., T], *args: Any, **_: Any) -> T:
    """Stand in for ``anyio.to_thread.run_sync``: no thread, the same context.

    Args:
        function: what is to be called, in a copy of the current context as there.
        args: its arguments. Options about threads and limits have no meaning here.
    """
    await anyio.lowlevel.checkpoint()
    return copy_context().run(function, *args)


def count_down(loop: Any, _: object = None) -> None:
    """Stand in for what Pyodide's loop does when a task ends, without its report."""
    loop._in_progress -= 1
    if loop._no_in_progress_handler and loop._in_progress == 0:
        loop._no_in_progress_handler()


def call_at(
    loop: asyncio.AbstractEventLoop,
    when: float,
    callback: Callable[..., object],
    *args: Any,
    context: Context | None = None,
) -> asyncio.TimerHandle:
    """Stand in for ``call_at`` of Pyodide's loop, with the handle of asyncio."""
    handle = asyncio.TimerHandle(when, callback, args, loop, context)

    def run() -> None:
        if not handle.cancelled():
            handle._run()  # type: ignore[attr-defined]

    loop.call_later(max(when - loop.time(), 0), run)
    return handle


def install() -> None:
    """Put them where they are looked for."""
    from pyodide.webloop import WebLoop  # type: ignore[import-not-found]

    anyio.to_thread.run_sync = run_here  # type: ignore[assignment]
    WebLoop._decrement_in_progress = count_down
    WebLoop.call_at = call_at
