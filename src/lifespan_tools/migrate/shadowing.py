"""Handlers whose name a later function of the same scope has, too."""

import ast

from lifespan_tools.migrate.objects import Registration
from lifespan_tools.migrate.refusals import CannotCallError
from lifespan_tools.migrate.scopes import FUNCTIONS, Function


def is_shadowed(registration: Registration, node: Function) -> bool:
    """Whether a later function of the same scope has this decorated one's name.

    CannotCallError if something may read the name, for it may mean either.
    """
    names, scope = registration.source.names, registration.scope
    same: list[ast.AST] = scope.bindings[node.name]
    if len(same) == 1:
        return False
    lines: list[int] = sorted(each.lineno for each in same)  # type: ignore[attr-defined]
    only_functions = all(
        isinstance(each, FUNCTIONS) and names.parents[each] is scope.node
        for each in same
    )
    is_read = any(
        each.id == node.name and names.scopes[each].lookup(each.id) is scope
        for each in names.loads
    )
    may_be_imported = scope.is_module and any(
        isinstance(each, ast.Import | ast.ImportFrom)
        and lines[0] < each.lineno < lines[-1]
        for each in names.tree.body
    )
    only_registered = all(
        isinstance(each, ast.Call)
        and isinstance(each.func, ast.Attribute)
        and each.func.attr == "on_event"
        for each in node.decorator_list
    )
    if is_read or may_be_imported or not (only_functions and only_registered):
        raise CannotCallError(
            f"`{node.name}` is bound more than once (lines "
            f"{', '.join(map(str, lines))})",
            "give each handler a name of its own",
        )
    return node.lineno < lines[-1]
