"""run_pytest: pytest runs on a few files, and says what a reader needs of it."""

import pytest

from lifespan_course.pytest_runs import run_pytest
from tests.notebooks.copying import copied_alone
from tests.notebooks.series import notebooks, read

pytestmark = pytest.mark.pinned

SOME = """
import asyncio
import pytest

@pytest.fixture
def broken():
    yield
    raise ValueError("no such word")

def test_passes(): pass

def test_fails():
    assert False, f"{asyncio.Lock()} is not a word\\nand more"

def test_is_left_dirty(broken): pass

def test_asks_too_much(unknown): pass
"""

ITS_TEST = """
import pytest
from conftest import my_app
from fastapi import Request

@my_app.get("/{name}")
async def log_in(name: str, request: Request):
    found, request.state.user = getattr(request.state, "user", ""), name
    return found

@pytest.mark.anyio
async def test_own_state(client):
    assert [(await client.get(path)).json() for path in ("/ann", "/bob")] == ["", ""]
"""


def test_prints_a_line_for_each_test(capsys: pytest.CaptureFixture[str]) -> None:
    """Each test has a line, and an error is in one line without an address."""
    run_pytest({"test_some.py": SOME})
    lines = capsys.readouterr().out.splitlines()
    assert lines[:4] == [
        "test_some.py::test_passes passed",
        "test_some.py::test_fails failed: AssertionError: "
        "<asyncio.locks.Lock object [unlocked]> is not a word",
        "test_some.py::test_is_left_dirty passed",
        "test_some.py::test_is_left_dirty failed, during teardown: "
        "ValueError: no such word",
    ]
    assert len(lines) == 5
    assert lines[4].startswith("test_some.py::test_asks_too_much failed, during setup")


def test_a_file_that_breaks_is_reported(capsys: pytest.CaptureFixture[str]) -> None:
    """A file that can't be imported is named, and the run is no success."""
    with pytest.raises(RuntimeError, match="pytest found no test"):
        run_pytest({"test_broken.py": "import nothing_of_that_name"})
    assert "test_broken.py was not collected" in capsys.readouterr().out


def test_the_fixture_of_chapter_4_serves(capsys: pytest.CaptureFixture[str]) -> None:
    """The cell to copy is a conftest: it starts the app, copies the state, and each
    test runs once, whatever backends are installed."""
    chapter = next(path for path in notebooks() if path.name.startswith("04"))
    notebook = read(chapter)
    (cell,) = copied_alone(notebook)
    conftest = notebook.cells[cell].source
    run_pytest({"conftest.py": conftest, "test_app.py": ITS_TEST})
    assert capsys.readouterr().out.splitlines() == [
        "test_app.py::test_own_state passed"
    ]
