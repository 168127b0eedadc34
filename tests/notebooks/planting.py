"""Small notebooks for the tests of the machinery, with faults that must be found."""

from pathlib import Path
from textwrap import dedent

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from tests.notebooks.canonical import METADATA
from tests.notebooks.series import write


def notebook(*cells: str, tagged: dict[int, str] | None = None) -> NotebookNode:
    """A notebook of text cells, which begin with ``md:``, and code cells.

    Args:
        cells: their sources.
        tagged: tags by the cell's index.
    """
    made = []
    for index, source in enumerate(map(dedent, cells)):
        text = source.strip("\n")
        is_text = text.startswith("md:")
        new_cell = new_markdown_cell if is_text else new_code_cell
        cell = new_cell(text.removeprefix("md:"), id=f"cell-{index}")
        if tagged and index in tagged:
            cell.metadata["tags"] = [tagged[index]]
        made.append(cell)
    return new_notebook(cells=made, metadata=METADATA)


def plant(path: Path, *cells: str, tagged: dict[int, str] | None = None) -> Path:
    """Write a notebook and return its path."""
    write(notebook(*cells, tagged=tagged), path)
    return path
