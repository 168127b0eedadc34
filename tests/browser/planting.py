"""Faults planted into a chapter on its way to the browser: each has to be seen.

A check that finds nothing proves nothing until it was seen to find something.
"""

import json
from collections.abc import Iterator

import nbformat
from nbformat.v4 import new_code_cell, new_notebook, new_output
from playwright.sync_api import Browser, Route

from tests.browser.chromium import visit
from tests.browser.notebook_page import OPEN, opened
from tests.browser.verdicts import faults, foreign

NAME = "00_start_here.ipynb"
FOREIGN = "https://example.org/planted"
_ASK = f"from pyodide.http import pyfetch\ntry:\n    await pyfetch('{FOREIGN}')\n"
CELLS = (
    ("'other'", "'stored'"),
    (_ASK + "except OSError:\n    pass", ""),
    ("1 / 0", ""),
    ("'never'", "'never'"),
)
"""Code and its stored output."""

SEEN = {
    "an output that differs": "+'other'",
    "a request to another host": FOREIGN,
    "a traceback": "division by zero",
    "a cell that wasn't run": "In [4]: 'never'\n  it wasn't run",
}


def overlooked(browser: Browser, address: str) -> Iterator[str]:
    """Planted faults that the checks don't see."""
    planted = _notebook()
    with visit(browser) as visitor:

        def answer(route: Route) -> None:
            route.fulfill(json=planted)

        visitor.context.route(f"**/files/notebooks/{NAME}*", answer)
        notebook = opened(visitor, address + OPEN + NAME)
        notebook.run_all()
        found = [
            *faults(planted, notebook.content(), "planted"),
            *foreign(visitor.requests, "planted"),
        ]
    for what, part in SEEN.items():
        if not any(part in fault for fault in found):
            yield f"planted and not seen: {what}"


def _notebook() -> nbformat.NotebookNode:
    cells = []
    for number, (source, stored) in enumerate(CELLS):
        data = {"text/plain": stored}
        outputs = [new_output("execute_result", data=data)] if stored else []
        cells.append(new_code_cell(source, outputs=outputs, id=f"planted{number}"))
    notebook = new_notebook(cells=cells, metadata={"language_info": {"name": "python"}})
    return nbformat.reads(json.dumps(notebook), as_version=4)
