"""Draw rows of values as a table: aligned text, and HTML where it can be shown."""

from collections.abc import Sequence
from html import escape


class Table:
    """Rows under headings. True is shown as yes, False as no, None as a hyphen.

    Args:
        headings: one for each column.
        rows: the values, as many in each row as there are headings.
    """

    def __init__(
        self, headings: Sequence[str], rows: Sequence[Sequence[object]]
    ) -> None:
        self.rows = [list(headings)]
        for row in rows:
            if len(row) != len(headings):
                raise ValueError(f"{len(headings)} headings, but the row is {row!r}")
            self.rows.append([_words(value) for value in row])

    def __repr__(self) -> str:
        widths = [max(map(len, column)) for column in zip(*self.rows, strict=True)]
        lines = [
            "  ".join(
                cell.ljust(width) for cell, width in zip(row, widths, strict=True)
            )
            for row in [self.rows[0], ["-" * width for width in widths], *self.rows[1:]]
        ]
        return "\n".join(line.rstrip() for line in lines)

    def _repr_html_(self) -> str:
        head, *body = self.rows
        rows = "".join(_html_row("td", row) for row in body)
        head_row = _html_row("th", head)
        return f"<table><thead>{head_row}</thead><tbody>{rows}</tbody></table>"


def _html_row(tag: str, cells: Sequence[str]) -> str:
    # JupyterLab would align the text of a table to the right.
    style = 'style="text-align: left"'
    drawn = "".join(f"<{tag} {style}>{escape(cell)}</{tag}>" for cell in cells)
    return f"<tr>{drawn}</tr>"


def _words(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)
