"""Table: rows of values as aligned text and as HTML."""

import re

import pytest

from lifespan_course import Table


def test_text() -> None:
    """Columns are aligned, and nothing hangs over at the end of a line."""
    assert repr(Table(["place", "seen"], [["global", True], ["a", False]])) == (
        "place   seen\n------  ----\nglobal  yes\na       no"
    )


def test_missing_value() -> None:
    """What there is no answer to is shown as a hyphen."""
    assert repr(Table(["n"], [[None], [3]])).splitlines()[2:] == ["-", "3"]


def test_html() -> None:
    """The HTML holds the same cells, escaped."""
    html = Table(["a & b"], [["<script>"]])._repr_html_()
    assert re.search(r"<th [^>]*>a &amp; b</th>", html)
    assert re.search(r"<td [^>]*>&lt;script&gt;</td>", html)


def test_a_row_of_another_length() -> None:
    """A row that doesn't fit under the headings is refused."""
    with pytest.raises(ValueError, match="2 headings"):
        Table(["a", "b"], [[1]])
