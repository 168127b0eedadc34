"""New texts for the files of applications that can be rewritten."""

import ast
import re
from collections.abc import Iterable
from pathlib import Path

from lifespan_tools.migrate.applications import Applications
from lifespan_tools.migrate.arguments import give_lifespan, take_lists
from lifespan_tools.migrate.edits import Edits, kept_comments
from lifespan_tools.migrate.handlers import Handler
from lifespan_tools.migrate.holdings import Holding, Options
from lifespan_tools.migrate.imports import Import, Imports
from lifespan_tools.migrate.layout import (
    above_comments,
    blank_lines_before,
    comments_beside,
    crowded,
    opens_block,
    whole_lines,
)
from lifespan_tools.migrate.lifespans import Call, Lifespan, Step
from lifespan_tools.migrate.modules import dotted
from lifespan_tools.migrate.objects import Include, Made, Registration
from lifespan_tools.migrate.order import shutdown_of
from lifespan_tools.migrate.project import FolderOf, ModuleOf
from lifespan_tools.migrate.refusals import CannotCallError
from lifespan_tools.migrate.scopes import FUNCTIONS, Function, root
from lifespan_tools.migrate.shadowing import is_shadowed
from lifespan_tools.migrate.source import Source
from lifespan_tools.migrate.units import Unit

DEFINED_NAME = re.compile(r"(?:async\W+)?def\W+(\w+)")


class Rewriting:
    """All changes that some units need."""

    def __init__(self, applications: Applications, options: Options) -> None:
        self.applications = applications
        self.options = options
        self._edits: dict[Path, Edits] = {}
        self._imports: dict[Path, Imports] = {}
        self._new_names: dict[ast.AST, str] = {}
        self._comments: dict[Registration, tuple[str, ...]] = {}

    def texts(self, units: Iterable[Unit]) -> dict[Path, str]:
        """The new text of each file that changes."""
        for unit in units:
            for registration in unit.registrations:
                self._unregister(registration)
            holders = [holding.holder for holding in unit.holdings]
            for made in unit.made:
                if made not in holders:
                    take_lists(self._edits_of(made.source), made.call)
            for holding in unit.holdings:
                self._hold(holding)
            self._drop_imports(unit)
        for path in self._edits:
            self._imports_of(self._edits[path].source).write()
        results = {path: edits.result() for path, edits in self._edits.items()}
        return {
            path: text
            for path, text in results.items()
            if text != self._edits[path].source.text
        }

    def _edits_of(self, source: Source) -> Edits:
        return self._edits.setdefault(source.path, Edits(source))

    def _imports_of(self, source: Source) -> Imports:
        edits = self._edits_of(source)
        if source.path not in self._imports:
            self._imports[source.path] = Imports(self.applications.project, edits)
        return self._imports[source.path]

    # The old places.
    def _unregister(self, registration: Registration) -> None:
        source, node = registration.source, registration.node
        edits = self._edits_of(source)
        if registration.kind == "list":
            self._comments[registration] = comments_beside(registration)
            return
        start, line_start, line_end = whole_lines(source, node)
        margin = source.margin(node)
        comments = kept_comments(source, start, line_end)
        above = "".join(f"{margin}{each}{source.newline}" for each in comments)
        if isinstance(registration.handler, FUNCTIONS):
            self._rename_shadowed(registration, registration.handler)
        if isinstance(registration.handler, ast.Call):
            new = self._bind_in_place(registration, margin)
            edits.replace(line_start, line_end, above + new)
        elif above or registration.kind == "decorator":
            edits.replace(line_start, line_end, above)
        else:
            edits.delete_lines(line_start, line_end)

    def _bind_in_place(self, registration: Registration, margin: str) -> str:
        """What was made when it was registered still is, and now has a name."""
        source, handler = registration.source, registration.handler
        edits, line = self._edits_of(source), source.newline
        name = edits.name(f"on_{registration.phase}", f"on_{registration.phase}_2")
        self._new_names[handler] = name
        assert isinstance(handler, ast.expr)
        return f"{margin}{name} = {source.code(handler)}{line}"

    def _rename_shadowed(self, registration: Registration, node: Function) -> None:
        """A later function has this one's name: nothing else reads it, so it goes."""
        if node in self._new_names or not is_shadowed(registration, node):
            return
        edits, source = self._edits_of(registration.source), registration.source
        same = registration.scope.bindings[node.name]
        new = edits.name(f"{node.name}_{same.index(node) + 1}")
        found = DEFINED_NAME.match(source.text, source.start(node))
        assert found is not None
        edits.replace(found.start(1), found.end(1), new)
        self._new_names[node] = new

    # The new lifespan.
    def _hold(self, holding: Holding) -> None:
        holder = holding.holder
        source = holder.source
        edits, imports = self._edits_of(source), self._imports_of(source)
        startup = [self._call(holding, each) for each in holding.startup]
        shutdown = {
            each.registration: self._call(holding, each) for each in holding.shutdown
        }
        around = source.code(holding.around) if holding.around else ""
        called = {around.partition(".")[0]}
        called = called.union(*(each.names for each in (*startup, *shutdown.values())))
        line = source.names.statement(holder.call).lineno
        annotation = "" if holder.is_router else source.code(holder.call.func)
        typed = all(each.is_typed for each in holding.handlers) and not around
        if typed:
            annotation = annotation or "object"
        returns = ""
        if typed:
            iterator = imports.standard("collections.abc", "AsyncIterator", line)
            returns = f"{iterator}[None]"
        wish = f"{holder.name}_lifespan" if holder.name else "app_lifespan"
        lifespan = Lifespan(
            edits.name("lifespan", wish),
            imports.standard("contextlib", "asynccontextmanager", line),
            _free("app", called | {annotation.partition(".")[0]}),
            annotation,
            returns,
            startup,
            self._in_order(holding, shutdown),
            around,
            _free("state", called),
        )
        self._insert_function(holder, lifespan)
        give_lifespan(edits, holder.call, lifespan.name)

    def _in_order(
        self, holding: Holding, shutdown: dict[Registration, Call]
    ) -> list[Step]:
        if self.options.reverse:
            return list(reversed(shutdown.values()))
        if holding.around is not None:
            return list(shutdown.values())
        return shutdown_of(holding.holder, shutdown)

    def _insert_function(self, holder: Made, lifespan: Lifespan) -> None:
        source = holder.source
        statement = source.names.statement(holder.call)
        line_start, _ = source.line_at(source.start(statement))
        margin = source.text[line_start : source.start(statement)]
        if margin.strip():
            raise crowded(statement)
        at = above_comments(source, line_start)
        blank = blank_lines_before(source, at)
        opens = opens_block(source, at)
        wanted = 2 if not margin else 0 if opens else 1
        after = 2 if not margin else 1
        line = source.newline
        text = "".join(
            f"{margin}{each}{line}" for each in lifespan.lines(source.indent)
        )
        before = line * max(0, wanted - blank)
        self._edits_of(source).insert(at, before + text + line * after)

    def _call(self, holding: Holding, handler: Handler) -> Call:
        comments = self._comments.get(handler.registration, ())
        if isinstance(handler.registration.handler, ast.Lambda):
            if holding.holder.scope is not handler.scope:
                raise _unreachable(handler.function)
            return Call(handler.function, handler.names, comments)
        function = self._reference(holding, handler)
        code = f"{'await ' * handler.is_async}{function}()"
        return Call(code, frozenset({function.partition(".")[0]}), comments)

    def _reference(self, holding: Holding, handler: Handler) -> str:
        """How the holder's file calls a handler of this or another file."""
        registration, holder = handler.registration, holding.holder
        function, first = handler.function, handler.first_name
        if handler.needs_name:
            function = first = self._new_names[registration.handler]
        scope = holder.scope
        if handler.source is holder.source:
            if handler.scope in scope.within() and (
                handler.needs_name or scope.lookup(first) is handler.scope
            ):
                return function
            raise _unreachable(function)
        statement, known, prefix = self._way_to(holding, registration)
        if prefix:
            return f"{prefix}.{function}"
        module = dotted(holder.source, handler.source, statement, known)
        wish = f"{handler.source.path.stem}_{first}"
        name = self._imports_of(holder.source).beside(statement, module, first, wish)
        return name + function[len(first) :]

    def _way_to(
        self, holding: Holding, registration: Registration
    ) -> tuple[Import, Path, str]:
        """An import of the holder's file that leads to the file of a handler."""
        holder = holding.holder
        project = self.applications.project
        if registration.owner is holder:
            assert registration.imported_at is not None
            place = holder.source.names.parents[registration.imported_at]
            assert isinstance(place, ast.Import | ast.ImportFrom)
            return self._way_by(holder.source, place, registration.source)
        include = _include_of(holder, registration)
        first = root(include.argument)
        assert isinstance(first, ast.Name)
        scope = holder.source.names.scopes[first].lookup(first.id)
        assert scope is not None
        alias = scope.bindings[first.id][0]
        statement = (
            holder.source.names.parents[alias] if isinstance(alias, ast.alias) else None
        )
        if not isinstance(statement, ast.Import | ast.ImportFrom):
            raise _unreachable("its handler")
        if isinstance(include.argument, ast.Attribute):
            thing = project.resolve(holder.source, include.argument.value)
            if thing == ModuleOf(registration.source):
                prefix = holder.source.code(include.argument.value)
                return statement, registration.source.path, prefix
        return self._way_by(holder.source, statement, registration.source)

    def _way_by(
        self, source: Source, statement: Import, target: Source
    ) -> tuple[Import, Path, str]:
        project = self.applications.project
        if isinstance(statement, ast.Import):
            for alias in statement.names:
                if project.module(source, alias.name, 0) == ModuleOf(target):
                    self._imports_of(source).use(alias)
                    return statement, target.path, alias.asname or alias.name
            module = project.module(source, statement.names[0].name, 0)
        else:
            for alias in statement.names:
                thing = project.from_import(source, statement, alias.name)
                if thing == ModuleOf(target):
                    self._imports_of(source).use(alias)
                    return statement, target.path, alias.asname or alias.name
            module = project.module(source, statement.module or "", statement.level)
        if isinstance(module, ModuleOf):
            return statement, module.source.path, ""
        assert isinstance(module, FolderOf)
        return statement, module.folder / "__init__.py", ""

    # What nothing needs any more.
    def _drop_imports(self, unit: Unit) -> None:
        for made in unit.made:
            for source in {each.source for each in made.registrations}:
                if source is not made.source:
                    self._drop_unused(source, unit)

    def _drop_unused(self, source: Source, unit: Unit) -> None:
        """The applications that a file imported just to register on them."""
        names = source.names
        owners = {
            root(call.func)
            for made in unit.made
            for each in made.registrations
            if each.source is source
            for call in ast.walk(each.node)
            if isinstance(call, ast.Call) and call.func in self.applications.claimed
        }
        dropped = {each.id for each in owners if isinstance(each, ast.Name)}
        kept = {each.id for each in names.loads if each not in owners}
        for name in dropped - kept - _exported(source):
            nodes = names.module.bindings.get(name, [])
            if len(nodes) == 1 and isinstance(nodes[0], ast.alias):
                self._imports_of(source).remove(nodes[0])


def _unreachable(what: str) -> CannotCallError:
    return CannotCallError(
        f"`{what}` can't be reached from where the application is made",
        "define it at the top of its file",
    )


def _include_of(holder: Made, registration: Registration) -> Include:
    return next(
        each for each in holder.includes if registration.owner in each.router.reached()
    )


def _exported(source: Source) -> set[str]:
    """The names in `__all__`."""
    return {
        each.value
        for node in source.tree.body
        if isinstance(node, ast.Assign)
        and any(isinstance(t, ast.Name) and t.id == "__all__" for t in node.targets)
        for each in ast.walk(node.value)
        if isinstance(each, ast.Constant) and isinstance(each.value, str)
    }


def _free(name: str, avoid: set[str]) -> str:
    return name if name not in avoid else _free(f"_{name}", avoid)
