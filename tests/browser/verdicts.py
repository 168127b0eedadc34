"""What is wrong with a notebook that was run in the browser."""

import json
from collections.abc import Iterable, Iterator
from copy import deepcopy
from pathlib import Path
from urllib.parse import urlsplit

import nbformat
from nbformat import NotebookNode

from browser import chapters
from tests.notebooks.canonical import canonical_outputs
from tests.notebooks.comparison import differences
from tests.notebooks.series import place

LOOPBACK = "127.0.0.1"
WITHIN = ("about", "blob", "data")
"""Addresses of what the page has already."""


def expected(path: Path) -> NotebookNode:
    """The notebook as it has to be in the browser, made from the stored one."""
    text = json.dumps(chapters.for_browser(chapters.read(path)))
    return nbformat.reads(text, as_version=4)


def faults(stored: NotebookNode, seen: NotebookNode, name: str) -> Iterator[str]:
    """Cells that differ from the file, didn't run or have other outputs (or errors).

    Args:
        stored: as it has to be, with its outputs.
        seen: as the page has it after Run All.
        name: what the notebook is called.
    """
    if _sources(stored) != _sources(seen):
        yield f"{name}: the page's cells aren't the file's; make browser builds it anew"
        return
    yield from _not_run(seen, name)
    ran = [_ran(cell) for cell in seen.cells]
    yield from differences(_canonical(stored, ran), _canonical(seen, ran), name)


def _ran(cell: NotebookNode) -> bool:
    return cell.cell_type == "code" and bool(cell.execution_count)


def _not_run(seen: NotebookNode, name: str) -> Iterator[str]:
    """The first cell that wasn't run, and how many more."""
    left = [
        index
        for index, cell in enumerate(seen.cells)
        if cell.cell_type == "code" and cell.source.strip() and not _ran(cell)
    ]
    if left:
        more = f", nor were {len(left) - 1} others" if left[1:] else ""
        yield f"{name}, {place(seen, left[0])}\n  it wasn't run{more}"


def foreign(requests: Iterable[str], name: str) -> Iterator[str]:
    """Requests for any host but this one; each is named once."""
    for url in sorted(set(requests)):
        parts = urlsplit(url)
        if parts.scheme not in WITHIN and parts.hostname != LOOPBACK:
            yield f"{name}: it asked another host: {url}"


def _sources(notebook: NotebookNode) -> list[tuple[str, str]]:
    return [(cell.cell_type, cell.source) for cell in notebook.cells]


def _canonical(notebook: NotebookNode, ran: list[bool]) -> NotebookNode:
    """With outputs in the form in which they are stored, where cells were run."""
    copy = deepcopy(notebook)
    for cell, has_run in zip(copy.cells, ran, strict=True):
        if cell.cell_type == "code":
            cell.outputs = canonical_outputs(cell.outputs) if has_run else []
    return copy
