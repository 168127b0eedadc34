"""What the site adds to JupyterLite's pages."""

from pathlib import Path
from typing import Any


def add(site: Path, locked: dict[str, Any]) -> None:
    pass
