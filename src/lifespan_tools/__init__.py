"""Two programs to run on a project: doctor tells the truth, migrate rewrites."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lifespan_tools.doctor import diagnose

__all__ = ["diagnose"]


def __getattr__(name: str) -> Any:
    """Import FastAPI when doctor is asked for, and not before."""
    if name == "diagnose":
        from lifespan_tools.doctor import diagnose

        return diagnose
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
