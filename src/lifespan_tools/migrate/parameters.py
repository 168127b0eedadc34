"""What becomes of an application that is given to a function."""

import ast
import sys

from lifespan_tools.migrate.applications import Applications, Use
from lifespan_tools.migrate.calls import in_order, parameter_at
from lifespan_tools.migrate.includes import elements
from lifespan_tools.migrate.project import Defined, External, Outside, Thing
from lifespan_tools.migrate.refusals import shown
from lifespan_tools.migrate.scopes import FUNCTIONS
from lifespan_tools.migrate.source import Source

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

Place = int | str | None
"""Which argument: its index, its name, or None for `**`."""


def look_at_passing(
    applications: Applications, use: Use, call: ast.Call, place: Place
) -> None:
    """Refuse an object whose handlers a function may touch that it is given to."""
    if _is_of_known_object(applications, use.source, call):
        return  # app.mount(sub), app.include_router(router)
    if use.made.is_router and _is_include(call):
        _look_at_include(use, call)
        return
    thing = applications.function(use.source, call.func)
    reason = _Passing(applications).reason(use.source, thing, call, place)
    if not reason:
        return
    use.made.refuse(
        use.source,
        call.lineno,
        f"`{use.source.code(use.node)}` is given to `{use.source.code(call.func)}`"
        f", {reason}",
        _advice(thing),
        event="registers on this" in reason,
    )


def _advice(thing: Thing) -> str:
    """What to do by hand about a function that may register something."""
    if isinstance(thing, External) and thing.package != "builtins":
        return f"if it registers no startup or shutdown code: --trust {thing.package}"
    if isinstance(thing, Outside):
        return "name that file, too"
    return "register its handlers where it is made, or write the lifespan by hand"


def _is_of_known_object(
    applications: Applications, source: Source, call: ast.Call
) -> bool:
    """Whether a method of an application or router is called, or of `app.router`."""
    if not isinstance(call.func, ast.Attribute):
        return False
    owner = call.func.value
    return applications.object_of(source, owner) is not None or (
        isinstance(owner, ast.Attribute)
        and applications.object_of(source, owner.value) is not None
    )


def _is_include(call: ast.Call) -> bool:
    return isinstance(call.func, ast.Attribute) and call.func.attr == "include_router"


def _look_at_include(use: Use, call: ast.Call) -> None:
    """A router that is included into something unknown."""
    if use.made.may_have_handlers:
        assert isinstance(call.func, ast.Attribute)
        use.made.refuse(
            use.source,
            call.lineno,
            f"is included into `{use.source.code(call.func.value)}`, and which "
            "application that is can't be told",
            "include it plainly where the application is made",
        )


class _Passing:
    """One object's way through functions; each parameter is looked at once."""

    def __init__(self, applications: Applications) -> None:
        self.applications = applications
        self._seen: set[tuple[ast.AST, str]] = set()

    def reason(self, source: Source, thing: Thing, call: ast.Call, place: Place) -> str:
        """Why a function that is given an application may register on it, or ''."""
        if thing == External("functools.partial"):
            if not call.args or place is None or place == 0:
                return "and what becomes of it can't be told"
            inner = self.applications.function(source, call.args[0])
            place = place - 1 if isinstance(place, int) else place
            return self.reason(source, inner, call, place)
        if isinstance(thing, External):
            if _registers_nothing(thing, self.applications.trusted):
                return ""
            return "which isn't of this project and may register on it"
        if isinstance(thing, Defined) and isinstance(thing.node, FUNCTIONS):
            parameter = parameter_at(thing.node, place)
            if parameter is None:
                return "and which of its parameters that is can't be told"
            return self._in_function(thing, parameter)
        if isinstance(thing, Outside):
            return f"which is in {shown(thing.path)}, and that wasn't given"
        return "which can't be read"

    def _in_function(self, thing: Defined, parameter: str) -> str:
        """The same of a function of the project, by what it does with a parameter."""
        if (thing.node, parameter) in self._seen:
            return ""
        self._seen.add((thing.node, parameter))
        source = thing.source
        if source not in self.applications.sources:
            self.applications.sources.append(source)
        names = source.names
        scope = names.inner[thing.node]
        if len(scope.bindings[parameter]) > 1:
            return f"which binds `{parameter}` again"
        for name in names.loads:
            if name.id != parameter or names.scopes[name].lookup(name.id) is not scope:
                continue
            if reason := self._of_use(source, name):
                return f"where {shown(source.path)}, line {name.lineno}, {reason}"
        return ""

    def _of_use(self, source: Source, node: ast.expr) -> str:
        names = source.names
        parent = names.parents[node]
        if isinstance(parent, ast.Attribute):
            return self._of_attribute(source, parent)
        call = names.parents[parent] if isinstance(parent, ast.keyword) else parent
        if isinstance(call, ast.Call) and node is not call.func:
            place = (
                parent.arg if isinstance(parent, ast.keyword) else call.args.index(node)
            )
            thing = self.applications.function(source, call.func)
            reason = self.reason(source, thing, call, place)
            return f"gives it to `{source.code(call.func)}`, {reason}" if reason else ""
        if isinstance(
            parent, ast.Return | ast.Compare | ast.FormattedValue | ast.If | ast.Expr
        ):
            return ""
        return "hands it on where it can't be followed"

    def _of_attribute(self, source: Source, node: ast.Attribute) -> str:
        if node.attr == "router":
            return self._of_use(source, node)
        if node.attr in ("on_event", "add_event_handler"):
            return "registers on this parameter"
        if node.attr in LISTS:
            return "reaches the handlers by another way"
        call = source.names.parents[node]
        if node.attr == "include_router" and isinstance(call, ast.Call):
            return self._of_include(source, call)
        return ""

    def _of_include(self, source: Source, call: ast.Call) -> str:
        arguments = in_order(call, ("router",), extra=True)
        argument = arguments[0] if arguments else call
        for element in elements(source, argument):
            found = self.applications.object_of(source, element)
            if found is None:
                made_by = self.applications.maker(source, element)
                if made_by is None or made_by.package not in self.applications.trusted:
                    return f"includes `{source.code(element)}`, which can't be read"
            elif found[0].may_have_handlers:
                return f"includes {found[0]}, which may have handlers"
        return ""


def _registers_nothing(thing: External, trusted: frozenset[str]) -> bool:
    if thing.package == "builtins":
        return thing.name in HARMLESS_BUILTINS
    return thing.package in HARMLESS | trusted | sys.stdlib_module_names
