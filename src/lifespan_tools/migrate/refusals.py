"""Why something is left as it is, and what to do by hand."""

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, order=True)
class Refusal:
    """A place in a file, why it keeps an application from being rewritten, advice."""

    path: Path
    line: int
    reason: str
    advice: str = ""

    def __str__(self) -> str:
        advice = f"; {self.advice}" if self.advice else ""
        return f"{self.reason}{advice}"


class CannotCallError(Exception):
    """A handler that a lifespan can't be proven to call alike: why, and advice."""

    def __init__(self, reason: str, advice: str) -> None:
        super().__init__(reason)
        self.advice = advice


def shown(path: Path) -> str:
    """A path as one would type it here."""
    here = Path.cwd()
    inside = path.is_absolute() and here in path.parents
    return os.path.relpath(path, here) if inside else str(path)
