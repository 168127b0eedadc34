"""Snippets to copy: each module stands alone, this file only gathers their names."""

from typing import TYPE_CHECKING, Any

from lifespan_lab.client import running
from lifespan_lab.compose import as_lifespan, combine
from lifespan_lab.handlers import from_handlers
from lifespan_lab.timeline import Events, Timeline

if TYPE_CHECKING:
    from lifespan_lab.state import FromState

__all__ = [
    "Events",
    "FromState",
    "Timeline",
    "as_lifespan",
    "combine",
    "from_handlers",
    "running",
]


def __getattr__(name: str) -> Any:
    """Import what needs FastAPI when it is asked for, and not before."""
    if name == "FromState":
        from lifespan_lab.state import FromState

        return FromState
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
