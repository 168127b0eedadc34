"""Where a project's applications and routers are: the expressions that mean them."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from lifespan_tools.migrate.objects import Made, makers
from lifespan_tools.migrate.project import (
    Defined,
    External,
    FolderOf,
    Member,
    ModuleOf,
    Project,
    Thing,
    Unknown,
)
from lifespan_tools.migrate.refusals import Refusal
from lifespan_tools.migrate.relevance import Relevance
from lifespan_tools.migrate.scopes import Scope
from lifespan_tools.migrate.source import Source


@dataclass(frozen=True)
class Use:
    """A place where an application or router is read."""

    source: Source
    node: ast.expr
    made: Made
    derived: bool
    """It came out of a function that made it: what is registered here is late."""

    @property
    def parent(self) -> ast.AST:
        """What it is read for."""
        return self.source.names.parents[self.node]

    def refuse_as_lost(self) -> None:
        """What happens to it from here on can't be seen."""
        self.made.refuse(
            self.source,
            self.node.lineno,
            f"`{self.source.code(self.node)}` goes where it can't be followed",
            "register its handlers where it is made, or write the lifespan by hand",
        )


class Applications:
    """All applications and routers, followed through names, imports and functions."""

    def __init__(self, project: Project, trusted: frozenset[str] = frozenset()) -> None:
        relevance = Relevance(project)
        self.project = project
        self.trusted = trusted
        """Packages that are said to register nothing."""
        self.sources = relevance.sources
        self.unreadable = relevance.unreadable
        self.stray: set[Refusal] = set()
        """What is registered on something that can't be told."""
        self.foreign: set[Refusal] = set()
        """What is registered with another framework."""
        self.claimed: set[ast.AST] = set()
        """The attributes `app.on_event`... of known objects."""
        self.made = [
            made for source in self.sources for made in makers(project, source)
        ]
        self._made_by = {made.call: made for made in self.made}
        self._bound: dict[ast.AST, tuple[Made, bool]] = {}
        self._returning: dict[ast.AST, Made] = {}
        self._things: dict[tuple[Scope, str], Thing] = {}
        for made in self.made:
            self._bind(made)
        while self._follow():
            pass

    # Questions about expressions.
    def resolve(self, source: Source, node: ast.expr) -> Thing:
        """What an expression stands for; names are looked up once."""
        if isinstance(node, ast.Name):
            scope = source.names.scopes[node].lookup(node.id)
            if scope is None:
                return self.project.unbound(source, node.id)
            key = scope, node.id
            if key not in self._things:
                self._things[key] = self.project.bound(source, scope, node.id)
            return self._things[key]
        return self.project.resolve(source, node)

    def function(self, source: Source, node: ast.expr) -> Thing:
        """What is called; a method of a package's object counts as the package's."""
        thing = self.resolve(source, node)
        if isinstance(thing, Unknown | Member) and isinstance(node, ast.Attribute):
            return self.maker(source, node.value) or thing
        return thing

    def maker(self, source: Source, node: ast.expr) -> External | None:
        """The package's class or function that an object came out of, if one did."""
        if isinstance(node, ast.Call):
            return self.maker(source, node.func)
        thing = self.resolve(source, node)
        if isinstance(thing, External):
            return thing
        if isinstance(thing, Member):
            thing = thing.owner
        if isinstance(thing, Defined):
            return self._maker_of(thing)
        if isinstance(node, ast.Attribute):
            return self.maker(source, node.value)
        return None

    def _maker_of(self, thing: Defined) -> External | None:
        """The same of a variable, by its value, or of a parameter, by its type."""
        if isinstance(thing.node, ast.arg):
            annotation = thing.node.annotation
            return self.maker(thing.source, annotation) if annotation else None
        value = getattr(thing.source.names.parents[thing.node], "value", None)
        if isinstance(value, ast.Call):
            return self.maker(thing.source, value.func)
        return None

    def object_of(self, source: Source, node: ast.expr) -> tuple[Made, bool] | None:
        """The application or router that an expression means; whether it is derived."""
        if isinstance(node, ast.Call):
            if node in self._made_by:
                return self._made_by[node], False
            thing = self.resolve(source, node.func)
            if isinstance(thing, Defined) and thing.node in self._returning:
                return self._returning[thing.node], True
            return None
        thing = self.resolve(source, node)
        return self._bound.get(thing.node) if isinstance(thing, Defined) else None

    def is_bound(self, target: ast.Name) -> bool:
        """Whether an object is followed into this name."""
        return target in self._bound

    def importers(self, source: Source) -> list[Source]:
        """The files that import one."""
        return [
            each for each in self.sources if source in self.project.imported_by(each)
        ]

    # Following an object through names and functions that return it.
    def _bind(self, made: Made) -> None:
        if made.own_name is None:
            return
        name = made.own_name.id
        scope = made.scope.elsewhere.get(name, made.scope)
        self._bound[made.own_name] = made, False
        if scope is not made.scope or isinstance(scope.node, ast.ClassDef):
            made.refuse_place(
                f"`{name}` is made inside a function or class and used outside",
                "make it at the top of the file, or all in one function",
            )
        elif len(bindings := scope.bindings[name]) > 1:
            lines = ", ".join(str(each.lineno) for each in bindings)  # type: ignore[attr-defined]
            made.refuse_place(
                f"`{name}` is bound more than once (lines {lines})",
                "give each application a name of its own",
            )
            for node in bindings:
                self._bound.setdefault(node, (made, False))
        elif not made.source.names.unconditional(made.call, scope):
            made.refuse_place(
                f"`{name}` is made under a condition, in a loop, `with` or `try`",
                "make it at the top of the file or of a function",
            )

    def _follow(self) -> bool:
        """Find one more name or function that an object goes through, if there is."""
        before = len(self._bound) + len(self._returning)
        for use in list(self.uses()):
            names, parent = use.source.names, use.parent
            if isinstance(parent, ast.Return | ast.Yield):
                function = names.scopes[use.node].node
                self._returning.setdefault(function, use.made)
                use.made.returned_by.add(getattr(function, "name", ""))
            elif (target := alias_of(use)) is not None:
                scope = names.scopes[target].lookup(target.id)
                assert scope is not None
                if len(scope.bindings[target.id]) == 1:
                    self._bound.setdefault(target, (use.made, use.derived))
        return len(self._bound) + len(self._returning) > before

    def uses(self) -> Iterator[Use]:
        """All places where an object is read."""
        for source in self.sources:
            for name in source.names.loads:
                yield from self._uses_by_name(source, name)
            for call in source.names.calls:
                found = self.object_of(source, call)
                if found is not None and found[1]:
                    yield Use(source, call, *found)
        for made in self.made:
            statement = made.source.names.statement(made.call)
            if isinstance(statement, ast.Return) and statement.value is made.call:
                yield Use(made.source, made.call, made, False)

    def _uses_by_name(self, source: Source, name: ast.Name) -> Iterator[Use]:
        node: ast.expr = name
        thing = self.resolve(source, name)
        while isinstance(thing, ModuleOf | FolderOf):
            parent = source.names.parents[node]
            if not isinstance(parent, ast.Attribute):
                break
            node, thing = parent, self.project.attribute(thing, parent.attr)
        if isinstance(thing, Defined) and thing.node in self._bound:
            yield Use(source, node, *self._bound[thing.node])
        elif isinstance(thing, Unknown) and isinstance(node, ast.Name):
            yield from self._uses_of_one_binding(source, node)

    def _uses_of_one_binding(self, source: Source, node: ast.Name) -> Iterator[Use]:
        """One of a name's bindings may be an object: such a use counts, too."""
        scope = source.names.scopes[node].lookup(node.id)
        bindings = scope.bindings[node.id] if scope else []
        for binding in bindings:
            if binding in self._bound:
                yield Use(source, node, *self._bound[binding])
            elif isinstance(binding, ast.alias):
                statement = source.names.parents[binding]
                if isinstance(statement, ast.ImportFrom):
                    thing = self.project.from_import(source, statement, binding.name)
                    if isinstance(thing, Defined) and thing.node in self._bound:
                        made, _ = self._bound[thing.node]
                        yield Use(source, node, made, True)


def alias_of(use: Use) -> ast.Name | None:
    """The name that is bound to just this: `service = app`."""
    parent = use.parent
    if isinstance(parent, ast.Assign) and len(parent.targets) == 1:
        target: ast.expr = parent.targets[0]
    elif isinstance(parent, ast.AnnAssign):
        target = parent.target
    else:
        return None
    if parent.value is use.node and isinstance(target, ast.Name):
        return target
    return None
