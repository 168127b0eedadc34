"""What running code runs in plain words: forms that leave no doubt.

These are read in the source of the lifespans and handlers that run, and of the
functions that they call by name::

    async with admin.router.lifespan_context(admin): ...
    await stack.enter_async_context(admin.router.lifespan_context(admin))
    await connect()
    for handler in app.router.on_startup:
        await handler()

Names are looked up where Python would find them; nothing is called. A name that is
assigned in the function has no one value, so it is left alone.
"""

import ast
import inspect
import types
from collections import deque
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from textwrap import dedent
from types import CodeType, FunctionType, MethodType
from typing import Any

from lifespan_tools.doctor.frameworks import closure
from lifespan_tools.doctor.places import generator_of, identity, is_of_project

LIFESPAN = "lifespan_context"
LISTS = ("on_startup", "on_shutdown")

Parsed = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass
class Literal:
    """What is run in plain words.

    Attributes:
        by: who runs it, by the identity of what is run.
        read: by code, the names in it that are all explained, such as "on_startup".
    """

    by: dict[Hashable, Any] = field(default_factory=dict)
    read: dict[CodeType, set[str]] = field(default_factory=dict)


def literal(
    running: Iterable[tuple[Any, Any]],
    inside: Callable[[Any], Iterable[Any]],
) -> Literal:
    """What the running functions run in plain words.

    running: functions that run, each with the app that it is called with, or None.
    inside: the functions that a lifespan runs.
    """
    found = Literal()
    seen = set()
    waiting = deque(running)
    while waiting:
        function, app = waiting.popleft()
        if (known := identity(function)) in seen:
            continue
        seen.add(known)
        reader = _reader(function, app)
        if reader is None:
            continue
        reader.read()
        found.read[reader.code] = reader.explained()
        runs = [*reader.called, *(f for each in reader.entered for f in inside(each))]
        for each in runs:
            found.by.setdefault(identity(each), function)
            waiting.append((each, None))
    return found


def _reader(function: Any, app: Any) -> "_Reader | None":
    given = [] if app is None else [app]
    if isinstance(function, MethodType):
        function, given = function.__func__, [function.__self__, *given]
    function = generator_of(function) or function
    if not isinstance(function, FunctionType) or not is_of_project(function):
        return None
    try:
        [tree] = ast.parse(dedent(inspect.getsource(function.__code__))).body
    except (OSError, SyntaxError, ValueError):  # no source, or a part of a line
        return None
    if not isinstance(tree, Parsed):
        return None
    code = function.__code__
    names = code.co_varnames[: code.co_argcount]
    return _Reader(tree, code, _values(function, tree, dict(zip(names, given))))  # noqa: B905


def _values(
    function: FunctionType, tree: Parsed, given: Mapping[str, Any]
) -> Mapping[str, Any]:
    """The values of the names that have only one in this function."""
    values = {**function.__globals__, **closure(function), **given}
    code = function.__code__
    stored = {
        node.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load)
    }
    for name in stored | {*code.co_varnames, *code.co_cellvars} - set(given):
        values.pop(name, None)
    return values


@dataclass
class _Reader:
    """Reads one function."""

    tree: Parsed
    code: CodeType
    values: Mapping[str, Any]
    called: list[Any] = field(default_factory=list)
    entered: list[Any] = field(default_factory=list)
    explaining: list[str] = field(default_factory=list)

    def read(self) -> None:
        for node in _own_nodes(self.tree):
            if isinstance(node, ast.AsyncWith):
                for item in node.items:
                    self.enter(item.context_expr)
            elif isinstance(node, ast.Call) and _is_enter(node):
                self.enter(node.args[0])
            elif isinstance(node, ast.For):
                self.loop(node)
            elif isinstance(node, ast.Await):
                self.call(node.value, awaited=True)
            else:
                self.call(node, awaited=False)

    def explained(self) -> set[str]:
        """The telling names that stand nowhere but in the forms that were read."""
        names = [n.attr for n in ast.walk(self.tree) if isinstance(n, ast.Attribute)]
        return {
            name
            for name in (LIFESPAN, *LISTS)
            if names.count(name) == self.explaining.count(name)
        }

    def enter(self, node: ast.expr) -> None:
        if isinstance(node, ast.Call) and (lifespan := self.value(node.func)):
            if isinstance(node.func, ast.Attribute):
                self.explaining.append(node.func.attr)
            self.entered.append(lifespan)

    def loop(self, node: ast.For) -> None:
        handlers = self.value(node.iter)
        if not isinstance(handlers, list) or not isinstance(node.target, ast.Name):
            return
        calls = {
            isinstance(parent, ast.Await)
            for parent in _own_nodes(node)
            for child in ast.iter_child_nodes(parent)
            if isinstance(child, ast.Call) and _name(child.func) == node.target.id
        }
        runs = [each for each in handlers if any(_runs(each, how) for how in calls)]
        self.called += runs
        if isinstance(node.iter, ast.Attribute) and len(runs) == len(handlers):
            self.explaining.append(node.iter.attr)

    def call(self, node: ast.AST, awaited: bool) -> None:
        if isinstance(node, ast.Call) and _runs(
            function := self.value(node.func), awaited
        ):
            self.called.append(function)

    def value(self, node: ast.expr) -> Any:
        """What a name such as `shop.admin.router` stands for; None if unknown."""
        if isinstance(node, ast.Name):
            return self.values.get(node.id)
        if isinstance(node, ast.Attribute):
            return _attribute(self.value(node.value), node.attr)
        return None


def _own_nodes(node: ast.AST) -> Iterator[ast.AST]:
    """Those that run when the function runs: none of a function defined in it."""
    for child in ast.iter_child_nodes(node):
        inner = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)
        if not isinstance(child, inner):
            yield child
            yield from _own_nodes(child)


def _is_enter(call: ast.Call) -> bool:
    function = call.func
    return (
        isinstance(function, ast.Attribute)
        and function.attr == "enter_async_context"
        and len(call.args) == 1
    )


def _name(node: ast.AST) -> str | None:
    return node.id if isinstance(node, ast.Name) else None


def _runs(function: Any, awaited: bool) -> bool:
    """Whether calling it runs it: what is `async def` has to be awaited."""
    inner = function
    while isinstance(inner, partial):
        inner = inner.func
    if isinstance(inner, FunctionType | MethodType):
        made = generator_of(inner) or inspect.isgeneratorfunction(inner)
        waits = inspect.iscoroutinefunction(inner)
        return not (made or inspect.isasyncgenfunction(inner)) and waits <= awaited
    return False


def _attribute(thing: Any, name: str) -> Any:
    """The attribute, if it can be had without running anything."""
    if isinstance(thing, types.ModuleType) or name in getattr(thing, "__dict__", {}):
        return vars(thing).get(name)
    method = inspect.getattr_static(type(thing), name, None)
    return MethodType(method, thing) if isinstance(method, FunctionType) else None
