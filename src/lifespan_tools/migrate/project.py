"""All files that were read, and what a name in one of them stands for."""

import ast
import builtins
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from lifespan_tools.migrate.scopes import Scope
from lifespan_tools.migrate.source import Source, UnreadableError


@dataclass(frozen=True)
class ModuleOf:
    """A name that stands for a file of the project."""

    source: Source


@dataclass(frozen=True)
class FolderOf:
    """A package without an `__init__.py`."""

    folder: Path


@dataclass(frozen=True)
class Defined:
    """What one node of the project defines: a function, a class or a variable."""

    source: Source
    scope: Scope
    name: str
    node: ast.AST


@dataclass(frozen=True)
class Member:
    """An attribute of something defined."""

    owner: Defined
    name: str


@dataclass(frozen=True)
class External:
    """Something of Python or an installed package, by its full name."""

    name: str

    @property
    def package(self) -> str:
        """The package that it is from."""
        return self.name.partition(".")[0]


@dataclass(frozen=True)
class Outside:
    """Something of a file that exists, but wasn't given."""

    name: str
    path: Path


@dataclass(frozen=True)
class Unknown:
    """A name that can't be followed, and why."""

    reason: str
    lines: tuple[int, ...] = ()


Thing = ModuleOf | FolderOf | Defined | Member | External | Outside | Unknown


@dataclass(eq=False)
class Project:
    """The files that were read, by path. Each is parsed when it is asked for."""

    sources: dict[Path, Source]
    roots: frozenset[Path] = frozenset()

    @classmethod
    def of(cls, sources: Iterable[Source], roots: Iterable[Path] = ()) -> "Project":
        """A project of these files; imports are looked up in no folder above a root."""
        return cls({source.path: source for source in sources}, frozenset(roots))

    def changed(self, texts: dict[Path, str]) -> "Project":
        """The project with other texts in some of its files."""
        sources = {
            path: source.changed(texts[path]) if path in texts else source
            for path, source in self.sources.items()
        }
        return Project(sources, self.roots)

    @cached_property
    def _seen(self) -> set[tuple[Path, str]]:
        return set()

    def resolve(self, source: Source, node: ast.expr) -> Thing:
        """What a name or an `a.b.c` stands for where it is read."""
        if isinstance(node, ast.Name):
            names = source.names
            scope = names.scopes[node].lookup(node.id)
            if scope is None:
                return self.unbound(source, node.id)
            return self.bound(source, scope, node.id)
        if isinstance(node, ast.Attribute):
            return self.attribute(self.resolve(source, node.value), node.attr)
        return Unknown("isn't a name")

    def unbound(self, source: Source, name: str) -> Thing:
        """What a name stands for that nothing in its file binds."""
        for alias in source.names.module.bindings.get("*", []):
            statement = source.names.parents[alias]
            assert isinstance(statement, ast.ImportFrom)
            thing = self.from_import(source, statement, name)
            if not isinstance(thing, Unknown):
                return thing
        if hasattr(builtins, name):
            return External(f"builtins.{name}")
        return Unknown(f"`{name}` isn't bound")

    def bound(self, source: Source, scope: Scope, name: str) -> Thing:
        """What a scope's name stands for: something, if it is bound once."""
        nodes = scope.bindings.get(name, [])
        if imported := self._submodules(source, nodes):
            return imported
        if len(nodes) != 1:
            lines = tuple(sorted(each.lineno for each in nodes))  # type: ignore[attr-defined]
            return Unknown(f"`{name}` is bound more than once", lines)
        (node,) = nodes
        if isinstance(node, ast.alias):
            return self._imported(source, node)
        return Defined(source, scope, name, node)

    def _submodules(self, source: Source, nodes: list[ast.AST]) -> Thing | None:
        """`import a.b` and `import a.c` both bind `a`, to the same package."""
        if len(nodes) < 2:
            return None
        found = {
            self._imported(source, node) if isinstance(node, ast.alias) else None
            for node in nodes
        }
        (first, *others) = found
        return None if others else first

    def _imported(self, source: Source, alias: ast.alias) -> Thing:
        statement = source.names.parents[alias]
        if isinstance(statement, ast.ImportFrom):
            return self.from_import(source, statement, alias.name)
        if alias.asname:
            return self.module(source, alias.name, 0)
        return self.module(source, alias.name.partition(".")[0], 0)

    def from_import(
        self, source: Source, statement: ast.ImportFrom, name: str
    ) -> Thing:
        """What `from ... import name` brings."""
        module = self.module(source, statement.module or "", statement.level)
        return self.attribute(module, name)

    def module(self, source: Source, name: str, level: int) -> Thing:
        """The module that an import names."""
        if level:
            folder = source.path.parents[level - 1]
            return self._in_folder(folder, name) or self._outside(folder, name)
        found = {self._in_folder(folder, name) for folder in self._above(source)}
        found.discard(None)
        if len(found) > 1:
            return Unknown(f"`{name}` may be one of several files")
        (thing,) = found or {None}
        return thing or self._nearby(source, name)

    def _nearby(self, source: Source, name: str) -> Thing:
        """A file of the importing one's project that wasn't given, or a package."""
        for folder in self._above(source):
            if isinstance(found := self._outside(folder, name), Outside):
                return found
        return External(name)

    def _above(self, source: Source) -> Iterator[Path]:
        """The folders that an absolute import may start from."""
        folder, inside = source.path.parent, True
        while True:
            yield folder
            inside = inside and folder not in self.roots
            is_package = (folder / "__init__.py").is_file()
            if folder == folder.parent or not (inside or is_package):
                return
            folder = folder.parent

    def _outside(self, folder: Path, name: str) -> Thing:
        for path in _files_of(folder, name):
            if path.is_file():
                return Outside(name, path)
        return Unknown(f"`{name}` isn't found")

    @cached_property
    def _folders(self) -> set[Path]:
        return {folder for path in self.sources for folder in path.parents}

    def _in_folder(self, folder: Path, name: str) -> Thing | None:
        for path in _files_of(folder, name):
            if path in self.sources:
                return ModuleOf(self.sources[path])
        here = folder.joinpath(*name.split("."))
        return FolderOf(here) if here in self._folders else None

    def attribute(self, thing: Thing, name: str) -> Thing:
        """What `thing.name` stands for."""
        if isinstance(thing, ModuleOf):
            return self._global(thing.source, name)
        if isinstance(thing, FolderOf):
            found = self._in_folder(thing.folder, name)
            return found or self._outside(thing.folder, name)
        if isinstance(thing, External):
            return External(f"{thing.name}.{name}")
        if isinstance(thing, Outside):
            file = self._outside(thing.path.parent, name)
            if thing.path.name == "__init__.py" and isinstance(file, Outside):
                return file
            return Outside(f"{thing.name}.{name}", thing.path)
        if isinstance(thing, Defined):
            return Member(thing, name)
        if isinstance(thing, Member):
            return Unknown("is an attribute of an attribute")
        return thing

    def _global(self, source: Source, name: str) -> Thing:
        key = (source.path, name)
        if key in self._seen:  # such as `from . import items` in an `__init__.py`
            return self._beside(source, name, f"`{name}` is imported in a circle")
        self._seen.add(key)
        try:
            module = source.names.module
            if name in module.bindings:
                return self.bound(source, module, name)
        except UnreadableError as error:
            return Unknown(f"{source.path.name} {error}")
        finally:
            self._seen.discard(key)
        return self._beside(source, name, f"`{name}` isn't in {source.path.name}")

    def _beside(self, source: Source, name: str, reason: str) -> Thing:
        """A package's file, which its `__init__.py` needn't import."""
        if source.path.name != "__init__.py":
            return Unknown(reason)
        folder = source.path.parent
        return self._in_folder(folder, name) or self._outside(folder, name)

    def imported_by(self, source: Source) -> list[Source]:
        """The files that a file imports, wherever it does so."""
        found: list[Thing] = []
        for node in ast.walk(source.tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    parts = alias.name.split(".")
                    for count in range(1, len(parts) + 1):
                        name = ".".join(parts[:count])
                        found.append(self.module(source, name, 0))
            elif isinstance(node, ast.ImportFrom):
                found.append(self.module(source, node.module or "", node.level))
                found += [
                    self.from_import(source, node, alias.name) for alias in node.names
                ]
        return [each.source for each in found if isinstance(each, ModuleOf | Defined)]


def _files_of(folder: Path, name: str) -> list[Path]:
    here = folder.joinpath(*name.split(".")) if name else folder
    package = here / "__init__.py"
    return [package, here.with_name(f"{here.name}.py")] if name else [package]
