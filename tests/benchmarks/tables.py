"""The rows of the measurements, as plain text and as Markdown."""

from collections.abc import Sequence

from tests.benchmarks.measure import Row

HEAD = ("ratio", "middle half", "µs")


def plain(title: str, rows: Sequence[Row]) -> str:
    """A table to read in a terminal."""
    lines = [(title, *HEAD), *map(_cells, rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(
            [line[0].ljust(widths[0]), *map(str.rjust, line[1:], widths[1:])]
        ).rstrip()
        for line in lines
    )


def markdown(title: str, rows: Sequence[Row]) -> str:
    """A table for the README."""
    lines = [(title, *HEAD), ("---", *["---:"] * len(HEAD)), *map(_cells, rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cells(row: Row) -> tuple[str, str, str, str]:
    return (
        row.label,
        f"{row.ratio:.2f}",
        f"{row.low:.2f} to {row.high:.2f}",
        f"{row.microseconds:,.1f}"
        if row.microseconds < 100
        else f"{row.microseconds:,.0f}",
    )
