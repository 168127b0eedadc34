"""Doctor: which startup and shutdown code of an app will run, and which never will."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lifespan_tools.doctor.diagnosis import Diagnosis, UnreadableError, diagnose
    from lifespan_tools.doctor.findings import Finding
    from lifespan_tools.doctor.places import Place
    from lifespan_tools.doctor.schedule import Run

__all__ = ["Diagnosis", "Finding", "Place", "Run", "UnreadableError", "diagnose"]


def __getattr__(name: str) -> Any:
    """Import what needs FastAPI when it is asked for: the help needs none."""
    if name in __all__:
        from lifespan_tools.doctor import diagnosis

        return getattr(diagnosis, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
