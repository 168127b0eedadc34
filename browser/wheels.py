"""Read wheels, and pack them anew so that a browser starts faster.

A packed wheel has the same modules, and beside each one its bytecode, made by the
Pyodide that is going to load it: compiling takes a browser seconds that a learner
would wait for. Bytecode is marked "unchecked" (PEP 552), as times don't survive a zip.
"""

import re
import shutil
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from email.parser import HeaderParser
from hashlib import sha256
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

EPOCH = (1980, 1, 1, 0, 0, 0)
"""The time of everything in a zip, so that the same content has the same hash."""

DROPPED = {
    "jedi": (
        r"jedi/third_party/(django-stubs|typeshed/stubs)/",
        r"jedi/third_party/typeshed/stdlib/"
        r"(curses|dbm|distutils|ensurepip|lib2to3|msilib|tkinter|venv|wsgiref|xmlrpc)/",
    ),
    "pydantic": (r"pydantic/v1/",),
    "pygments": (r"pygments/lexers/(?!__init__|_mapping|diff|python|special|text)",),
}
"""What nobody asks for here, as patterns: types of modules that aren't here (four
fifths of jedi, which completes names), a pydantic for Pythons older than this one, and
the colours of five hundred other languages."""

DROPPED_OF_ALL = (r"[^/]+\.dist-info/RECORD$",)
"""A list of the files with their hashes, which no longer holds."""

DROPPED_OF_LIBRARY = (
    r"(ftplib|imaplib|mailbox|poplib|smtplib|wsgiref|xmlrpc)\b",
    r"(_pydatetime|_pyio)\.py",
    r"encodings/(big5|cp(?!125[02]|437)|euc_|gb|hp_|hz|iso2022|iso8859_(?!1\.|15)|"
    r"johab|koi8|kz|mac_|palmos|ptcp|shift|tis)",
)
"""Clients of other protocols, which need sockets; what C does here; encodings of old
computers."""


@dataclass(frozen=True)
class Wheel:
    """What an entry of Pyodide's lock file says about a wheel."""

    path: Path
    name: str
    version: str
    requires: tuple[Requirement, ...]
    imports: tuple[str, ...]
    """The modules and outermost packages in it."""

    @property
    def sha256(self) -> str:
        return sha256(self.path.read_bytes()).hexdigest()

    def depends(self, environment: dict[str, str]) -> set[str]:
        """Names of what it needs where these markers hold."""
        return {
            canonicalize_name(each.name)
            for each in self.requires
            if not each.marker or each.marker.evaluate(environment)
        }


def read(path: Path) -> Wheel:
    """Read the metadata of a wheel."""
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        metadata = next(n for n in names if n.endswith(".dist-info/METADATA"))
        head = HeaderParser().parsestr(archive.read(metadata).decode())
    requires = tuple(map(Requirement, head.get_all("Requires-Dist") or []))
    name = canonicalize_name(head["Name"])
    return Wheel(path, name, head["Version"], requires, tuple(imported(names)))


def imported(names: Iterable[str]) -> list[str]:
    """Modules and outermost packages among the files of a wheel."""
    found = set()
    for name in names:
        top, slash, _ = name.partition("/")
        if slash and name.endswith((".py", ".so")) and "." not in top:
            found.add(top)
        elif not slash and name.endswith((".py", ".so")):
            found.add(top.partition(".")[0])
    return sorted(found)


def unpack(archive: Path, folder: Path, dropped: Iterable[str] = ()) -> None:
    """Unpack a zip.

    Args:
        archive: the zip.
        folder: where it is unpacked.
        dropped: patterns for the names that are left out, from their beginnings.
    """
    with zipfile.ZipFile(archive) as opened:
        for name in opened.namelist():
            if not any(re.match(pattern, name) for pattern in dropped):
                opened.extract(name, folder)


def pack(folder: Path, archive: Path) -> None:
    """Make a zip of a folder that depends on its content only."""
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as packed:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                entry = zipfile.ZipInfo(path.relative_to(folder).as_posix(), EPOCH)
                entry.external_attr = 0o644 << 16
                entry.compress_type = zipfile.ZIP_DEFLATED
                packed.writestr(entry, path.read_bytes())


def emptied(folder: Path) -> Path:
    """The folder, new and empty."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder
