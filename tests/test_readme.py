"""The README: what it shows and lists is what is there."""

import re
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


def test_the_picture_is_drawn_from_a_run() -> None:
    """The timeline that is shown is the one that the service draws today."""
    assert picture.FILE.read_text(encoding="utf-8") == anyio.run(picture.draw)
