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
        head, *body = (
            "<tr>" + "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in row) + "</tr>"
            for tag, row in zip(
                ["th", *["td"] * (len(self.rows) - 1)], self.rows, strict=True
            )
        )
        return f"<table><thead>{head}</thead><tbody>{''.join(body)}</tbody></table>"


def _words(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)
