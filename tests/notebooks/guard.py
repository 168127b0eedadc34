"""Find what has no place in a stored output, since it would differ elsewhere."""

import re
import sys
import tempfile
from pathlib import Path

from nbformat import NotebookNode

from tests.notebooks.comparison import legible
from tests.notebooks.series import ROOT, place

PATTERNS = {
    "a path": re.compile(r"(?<![\w.])/(tmp|var|home|Users|usr|opt)/\S+"),
    "a path of Windows": re.compile(r"\b[A-Z]:\\\w+"),
    "a kernel's file": re.compile(r"ipykernel_\d+"),
    "an address": re.compile(r"\b0x[0-9a-fA-F]{6,}\b"),
    "a date": re.compile(r"\b\d{4}-\d\d-\d\d\b"),
    "a time": re.compile(r"\b\d\d:\d\d:\d\d\b"),
    "a port": re.compile(
        r"(localhost|127\.0\.0\.1|0\.0\.0\.0|\[::1?\]):\d+|\bport[ =:]+\d{4,5}\b", re.I
    ),
    "a process number": re.compile(r"\bpid[ =:]+\d+|\bprocess \[?\d+", re.I),
    "a number of a task or thread": re.compile(r"\b(Task|Thread)-\d+"),
    "an identity": re.compile(r"(?<![\d.])\d{13,}\b"),
    "a version of Python": re.compile(r"\b[Pp]ython/? ?3\.\d+\.\d+"),
}
OF_THIS_MACHINE = {
    "the home folder": Path.home(),
    "the repository's folder": ROOT,
    "the temporary folder": Path(tempfile.gettempdir()),
    "the environment's folder": Path(sys.prefix),
}


def misplaced(notebook: NotebookNode) -> list[str]:
    """Name each output that holds a path, an address, a time, a port and the like."""
    return [
        f"{place(notebook, index)}\n  {what}: {line.strip()}"
        for index, cell in enumerate(notebook.cells)
        if cell.cell_type == "code"
        for line in legible(cell.outputs)
        for what in _found_in(line)
    ]


def _found_in(line: str) -> list[str]:
    return [
        *(what for what, pattern in PATTERNS.items() if pattern.search(line)),
        *(what for what, path in OF_THIS_MACHINE.items() if f"{path}" in line),
    ]
