"""The app that a command line names, as servers name it: package.module:app."""

import importlib
import inspect
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from difflib import get_close_matches
from pathlib import Path
from typing import Any
from warnings import catch_warnings, simplefilter

from lifespan_tools.doctor import frameworks
from lifespan_tools.doctor.findings import listed
from lifespan_tools.doctor.suggestions import inside, near_module, spelling

MOST_LINES = 12  # of a message


class TargetError(Exception):
    """The target can't be had; the message is for people.

    It is one line; only the message of an error in the project adds its own lines.
    """


def load(target: str) -> Any:
    """Import the module and get the app; a factory is called.

    The working directory is where modules are looked for first, as with uvicorn.
    Nothing is written (no compiled files), and what the modules print goes to the
    standard error.

    Errors: TargetError.
    """
    module_name, _, attribute = target.partition(":")
    if not attribute or not all(part.isidentifier() for part in module_name.split(".")):
        raise TargetError(
            f"{target!r} names no app. Write module:name, {spelling(target)}"
        )
    with _importing():
        module = _module(module_name)
        name = attribute.removesuffix("()")
        found = _attribute(module, name)
        if missing := _arguments(found):
            raise TargetError(_uncallable(name, missing))
        if attribute.endswith("()") or _is_factory(found):
            return _called(found, module_name, name)
    return found


@contextmanager
def _importing() -> Iterator[None]:
    here, writes_none = str(Path.cwd()), sys.dont_write_bytecode
    sys.path.insert(0, here)
    sys.dont_write_bytecode = True
    try:
        with redirect_stdout(sys.stderr), catch_warnings():
            if not sys.warnoptions:  # what they say isn't what was asked
                simplefilter("ignore")
            yield
    finally:
        sys.dont_write_bytecode = writes_none
        sys.path.remove(here)


def _module(name: str) -> Any:
    command = f"import {name}"
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None:
            raise TargetError(_failed(f"Importing {name}", error, command)) from None
        if f"{name}.".startswith(f"{error.name}."):
            raise TargetError(_no_module(error.name)) from None
        raise TargetError(
            f"{name} needs the module {error.name}{_inside(error)}, which isn't there. "
            + (
                _above(name)
                if error.name.partition(".")[0] == Path.cwd().name
                else f"This is {sys.executable} in {Path.cwd()}: install Lifespan Lab "
                "beside your app, and run this where you start your server."
            )
        ) from None
    except (Exception, SystemExit) as error:
        hint = "" if "relative import" not in str(error) else f" {_above(name)}"
        raise TargetError(_failed(f"Importing {name}", error, command) + hint) from None
    except KeyboardInterrupt as error:
        raise TargetError(_interrupted(f"importing {name}", error)) from None


def _no_module(name: str) -> str:
    parent = sys.modules.get(name.rpartition(".")[0])
    hint = near_module(name) if parent is None else inside(parent)
    return (
        f"There is no module {name} in {Path.cwd()} or in this Python's packages. "
        f"{hint}Run this where you start your server."
    )


def _above(name: str) -> str:
    """Where to run it, if the working directory is inside of a package."""
    return f"Run this in the folder above, for {Path.cwd().name}.{name}."


def _interrupted(what: str, error: BaseException) -> str:
    return (
        f"Interrupted while {what}{_inside(error)}. If it starts a server or waits for "
        'something there, put that under `if __name__ == "__main__":`.'
    )


def _failed(what: str, error: BaseException, command: str) -> str:
    """What was raised, what caused it, and how to see all of it."""
    first, *more = _told(error)
    cause = _cause(error)
    while cause is not None and len(more) < MOST_LINES:
        caused, *lines = _told(cause)
        more += [f"caused by {caused}", *lines]
        cause = _cause(cause)
    if len(more) > MOST_LINES:
        more = [*more[:MOST_LINES], "..."]
    whole = f'For the whole traceback: python -c "{command}"'
    if not more:
        return f"{what} failed with {first}. {whole}"
    return "\n    ".join([f"{what} failed with {first}", *more]) + f"\n{whole}"


def _told(error: BaseException) -> list[str]:
    """Its class and message, with its place after the first line."""
    first, *more = str(error).strip().splitlines() or [""]
    text = f"{type(error).__name__}: {first}" if first else type(error).__name__
    return [text + _inside(error), *more]


def _cause(error: BaseException) -> BaseException | None:
    return error.__cause__ or (
        None if error.__suppress_context__ else error.__context__
    )


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
    names = [name for name in dir(module) if name[0] != "_"]
    apps = [
        name
        for name, value in vars(module).items()
        if frameworks.router_of(value) is not None
    ]
    near = get_close_matches(path, names)
    factories = [name for name in names if _makes_an_app(module, name)]
    found = apps or near or factories
    named = ", ".join(f"{module.__name__}:{name}" for name in found)
    hint = f"There is {named}." if named else "Name the variable that holds your app."
    return f"The module {module.__name__} has no {path}. {hint}"


def _makes_an_app(module: Any, name: str) -> bool:
    """Whether it looks like a function of this module that makes an app."""
    value = getattr(module, name)
    return (
        inspect.isfunction(value)
        and value.__module__ == module.__name__
        and "app" in name
    )


def _arguments(found: Any) -> list[str]:
    """The arguments that a function needs that may make an app; none if it isn't."""
    if not inspect.isfunction(found) or inspect.iscoroutinefunction(found):
        return []
    needed = [
        name
        for name, parameter in inspect.signature(found).parameters.items()
        if parameter.default is parameter.empty
        and parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    ]
    return [] if "scope" in needed else needed


def _uncallable(name: str, needed: list[str]) -> str:
    return (
        f"{name} needs the argument{'s' if len(needed) > 1 else ''} {listed(needed)}, "
        "and what makes an app is called without. Name an app, or a function that "
        "needs none."
    )


def _is_factory(found: Any) -> bool:
    if not (inspect.isroutine(found) or inspect.isclass(found)):
        return False
    try:
        inspect.signature(found).bind()
    except (TypeError, ValueError):
        return False
    return True


def _called(factory: Any, module: str, name: str) -> Any:
    try:
        made = factory()
    except (Exception, SystemExit) as error:
        command = f"import {module}; {module}.{name}()"
        raise TargetError(_failed(f"Calling {name}()", error, command)) from None
    except KeyboardInterrupt as error:
        raise TargetError(_interrupted(f"calling {name}()", error)) from None
    if inspect.iscoroutine(made):
        made.close()
        raise TargetError(
            f"{name} is `async def`, so no server can call it for an app."
        )
    if frameworks.router_of(frameworks.behind_middleware(made)) is None:
        raise TargetError(
            f"{name}() was called, and gave an object of the class "
            f"{type(made).__name__}. Doctor reads apps of Starlette and FastAPI."
        )
    return made
