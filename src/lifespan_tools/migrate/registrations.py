"""Handlers that are registered on a known application or router."""

import ast
from dataclasses import dataclass

from lifespan_tools.migrate.applications import Applications, Use
from lifespan_tools.migrate.calls import in_order, phase_of
from lifespan_tools.migrate.objects import Kind, Registration
from lifespan_tools.migrate.project import ModuleOf
from lifespan_tools.migrate.refusals import shown
from lifespan_tools.migrate.scopes import (
    FUNCTIONS,
    Function,
    Names,
    Scope,
    own_body,
)
from lifespan_tools.migrate.source import Source

BLOCKS = {
    ast.If: "under a condition",
    ast.For: "in a loop",
    ast.While: "in a loop",
    ast.With: "within `with`",
    ast.Try: "within `try`",
}


def register(applications: Applications, use: Use, call: ast.Call) -> None:
    """Note what a call registers, or why that can't be told."""
    found = _registration(applications, use, call)
    if isinstance(found, Registration):
        use.made.registrations.append(found)
    else:
        use.made.refuse(
            use.source,
            call.lineno,
            f"`{use.source.code(call)}` {found}",
            _advice(use, call),
            event=True,
        )


def _advice(use: Use, call: ast.Call) -> str:
    names, made = use.source.names, use.made
    if isinstance(names.parents[names.statement(call)], ast.If):
        return "put the condition inside the handler"
    place = f"{made} is made"
    if use.source is not made.source:
        place += f" ({shown(made.source.path)}, line {made.call.lineno})"
    return f"register it plainly where {place}, or write the lifespan by hand"


def _registration(
    applications: Applications, use: Use, call: ast.Call
) -> Registration | str:
    names, made = use.source.names, use.made
    phase, arguments = phase_of(call), in_order(call, ("event_type", "func"))
    wanted = 1 if call.func.attr == "on_event" else 2  # type: ignore[attr-defined]
    if phase is None or arguments is None or len(arguments) != wanted:
        return "which event this is, and its handler, can't be read"
    form = _form(names, call, arguments)
    if form is None:
        return "is used in a way that isn't known"
    statement = names.statement(call)
    if reason := out_of_place(applications, use, statement):
        return reason
    return Registration(
        made,
        use.source,
        names.scopes[statement],
        phase,
        form.node,
        form.handler,
        form.kind,
        None if use.source is made.source else import_of(applications, use),
    )


@dataclass(frozen=True)
class Form:
    """How a registration is written."""

    node: ast.AST
    handler: ast.expr | Function
    kind: Kind


def _form(names: Names, call: ast.Call, arguments: list[ast.expr]) -> Form | None:
    statement, outer = names.statement(call), names.parents[call]
    if len(arguments) == 2 and outer is statement and isinstance(statement, ast.Expr):
        return Form(statement, arguments[1], "statement")
    if isinstance(statement, FUNCTIONS) and call in statement.decorator_list:
        return Form(call, statement, "decorator")
    if (
        len(arguments) == 1
        and isinstance(outer, ast.Call)
        and outer.func is call
        and names.parents[outer] is statement
        and isinstance(statement, ast.Expr)
        and len(outer.args) == 1
        and not outer.keywords
    ):
        return Form(statement, outer.args[0], "statement")
    return None


def out_of_place(applications: Applications, use: Use, statement: ast.stmt) -> str:
    """Why a statement on an object may run never, later or often, if it may."""
    names, made = use.source.names, use.made
    scope = names.scopes[statement]
    if use.derived:
        return "registers on what a function made, or a name that is bound twice"
    around = names.parents[statement]
    if around is not scope.node:
        return f"is run {BLOCKS.get(type(around), 'within a block')}"
    if use.source is not made.source:
        if not scope.is_module:
            return "is run when a function is called"
        if import_of(applications, use) is None:
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


def _early_end(scope: Scope, made: ast.Call, statement: ast.stmt) -> int | None:
    """The line of a `return` or `yield` that may come before a statement."""
    if not isinstance(scope.node, FUNCTIONS):
        return None
    for node in own_body(scope.node):
        if (
            isinstance(node, ast.Return | ast.Yield | ast.YieldFrom)
            and made.lineno < node.lineno < statement.lineno
        ):
            return node.lineno
    return None


def import_of(applications: Applications, use: Use) -> ast.alias | None:
    """Where the file that makes an application imports the one of this use."""
    for node in use.made.source.tree.body:
        if (
            isinstance(node, ast.Import | ast.ImportFrom)
            and node.lineno > use.made.call.lineno
        ):
            for alias in node.names:
                if _imports(applications, use.made.source, node, alias, use.source):
                    return alias
    return None


def _imports(
    applications: Applications,
    source: Source,
    node: ast.Import | ast.ImportFrom,
    alias: ast.alias,
    target: Source,
) -> bool:
    project = applications.project
    if isinstance(node, ast.Import):
        found = [project.module(source, alias.name, 0)]
    else:
        found = [
            project.module(source, node.module or "", node.level),
            project.from_import(source, node, alias.name),
        ]
    return ModuleOf(target) in found
