"""Make the site: ``python -m browser.build``.

What npm and pip brought is packed anew, JupyterLite builds its pages around it, and
what this site adds of its own comes last. Afterwards build/browser/site is complete.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from jupyterlite_pyodide_kernel import constants  # type: ignore[import-untyped]

from browser import chapters, packages, pages, versions, wheels
from browser.places import (
    BUILD,
    DOWNLOADED,
    HERE,
    LITE,
    NOTEBOOKS,
    NPM,
    PACKED,
    ROOT,
    SITE,
    SNIPPETS,
)

CORE = ("pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm")
LIBRARY = "python_stdlib.zip"
LIBRARY_IN_BROWSER = "/lib/python314.zip"
KERNEL_PLUGIN = "@jupyterlite/pyodide-kernel-extension:kernel"
STARTED_WITH = (
    "comm",
    "ipykernel",
    "ipython",
    "jedi",
    "lifespan-browser",
    "lifespan-lab",
    "micropip",
    "piplite",
    "pyodide-kernel",
)
"""Loaded with Python and all at once, instead of one after the other when asked for."""

LATER = ("click", "prompt-toolkit", "uvicorn", "wcwidth")
"""Needed by what is loaded, and used by no cell that runs here until it is imported."""

COMPILED = (
    "piplite.piplite",
    "pyodide_kernel",
    "lifespan_browser_startup",
    "lifespan_lab.state",
    "lifespan_course.exercises.start_here",
)
"""What is imported until the first cell has run, with all that it imports."""

STARTUP = "/lib/python3.14/site-packages/lifespan_browser_startup.py"


def main() -> int:
    try:
        build()
    except (versions.MismatchError, pages.UnexpectedPageError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def build() -> None:
    pyodide = NPM / "node_modules" / "pyodide"
    platform = versions.platform(pyodide)
    versions.check(
        platform, constants.PYODIDE_VERSION, constants.PYODIDE_PYTHON_VERSION
    )
    here = [*downloaded(platform), *own(), *of_the_kernel()]
    compiled = packed(here, pyodide)
    locked = packages.lock(pyodide / "pyodide-lock.json", compiled, platform)
    lay_out(pyodide, packages.deferred(locked, LATER), compiled)
    wheels.emptied(SITE)
    _run(
        sys.executable, "-m", "jupyterlite_core", "build",
        "--lite-dir", LITE, "--output-dir", SITE, "--contents", LITE / "contents",
        "--apps", "lab", "--no-sourcemaps", "--no-unused-shared-packages",
        cwd=LITE,  # what it remembers of earlier builds is lost with this folder
    )  # fmt: skip
    for pattern in pages.UNUSED:
        for path in SITE.glob(pattern):
            path.unlink()
    pages.add(SITE)


def downloaded(platform: versions.Platform) -> list[Path]:
    """The wheels that kernel.txt names, checked by their hashes."""
    wheels.emptied(DOWNLOADED)
    _run(
        sys.executable, "-m", "pip", "download", "--quiet", "--no-deps",
        "--require-hashes", "--only-binary=:all:", "--dest", DOWNLOADED,
        "--python-version", platform.python, "--platform", platform.tag,
        "--requirement", HERE / "kernel.txt",
    )  # fmt: skip
    found = sorted(DOWNLOADED.glob("*.whl"))
    versions.check_wheels([path.name for path in found], platform)
    return found


def own() -> list[Path]:
    """The wheels of this project: the one that is in PyPI's form, and the start-up."""
    folder = wheels.emptied(BUILD / "own")
    for source in (ROOT, HERE / "startup"):
        _run(
            sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-index",
            "--no-build-isolation", "--wheel-dir", folder, source,
        )  # fmt: skip
    return sorted(folder.glob("*.whl"))


def of_the_kernel() -> list[Path]:
    """The wheels that come with the kernel, which it asks for when it starts."""
    extensions = Path(sys.prefix) / "share" / "jupyter" / "labextensions"
    folder = extensions / constants.PYODIDE_KERNEL_NPM_NAME / "static" / "pypi"
    return [
        next(folder.glob(f"{name}-*.whl"))
        for name in ("ipykernel", "piplite", "pyodide_kernel")
    ]


def packed(paths: Iterable[Path], pyodide: Path) -> list[wheels.Wheel]:
    """All wheels with bytecode in them, and the standard library beside them."""
    unpacked = wheels.emptied(BUILD / "unpacked")
    wheels.emptied(PACKED)
    originals = [wheels.read(path) for path in paths]
    for wheel in originals:
        dropped = wheels.DROPPED.get(wheel.name, ()) + wheels.DROPPED_OF_ALL
        wheels.unpack(wheel.path, unpacked / wheel.path.name, dropped)
    library = wheels.emptied(BUILD / "library")
    wheels.unpack(pyodide / LIBRARY, library, wheels.DROPPED_OF_LIBRARY)
    _run(
        "node", HERE / "compile.mjs",
        pyodide, unpacked, library, LIBRARY_IN_BROWSER, *COMPILED,
    )  # fmt: skip
    for wheel in originals:
        wheels.pack(unpacked / wheel.path.name, PACKED / wheel.path.name)
    wheels.pack(library, PACKED / LIBRARY)
    return [wheels.read(PACKED / wheel.path.name) for wheel in originals]


def lay_out(pyodide: Path, locked: dict[str, Any], ready: list[wheels.Wheel]) -> None:
    """Put down what JupyterLite builds from: Pyodide, wheels, contents, settings."""
    static = wheels.emptied(LITE) / "static" / "pyodide"
    static.mkdir(parents=True)
    for name in CORE:
        shutil.copy(pyodide / name, static)
    shutil.copy(PACKED / LIBRARY, static)
    for wheel in ready:
        shutil.copy(wheel.path, static)
    (static / "pyodide-lock.json").write_text(json.dumps(locked), "utf-8")
    _write_settings(packages.needed(locked, STARTED_WITH))
    _copy_contents(LITE / "contents")


def _write_settings(started_with: list[str]) -> None:
    settings = json.loads((HERE / "jupyter-lite.json").read_text("utf-8"))
    plugins = settings["jupyter-config-data"]["litePluginSettings"]
    plugins[KERNEL_PLUGIN]["loadPyodideOptions"] = {
        "packages": started_with,
        "env": {"HOME": "/home/pyodide", "PYTHONSTARTUP": STARTUP},
    }
    (LITE / "jupyter-lite.json").write_text(json.dumps(settings), "utf-8")


def _copy_contents(folder: Path) -> None:
    """Chapters, pictures and snippets, in the folders that chapters' links lead to."""
    for source in sorted(NOTEBOOKS.rglob("*")):
        target = folder / source.relative_to(ROOT)
        if source.suffix == ".ipynb" and source.parent == NOTEBOOKS:
            target.parent.mkdir(parents=True, exist_ok=True)
            chapters.write(chapters.for_browser(chapters.read(source)), target)
        elif source.suffix == ".svg":
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target)
    for source in sorted(SNIPPETS.glob("*.py")):
        target = folder / source.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)


def _run(*command: str | Path, cwd: Path = ROOT) -> None:
    subprocess.run(list(map(str, command)), check=True, cwd=cwd)


if __name__ == "__main__":
    sys.exit(main())
