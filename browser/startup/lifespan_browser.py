"""Plain ``def`` functions of an app, in a browser, where Python has no threads.

FastAPI calls a ``def`` endpoint or dependency in a thread, so that it may block. Here
it is called where the event loop runs, as an ``async def`` without an ``await`` would
be: its answer is the same, but while it runs, nothing else does.
"""

from collections.abc import Callable
from contextvars import copy_context
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


def install() -> None:
    """Put it where FastAPI, Starlette and readers look for it."""
    anyio.to_thread.run_sync = run_here  # type: ignore[assignment]
