"""Snippets to copy: each module stands alone, this file only gathers their names."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from lifespan_lab.bounds import bounded
from lifespan_lab.client import running
from lifespan_lab.compose import as_lifespan, combine
from lifespan_lab.concurrency import concurrently
from lifespan_lab.handlers import from_handlers
from lifespan_lab.mounts import with_mounts
from lifespan_lab.timeline import Events, Timeline
from lifespan_lab.worker import worker

if TYPE_CHECKING:
    from lifespan_lab.server import serving
    from lifespan_lab.state import FromState

__all__ = [
    "Events",
    "FromState",
    "Timeline",
    "as_lifespan",
    "bounded",
    "combine",
    "concurrently",
    "from_handlers",
    "running",
    "serving",
    "with_mounts",
    "worker",
]

# FastAPI and uvicorn are heavy: what needs one of them is imported when asked for.
LATE = {"FromState": "state", "serving": "server"}


def __getattr__(name: str) -> Any:
    if name in LATE:
        return getattr(import_module(f"{__name__}.{LATE[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
