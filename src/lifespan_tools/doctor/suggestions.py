"""What may have been meant by a target that can't be had. Files are looked at only."""

import re
from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import Any

# `app = FastAPI(` at the start of a line.
MADE = re.compile(r"(?m)^(\w+)(?: *:[^=\n]+)? *= *(?:\w+\.)?(?:FastAPI|Starlette)\(")


def spelling(target: str) -> str:
    """How to write a target that isn't of the form module:name."""
    text, _, name = target.partition(":")
    if text.endswith(".py") or "/" in text or "\\" in text:
        return _of_file(Path(text.replace("\\", "/")), name)
    parts = text.split(".")
    if not all(part.isidentifier() for part in parts):
        return "here package.module:app"
    if not name and len(parts) > 1 and _file(parts) is None and _file(parts[:-1]):
        return f"here {'.'.join(parts[:-1])}:{parts[-1]}"
    return f"here {_with_app(text, name)}"


def _with_app(module: str, name: str) -> str:
    """The module with the name of an app that is made in it, or in its package."""
    file = _file(module.split("."))
    if file is not None and not name:
        for path in [file, *_beside(file)]:
            if found := MADE.search(_text(path)):
                inside = "" if path == file else f".{path.stem}"
                return f"{module}{inside}:{found[1]}"
    return f"{module}:{name or 'app'}"


def _of_file(file: Path, name: str) -> str:
    """For the path of a file: its module, and the folder to run doctor in."""
    path = Path.cwd() / file
    module = path.with_suffix("") if path.suffix == ".py" else path
    if not path.exists():
        parts = [part for part in file.with_suffix("").parts if part.isidentifier()]
        return f"here {'.'.join(parts)}:{name or 'app'}"
    if not module.name.isidentifier():
        return f"and give {path.name} a name that can be imported"
    if path.is_file() and not name:
        found = MADE.search(_text(path))
        name = found[1] if found else "app"
    parts = _parts_below(module, Path.cwd())
    if parts and parts[0] != "src" and all(part.isidentifier() for part in parts):
        return f"here {'.'.join(parts)}:{name or 'app'}"
    root = module.parent
    while (root / "__init__.py").exists():
        root = root.parent
    return f"here {'.'.join(_parts_below(module, root))}:{name or 'app'}, in {root}"


def _parts_below(path: Path, folder: Path) -> list[str]:
    """The path from the folder on; nothing if it isn't in there."""
    return list(path.relative_to(folder).parts) if path.is_relative_to(folder) else []


def near_module(name: str) -> str:
    """A module of the working directory that has almost this name, as a sentence."""
    near = get_close_matches(name, list(_modules(Path.cwd())), n=1)
    return f"There is {near[0]}. " if near else ""


def inside(package: Any) -> str:
    """What a package that could be imported holds, as a sentence."""
    name, paths = package.__name__, getattr(package, "__path__", None)
    if paths is None:
        return f"{name} is a file, and no package. "
    names = sorted({each for path in paths for each in _modules(Path(path))})
    if not names:
        return ""
    return f"The package {name} is here, it has {', '.join(names)}. "


def _modules(folder: Path) -> Iterator[str]:
    for path in folder.glob("*"):
        can_be_imported = path.stem.isidentifier() and path.stem != "__init__"
        is_module = path.suffix == ".py" or (path / "__init__.py").exists()
        if is_module and can_be_imported:
            yield path.stem


def _file(parts: list[str]) -> Path | None:
    """The file of a module, or of a package, in the working directory."""
    path = Path.cwd().joinpath(*parts)
    files = [path.with_name(f"{path.name}.py"), path / "__init__.py"]
    return next((file for file in files if file.is_file()), None)


def _beside(file: Path) -> list[Path]:
    """The modules of a package, given its `__init__.py`."""
    if file.name != "__init__.py":
        return []
    usual = {"main", "app", "asgi"}
    return sorted(file.parent.glob("*.py"), key=lambda p: (p.stem not in usual, p.stem))


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace")
