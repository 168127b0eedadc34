"""What a project does with its applications and routers: every use is looked at."""

import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeGuard

from lifespan_tools.migrate.objects import (
    PHASES,
    Include,
    Made,
    Phase,
    Registration,
    makers,
)
from lifespan_tools.migrate.project import (
    Defined,
    External,
    FolderOf,
    Member,
    ModuleOf,
    Outside,
    Project,
    Thing,
    Unknown,
)
from lifespan_tools.migrate.refusals import Refusal, shown
from lifespan_tools.migrate.scopes import (
    FUNCTIONS,
    Function,
    Scope,
    own_body,
    root,
)
from lifespan_tools.migrate.source import Source, UnreadableError

EVENTS = re.compile(r"on_event|add_event_handler|on_startup|on_shutdown")
FRAMEWORKS = re.compile(r"FastAPI|APIRouter|Starlette|include_router|fastapi|starlette")

LISTS = {
    *("on_startup", "on_shutdown", "startup", "shutdown"),
    *("_startup", "_shutdown", "lifespan", "lifespan_context"),
    *("__class__", "__dict__"),
}
"""Attributes that reach the handlers by another way than registering them."""

HARMLESS = {
    *("fastapi", "starlette", "uvicorn", "hypercorn", "granian", "mangum"),
    *("httpx", "httpx2", "asgi_lifespan", "lifespan_lab", "pytest", "logging"),
}
"""Packages that register nothing on an application that they are given."""

HARMLESS_BUILTINS = {
    f"builtins.{name}" for name in ("print", "repr", "str", "id", "type", "len")
} | {"builtins.isinstance", "builtins.hasattr"}


@dataclass(frozen=True)
class Use:
    """A place where an application or router is read."""

    source: Source
    node: ast.expr
    made: Made
    derived: bool
    """It came out of a function that made it: what is registered here is late."""


@dataclass(eq=False)
class Uses:
    """All applications and routers, with all that is registered on them."""

    project: Project
    trusted: frozenset[str] = frozenset()
    made: list[Made] = field(default_factory=list)
    stray: list[Refusal] = field(default_factory=list)
    foreign: list[Refusal] = field(default_factory=list)
    unreadable: list[Refusal] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._bound: dict[ast.AST, tuple[Made, bool]] = {}
        self._returning: dict[ast.AST, Made] = {}
        self._claimed: set[ast.AST] = set()
        self._things: dict[tuple[Scope, str], Thing] = {}
        self._pending: list[tuple[Made, Source, ast.Call, ast.expr]] = []
        self._broken: set[Source] = set()
        self.sources = self._relevant()
        for source in self.sources:
            for made in makers(self.project, source):
                self.made.append(made)
                self._check_name(made)
        while self._follow():
            pass
        for use in list(self._uses()):
            self._classify(use)
        for pending in self._pending:
            self._unresolved_include(*pending)
        for source in self.sources:
            self._look_for_strays(source)

    def _relevant(self) -> list[Source]:
        """The files to parse, found by their text and their imports.

        Those with events, and what they import. All that may import one of these, for
        it may make, include or pass on an application. What those import in turn, as
        far as it may make a router.
        """
        every = self.project.sources.values()
        found = {each: None for each in every if EVENTS.search(each.text)}
        parsed = {each: None for each in found if self._parsed(each)}
        self._add_imported(parsed, list(parsed))
        asked: set[str] = set()
        while names := {_module_name(each) for each in parsed} - asked:
            asked |= names
            words = re.compile(r"\b(?:" + "|".join(map(re.escape, names)) + r")\b")
            for source in every:
                if (
                    source not in parsed
                    and words.search(source.text)
                    and self._parsed(source)
                ):
                    parsed[source] = None
        ahead = list(parsed)
        while ahead:
            ahead = self._add_imported(parsed, ahead)
        return list(parsed)

    def _add_imported(
        self, parsed: dict[Source, None], sources: list[Source]
    ) -> list[Source]:
        """Add what some files import, if it has to do with a framework."""
        new = {
            each: None
            for source in sources
            for each in self.project.imported_by(source)
            if each not in parsed and FRAMEWORKS.search(each.text)
        }
        added = [each for each in new if self._parsed(each)]
        parsed |= dict.fromkeys(added)
        return added

    def _parsed(self, source: Source) -> bool:
        if source in self._broken:
            return False
        try:
            return bool(source.names)
        except UnreadableError as error:
            self._broken.add(source)
            if EVENTS.search(source.text):
                self.unreadable.append(Refusal(source.path, 1, str(error)))
            return False

    # Following an object through names, imports and functions that return it.
    def _check_name(self, made: Made) -> None:
        line = made.call.lineno
        if made.own_name is None:
            return
        name = made.own_name.id
        names = made.source.names
        scope = made.scope.elsewhere.get(name, made.scope)
        self._bound[made.own_name] = made, False
        if scope is not made.scope or isinstance(scope.node, ast.ClassDef):
            made.refuse(
                made.source,
                line,
                f"`{name}` is made inside a function or class and used outside",
                "make it at the top of the file, or all in one function",
            )
        elif len(scope.bindings[name]) > 1:
            lines = ", ".join(str(each.lineno) for each in scope.bindings[name])  # type: ignore[attr-defined]
            made.refuse(
                made.source,
                line,
                f"`{name}` is bound more than once (lines {lines})",
                "give each application a name of its own",
            )
            for node in scope.bindings[name]:
                self._bound.setdefault(node, (made, False))
        elif not names.unconditional(made.call, scope):
            made.refuse(
                made.source,
                line,
                f"`{name}` is made under a condition, in a loop, `with` or `try`",
                "make it at the top of the file or of a function",
            )

    def _resolve(self, source: Source, node: ast.expr) -> Thing:
        if isinstance(node, ast.Name):
            scope = source.names.scopes[node].lookup(node.id)
            if scope is None:
                return self.project.unbound(source, node.id)
            key = scope, node.id
            if key not in self._things:
                self._things[key] = self.project.bound(source, scope, node.id)
            return self._things[key]
        return self.project.resolve(source, node)

    def _function(self, source: Source, node: ast.expr) -> Thing:
        """What is called; a method of a package's object counts as the package's."""
        thing = self._resolve(source, node)
        if isinstance(thing, Unknown | Member) and isinstance(node, ast.Attribute):
            return self._maker(source, node.value) or thing
        return thing

    def _maker(self, source: Source, node: ast.expr) -> External | None:
        """The package's class or function that an object came out of, if one did."""
        if isinstance(node, ast.Call):
            return self._maker(source, node.func)
        thing = self._resolve(source, node)
        if isinstance(thing, External):
            return thing
        if isinstance(thing, Member):
            thing = thing.owner
        if isinstance(thing, Defined):
            if isinstance(thing.node, ast.arg):
                annotation = thing.node.annotation
                return self._maker(thing.source, annotation) if annotation else None
            parent = thing.source.names.parents[thing.node]
            value = getattr(parent, "value", None)
            if isinstance(value, ast.Call):
                return self._maker(thing.source, value.func)
        elif isinstance(node, ast.Attribute):
            return self._maker(source, node.value)
        return None

    def object_of(self, source: Source, node: ast.expr) -> tuple[Made, bool] | None:
        """The application or router that an expression stands for."""
        if isinstance(node, ast.Call):
            for made in self.made:
                if made.call is node:
                    return made, False
            thing = self._resolve(source, node.func)
            if isinstance(thing, Defined) and thing.node in self._returning:
                return self._returning[thing.node], True
            return None
        thing = self._resolve(source, node)
        if isinstance(thing, Defined):
            return self._bound.get(thing.node)
        return None

    def _follow(self) -> bool:
        """Find one more name or function that an object goes through, if there is."""
        before = len(self._bound) + len(self._returning)
        for use in list(self._uses()):
            names = use.source.names
            parent = names.parents[use.node]
            if isinstance(parent, ast.Return | ast.Yield):
                function = names.scopes[use.node].node
                self._returning.setdefault(function, use.made)
                use.made.returned_by.add(getattr(function, "name", ""))
            elif (target := _alias(parent, use.node)) is not None:
                scope = names.scopes[target].lookup(target.id)
                assert scope is not None
                if len(scope.bindings[target.id]) == 1:
                    self._bound.setdefault(target, (use.made, use.derived))
        return len(self._bound) + len(self._returning) > before

    def _uses(self) -> Iterator[Use]:
        for source in self.sources:
            names = source.names
            for name in names.loads:
                node: ast.expr = name
                thing = self._resolve(source, name)
                while isinstance(thing, ModuleOf | FolderOf):
                    parent = names.parents[node]
                    if not isinstance(parent, ast.Attribute):
                        break
                    node, thing = parent, self.project.attribute(thing, parent.attr)
                if isinstance(thing, Defined) and thing.node in self._bound:
                    yield Use(source, node, *self._bound[thing.node])
                elif isinstance(thing, Unknown) and isinstance(node, ast.Name):
                    yield from self._bound_twice(source, node)
            for call in names.calls:
                found = self.object_of(source, call)
                if found is not None and found[1]:
                    yield Use(source, call, *found)
        for made in self.made:
            statement = made.source.names.statement(made.call)
            if isinstance(statement, ast.Return) and statement.value is made.call:
                yield Use(made.source, made.call, made, False)

    def _bound_twice(self, source: Source, node: ast.Name) -> Iterator[Use]:
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

    # What each use does.
    def _classify(self, use: Use) -> None:
        names = use.source.names
        parent = names.parents[use.node]
        if isinstance(parent, ast.Attribute):
            self._attribute(use, parent)
        elif isinstance(parent, ast.keyword) and isinstance(
            call := names.parents[parent], ast.Call
        ):
            self._passed(use, call, parent.arg)
        elif isinstance(parent, ast.Call) and use.node in parent.args:
            self._passed(use, parent, parent.args.index(use.node))
        elif isinstance(parent, ast.Return | ast.Yield):
            pass
        elif _alias(parent, use.node) is not None:
            target = _alias(parent, use.node)
            if target not in self._bound:
                self._lost(use)
        elif not isinstance(
            parent,
            ast.Compare | ast.FormattedValue | ast.Expr | ast.Assert | ast.If,
        ) and not self._in_included_list(use.source, parent):
            self._lost(use)

    def _lost(self, use: Use) -> None:
        use.made.refuse(
            use.source,
            use.node.lineno,
            f"`{use.source.code(use.node)}` goes where it can't be followed",
            "register its handlers where it is made, or write the lifespan by hand",
        )

    def _attribute(self, use: Use, node: ast.Attribute) -> None:
        names = use.source.names
        if node.attr == "router" and not use.made.is_router:
            parent = names.parents[node]
            if not isinstance(parent, ast.Attribute):
                self._lost(Use(use.source, node, use.made, use.derived))
                return
            node = parent
        self._claimed.add(node)
        call = names.parents[node]
        called = isinstance(call, ast.Call) and call.func is node
        if node.attr in ("on_event", "add_event_handler"):
            if called:
                self._registered(use, call)  # type: ignore[arg-type]
            else:
                self._lost(use)
        elif node.attr == "include_router":
            if called:
                self._included(use, call)  # type: ignore[arg-type]
            else:
                self._lost(use)
        elif node.attr in LISTS:
            use.made.refuse(
                use.source,
                node.lineno,
                f"`{use.source.code(node)}` reaches the handlers by another way",
                "move this into the lifespan by hand",
            )

    def _registered(self, use: Use, call: ast.Call) -> None:
        names, made = use.source.names, use.made
        phase, reason = _phase_of(call), ""
        statement = names.statement(call)
        wanted = 1 if call.func.attr == "on_event" else 2  # type: ignore[attr-defined]
        arguments = _positional(call, ("event_type", "func"))
        handler: ast.expr | Function | None = None
        outer = names.parents[call]
        node: ast.AST = call
        kind = "statement"
        if arguments is None or len(arguments) != wanted or phase is None:
            reason = "which event this is, and its handler, can't be read"
        elif wanted == 2 and outer is statement and isinstance(statement, ast.Expr):
            handler, node = arguments[1], statement
        elif isinstance(statement, FUNCTIONS) and call in statement.decorator_list:
            handler, kind = statement, "decorator"
        elif (
            wanted == 1
            and isinstance(outer, ast.Call)
            and outer.func is call
            and names.parents[outer] is statement
            and isinstance(statement, ast.Expr)
            and len(outer.args) == 1
            and not outer.keywords
        ):
            handler, node = outer.args[0], statement
        else:
            reason = "is used in a way that isn't known"
        scope = names.scopes[statement]
        if not reason:
            reason = self._out_of_place(use, statement, scope)
        if reason:
            made.refuse(
                use.source,
                call.lineno,
                f"`{use.source.code(call)}` {reason}",
                f"register it plainly where {made} is made, or write the lifespan "
                "by hand",
                event=True,
            )
            return
        assert handler is not None
        assert phase is not None
        made.registrations.append(
            Registration(
                made,
                use.source,
                scope,
                phase,
                node,
                handler,
                kind,  # type: ignore[arg-type]
                self._import_of(use) if use.source is not made.source else None,
            )
        )

    def _out_of_place(self, use: Use, statement: ast.stmt, scope: Scope) -> str:
        """Why a registration may run never, later or often, if it may."""
        names, made = use.source.names, use.made
        if use.derived:
            return "registers on what a function made, or a name that is bound twice"
        if names.parents[statement] is not scope.node:
            return "is run under a condition, in a loop, `with` or `try`"
        if use.source is not made.source:
            if not scope.is_module:
                return "is run when a function is called"
            if self._import_of(use) is None:
                return (
                    f"registers in another file than {made} is made in, and that one "
                    "doesn't import this one after it"
                )
            return ""
        if scope is not made.scope:
            return "is run when a function is called"
        early = _early_end(scope, made.call, statement)
        if early is not None:
            return f"isn't run if line {early} ends the function first"
        return ""

    def _import_of(self, use: Use) -> ast.alias | None:
        """Where the file that makes an application imports the one of this use."""
        for node in use.made.source.tree.body:
            if (
                isinstance(node, ast.Import | ast.ImportFrom)
                and node.lineno > use.made.call.lineno
            ):
                for alias in node.names:
                    if self._imports(use.made.source, node, alias, use.source):
                        return alias
        return None

    def _imports(
        self,
        source: Source,
        node: ast.Import | ast.ImportFrom,
        alias: ast.alias,
        target: Source,
    ) -> bool:
        if isinstance(node, ast.Import):
            found = [self.project.module(source, alias.name, 0)]
        else:
            found = [
                self.project.module(source, node.module or "", node.level),
                self.project.from_import(source, node, alias.name),
            ]
        return ModuleOf(target) in found

    def registers(self, call: ast.Call) -> bool:
        """Whether a call is one that registers a handler on something known."""
        return call.func in self._claimed

    def importers(self, source: Source) -> list[Source]:
        """The files that import one."""
        return [
            each for each in self.sources if source in self.project.imported_by(each)
        ]

    def _included(self, use: Use, call: ast.Call) -> None:
        arguments = _positional(call, ("router",), extra=True)
        if not arguments:
            self._pending.append((use.made, use.source, call, call))
            return
        argument = arguments[0]
        found = self.object_of(use.source, argument)
        names = use.source.names
        if found is None:
            self._pending.append((use.made, use.source, call, argument))
            return
        router, derived = found
        statement = names.statement(call)
        reason = "includes what a function made" if derived else ""
        if not reason and use.source is not use.made.source:
            reason = "is in another file than the one that includes into it is made in"
        if not reason:
            reason = self._out_of_place(use, statement, names.scopes[statement])
        if reason:
            self._pending.append((use.made, use.source, call, argument))
            return
        scope = names.scopes[statement]
        use.made.includes.append(
            Include(use.made, use.source, scope, call, argument, router)
        )

    def _unresolved_include(
        self, made: Made, source: Source, call: ast.Call, argument: ast.expr
    ) -> None:
        """An include that can't be placed is fine if no handler comes with it."""
        for element in self._elements(source, argument):
            found = self.object_of(source, element)
            line = call.lineno
            if found is not None:
                router, _ = found
                if self._may_have_handlers(router):
                    for each in (made, router):
                        each.refuse(
                            source,
                            line,
                            f"{router} has handlers, and when it is included can't be "
                            "told",
                            "include it plainly where the application is made",
                        )
                continue
            thing = self._resolve(source, element)
            if not isinstance(thing, Outside):
                made_by = self._maker(source, element)
                thing = made_by if _is_foreign(made_by) else thing
            if isinstance(thing, External) and thing.package in self.trusted:
                continue
            what = source.code(element)
            if isinstance(thing, Outside):
                reason = f"`{what}` is made in {shown(thing.path)}, which wasn't given"
                advice = "name that file, too"
            elif isinstance(thing, External):
                reason = f"`{what}` isn't of this project and may have handlers"
                advice = f"if it has none: --trust {thing.package}"
            else:
                reason = f"which router `{what}` is can't be told"
                advice = "include each router plainly, by its name"
            made.refuse(source, line, reason, advice)

    def _elements(self, source: Source, argument: ast.expr) -> list[ast.expr]:
        """The routers that a loop over a list that is written out includes."""
        if isinstance(argument, ast.Name):
            scope = source.names.scopes[argument].lookup(argument.id)
            bound = scope.bindings[argument.id] if scope else []
            if len(bound) == 1:
                loop = source.names.parents[bound[0]]
                if isinstance(loop, ast.For) and isinstance(
                    loop.iter, ast.List | ast.Tuple
                ):
                    return loop.iter.elts
        return [argument]

    def _in_included_list(self, source: Source, node: ast.AST) -> bool:
        """Whether this is a list that a loop goes through, to include each."""
        return isinstance(node, ast.List | ast.Tuple) and isinstance(
            source.names.parents[node], ast.For
        )

    def _may_have_handlers(self, made: Made) -> bool:
        return any(each.registrations or each.refusals for each in made.reached())

    # What a function does with what it is given.
    def _passed(self, use: Use, call: ast.Call, place: int | str | None) -> None:
        if isinstance(call.func, ast.Attribute):
            owner = self.object_of(use.source, call.func.value)
            inner = call.func.value
            if owner is None and isinstance(inner, ast.Attribute):
                owner = self.object_of(use.source, inner.value)
            if owner is not None:
                return  # app.mount(sub), app.include_router(router)
        if (
            isinstance(call.func, ast.Attribute)
            and call.func.attr == "include_router"
            and use.made.is_router
        ):
            if not self._may_have_handlers(use.made):
                return
            use.made.refuse(
                use.source,
                call.lineno,
                f"is included into `{use.source.code(call.func.value)}`, and which "
                "application that is can't be told",
                "include it plainly where the application is made",
            )
            return
        thing = self._function(use.source, call.func)
        reason = self._what_becomes(use.source, thing, call, place, set())
        if not reason:
            return
        package = thing.package if isinstance(thing, External) else ""
        advice = (
            f"if it registers no startup or shutdown code: --trust {package}"
            if package and package != "builtins"
            else "register its handlers where it is made, or write the lifespan by hand"
        )
        use.made.refuse(
            use.source,
            call.lineno,
            f"`{use.source.code(use.node)}` is given to `{use.source.code(call.func)}`"
            f", {reason}",
            advice,
            event="registers on this" in reason,
        )

    def _what_becomes(
        self,
        source: Source,
        thing: Thing,
        call: ast.Call,
        place: int | str | None,
        seen: set[tuple[ast.AST, str]],
    ) -> str:
        """Why a function that is given an application may register on it, or ''."""
        if thing == External("functools.partial"):
            if not call.args or not isinstance(place, int | str) or place == 0:
                return "and what becomes of it can't be told"
            inner = self._function(source, call.args[0])
            place = place - 1 if isinstance(place, int) else place
            return self._what_becomes(source, inner, call, place, seen)
        if isinstance(thing, External):
            if self._registers_nothing(thing):
                return ""
            return "which isn't of this project and may register on it"
        if isinstance(thing, Defined) and isinstance(thing.node, FUNCTIONS):
            parameter = _parameter(thing.node, place)
            if parameter is None:
                return "and which of its parameters that is can't be told"
            if (thing.node, parameter) in seen:
                return ""
            seen.add((thing.node, parameter))
            return self._parameter_uses(thing, parameter, seen)
        if isinstance(thing, Outside):
            return f"which is in {shown(thing.path)}, and that wasn't given"
        return "which can't be read"

    def _registers_nothing(self, thing: External) -> bool:
        if thing.package == "builtins":
            return thing.name in HARMLESS_BUILTINS
        return thing.package in HARMLESS | self.trusted | sys.stdlib_module_names

    def _parameter_uses(
        self, thing: Defined, parameter: str, seen: set[tuple[ast.AST, str]]
    ) -> str:
        source = thing.source
        if source not in self.sources:
            self.sources.append(source)
        names = source.names
        scope = names.inner[thing.node]
        if len(scope.bindings[parameter]) > 1:
            return f"which binds `{parameter}` again"
        for name in names.loads:
            if name.id != parameter or names.scopes[name].lookup(name.id) is not scope:
                continue
            reason = self._parameter_use(source, name, seen)
            if reason:
                return f"where {source.path.name}, line {name.lineno}, {reason}"
        return ""

    def _parameter_use(
        self, source: Source, node: ast.expr, seen: set[tuple[ast.AST, str]]
    ) -> str:
        names = source.names
        parent = names.parents[node]
        if isinstance(parent, ast.Attribute):
            if parent.attr == "router":
                return self._parameter_use(source, parent, seen)
            if parent.attr in ("on_event", "add_event_handler"):
                return "registers on this parameter"
            if parent.attr in LISTS:
                return "reaches the handlers by another way"
            call = names.parents[parent]
            if parent.attr == "include_router" and isinstance(call, ast.Call):
                return self._parameter_include(source, call)
            return ""
        call = names.parents[parent] if isinstance(parent, ast.keyword) else parent
        if isinstance(call, ast.Call) and node is not call.func:
            place = (
                parent.arg if isinstance(parent, ast.keyword) else call.args.index(node)
            )
            thing = self._function(source, call.func)
            reason = self._what_becomes(source, thing, call, place, seen)
            return f"gives it to `{source.code(call.func)}`, {reason}" if reason else ""
        if isinstance(
            parent, ast.Return | ast.Compare | ast.FormattedValue | ast.If | ast.Expr
        ):
            return ""
        return "hands it on where it can't be followed"

    def _parameter_include(self, source: Source, call: ast.Call) -> str:
        arguments = _positional(call, ("router",), extra=True)
        argument = arguments[0] if arguments else call
        for element in self._elements(source, argument):
            found = self.object_of(source, element)
            if found is None:
                made_by = self._maker(source, element)
                if made_by is None or made_by.package not in self.trusted:
                    return f"includes `{source.code(element)}`, which can't be read"
            elif self._may_have_handlers(found[0]):
                return f"includes {found[0]}, which has handlers"
        return ""

    # What was registered on something else.
    def _look_for_strays(self, source: Source) -> None:
        names = source.names
        for node in names.attributes:
            if node in self._claimed:
                continue
            call = names.parents[node]
            if node.attr in ("on_event", "add_event_handler") and (
                isinstance(call, ast.Call) and call.func is node
            ):
                self._stray(source, node, call)
            elif node.attr in ("on_startup", "on_shutdown"):
                self._stray_list(source, node, call)
        for call in names.calls:
            for keyword in call.keywords:
                if keyword.arg in ("on_startup", "on_shutdown"):
                    self._stray_keyword(source, call, keyword)

    def _stray(self, source: Source, node: ast.Attribute, call: ast.Call) -> None:
        what = source.code(node)
        if _phase_of(call) is None or self._is_foreign(source, node.value):
            self._note_foreign(source, node.lineno, what)
            return
        self._refuse_stray(
            source,
            node,
            f"`{what}`: {self._about(source, node.value)}",
            "register the handlers where the application is made, or write the "
            "lifespan by hand",
        )

    def _refuse_stray(
        self, source: Source, node: ast.Attribute, reason: str, advice: str
    ) -> None:
        """Refuse it, and the applications that it may be about.

        A parameter or an attribute of `self` was given by somebody, which has been
        looked at where it was. Anything else may be what its file can import.
        """
        thing = self._resolve(source, root(node))
        if isinstance(thing, Defined) and isinstance(thing.node, ast.arg):
            about = [made for made in self.made if thing.name in made.returned_by]
        else:
            about = [made for made in self.made if self._can_import(source, made)]
        for made in about:
            made.refuse(
                source, node.lineno, f"{reason}; it may be {made}", advice, event=True
            )
        if not about:
            self.stray.append(Refusal(source.path, node.lineno, reason, advice))

    def _can_import(self, source: Source, made: Made) -> bool:
        seen: set[Path] = set()
        ahead = [source]
        while ahead:
            here = ahead.pop()
            if here is made.source:
                return True
            if here.path not in seen and here in self.sources:
                seen.add(here.path)
                ahead += self.project.imported_by(here)
        return False

    def _stray_list(self, source: Source, node: ast.Attribute, above: ast.AST) -> None:
        changes = isinstance(above, ast.Attribute) and above.attr in (
            *("append", "extend", "insert", "remove", "clear", "pop"),
        )
        assigns = isinstance(node.ctx, ast.Store) and "router" in source.code(
            node.value
        )
        if not changes and not assigns:
            return
        what = source.code(node)
        if self._is_foreign(source, node.value):
            self._note_foreign(source, node.lineno, what)
            return
        self._refuse_stray(
            source,
            node,
            f"`{what}` is changed, and whose list that is can't be told",
            "move this into the lifespan by hand",
        )

    def _stray_keyword(
        self, source: Source, call: ast.Call, keyword: ast.keyword
    ) -> None:
        if any(made.call is call for made in self.made):
            return
        what = f"{source.code(call.func)}({keyword.arg}=)"
        thing = self._resolve(source, call.func)
        if isinstance(thing, External) and thing.package not in (
            "fastapi",
            "starlette",
        ):
            self._note_foreign(source, keyword.value.lineno, what)
        elif source.code(call.func) == "super().__init__" or isinstance(thing, Outside):
            self.stray.append(
                Refusal(
                    source.path,
                    keyword.value.lineno,
                    f"`{what}` can't be followed",
                    "give it a `lifespan` by hand",
                )
            )

    def _note_foreign(self, source: Source, line: int, what: str) -> None:
        self.foreign.append(
            Refusal(source.path, line, f"`{what}` isn't FastAPI's or Starlette's")
        )

    def _is_foreign(self, source: Source, node: ast.expr) -> bool:
        """Whether something is surely made by another package."""
        return _is_foreign(self._maker(source, node))

    def _about(self, source: Source, node: ast.expr) -> str:
        thing = self._resolve(source, root(node))
        first = source.code(root(node))
        if isinstance(thing, Defined) and isinstance(thing.node, ast.arg):
            if first in ("self", "cls"):
                return "an application that is kept on an object can't be followed"
            return f"registers on the parameter `{first}`"
        if isinstance(thing, Outside):
            return f"`{first}` is made in {shown(thing.path)}, which wasn't given"
        if isinstance(thing, External):
            return f"`{first}` isn't of this project"
        if isinstance(thing, Unknown) and thing.lines:
            return thing.reason
        return f"which application `{source.code(node)}` is can't be told"


def _is_foreign(made_by: External | None) -> TypeGuard[External]:
    """Whether this is of a package beside the two frameworks and Python."""
    ours = {"fastapi", "starlette"} | sys.stdlib_module_names
    return made_by is not None and made_by.package not in ours


def _module_name(source: Source) -> str:
    path = source.path
    return path.parent.name if path.stem == "__init__" else path.stem


def _alias(parent: ast.AST, node: ast.expr) -> ast.Name | None:
    """The name that is bound to just this."""
    if isinstance(parent, ast.Assign) and len(parent.targets) == 1:
        target: ast.expr = parent.targets[0]
    elif isinstance(parent, ast.AnnAssign):
        target = parent.target
    else:
        return None
    if parent.value is node and isinstance(target, ast.Name):
        return target
    return None


def _phase_of(call: ast.Call) -> Phase | None:
    first: ast.expr | None = call.args[0] if call.args else None
    for keyword in call.keywords:
        if keyword.arg == "event_type":
            first = keyword.value
    for phase in PHASES:
        if isinstance(first, ast.Constant) and first.value == phase:
            return phase
    return None


def _positional(
    call: ast.Call, names: tuple[str, ...], *, extra: bool = False
) -> list[ast.expr] | None:
    """The arguments in the order of the parameters, None if that can't be told."""
    if any(isinstance(each, ast.Starred) for each in call.args):
        return None
    arguments = list(call.args)
    given = {each.arg: each.value for each in call.keywords}
    if None in given:
        return None
    for name in names[len(arguments) :]:
        if name in given:
            arguments.append(given.pop(name))
    return None if given and not extra else arguments


def _parameter(function: Function, place: int | str | None) -> str | None:
    arguments = function.args
    if isinstance(place, str):
        named = (*arguments.args, *arguments.kwonlyargs)
        return next((each.arg for each in named if each.arg == place), None)
    if place is None:  # `**app`
        return None
    positional = [*arguments.posonlyargs, *arguments.args]
    return positional[place].arg if place < len(positional) else None


def _early_end(scope: Scope, made: ast.AST, statement: ast.stmt) -> int | None:
    """The line of a `return` or `yield` that may come before a statement."""
    if not isinstance(scope.node, FUNCTIONS):
        return None
    for node in own_body(scope.node):
        if (
            isinstance(node, ast.Return | ast.Yield | ast.YieldFrom)
            and made.lineno < node.lineno < statement.lineno  # type: ignore[attr-defined]
        ):
            return node.lineno
    return None
