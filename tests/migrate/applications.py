"""The applications under test: each is a text with several files and a verdict."""

import re
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent / "projects"


@dataclass(frozen=True)
class Application:
    """A small project, what is asked for, and what should become of it."""

    name: str
    verdict: str
    """rewritten, refused, partly (both), held back (until it is allowed), untouched"""
    options: tuple[str, ...]
    reasons: tuple[str, ...]
    """`file:line: words` of each reason."""
    serve: str
    paths: tuple[str, ...]
    """What of it is given."""
    files: dict[str, str]
    expected: dict[str, str]
    """What some of the files are to look like."""

    def write(self, folder: Path) -> None:
        """Write the files, with bytes as they are."""
        for name, text in self.files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.encode())


def parsed(name: str, text: str) -> Application:
    """Read an application: a head of `key: value` lines, then `%% file` sections."""
    head, *sections = re.split(r"^%% (.+)\n", text, flags=re.MULTILINE)
    given = [line.partition(": ")[::2] for line in head.splitlines() if ": " in line]
    files = dict(zip(sections[::2], sections[1::2], strict=True))
    expected = {
        file.removeprefix("after "): text
        for file, text in files.items()
        if file.startswith("after ")
    }
    single = dict(given)
    return Application(
        name,
        single["verdict"],
        tuple(single.get("options", "").split()),
        tuple(value for key, value in given if key == "because"),
        single.get("serve", "main:app"),
        tuple(single.get("paths", ".").split()),
        {file: text for file, text in files.items() if not file.startswith("after ")},
        expected,
    )


def applications() -> list[Application]:
    """All of them, by name."""
    return [
        parsed(path.stem, path.read_text(encoding="utf-8"))
        for path in sorted(FOLDER.glob("*.txt"))
    ]
