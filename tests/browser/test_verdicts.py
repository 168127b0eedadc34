"""Each fault of a run in the browser is seen, and a good run has none."""

from copy import deepcopy
from pathlib import Path

import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from tests.browser.verdicts import expected, faults, foreign
from tests.notebooks.series import notebooks, read


def stored() -> NotebookNode:
    said = new_output("stream", name="stdout", text="1\n")
    return new_notebook(
        cells=[new_markdown_cell("# One"), new_code_cell("print(1)", outputs=[said])]
    )


def seen() -> NotebookNode:
    """The same notebook after a good run."""
    notebook = deepcopy(stored())
    for mine, other in zip(notebook.cells, stored().cells, strict=True):
        mine.id = other.id
    notebook.cells[1].execution_count = 1
    return notebook


def said(notebook: NotebookNode) -> str:
    return "\n".join(faults(stored(), notebook, "one"))


def test_a_good_run_has_no_fault() -> None:
    """Nothing is said about a notebook whose cells ran with the stored outputs."""
    assert said(seen()) == ""


def test_a_cell_that_was_not_run() -> None:
    """A cell that wasn't run is named, although its stored output still stands."""
    notebook = seen()
    notebook.cells[1].execution_count = None
    assert "In [1]: print(1)\n  it wasn't run" in said(notebook)


def test_a_traceback() -> None:
    """A cell that ends in an error is named with it."""
    notebook = seen()
    error = new_output("error", ename="OSError", evalue="no", traceback=["x"])
    notebook.cells[1].outputs.append(error)
    assert "OSError: no" in said(notebook)


def test_another_output() -> None:
    """An output that isn't the stored one is shown as a difference."""
    notebook = seen()
    notebook.cells[1].outputs[0].text = "2\n"
    assert "-1\n  +2" in said(notebook)


def test_another_cell() -> None:
    """A page that was built from another file is called out of date."""
    notebook = seen()
    notebook.cells[0].source = "# Two"
    assert "the page's cells aren't the file's" in said(notebook)


def test_other_hosts() -> None:
    """Requests for other hosts are named once, those for this one aren't."""
    here = ["http://127.0.0.1:80/a", "data:text/plain,x", "blob:http://127.0.0.1/x"]
    there = ["https://example.org/a", "https://example.org/a", "http://10.0.0.1/"]
    assert list(foreign(here, "one")) == []
    assert len(list(foreign(here + there, "one"))) == 2


@pytest.mark.parametrize("path", notebooks(), ids=lambda path: path.stem)
def test_each_chapter_can_be_expected(path: Path) -> None:
    """What a chapter has to be in the browser is a notebook with the same cells."""
    ids = [cell.id for cell in expected(path).cells]
    assert ids == [cell.id for cell in read(path).cells]
