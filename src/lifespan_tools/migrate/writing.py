"""Writing the files of an application: each is whole, old or new, at any moment."""

import contextlib
import hashlib
import json
import os
import stat
from collections.abc import Mapping
from pathlib import Path

from lifespan_tools.migrate.files import JOURNAL
from lifespan_tools.migrate.source import Source

SUFFIX = ".lifespan-migrate"


class WriteError(Exception):
    """Nothing was written: why, in words for people."""


def write(changes: Mapping[Path, tuple[Source, bytes]]) -> None:
    """Write all files, or none.

    The new files are written beside the old ones first, then a journal that names
    them, then each takes its old one's place (os.replace, which is atomic). What an
    interruption leaves behind `finish` completes.
    """
    for path, (source, _) in changes.items():
        if not source.mode & stat.S_IWUSR:
            raise WriteError(f"{path} is read-only: its application isn't written")
        if path.read_bytes() != source.content:
            raise WriteError(f"{path} was changed meanwhile: run this again")
    written: list[Path] = []
    try:
        for path, (source, content) in changes.items():
            new = _new(path)
            written.append(new)
            _write(new, content)
            new.chmod(stat.S_IMODE(source.mode))
        journal = _journal(changes)
    except BaseException as error:
        for new in written:
            new.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise WriteError(f"{error.filename}: {error.strerror}") from error
        raise
    finish(journal)


def _new(path: Path) -> Path:
    return path.with_name(f".{path.name}{SUFFIX}")


def _write(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _journal(changes: Mapping[Path, tuple[Source, bytes]]) -> Path:
    """Note which new files are ready: from here on they are put in place."""
    first = min(changes)
    journal = first.with_name(JOURNAL)
    steps = [
        {
            "file": os.path.relpath(path, first.parent),
            "old": _digest(source.content),
            "new": _digest(content),
        }
        for path, (source, content) in changes.items()
    ]
    unfinished = _new(journal)
    try:
        _write(unfinished, json.dumps(steps, indent=1).encode())
        unfinished.replace(journal)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
    return journal


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def finish(journal: Path) -> None:
    """Put the new files of a journal in place, then remove it.

    WriteError if one of them was changed since.
    """
    try:
        steps = json.loads(journal.read_bytes())
        paths = [(journal.parent / each["file"], each) for each in steps]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise WriteError(
            f"{journal} can't be read ({error}): compare the files beside it with "
            f"those named .*{SUFFIX}, and delete it"
        ) from error
    for path, step in paths:
        now, new = _digest_of(path), _digest_of(_new(path))
        if now != step["new"] and (now != step["old"] or new != step["new"]):
            raise WriteError(
                f"{path} was changed after a run of migrate was interrupted: put "
                f"{_new(path).name} in its place by hand or delete that, then delete "
                f"{journal}"
            )
    for path, step in paths:
        if _digest_of(path) != step["new"]:
            _new(path).replace(path)
        _new(path).unlink(missing_ok=True)
    journal.unlink()


def _digest_of(path: Path) -> str:
    with contextlib.suppress(OSError):
        return _digest(path.read_bytes())
    return ""
