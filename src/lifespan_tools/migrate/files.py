"""The files that a project consists of."""

import json
import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lifespan_tools.migrate.refusals import Refusal
from lifespan_tools.migrate.relevance import EVENTS
from lifespan_tools.migrate.source import Source, UnreadableError, decoded

SKIPPED = {"node_modules", "__pycache__", "site-packages"}
CALLS = re.compile(r"\.(?:on_event|add_event_handler)\(|\bon_(?:startup|shutdown)\s*=")


@dataclass
class Files:
    """What was found under some paths."""

    sources: list[Source] = field(default_factory=list)
    unreadable: list[Refusal] = field(default_factory=list)
    """What couldn't be looked into."""
    notebooks: list[Refusal] = field(default_factory=list)
    roots: set[Path] = field(default_factory=set)
    seen: set[Path] = field(default_factory=set)
    journals: list[Path] = field(default_factory=list)

    @property
    def count(self) -> int:
        """How many files were read."""
        return len(self.seen)


def read(paths: Sequence[Path], progress: Callable[[int], None]) -> Files:
    """Read all Python files and notebooks under the paths."""
    files = Files()
    here = Path.cwd()
    for path in paths:
        try:
            whole = path.resolve(strict=True)
        except (OSError, RuntimeError) as error:
            files.unreadable.append(Refusal(path, 1, _why(error)))
            continue
        folder = whole if whole.is_dir() else whole.parent
        files.roots.add(here if here in (folder, *folder.parents) else folder)
        for each in _below(whole, files):
            if each not in files.seen:
                files.seen.add(each)
                _read_one(each, files)
                progress(files.count)
    return files


def _below(path: Path, files: Files) -> Iterator[Path]:
    if not path.is_dir():
        yield path
        return

    def missed(error: OSError) -> None:
        files.unreadable.append(Refusal(Path(error.filename or path), 1, _why(error)))

    for folder, folders, names in os.walk(path, onerror=missed):
        here = Path(folder)
        folders[:] = sorted(each for each in folders if _is_entered(here / each))
        for name in sorted(names):
            file = here / name
            if name == JOURNAL:
                files.journals.append(file)
            elif file.suffix in (".py", ".ipynb"):
                if not file.is_symlink():
                    yield file
                elif not file.exists():
                    files.unreadable.append(
                        Refusal(file, 1, "is a link that leads nowhere: left")
                    )


JOURNAL = ".lifespan-migrate.json"


def _is_entered(folder: Path) -> bool:
    return (
        not folder.name.startswith(".")
        and folder.name not in SKIPPED
        and not folder.is_symlink()
        and not (folder / "pyvenv.cfg").exists()
    )


def _read_one(path: Path, files: Files) -> None:
    try:
        if not path.is_file():
            raise UnreadableError("is no regular file: left")
        content, mode = path.read_bytes(), path.stat().st_mode
    except (OSError, UnreadableError) as error:
        files.unreadable.append(Refusal(path, 1, _why(error)))
        return
    if not re.search(EVENTS.pattern.encode(), content):
        _read_quietly(path, content, mode, files)
    elif path.suffix == ".ipynb":
        _read_notebook(path, content, files)
    else:
        try:
            files.sources.append(decoded(path, content, mode))
        except UnreadableError as error:
            files.unreadable.append(Refusal(path, 1, str(error)))


def _read_quietly(path: Path, content: bytes, mode: int, files: Files) -> None:
    """A file without events may still be imported; if it can't be read, never mind."""
    if path.suffix == ".py":
        try:
            files.sources.append(decoded(path, content, mode))
        except UnreadableError:
            return


def _read_notebook(path: Path, content: bytes, files: Files) -> None:
    try:
        cells = json.loads(content)["cells"]
        sources = [
            "".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"
        ]
    except (ValueError, KeyError, TypeError, RecursionError):
        files.unreadable.append(
            Refusal(path, 1, "is no notebook that can be read: left")
        )
        return
    for number, text in enumerate(sources, start=1):
        if CALLS.search(text):
            files.notebooks.append(
                Refusal(
                    path,
                    number,
                    f"code cell {number} has startup or shutdown events; notebooks "
                    "aren't rewritten",
                    "change the cell by hand",
                )
            )


def _why(error: BaseException) -> str:
    return getattr(error, "strerror", None) or str(error)
