"""What is registered: how the lifespan calls it, and whether it has to await it."""

import ast
from dataclasses import dataclass

from lifespan_tools.migrate.applications import Applications
from lifespan_tools.migrate.objects import Registration
from lifespan_tools.migrate.project import Defined, External, Member, Outside, Unknown
from lifespan_tools.migrate.refusals import CannotCallError, shown
from lifespan_tools.migrate.scopes import FUNCTIONS, Function, Scope, own_body, root
from lifespan_tools.migrate.shadowing import is_shadowed
from lifespan_tools.migrate.source import Source

BY_NAME = "define a function of your own that calls it, and register that one"


@dataclass(frozen=True)
class Handler:
    """How a lifespan in the same scope calls what was registered."""

    registration: Registration
    function: str
    is_async: bool
    is_typed: bool
    first_name: str
    scope: Scope
    """Where that name is bound."""
    needs_name: bool = False
    """It was made where it is registered, or a later function has its name."""
    names: frozenset[str] = frozenset()
    """The names in the body of a lambda, which `function` is then."""

    @property
    def source(self) -> Source:
        """The file that registers it."""
        return self.registration.source


def handler_of(applications: Applications, registration: Registration) -> Handler:
    """What a registration registers. CannotCallError if that can't be proven."""
    source, node = registration.source, registration.handler
    if isinstance(node, FUNCTIONS):
        return Handler(
            registration,
            node.name,
            _is_async(applications, source, node),
            node.returns is not None,
            node.name,
            registration.scope,
            needs_name=is_shadowed(registration, node),
        )
    if isinstance(node, ast.Lambda):
        return _inlined(registration, node)
    is_async, is_typed = _kind(applications, source, node)
    if isinstance(node, ast.Name | ast.Attribute):
        first = root(node)
        assert isinstance(first, ast.Name)
        scope = source.names.scopes[first].lookup(first.id)
        if scope is None:
            raise CannotCallError(
                f"`{first.id}` comes from `import *`", "import it by its name"
            )
        return Handler(
            registration, source.code(node), is_async, is_typed, first.id, scope
        )
    if registration.kind == "list":
        raise CannotCallError(
            f"`{source.code(node)}` is made within the list",
            "define a function before, and put its name into the list",
        )
    return Handler(
        registration,
        f"on_{registration.phase}",
        is_async,
        is_typed,
        "",
        registration.scope,
        needs_name=True,
    )


def _inlined(registration: Registration, node: ast.Lambda) -> Handler:
    """A lambda without parameters reads its names when it runs, as a lifespan does."""
    source = registration.source
    if node.args.args or node.args.kwonlyargs or node.args.vararg or node.args.kwarg:
        raise CannotCallError(
            f"`{source.code(node)}` has parameters",
            "define a function before, and register that one",
        )
    body = source.code(node.body)
    if not isinstance(node.body, ast.Call):
        raise CannotCallError(f"`{source.code(node)}` calls nothing", "delete it")
    return Handler(
        registration,
        f"({body})" if "\n" in body else body,
        is_async=False,
        is_typed=True,
        first_name="",
        scope=registration.scope,
        names=frozenset(
            each.id for each in ast.walk(node.body) if isinstance(each, ast.Name)
        ),
    )


def _kind(
    applications: Applications, source: Source, node: ast.expr, depth: int = 0
) -> tuple[bool, bool]:
    """Whether an expression's value is async, and whether its definition is typed."""
    what = source.code(node)
    if depth > 9:
        raise CannotCallError(f"`{what}` is defined in a circle", BY_NAME)
    if isinstance(node, ast.Lambda):
        return False, False
    if isinstance(node, ast.Call):
        return _kind_of_call(applications, source, node, depth)
    if not isinstance(node, ast.Name | ast.Attribute):
        raise CannotCallError(f"`{what}` isn't a function's name", BY_NAME)
    thing = applications.project.resolve(source, node)
    if isinstance(thing, Defined):
        if isinstance(thing.node, FUNCTIONS):
            is_async = _is_async(applications, thing.source, thing.node)
            return is_async, thing.node.returns is not None
        value = _value(thing)
        if value is not None:
            return _kind(applications, thing.source, value, depth + 1)
    if isinstance(thing, Member):
        method = _method(applications, thing)
        return _is_async(applications, *method), method[1].returns is not None
    if isinstance(thing, External):
        reason = f"whether `{what}` is async can't be read: it isn't of this project"
    elif isinstance(thing, Outside):
        reason = f"`{what}` is in {shown(thing.path)}, which wasn't given"
        raise CannotCallError(reason, "name that file, too")
    elif isinstance(thing, Unknown):
        lines = ", ".join(map(str, thing.lines))
        reason = f"`{what}` can't be followed: {thing.reason}"
        reason += f" (lines {lines})" if lines else ""
    else:
        reason = f"whether `{what}` is async can't be read"
    raise CannotCallError(reason, BY_NAME)


def _kind_of_call(
    applications: Applications, source: Source, node: ast.Call, depth: int
) -> tuple[bool, bool]:
    what = source.code(node.func)
    thing = applications.project.resolve(source, node.func)
    if thing == External("functools.partial") and node.args:
        return _kind(applications, source, node.args[0], depth + 1)
    if (
        isinstance(thing, Defined)
        and isinstance(thing.node, ast.FunctionDef)
        and not thing.node.decorator_list
    ):
        return _kind_of_result(applications, thing, thing.node)
    raise CannotCallError(
        f"whether what `{what}(...)` returns is async can't be read", BY_NAME
    )


def _kind_of_result(
    applications: Applications, thing: Defined, maker: Function
) -> tuple[bool, bool]:
    """A function that defines a function and returns it."""
    inner = thing.source.names.inner[maker]
    kinds = set()
    for each in own_body(maker):
        if isinstance(each, ast.Yield | ast.YieldFrom):
            raise CannotCallError(f"`{maker.name}` is a generator", BY_NAME)
        if isinstance(each, ast.Return):
            name = each.value.id if isinstance(each.value, ast.Name) else ""
            nodes = inner.bindings.get(name, [])
            if len(nodes) != 1 or not isinstance(nodes[0], FUNCTIONS):
                raise CannotCallError(
                    f"whether what `{maker.name}(...)` returns is async can't be read",
                    BY_NAME,
                )
            is_async = _is_async(applications, thing.source, nodes[0])
            kinds.add((is_async, nodes[0].returns is not None))
    if len({is_async for is_async, _ in kinds}) != 1:
        raise CannotCallError(
            f"whether what `{maker.name}(...)` returns is async can't be read", BY_NAME
        )
    return kinds.pop()


def _value(thing: Defined) -> ast.expr | None:
    parent = thing.source.names.parents[thing.node]
    if isinstance(parent, ast.Assign | ast.AnnAssign) and thing.node in (
        *getattr(parent, "targets", ()),
        getattr(parent, "target", None),
    ):
        return parent.value
    return None


def _method(applications: Applications, member: Member) -> tuple[Source, Function]:
    """The method that `thing.name` is, of an object or of a class."""
    owner = member.owner
    what = f"{owner.name}.{member.name}"
    made_by: Defined | None = owner if isinstance(owner.node, ast.ClassDef) else None
    value = _value(owner)
    if isinstance(value, ast.Call):
        thing = applications.project.resolve(owner.source, value.func)
        if isinstance(thing, Defined) and isinstance(thing.node, ast.ClassDef):
            made_by = thing
        elif isinstance(thing, External):
            raise CannotCallError(
                f"whether `{what}` is async can't be read: it isn't of this project",
                BY_NAME,
            )
    seen: set[Defined] = set()
    while made_by is not None and made_by not in seen:
        seen.add(made_by)
        node = made_by.node
        assert isinstance(node, ast.ClassDef)
        found = made_by.source.names.inner[node].bindings.get(member.name, [])
        if found:
            first = found[0]
            single = len(found) == 1 and not _set_elsewhere(applications, member.name)
            if single and isinstance(first, FUNCTIONS):
                return made_by.source, first
            break
        base = (
            applications.project.resolve(made_by.source, node.bases[0])
            if len(node.bases) == 1
            else None
        )
        is_class = isinstance(base, Defined) and isinstance(base.node, ast.ClassDef)
        made_by = base if is_class else None  # type: ignore[assignment]
    raise CannotCallError(f"whether `{what}` is async can't be read", BY_NAME)


def _set_elsewhere(applications: Applications, name: str) -> bool:
    """Whether any object gets an attribute of this name."""
    return any(
        node.attr == name and not isinstance(node.ctx, ast.Load)
        for source in applications.sources
        for node in source.names.attributes
    )


def _is_async(applications: Applications, source: Source, node: Function) -> bool:
    """As Starlette decides it: by the definition, not by what comes out."""
    for decorator in node.decorator_list:
        if not _harmless(applications, source, decorator):
            raise CannotCallError(
                f"`{node.name}` is decorated with `{source.code(decorator)}`, which "
                "may make another function of it",
                "register a plain function that calls this one",
            )
    if any(isinstance(each, ast.Yield | ast.YieldFrom) for each in own_body(node)):
        raise CannotCallError(
            f"`{node.name}` holds a `yield`, so nothing in it ever ran",
            "make it a lifespan by hand",
        )
    return isinstance(node, ast.AsyncFunctionDef)


def _harmless(applications: Applications, source: Source, decorator: ast.expr) -> bool:
    """Whether a decorator gives back the function that it got."""
    if isinstance(decorator, ast.Name):
        return applications.project.resolve(source, decorator) in (
            External("builtins.staticmethod"),
            External("builtins.classmethod"),
        )
    if isinstance(decorator, ast.Call) and isinstance(decorator.func, ast.Attribute):
        owner = decorator.func.value
        if isinstance(owner, ast.Attribute) and owner.attr == "router":
            owner = owner.value
        return applications.object_of(source, owner) is not None
    return False
