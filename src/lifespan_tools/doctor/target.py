"""The app that a command line names, as servers name it: package.module:app."""

import importlib
import inspect
import re
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from lifespan_tools.doctor import frameworks


class TargetError(Exception):
    """The target can't be had; the message is for people, in one line."""


def load(target: str) -> Any:
    """Import the module and get the app; a factory is called.

    The working directory is where modules are looked for first, as with uvicorn.
    Nothing is written (no compiled files), and what the modules print goes to the
    standard error.

    Errors: TargetError.
    """
    module_name, _, attribute = target.partition(":")
    if not attribute or not all(part.isidentifier() for part in module_name.split(".")):
        raise TargetError(_unreadable_name(target))
    with _importing():
        module = _module(module_name)
        found = _attribute(module, attribute.removesuffix("()"))
        if attribute.endswith("()") or _is_factory(found):
            found = _called(found, attribute.removesuffix("()"))
    return found


def _unreadable_name(target: str) -> str:
    file, _, name = target.partition(":")
    words = re.split(r"[./\\]", file.removesuffix(".py"))
    parts = [word for word in words if word.isidentifier()]
    example = ".".join(parts) or "package.module"
    return f"{target!r} names no app. Write module:name, here {example}:{name or 'app'}"


@contextmanager
def _importing() -> Iterator[None]:
    here, writes_none = str(Path.cwd()), sys.dont_write_bytecode
    sys.path.insert(0, here)
    sys.dont_write_bytecode = True
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        sys.dont_write_bytecode = writes_none
        sys.path.remove(here)


def _module(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and f"{name}.".startswith(f"{error.name}."):
            raise TargetError(
                f"There is no module {error.name} in {Path.cwd()} or in this Python's "
                "packages. Run this where you start your server."
            ) from None
        if error.name is not None:
            raise TargetError(
                f"{name} needs the module {error.name}{_inside(error)}, which isn't "
                f"there. Run this where you start your server, {Path.cwd()} is the "
                "folder now, and with Lifespan Lab installed beside your app."
            ) from None
        raise TargetError(_failed(f"Importing {name}", error)) from None
    except (Exception, SystemExit) as error:
        raise TargetError(_failed(f"Importing {name}", error)) from None


def _failed(what: str, error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    text = f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
    return f"{what} failed with {text}{_inside(error)}. See that it starts by itself."


def _inside(error: BaseException) -> str:
    """Where the error was raised, as far as it was in the project."""
    here = str(Path.cwd())
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if frame.filename.startswith(here) and "site-packages" not in frame.filename
    ]
    if not frames:
        return ""
    return f" ({Path(frames[-1].filename).relative_to(here)}:{frames[-1].lineno})"


def _attribute(module: Any, path: str) -> Any:
    found = module
    for name in path.split("."):
        try:
            found = getattr(found, name)
        except AttributeError:
            raise TargetError(_missing(module, path)) from None
    return found


def _missing(module: Any, path: str) -> str:
    apps = [
        name
        for name, value in vars(module).items()
        if frameworks.router_of(value) is not None
    ]
    near = get_close_matches(path, [name for name in dir(module) if name[0] != "_"])
    named = ", ".join(f"{module.__name__}:{name}" for name in apps or near)
    hint = f"There is {named}." if named else "Name the variable that holds your app."
    return f"The module {module.__name__} has no {path}. {hint}"


def _is_factory(found: Any) -> bool:
    if not (inspect.isroutine(found) or inspect.isclass(found)):
        return False
    try:
        inspect.signature(found).bind()
    except (TypeError, ValueError):
        return False
    return True


def _called(factory: Any, name: str) -> Any:
    try:
        made = factory()
    except (Exception, SystemExit) as error:
        raise TargetError(_failed(f"Calling {name}()", error)) from None
    if inspect.iscoroutine(made):
        made.close()
        raise TargetError(
            f"{name} is `async def`, so no server can call it for an app."
        )
    return made
