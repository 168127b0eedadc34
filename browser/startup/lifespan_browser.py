"""What is different about Python in a browser, made as small as it can be.

A browser gives Python no threads. FastAPI calls a ``def`` endpoint or dependency in
one, so that it may block. Here it is called on the event loop, as an ``async def``
without an ``await`` would be: its answer is the same, but while it runs, nothing else
does.

Pyodide's event loop prints a task's exception as soon as the task ends, also where
somebody is going to await it. asyncio prints it when the task is forgotten, and so it
is done here.

Its timers are handles that don't know their time, as asyncio promises they do.
"""

import asyncio
import sys
from collections.abc import Callable, Iterable
from contextvars import Context, copy_context
from functools import partial
from types import ModuleType
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


def timer(
    loop: asyncio.AbstractEventLoop,
    later: Callable[..., object],
    when: float,
    callback: Callable[..., object],
    *args: Any,
    context: Context | None = None,
) -> asyncio.TimerHandle:
    """Call back at a time of the loop, with the handle that asyncio promises.

    Args:
        loop: the loop.
        later: how the loop calls back: a function of a delay in seconds and a callback.
        when: the loop's time, in seconds.
        callback: what is called.
        args: its arguments.
        context: in which it is called; the current one unless given.
    """
    handle = asyncio.TimerHandle(when, callback, args, loop, context)

    def run() -> None:
        if not handle.cancelled():
            handle._run()  # type: ignore[attr-defined]

    later(max(when - loop.time(), 0), run)
    return handle


def name_sources(modules: Iterable[ModuleType]) -> None:
    """Let `__file__` be the source, as it is where bytecode lies in `__pycache__`.

    A module that came out of a zip as bytecode names that. Whoever compares it with
    where code says that it comes from, finds another file.
    """
    for module in modules:
        file = getattr(module, "__file__", None) or ""
        if ".zip/" in file and file.endswith(".pyc"):
            module.__file__ = file.removesuffix("c")


def install() -> None:
    """Put them where they are looked for."""
    name_sources(list(sys.modules.values()))
    from pyodide.webloop import WebLoop  # type: ignore[import-not-found]

    anyio.to_thread.run_sync = run_here  # type: ignore[assignment]
    WebLoop._decrement_in_progress = count_down
    untimed = WebLoop.call_later

    def call_soon(loop: Any, callback: Any, *args: Any, context: Any = None) -> Any:
        return untimed(loop, 0, callback, *args, context=context)

    def call_at(
        loop: Any, when: float, callback: Any, *args: Any, context: Any = None
    ) -> asyncio.TimerHandle:
        later = partial(untimed, loop)
        return timer(loop, later, when, callback, *args, context=context)

    def call_later(
        loop: Any, delay: float, callback: Any, *args: Any, context: Any = None
    ) -> asyncio.TimerHandle:
        return call_at(loop, loop.time() + delay, callback, *args, context=context)

    WebLoop.call_soon = call_soon
    WebLoop.call_at = call_at
    WebLoop.call_later = call_later
