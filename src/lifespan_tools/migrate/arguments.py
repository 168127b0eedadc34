"""The arguments of one call, rewritten in the layout that they have."""

import ast
import re

from lifespan_tools.migrate.edits import Edits
from lifespan_tools.migrate.source import Source

WIDTH = 88
"""Columns: what is longer is laid out over several lines, as formatters do."""

LISTS = ("on_startup", "on_shutdown")


def give_lifespan(edits: Edits, call: ast.Call, name: str) -> None:
    """Put `lifespan=name` in the place of the old arguments, or after the others."""
    _rewrite(edits, call, (*LISTS, "lifespan"), f"lifespan={name}")


def take_lists(edits: Edits, call: ast.Call) -> None:
    """Drop the old arguments, where another object's lifespan calls the handlers."""
    if any(each.arg in LISTS for each in call.keywords):
        _rewrite(edits, call, LISTS, "")


def _rewrite(edits: Edits, call: ast.Call, names: tuple[str, ...], new: str) -> None:
    source = edits.source
    every: list[ast.expr | ast.keyword] = [*call.args, *call.keywords]
    every.sort(key=source.start)
    old = [each for each in call.keywords if each.arg in names]
    opening = source.text.index("(", source.end(call.func))
    closing = source.end(call) - 1
    inside = source.text[opening + 1 : closing]
    spread = "\n" in inside or "\r" in inside
    kept = [each for each in every if each not in old]
    if (
        spread
        and (kept or (new and every))
        and (
            _has_trailing_comma(source, every[-1], closing)
            or source.comments_between(opening, closing)
            or (len(every) > 1 and len({each.lineno for each in every}) == len(every))
            or any("\n" in source.code(each) for each in kept)
        )
    ):
        _in_place(edits, every, old, new, closing)
        return
    slot = every.index(old[0]) if old else len(every)
    texts = [source.code(each) for each in every[:slot]]
    texts += [new] if new else []
    texts += [source.code(each) for each in every[slot:] if each not in old]
    edits.replace(opening + 1, closing, _laid_out(source, texts, opening, closing))


def _has_trailing_comma(source: Source, last: ast.AST, closing: int) -> bool:
    rest = source.text[source.end(last) : closing]
    return "," in re.sub(r"#.*", "", rest)


def _laid_out(source: Source, texts: list[str], opening: int, closing: int) -> str:
    """On one line, or one step further in, or one below the other."""
    start, _ = source.line_at(opening)
    _, end = source.line_at(closing)
    first = source.text[start : opening + 1]
    rest = source.text[closing:end].rstrip()
    margin = first[: len(first) - len(first.lstrip())]
    joined = ", ".join(texts)
    was_longer = len(source.text[start:end].rstrip("\r\n")) > WIDTH
    fits = len(first.expandtabs(4)) + len(joined) + len(rest) <= WIDTH
    if fits or (was_longer and "\n" not in source.text[opening:closing]):
        return joined
    inner = margin + source.indent
    line = source.newline
    if len(inner.expandtabs(4)) + len(joined) <= WIDTH:
        return f"{line}{inner}{joined}{line}{margin}"
    below = "".join(f"{line}{inner}{text}," for text in texts)
    return f"{below}{line}{margin}"


def _in_place(
    edits: Edits,
    every: list[ast.expr | ast.keyword],
    old: list[ast.keyword],
    new: str,
    closing: int,
) -> None:
    source = edits.source
    if not old:
        _append(edits, every[-1], new, closing, several=len(every) > 1)
        return
    if new:
        edits.replace(source.start(old[0]), source.end(old[0]), new)
    for each in old[1 if new else 0 :]:
        index = every.index(each)
        start, end = source.start(each), source.end(each)
        line_start, _ = source.line_at(start)
        after = every[index + 1] if index + 1 < len(every) else None
        stop = closing if after is None else source.start(after)
        alone = not source.text[line_start:start].strip()
        if after is None and not _has_trailing_comma(source, each, closing):
            edits.replace(source.end(every[index - 1]), end, "")
        elif alone and "\n" in source.text[end:stop]:
            comma = source.text.index(",", end)
            _, line_end = source.line_at(comma)
            edits.delete_lines_only(line_start, line_end)
        else:
            edits.replace(start, stop, "")


def _append(
    edits: Edits,
    last: ast.expr | ast.keyword,
    new: str,
    closing: int,
    *,
    several: bool,
) -> None:
    source = edits.source
    end = source.end(last)
    line_start, _ = source.line_at(source.start(last))
    line = source.text[line_start:]
    margin = line[: len(line) - len(line.lstrip(" \t"))]
    closing_line, _ = source.line_at(closing)
    alone = not source.text[closing_line:closing].strip()
    if not _has_trailing_comma(source, last, closing):
        below = alone and not source.text[line_start : source.start(last)].strip()
        gap = f"{source.newline}{margin}" if below else " "
        comma = "," * (below and not several)
        edits.replace(end, end, f",{gap}{new}{comma}")
    elif alone:
        edits.insert(closing_line, f"{margin}{new},{source.newline}")
    else:
        edits.replace(closing, closing, f" {new}")
