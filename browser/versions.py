"""Versions that have to fit together, and what to do when they don't.

Four things name Pyodide's version or follow from it: the kernel's own constant, the
npm package, Python's version and the platform tag of compiled wheels.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from browser.places import HERE


class MismatchError(Exception):
    """Versions that don't fit together, in words that say what to do."""


@dataclass(frozen=True)
class Platform:
    """What the kernel in the browser runs."""

    pyodide: str
    python: str
    """Major and minor version."""
    tag: str
    """The platform tag of compiled wheels, such as ``pyemscripten_2026_0_wasm32``."""

    @property
    def environment(self) -> dict[str, str]:
        """The environment in which requirements' markers hold there (PEP 508)."""
        return {
            "implementation_name": "cpython",
            "os_name": "posix",
            "platform_machine": "wasm32",
            "platform_python_implementation": "CPython",
            "platform_system": "Emscripten",
            "python_full_version": f"{self.python}.0",
            "python_version": self.python,
            "sys_platform": "emscripten",
            "extra": "",
        }


def platform(folder: Path) -> Platform:
    """What a Pyodide distribution says of itself.

    Args:
        folder: where its files are.
    """
    pyodide = json.loads((folder / "package.json").read_text("utf-8"))["version"]
    info: dict[str, str] = _info(folder / "pyodide-lock.json")
    python = ".".join(info["python"].split(".")[:2])
    return Platform(pyodide, python, f"pyemscripten_{info['abi_version']}_wasm32")


def check(found: Platform, kernel: str, kernel_python: str) -> None:
    """Compare a Pyodide with what the JupyterLite kernel was made for.

    Args:
        found: the Pyodide that npm brought.
        kernel: the version that the kernel names in PYODIDE_VERSION.
        kernel_python: the one that it names in PYODIDE_PYTHON_VERSION.

    Raises:
        MismatchError: they don't fit.
    """
    faults = list(_faults(found, kernel, kernel_python))
    if faults:
        raise MismatchError("\n".join(faults))


def check_wheels(names: list[str], found: Platform) -> None:
    """See that each compiled wheel is made for this Pyodide.

    Args:
        names: the wheels' file names.
        found: the Pyodide that npm brought.

    Raises:
        MismatchError: one of them is for another one.
    """
    python = f"cp{found.python.replace('.', '')}"
    fitting = rf"-(none-any|{python}-{found.tag}|abi3-{found.tag})\.whl$"
    for name in names:
        if not re.search(fitting, name):
            raise MismatchError(
                f"{name} isn't for Python {found.python} and {found.tag}: "
                f"compile {HERE.name}/kernel.txt anew with: make browser-requirements"
            )


def _info(lock: Path) -> Any:
    return json.loads(lock.read_text("utf-8"))["info"]


def _faults(found: Platform, kernel: str, kernel_python: str) -> Iterator[str]:
    if found.pyodide != kernel:
        yield (
            f"jupyterlite-pyodide-kernel is made for Pyodide {kernel}, "
            f"but npm brought {found.pyodide}. Write {kernel} into "
            f"{HERE.name}/package.json, then: make browser-requirements"
        )
    elif found.python != kernel_python:
        yield (
            f"jupyterlite-pyodide-kernel is made for Python {kernel_python}, "
            f"but Pyodide {found.pyodide} has {found.python}. "
            f"Choose another version of the kernel in {HERE.name}/tools.in."
        )
