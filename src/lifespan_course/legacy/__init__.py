"""The legacy apps of chapter 9, to be read, run and migrated.

Each is a package of its own, as a project would have it, and writes to the log of
`lifespan_course.comparison` what its handlers do.
"""

import re
import sys
from importlib import import_module, invalidate_caches
from pathlib import Path
from shutil import copytree, ignore_patterns
from types import ModuleType

FOLDER = Path(__file__).parent
PLACE = re.compile(r" \(?([^\s(]+\.py:\d+)\)?")


class Source(str):
    """A text that is shown as it stands."""

    __slots__ = ()
    __repr__ = str.__str__


def source(name: str) -> Source:
    """Read a module of a legacy app.

    name: the module's path in this package, such as "spelling.main".
    """
    path = FOLDER.joinpath(*name.split(".")).with_suffix(".py")
    return Source(path.read_text(encoding="utf-8").strip())


def copy_app(name: str, folder: Path) -> None:
    """Copy the package of a legacy app into a folder, to change it there."""
    copytree(FOLDER / name, folder / name, ignore=ignore_patterns("__pycache__"))


def import_copy(folder: Path, name: str) -> ModuleType:
    """Import a module of a copied app, anew each time.

    name: such as "spelling.main".
    """
    package = name.partition(".")[0]
    for known in [each for each in sys.modules if f"{each}.".startswith(f"{package}.")]:
        del sys.modules[known]
    invalidate_caches()
    sys.path.insert(0, str(folder))
    try:
        return import_module(name)
    finally:
        sys.path.remove(str(folder))


def in_short(diagnosis: object) -> Source:
    """A diagnosis without the versions, and with the places in the apps only."""
    text = str(diagnosis).partition("\n\n")[2]
    return Source(
        "\n".join(PLACE.sub(_shorten, line).rstrip() for line in text.splitlines())
    )


def _shorten(place: re.Match[str]) -> str:
    path = place[1].replace("\\", "/")
    _, here, inside = path.rpartition("lifespan_course/legacy/")
    return place[0].replace(place[1], inside) if here else ""
