"""The notebooks of the series, where they are and how they are read and written."""

import os
import tempfile
import textwrap
from pathlib import Path

import nbformat
from nbformat import NotebookNode

ROOT = Path(__file__).parents[2]
NOTEBOOKS = ROOT / "notebooks"


def notebooks(folder: Path = NOTEBOOKS) -> list[Path]:
    """All notebooks, in the order of the series."""
    return sorted(folder.glob("*.ipynb"))


def read(path: Path) -> NotebookNode:
    return nbformat.read(path, as_version=4)


def text(notebook: NotebookNode) -> str:
    """What the file of a notebook holds."""
    return nbformat.writes(notebook).removesuffix("\n") + "\n"


def write(notebook: NotebookNode, path: Path) -> None:
    """Write all of the notebook or, when something fails on the way, nothing."""
    handle, unfinished = tempfile.mkstemp(dir=path.parent, suffix=".unfinished")
    try:
        with open(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text(notebook))
        Path(unfinished).chmod(path.stat().st_mode if path.exists() else 0o644)
        os.replace(unfinished, path)
    except BaseException:
        Path(unfinished).unlink()
        raise


def tags(cell: NotebookNode) -> list[str]:
    return list(cell.metadata.get("tags", []))


def place(notebook: NotebookNode, index: int) -> str:
    """Name a cell so that a reader finds it: its number and its first line.

    A code cell is called ``In [3]``, as JupyterLab shows it after Run All.
    """
    cell = notebook.cells[index]
    number = sum(
        1
        for other in notebook.cells[: index + 1]
        if (other.cell_type == "code") == (cell.cell_type == "code")
    )
    name = f"In [{number}]" if cell.cell_type == "code" else f"markdown cell {number}"
    first_line = next(iter(cell.source.strip().splitlines()), "(empty)")
    return f"{name}: {textwrap.shorten(first_line, 70, placeholder=' ...')}"
