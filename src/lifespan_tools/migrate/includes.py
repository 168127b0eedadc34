"""Routers that are included: which one, and whether handlers come with it."""

import ast
import sys
from typing import TypeGuard

from lifespan_tools.migrate.applications import Applications, Use
from lifespan_tools.migrate.calls import in_order
from lifespan_tools.migrate.objects import Include, Made
from lifespan_tools.migrate.project import External, Outside
from lifespan_tools.migrate.refusals import shown
from lifespan_tools.migrate.registrations import out_of_place
from lifespan_tools.migrate.source import Source


class Includes:
    """The calls of `include_router` on known objects.

    One that is plain becomes an `Include`. The others wait until every handler is
    known: they are fine if none comes with them.
    """

    def __init__(self, applications: Applications) -> None:
        self.applications = applications
        self._unclear: list[tuple[Made, Source, ast.Call, ast.expr]] = []

    def add(self, use: Use, call: ast.Call) -> None:
        """Note what a call includes."""
        arguments = in_order(call, ("router",), extra=True)
        argument = arguments[0] if arguments else call
        found = self.applications.object_of(use.source, argument) if arguments else None
        if found is None or not self._is_plain(use, call, derived=found[1]):
            self._unclear.append((use.made, use.source, call, argument))
            return
        scope = use.source.names.scopes[use.source.names.statement(call)]
        use.made.includes.append(
            Include(use.made, use.source, scope, call, argument, found[0])
        )

    def _is_plain(self, use: Use, call: ast.Call, *, derived: bool) -> bool:
        """Whether it is surely run, once, where the including object is made."""
        statement = use.source.names.statement(call)
        return (
            not derived
            and use.source is use.made.source
            and not out_of_place(self.applications, use, statement)
        )

    def refuse_unclear(self) -> None:
        """Refuse those that handlers may come with."""
        for made, source, call, argument in self._unclear:
            for element in elements(source, argument):
                found = self.applications.object_of(source, element)
                if found is None:
                    self._refuse_unknown(made, source, call, element)
                elif found[0].may_have_handlers:
                    self._refuse_whenever(made, source, call, found[0])

    def _refuse_whenever(
        self, made: Made, source: Source, call: ast.Call, router: Made
    ) -> None:
        for each in (made, router):
            each.refuse(
                source,
                call.lineno,
                f"{router} may have handlers, and when it is included can't be told",
                "include it plainly where the application is made",
            )

    def _refuse_unknown(
        self, made: Made, source: Source, call: ast.Call, element: ast.expr
    ) -> None:
        what = source.code(element)
        thing = self.applications.resolve(source, element)
        if not isinstance(thing, Outside):
            made_by = self.applications.maker(source, element)
            thing = made_by if is_foreign(made_by) else thing
        if isinstance(thing, External) and thing.package in self.applications.trusted:
            return
        if isinstance(thing, Outside):
            reason = f"`{what}` is made in {shown(thing.path)}, which wasn't given"
            advice = "name that file, too"
        elif isinstance(thing, External):
            reason = f"`{what}` isn't of this project and may have handlers"
            advice = f"if it has none: --trust {thing.package}"
        else:
            reason = f"which router `{what}` is can't be told"
            advice = "include each router plainly, by its name"
        made.refuse(source, call.lineno, reason, advice)


def elements(source: Source, argument: ast.expr) -> list[ast.expr]:
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


def includes_of_each(source: Source, node: ast.AST) -> list[ast.Call] | None:
    """The calls that include each of a list that a loop goes through.

    None if this is no such list, or the loop does anything else with them.
    """
    names = source.names
    loop = names.parents.get(node)
    if (
        not isinstance(node, ast.List | ast.Tuple)
        or not isinstance(loop, ast.For)
        or not isinstance(loop.target, ast.Name)
    ):
        return None
    scope = names.scopes[loop.target].lookup(loop.target.id)
    calls = []
    for name in names.loads:
        if name.id == loop.target.id and names.scopes[name].lookup(name.id) is scope:
            call = names.parents[name]
            if isinstance(call, ast.keyword):
                call = names.parents[call]
            if not isinstance(call, ast.Call) or not is_include(call, name):
                return None
            calls.append(call)
    return calls


def is_include(call: ast.Call, router: ast.expr) -> bool:
    """Whether this is `something.include_router(router)`."""
    arguments = in_order(call, ("router",), extra=True) or []
    return (
        isinstance(call.func, ast.Attribute)
        and call.func.attr == "include_router"
        and arguments[:1] == [router]
    )


def is_foreign(made_by: External | None) -> TypeGuard[External]:
    """Whether this is of a package beside the two frameworks and Python."""
    ours = {"fastapi", "starlette"} | sys.stdlib_module_names
    return made_by is not None and made_by.package not in ours
