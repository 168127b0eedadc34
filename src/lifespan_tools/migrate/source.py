"""One Python file: its text, its syntax tree, and where a node stands in the text."""

import ast
import io
import re
import tokenize
from bisect import bisect_right
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from lifespan_tools.migrate.scopes import Names

LARGEST = 2_000_000
"""Bytes: a file above this is generated, and parsing it takes seconds."""


class UnreadableError(Exception):
    """A file that couldn't be looked into: why, in words for people."""


@dataclass(frozen=True)
class Comment:
    """A comment, with its place in the text."""

    start: int
    text: str
    own_line: bool


@dataclass(eq=False, frozen=True)
class Source:
    """A file that was read and decoded; it is parsed when its tree is asked for."""

    path: Path
    text: str
    encoding: str
    mode: int = field(default=0o644)

    def changed(self, text: str) -> "Source":
        """The same file with another text."""
        return replace(self, text=text)

    @property
    def content(self) -> bytes:
        """The file's bytes."""
        return self.text.encode(self.encoding)

    @cached_property
    def names(self) -> Names:
        """The tree with its scopes. UnreadableError if the text isn't Python."""
        try:
            return Names(ast.parse(self.text, self.path.name))
        except SyntaxError as error:
            raise UnreadableError(
                f"line {error.lineno}: is no Python that this Python can read "
                f"({error.msg})"
            ) from error
        except (ValueError, RecursionError, MemoryError) as error:
            raise UnreadableError(f"can't be parsed: {error}") from error

    @property
    def tree(self) -> ast.Module:
        """The syntax tree."""
        return self.names.tree

    @cached_property
    def newline(self) -> str:
        """What ends the file's lines."""
        found = re.search(r"\r\n|\n|\r", self.text)
        return found[0] if found else "\n"

    @cached_property
    def indent(self) -> str:
        """One step of indentation: that of the first block."""
        for node in ast.walk(self.tree):
            body = getattr(node, "body", None)
            if isinstance(node, ast.stmt) and isinstance(body, list):
                outer, inner = self.margin(node), self.margin(body[0])
                if len(inner) > len(outer):
                    return inner.removeprefix(outer)
        return "    "

    def margin(self, node: ast.AST) -> str:
        """The white space that the line of a node begins with."""
        start, end = self.line_at(self.start(node))
        line = self.text[start:end]
        return line[: len(line) - len(line.lstrip(" \t"))]

    @cached_property
    def line_starts(self) -> list[int]:
        """Where each line begins; Python's lines, so a form feed ends none."""
        ends = (found.end() for found in re.finditer(r"\r\n|\n|\r", self.text))
        return [0, *ends]

    def offset(self, line: int, column: int) -> int:
        """Where in the text: `line` counts from 1, `column` in bytes of UTF-8."""
        start = self.line_starts[line - 1]
        text = self.text[start : start + column]
        if text.isascii():
            return start + column
        return start + len(text.encode()[:column].decode())

    def start(self, node: ast.AST) -> int:
        """Where a node begins."""
        return self.offset(node.lineno, node.col_offset)  # type: ignore[attr-defined]

    def end(self, node: ast.AST) -> int:
        """Where a node ends."""
        return self.offset(node.end_lineno, node.end_col_offset)  # type: ignore[attr-defined]

    def code(self, node: ast.AST) -> str:
        """The text of a node."""
        return self.text[self.start(node) : self.end(node)]

    def line_at(self, offset: int) -> tuple[int, int]:
        """Where the line that holds this place begins, and where the next one does."""
        number = bisect_right(self.line_starts, offset)
        ends = [*self.line_starts[number : number + 1], len(self.text)]
        return self.line_starts[number - 1], ends[0]

    @cached_property
    def comments(self) -> list[Comment]:
        """All comments, from first to last."""
        found = []
        # The tokenizer counts lines as io does; columns are in characters.
        text = io.StringIO(self.text, newline=None).read()
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type == tokenize.COMMENT:
                line, column = token.start
                own_line = not token.line[:column].strip()
                start = self.line_starts[line - 1] + column
                found.append(Comment(start, token.string, own_line))
        return found

    def comments_between(self, start: int, end: int) -> list[Comment]:
        """The comments that begin in a stretch of text."""
        return [each for each in self.comments if start <= each.start < end]


def decoded(path: Path, content: bytes, mode: int = 0o644) -> Source:
    """A file's source. UnreadableError if its encoding can't be read."""
    if len(content) > LARGEST:
        raise UnreadableError(
            f"is larger than {LARGEST // 1_000_000} MB ({len(content):,} bytes): left"
        )
    if b"\0" in content:
        raise UnreadableError("holds a zero byte, so it is no Python: left")
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(content).readline)
        source = Source(path, content.decode(encoding), encoding, mode)
    except (SyntaxError, UnicodeError, LookupError) as error:
        raise UnreadableError(f"can't be decoded ({error}): left") from error
    if source.content != content:
        raise UnreadableError(
            f"can't be written back as it is in {encoding}: left; save it as UTF-8"
        )
    return source
