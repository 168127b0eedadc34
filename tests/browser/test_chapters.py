"""What a chapter becomes in the browser."""

from pathlib import Path
from typing import Any

import pytest

from browser import chapters
from browser.pages import UnexpectedPageError, put
from tests.notebooks.series import notebooks

NEEDING_SYSTEM = {
    "02_async_context_managers": 8,
    "03_lifespan": 1,
    "04_running_in_process": 10,
    "05_the_protocol": 11,
    "06_state_and_dependencies": 3,
    "07_composing": 1,
    "08_deprecated_events": 3,
    "09_migrating": 5,
    "10_when_things_fail": 12,
    "11_in_production": 53,
}
"""How many cells of a chapter are shown and not run: none, unless named here."""


def cell(source: str, *outputs: dict[str, Any], tag: str = "") -> dict[str, Any]:
    return {
        "id": "one",
        "cell_type": "code",
        "metadata": {"tags": [tag]} if tag else {},
        "source": source,
        "outputs": list(outputs),
        "execution_count": None,
    }


def shown(*outputs: dict[str, Any], source: str = "run()") -> str:
    """What a cell that needs the system becomes."""
    needing = cell(source, *outputs, tag=chapters.NEEDS_SYSTEM)
    (text,) = chapters.for_browser({"cells": [needing]})["cells"]
    assert text["cell_type"] == "markdown"
    return str(text["source"])


@pytest.mark.parametrize("path", notebooks(), ids=lambda path: path.stem)
def test_the_cells_that_need_a_system_are_counted(path: Path) -> None:
    """Each chapter has as many cells that can't run in a browser as are listed."""
    found = chapters.needing_system(chapters.read(path))
    assert len(found) == NEEDING_SYSTEM.get(path.stem, 0)


@pytest.mark.parametrize("path", notebooks(), ids=lambda path: path.stem)
def test_nothing_else_differs(path: Path) -> None:
    """All but those cells, with their order and ids, is as it is in the file."""
    stored = chapters.read(path)
    needing = chapters.needing_system(stored)
    there = chapters.for_browser(stored)
    assert stored | {"cells": []} == there | {"cells": []}
    for before, after in zip(stored["cells"], there["cells"], strict=True):
        assert before["id"] == after["id"]
        assert (before == after) == (before["id"] not in needing)


def test_code_and_text_are_shown() -> None:
    """A cell becomes one sentence why, its code and its stored output."""
    output = {"output_type": "stream", "name": "stdout", "text": ["a\n", "b\n"]}
    assert shown(output) == (
        f"{chapters.WHY}\n\n```python\nrun()\n```\n\n```text\na\nb\n```"
    )


def test_an_error_is_shown() -> None:
    """An output that is an error is shown in one line."""
    error = {
        "output_type": "error",
        "ename": "OSError",
        "evalue": "no",
        "traceback": [],
    }
    assert shown(error).endswith("```text\nOSError: no\n```")


def test_a_picture_is_shown() -> None:
    """Of an output that has both, the HTML is shown and not the text."""
    data = {"text/html": "<b>x</b>", "text/plain": "x"}
    assert shown({"output_type": "execute_result", "data": data}).endswith(
        "\n\n<b>x</b>"
    )


def test_empty_lines_do_not_end_html() -> None:
    """HTML stays one block of Markdown, and its empty lines stay visible."""
    data = {"text/html": ["<pre>a\n", "\n", "\n", "b</pre>"]}
    html = shown({"output_type": "display_data", "data": data}).split("\n\n")[-1]
    assert html == "<pre>a\n&#10;&#10;b</pre>"


def test_a_fence_in_the_code_does_not_end_it() -> None:
    """Code with a fence in it is fenced by a longer one."""
    assert "````python\nx = '```'\n````" in shown(source="x = '```'")


def test_other_cells_stay() -> None:
    """A cell that needs no system stays the same object of the notebook."""
    kept = cell("1 + 1", tag="exercise")
    assert chapters.for_browser({"cells": [kept]})["cells"] == [kept]


def test_a_first_cell_that_cannot_run() -> None:
    """Where the first code cell needs a system, all others are shown, too."""
    first, second = cell("import x", tag=chapters.NEEDS_SYSTEM), cell("x.y()")
    notebook = {"cells": [first | {"id": "1"}, second | {"id": "2"}]}
    assert chapters.needing_system(notebook) == ["1", "2"]
    notebook = {"cells": [second | {"id": "2"}, first | {"id": "1"}]}
    assert chapters.needing_system(notebook) == ["1"]


def test_another_page_is_refused() -> None:
    """Where a page has no place for what the site adds, the build says so."""
    with pytest.raises(UnexpectedPageError, match="other pages"):
        put("<body></body>", "</head>", "x")
    assert put("<p>a</p>", "a", "b") == "<p>b</p>"
