"""Changes to one file's text: all that isn't named stays as it is, byte by byte."""

import re
from dataclasses import dataclass, field

from lifespan_tools.migrate.source import Source

PRAGMA = re.compile(r"#\s*(?:noqa|type:|pragma|pylint|pyright|mypy|ty:|ruff)")


@dataclass(eq=False)
class Edits:
    """What is to change in a file."""

    source: Source
    changes: dict[tuple[int, int], str] = field(default_factory=dict)
    deleted: list[tuple[int, int]] = field(default_factory=list)
    taken: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.taken |= self.source.names.words

    def replace(self, start: int, end: int, text: str) -> None:
        """Put another text in the place of a stretch."""
        self.changes[start, end] = text

    def insert(self, offset: int, text: str) -> None:
        """Put a text before a place, after what was put there already."""
        self.changes[offset, offset] = self.changes.get((offset, offset), "") + text

    def delete_lines(self, start: int, end: int) -> None:
        """Delete whole lines, and the blank ones that would be too many then."""
        self.deleted.append((start, end))

    def delete_lines_only(self, start: int, end: int) -> None:
        """Delete whole lines between others that go on."""
        self.changes[start, end] = ""

    def name(self, *wishes: str) -> str:
        """A name that the file doesn't use yet, and now does."""
        for wish in wishes:
            if wish not in self.taken:
                self.taken.add(wish)
                return wish
        number = 2
        while f"{wishes[-1]}_{number}" in self.taken:
            number += 1
        return self.name(f"{wishes[-1]}_{number}")

    def result(self) -> str:
        """The text with all changes."""
        text, parts, at = self.source.text, [], 0
        changes = [*self.changes.items(), *self._deletions()]
        for (start, end), new in sorted(changes):
            assert start >= at, "two changes overlap"
            parts += [text[at:start], new]
            at = end
        return "".join([*parts, text[at:]])

    def _deletions(self) -> list[tuple[tuple[int, int], str]]:
        merged: list[tuple[int, int]] = []
        for start, end in sorted(self.deleted):
            if merged and not self.source.text[merged[-1][1] : start].strip():
                merged[-1] = merged[-1][0], end
            else:
                merged.append((start, end))
        return [(self._with_blank_lines(*each), "") for each in merged]

    def _with_blank_lines(self, start: int, end: int) -> tuple[int, int]:
        """Keep as many blank lines as the longer run before or after has."""
        text = self.source.text
        before = re.search(r"(?:(?<=[\r\n])[ \t]*(?:\r\n|\n|\r))*\Z", text[:start])
        after = re.match(r"(?:[ \t]*(?:\r\n|\n|\r))*", text[end:])
        assert before is not None
        assert after is not None
        lines_before = before[0].splitlines(keepends=True)
        lines_after = after[0].splitlines(keepends=True)
        if end + len(after[0]) == len(text):
            return start - len(before[0]), end
        surplus = lines_after[: min(len(lines_before), len(lines_after))]
        return start, end + len("".join(surplus))


def kept_comments(source: Source, start: int, end: int) -> list[str]:
    """The comments of a stretch, but for those that speak to a tool about its code."""
    found = source.comments_between(start, end)
    return [each.text for each in found if not PRAGMA.match(each.text)]
