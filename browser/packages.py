"""Pyodide's lock file, written anew for the wheels that the site has.

With it a plain import in a cell loads the wheel that it needs, and nothing else can be
loaded. The entries are those of https://pyodide.org/en/stable/project/api/lockfile.html
"""

import json
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

from browser.versions import Platform
from browser.wheels import Wheel


def lock(original: Path, wheels: Iterable[Wheel], platform: Platform) -> dict[str, Any]:
    """The lock file with one entry for each wheel, in place of Pyodide's own.

    Args:
        original: the lock file that comes with Pyodide.
        wheels: all that can be loaded.
        platform: where markers have to hold.
    """
    here = {wheel.name: wheel for wheel in wheels}
    kept = json.loads(original.read_text("utf-8"))
    kept["packages"] = {
        name: _entry(wheel, sorted(wheel.depends(platform.environment) & here.keys()))
        for name, wheel in sorted(here.items())
    }
    return dict(kept)


def deferred(locked: dict[str, Any], later: Collection[str]) -> dict[str, Any]:
    """The lock file, but some packages are loaded only when a cell imports them.

    Args:
        locked: the lock file; it stays as it is.
        later: their names. Nobody needs them any more, but for each other: Pyodide
            would load them with whoever does.
    """
    entries = {
        name: entry
        if name in later
        else entry | {"depends": [d for d in entry["depends"] if d not in later]}
        for name, entry in locked["packages"].items()
    }
    return locked | {"packages": entries}


def needed(locked: dict[str, Any], names: Iterable[str]) -> list[str]:
    """The packages with these names and, one after the other, all that they need."""
    found: list[str] = []
    waiting = sorted(names)
    while waiting:
        name = waiting.pop(0)
        if name not in found:
            found.append(name)
            waiting.extend(locked["packages"][name]["depends"])
    return found


def _entry(wheel: Wheel, depends: list[str]) -> dict[str, Any]:
    return {
        "name": wheel.name,
        "version": wheel.version,
        "file_name": wheel.path.name,
        "install_dir": "site",
        "sha256": wheel.sha256,
        "package_type": "package",
        "imports": list(wheel.imports),
        "depends": depends,
        "unvendored_tests": False,
    }
