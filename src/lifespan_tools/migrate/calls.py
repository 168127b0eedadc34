"""The arguments of a call, as its function gets them."""

import ast

from lifespan_tools.migrate.objects import PHASES, Phase
from lifespan_tools.migrate.scopes import Function


def phase_of(call: ast.Call) -> Phase | None:
    """The event that a handler is registered for, if it is written out."""
    first: ast.expr | None = call.args[0] if call.args else None
    for keyword in call.keywords:
        if keyword.arg == "event_type":
            first = keyword.value
    for phase in PHASES:
        if isinstance(first, ast.Constant) and first.value == phase:
            return phase
    return None


def in_order(
    call: ast.Call, names: tuple[str, ...], *, extra: bool = False
) -> list[ast.expr] | None:
    """The arguments in the order of the parameters, None if that can't be told.

    extra: whether there may be more arguments, given by name.
    """
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


def parameter_at(function: Function, place: int | str | None) -> str | None:
    """The parameter that gets an argument; place: its index, its name or `**`."""
    arguments = function.args
    if isinstance(place, str):
        named = (*arguments.args, *arguments.kwonlyargs)
        return next((each.arg for each in named if each.arg == place), None)
    if place is None:  # `**app`
        return None
    positional = [*arguments.posonlyargs, *arguments.args]
    return positional[place].arg if place < len(positional) else None
