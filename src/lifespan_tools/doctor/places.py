"""Functions as people know them: by name, file and line."""

import contextlib
import re
import sys
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import partial
from inspect import findsource, getsourcefile, unwrap
from pathlib import Path
from types import CodeType, FunctionType, MethodType
from typing import Any

LOCALS = re.compile(r"[^\s(]*<locals>\.")


@dataclass(frozen=True)
class Place:
    """Where a function stands."""

    name: str
    file: str | None = None
    line: int | None = None

    def __str__(self) -> str:
        return f"{self.name} ({self.position})" if self.file else self.name

    @property
    def position(self) -> str:
        """File and line, as editors and terminals read them; empty if unknown."""
        return f"{_short(self.file)}:{self.line}" if self.file else ""


def _short(file: str) -> str:
    """The file as seen from the working directory, if it is in there."""
    path = Path(file)
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return file


def place_of(thing: object) -> Place:
    """The place of a function, a method, a partial or an object that can be called."""
    if isinstance(thing, partial):
        return place_of(thing.func)
    if isinstance(thing, type):
        return _place_of_class(thing)
    # Of the outer one: whoever wraps a function may have named it anew.
    name = getattr(thing, "__qualname__", None) or type(thing).__qualname__
    code = _code_of(unwrap(thing) if callable(thing) else thing)
    short = LOCALS.sub("", name)
    if code is None or code.co_filename.startswith("<"):
        return Place(short)
    return Place(short, code.co_filename, code.co_firstlineno)


def _place_of_class(kind: type) -> Place:
    try:
        file, line = getsourcefile(kind), findsource(kind)[1] + 1
    except (OSError, TypeError):  # made by exec, or written in C
        return Place(kind.__name__)
    return Place(kind.__name__, file, line)


def _code_of(thing: Any) -> CodeType | None:
    method = getattr(type(thing), "__call__", None)  # noqa: B004 - not whether, but which
    for function in (thing, unwrap(method) if callable(method) else None):
        code = getattr(function, "__code__", None)
        if isinstance(code, CodeType):
            return code
    return None


def identity(thing: Any) -> Hashable:
    """What tells whether two functions are the same one.

    A bound method is made anew each time that it is asked for, and a lifespan is
    wrapped anew by `asynccontextmanager`: what is in there counts.
    """
    if isinstance(thing, MethodType):
        return id(thing.__self__), identity(thing.__func__)
    inner = generator_of(thing)
    return id(thing if inner is None else inner)


def generator_of(lifespan: Any) -> Callable[..., Any] | None:
    """The function that `asynccontextmanager` or `contextmanager` was put on."""
    return lifespan.__wrapped__ if made_by(lifespan) else None


def made_by(lifespan: Any) -> str | None:
    """The name of the function of contextlib that made this one, if one did."""
    if (
        isinstance(lifespan, FunctionType)
        and lifespan.__code__.co_filename == contextlib.__file__
    ):
        return lifespan.__code__.co_qualname.partition(".")[0]
    return None


def name_in_modules(thing: object) -> str | None:
    """The name that a module knows the object by, such as `shop.orders.router`.

    The module that made it is mostly imported after the first one that asks for it,
    so the last one counts.
    """
    for module_name, module in reversed(list(sys.modules.items())):
        for name, value in list(getattr(module, "__dict__", {}).items()):
            if value is thing:
                return f"{module_name}.{name}"
    return None


def is_of_project(function: FunctionType) -> bool:
    """Whether it is neither Python's own nor of an installed package."""
    module = str(function.__globals__.get("__name__"))
    return (
        module.partition(".")[0] not in sys.stdlib_module_names
        and "site-packages" not in function.__code__.co_filename
    )
