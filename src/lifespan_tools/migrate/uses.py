"""What a project does with its applications and routers: every use is looked at."""

import ast

from lifespan_tools.migrate.applications import Applications, Use, alias_of
from lifespan_tools.migrate.includes import Includes, includes_of_each
from lifespan_tools.migrate.parameters import LISTS, look_at_passing
from lifespan_tools.migrate.project import Project
from lifespan_tools.migrate.registrations import register
from lifespan_tools.migrate.strays import Strays

READING = (ast.Compare, ast.FormattedValue, ast.Expr, ast.Assert, ast.If)
"""What an object may stand in without going anywhere."""


def applications_of(
    project: Project, trusted: frozenset[str] = frozenset()
) -> Applications:
    """All applications and routers of a project, with all that is registered on them.

    trusted: packages that register nothing on an application that they are given.
    """
    applications = Applications(project, trusted)
    includes = Includes(applications)
    uses = list(applications.uses())
    for use in uses:
        if isinstance(use.parent, ast.Attribute):
            _look_at_attribute(applications, includes, use, use.parent)
    _refuse_unclear(applications, includes, uses)
    return applications


def _refuse_unclear(
    applications: Applications, includes: Includes, uses: list[Use]
) -> None:
    """Find every reason. A router that is refused is one for what includes it."""
    before, now = -1, 0
    while before < now:
        before = now
        for use in uses:
            _look_at(applications, use)
        includes.refuse_unclear()
        for source in applications.sources:
            Strays(applications, source).look()
        now = sum(len(made.refusals) for made in applications.made)


def _look_at(applications: Applications, use: Use) -> None:
    names, parent = use.source.names, use.parent
    if isinstance(parent, ast.keyword) and isinstance(
        call := names.parents[parent], ast.Call
    ):
        look_at_passing(applications, use, call, parent.arg)
    elif isinstance(parent, ast.Call) and use.node in parent.args:
        look_at_passing(applications, use, parent, parent.args.index(use.node))
    elif (target := alias_of(use)) is not None:
        if not applications.is_bound(target):
            use.refuse_as_lost()
    elif (calls := includes_of_each(use.source, parent)) is not None:
        for call in calls:
            look_at_passing(applications, use, call, 0)
    elif not isinstance(parent, (*READING, ast.Attribute, ast.Return, ast.Yield)):
        use.refuse_as_lost()


def _look_at_attribute(
    applications: Applications, includes: Includes, use: Use, node: ast.Attribute
) -> None:
    names = use.source.names
    if node.attr == "router" and not use.made.is_router:
        parent = names.parents[node]
        if not isinstance(parent, ast.Attribute):
            Use(use.source, node, use.made, use.derived).refuse_as_lost()
            return
        node = parent
    applications.claimed.add(node)
    if node.attr in ("on_event", "add_event_handler", "include_router"):
        call = names.parents[node]
        if not isinstance(call, ast.Call) or call.func is not node:
            use.refuse_as_lost()
        elif node.attr == "include_router":
            includes.add(use, call)
        else:
            register(applications, use, call)
    elif node.attr in LISTS:
        use.made.refuse(
            use.source,
            node.lineno,
            f"`{use.source.code(node)}` reaches the handlers by another way",
            "move this into the lifespan by hand",
        )
