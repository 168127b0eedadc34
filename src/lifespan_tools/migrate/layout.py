"""The lines around a place: what stands alone, which comments belong to it."""

import ast
import re

from lifespan_tools.migrate.edits import kept_comments
from lifespan_tools.migrate.objects import Registration
from lifespan_tools.migrate.refusals import CannotCallError
from lifespan_tools.migrate.source import Source


def whole_lines(source: Source, node: ast.AST) -> tuple[int, int, int]:
    """Where a statement or decorator begins, and the lines that it fills."""
    start, end = source.start(node), source.end(node)
    line_start, _ = source.line_at(start)
    _, line_end = source.line_at(max(start, end - 1))
    before = source.text[line_start:start].strip()
    after = source.text[end:line_end].strip()
    if before not in ("", "@") or (after and not after.startswith("#")):
        raise crowded(node)
    return start, line_start, line_end


def crowded(node: ast.AST) -> CannotCallError:
    line = node.lineno  # type: ignore[attr-defined]
    return CannotCallError(
        f"line {line} holds more than one statement", "give each a line of its own"
    )


def comments_beside(registration: Registration) -> tuple[str, ...]:
    """The comments of a list's element: above it, and at the end of its line."""
    source = registration.source
    parent = source.names.parents[registration.node]
    assert isinstance(parent, ast.List | ast.Tuple)
    index = parent.elts.index(registration.node)  # type: ignore[arg-type]
    start = source.start(parent)
    if index:
        _, start = source.line_at(source.end(parent.elts[index - 1]))
    _, end = source.line_at(source.end(registration.node))
    if index + 1 < len(parent.elts):
        after = source.start(parent.elts[index + 1])
        end = end if end <= after else after
    else:
        end = max(end, source.end(parent))
    return tuple(kept_comments(source, start, end))


def above_comments(source: Source, line_start: int) -> int:
    """Above the comments that stand directly over a line."""
    own = {source.line_at(each.start)[0] for each in source.comments if each.own_line}
    at = line_start
    while True:
        previous, _ = source.line_at(at - 1)
        if previous not in own or previous == 0:
            return at
        at = previous


def blank_lines_before(source: Source, at: int) -> int:
    text = source.text[:at]
    return len(re.findall(r"\r\n|\n|\r", text[len(text.rstrip()) :])) - 1


def opens_block(source: Source, at: int) -> bool:
    """Whether a place is the first line of a function's body."""
    return source.text[:at].rstrip(" \t\r\n").endswith(":")
