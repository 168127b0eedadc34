"""The applications and routers of a project, and what is registered on them."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from lifespan_tools.migrate.project import Defined, External, Project
from lifespan_tools.migrate.refusals import Refusal
from lifespan_tools.migrate.scopes import Function, Scope
from lifespan_tools.migrate.source import Source

APPLICATIONS = {
    "fastapi.FastAPI",
    "fastapi.applications.FastAPI",
    "starlette.applications.Starlette",
}
ROUTERS = {
    "fastapi.APIRouter",
    "fastapi.routing.APIRouter",
    "starlette.routing.Router",
}
Phase = Literal["startup", "shutdown"]
PHASES: tuple[Phase, Phase] = ("startup", "shutdown")
Kind = Literal["decorator", "statement", "list"]


@dataclass(eq=False)
class Registration:
    """One handler, registered once."""

    owner: "Made"
    source: Source
    scope: Scope
    phase: Phase
    node: ast.AST
    """The decorator, the statement, or the element of a list."""
    handler: ast.expr | Function
    kind: Kind
    imported_at: ast.alias | None = None
    """In another file than its owner: what runs this file in an import there."""

    @property
    def line(self) -> int:
        """Its line, counted from 1."""
        return self.node.lineno  # type: ignore[attr-defined,no-any-return]

    @property
    def position(self) -> tuple[int, ...]:
        """When it is registered, as a place in the owner's file."""
        here = self.line, self.node.col_offset  # type: ignore[attr-defined]
        if self.imported_at is None:
            return here
        return self.imported_at.lineno, self.imported_at.col_offset, *here


@dataclass(eq=False)
class Include:
    """`include_router`, with the router that it includes."""

    owner: "Made"
    source: Source
    scope: Scope
    node: ast.Call
    argument: ast.expr
    router: "Made"

    @property
    def line(self) -> int:
        """Its line, counted from 1."""
        return self.node.lineno

    @property
    def position(self) -> tuple[int, ...]:
        """Where it stands in its file."""
        return self.line, self.node.col_offset


@dataclass(eq=False)
class Made:
    """An application or a router: the call that makes it, and what happens to it."""

    source: Source
    scope: Scope
    call: ast.Call
    is_router: bool
    name: str | None = None
    own_name: ast.Name | None = None
    returned_by: set[str] = field(default_factory=set)
    lifespan: ast.expr | None = None
    registrations: list[Registration] = field(default_factory=list)
    includes: list[Include] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    has_refused_events: bool = False

    def __str__(self) -> str:
        what = "router" if self.is_router else "application"
        return f"{what} `{self.name}`" if self.name else what

    @property
    def entries(self) -> list[Registration | Include]:
        """All of them in the file of the application, in the order of its lines."""
        return sorted(
            (*self.registrations, *self.includes), key=lambda entry: entry.position
        )

    @property
    def includes_in_order(self) -> list[Include]:
        """What it includes, in the order of the lines."""
        return [each for each in self.entries if isinstance(each, Include)]

    def refuse(
        self,
        source: Source,
        line: int,
        reason: str,
        advice: str = "",
        *,
        event: bool = False,
    ) -> None:
        """Note why this one can't be rewritten; `event`: it surely has handlers."""
        self.has_refused_events |= event
        refusal = Refusal(source.path, line, reason, advice)
        if refusal not in self.refusals:
            self.refusals.append(refusal)

    def refuse_place(self, reason: str, advice: str) -> None:
        """Note why the place where it is made doesn't do."""
        self.refuse(self.source, self.call.lineno, reason, advice)

    @property
    def has_handlers(self) -> bool:
        """Whether it or a router below has any."""
        return any(each.registrations for each in self.reached())

    @property
    def may_have_handlers(self) -> bool:
        """The same, counting those that can't be told from what was refused."""
        return any(each.registrations or each.refusals for each in self.reached())

    def reached(self) -> Iterator["Made"]:
        """This one and all routers that are included, once for each path to it."""
        yield self
        for include in self.includes:
            yield from include.router.reached()


def makers(project: Project, source: Source) -> Iterator[Made]:
    """The calls in a file that make an application or a router."""
    for call in source.names.calls:
        kind = _kind(project, source, call.func)
        if kind is None:
            continue
        statement = source.names.statement(call)
        made = Made(source, source.names.scopes[call], call, kind in ROUTERS)
        target = _target(statement, call)
        _read_arguments(made)
        if isinstance(target, ast.Name):
            made.name, made.own_name = target.id, target
        elif not isinstance(statement, ast.Return) and (made.registrations or target):
            made.refuse_place(
                "is kept where it can't be followed",
                "give it to a variable of its own first",
            )
        if isinstance(project.resolve(source, call.func), Defined):
            made.refuse_place(
                f"`{source.code(call.func)}` is a class of the project's own",
                "give its `__init__` a `lifespan` by hand",
            )
        yield made


def _target(statement: ast.stmt, call: ast.Call) -> ast.expr | None:
    if isinstance(statement, ast.Assign) and statement.value is call:
        return statement.targets[0] if len(statement.targets) == 1 else None
    if isinstance(statement, ast.AnnAssign) and statement.value is call:
        return statement.target
    return None


def _kind(
    project: Project, source: Source, node: ast.expr, depth: int = 0
) -> str | None:
    """Which of the known classes is called; a subclass counts as what it extends."""
    thing = project.resolve(source, node)
    if isinstance(thing, External):
        return thing.name if thing.name in APPLICATIONS | ROUTERS else None
    if isinstance(thing, Defined) and isinstance(thing.node, ast.ClassDef):
        for base in thing.node.bases if depth < 9 else ():
            if kind := _kind(project, thing.source, base, depth + 1):
                return kind
    return None


def _read_arguments(made: Made) -> None:
    source = made.source
    if any(isinstance(each, ast.Starred) for each in made.call.args):
        made.refuse_place("is made with `*`", "write its arguments out")
    for keyword in made.call.keywords:
        if keyword.arg is None and not isinstance(keyword.value, ast.Dict):
            made.refuse(
                source,
                keyword.value.lineno,
                f"`**{source.code(keyword.value)}` may hold handlers or a lifespan",
                "write these arguments out",
            )
        elif keyword.arg is None:
            _read_dict(made, keyword.value)
        elif keyword.arg == "lifespan" and not _is_none(keyword.value):
            made.lifespan = keyword.value
        elif keyword.arg in ("on_startup", "on_shutdown"):
            _read_list(made, keyword)


def _read_dict(made: Made, value: ast.expr) -> None:
    keys = value.keys if isinstance(value, ast.Dict) else []
    names = ("lifespan", "on_startup", "on_shutdown")
    for key in keys:
        if not isinstance(key, ast.Constant) or key.value in names:
            made.refuse(
                made.source,
                value.lineno,
                "`**{...}` may hold handlers or a lifespan",
                "write these arguments out",
            )


def _read_list(made: Made, keyword: ast.keyword) -> None:
    phase: Phase = "startup" if keyword.arg == "on_startup" else "shutdown"
    value = keyword.value
    if _is_none(value):
        return
    if not isinstance(value, ast.List | ast.Tuple) or any(
        isinstance(each, ast.Starred) for each in value.elts
    ):
        made.refuse(
            made.source,
            value.lineno,
            f"`{keyword.arg}=` isn't written out as a list",
            "write the functions between [ and ] there",
            event=True,
        )
        return
    made.registrations += [
        Registration(made, made.source, made.scope, phase, each, each, "list")
        for each in value.elts
    ]


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None
