"""The README: what it shows and lists is what is there."""

import os
import re
import subprocess
import sys
from pathlib import Path

import anyio
import pytest

from tests import picture

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
LINKS = re.findall(r"\]\(([^)]+)\)", README)


def files(pattern: str) -> list[str]:
    paths = sorted(path.relative_to(ROOT).as_posix() for path in ROOT.glob(pattern))
    return [path for path in paths if not path.endswith("__init__.py")]


def test_links_resolve() -> None:
    """Each link leads to a file of this repository."""
    assert LINKS
    assert [link for link in LINKS if not (ROOT / link).is_file()] == []


@pytest.mark.parametrize("pattern", ["notebooks/*.ipynb", "src/lifespan_lab/*.py"])
def test_lists_all(pattern: str) -> None:
    """Every chapter and every snippet is listed, and in order."""
    listed = [link for link in LINKS if link in files(pattern)]
    assert list(dict.fromkeys(listed)) == files(pattern) != []


def test_start_here_lists_the_same_chapters() -> None:
    """The first chapter's map and the README's lead to the same chapters."""
    start = (ROOT / "notebooks" / "00_start_here.ipynb").read_text(encoding="utf-8")
    chapters = [Path(path).name for path in files("notebooks/*.ipynb")[1:]]
    assert [name for name in chapters if f"]({name})" not in start] == []


def fence(kind: str, start: str) -> str:
    """The block of this kind that begins so."""
    fences: list[tuple[str, str]] = re.findall(r"(?ms)^```(\w*)\n(.*?)^```$", README)
    (block,) = (text for is_, text in fences if is_ == kind and text.startswith(start))
    return block


def shell(command: str, folder: Path) -> str:
    """What a command of ours prints there, to whichever stream."""
    _, *arguments = command.split()
    done = subprocess.run(
        [sys.executable, "-B", "-m", "lifespan_tools", *arguments],
        cwd=folder,
        env=os.environ | {"PYTHONWARNINGS": "ignore"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
        check=False,
    )
    return done.stdout


@pytest.mark.pinned
def test_the_doctor_says_what_is_shown(tmp_path: Path) -> None:
    """The doctor's answer is that of today, about the module that is shown."""
    module = fence("python", "from contextlib")
    (tmp_path / "legacy.py").write_text(module, encoding="utf-8")
    command, shown = fence("", "$ lifespan doctor").removeprefix("$ ").split("\n", 1)
    assert shell(command, tmp_path) == shown


def test_the_diff_is_what_is_shown(tmp_path: Path) -> None:
    """The diff is that of today; the old text stands in it."""
    command, shown = fence("", "$ lifespan migrate").removeprefix("$ ").split("\n", 1)
    diff = shown.splitlines(keepends=True)[3:-1]
    old = "".join(line[1:] for line in diff if not line.startswith("+"))
    (tmp_path / "old.py").write_text(old, encoding="utf-8")
    assert shell(command, tmp_path) == shown


def test_the_picture_is_drawn_from_a_run() -> None:
    """The timeline that is shown is the one that the service draws today."""
    assert picture.FILE.read_text(encoding="utf-8") == anyio.run(picture.draw)
