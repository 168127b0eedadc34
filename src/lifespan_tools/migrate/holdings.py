"""Which applications and routers get a lifespan, and what that one calls."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field

from lifespan_tools.migrate.applications import Applications
from lifespan_tools.migrate.handlers import Handler
from lifespan_tools.migrate.objects import Include, Made, Registration
from lifespan_tools.migrate.project import Defined, External
from lifespan_tools.migrate.refusals import Refusal
from lifespan_tools.migrate.scopes import FUNCTIONS


@dataclass(frozen=True)
class Options:
    """What was asked for, where there is a choice."""

    reverse: bool = False
    once: bool = False
    merge: bool = False


@dataclass(eq=False)
class Holding:
    """An application or router that gets a lifespan, and what that one calls."""

    holder: Made
    registrations: list[Registration]
    around: ast.expr | None = None
    """The lifespan that it had: the new one is put around it."""
    startup: list[Handler] = field(default_factory=list)
    shutdown: list[Handler] = field(default_factory=list)

    @property
    def handlers(self) -> list[Handler]:
        """All that the lifespan calls."""
        return [*self.startup, *self.shutdown]


class Holdings:
    """What gets a lifespan: the outermost objects that have none."""

    def __init__(self, applications: Applications, options: Options) -> None:
        self.found: list[Holding] = []
        self.refusals: list[Refusal] = []
        self._project = applications.project
        self._options = options
        self._seen: set[Made] = set()

    def look_for(self, made: Made) -> None:
        """Find them in an object and, if it has a lifespan, in what it includes."""
        if made in self._seen:
            return
        self._seen.add(made)
        if made.lifespan is None:
            registrations = list(dict.fromkeys(registrations_of(made)))
            if registrations:
                self.found.append(Holding(made, registrations))
            return
        self._check_given(made, made.lifespan)
        if made.registrations:
            self._hold_around(made, made.lifespan)
        for include in made.includes:
            self.look_for(include.router)

    def refuse_shared(self) -> None:
        """A router with a lifespan of its own runs it wherever it is included."""
        holders = [each.holder for each in self.found]
        for holder in holders:
            for made in holder.reached():
                if made is not holder and made in holders:
                    self._refuse(
                        made,
                        f"{made} is included by applications with and without a "
                        "lifespan",
                        "give it a lifespan by hand",
                    )

    def _refuse(self, made: Made, reason: str, advice: str) -> None:
        path, line = made.source.path, made.call.lineno
        self.refusals.append(Refusal(path, line, reason, advice))

    def _check_given(self, made: Made, lifespan: ast.expr) -> None:
        """Refuse what may be None: then the handlers run, else they don't."""
        if isinstance(lifespan, ast.Call) or not made.has_handlers:
            return
        thing = self._project.resolve(made.source, lifespan)
        if not (isinstance(thing, External) or _is_function(thing)):
            what = made.source.code(lifespan)
            self._refuse(
                made,
                f"whether `lifespan={what}` is None can't be read",
                "give it a function",
            )

    def _hold_around(self, made: Made, lifespan: ast.expr) -> None:
        """Its own handlers never run, since it has a lifespan."""
        what = made.source.code(lifespan)
        if made.is_router or not self._options.merge:
            advice = "delete it, or move it into that lifespan by hand"
            if not made.is_router:
                advice += ", or have it run from now on: --merge"
            reason = f"never runs today: {made} has `lifespan={what}`"
            self.refusals += [
                Refusal(each.source.path, each.line, reason, advice)
                for each in made.registrations
            ]
        if not self._is_lifespan(made, lifespan):
            self._refuse(
                made,
                f"`lifespan={what}` can't be read",
                "move the handlers into it by hand",
            )
        self.found.append(Holding(made, list(made.registrations), lifespan))

    def _is_lifespan(self, made: Made, node: ast.expr) -> bool:
        """Whether this is a function of the project with @asynccontextmanager."""
        thing = self._project.resolve(made.source, node)
        if not isinstance(thing, Defined) or not isinstance(thing.node, FUNCTIONS):
            return False
        decorators = [
            self._project.resolve(thing.source, each)
            for each in thing.node.decorator_list
        ]
        return decorators == [External("contextlib.asynccontextmanager")]


def _is_function(thing: object) -> bool:
    return isinstance(thing, Defined) and isinstance(thing.node, FUNCTIONS)


def registrations_of(made: Made) -> Iterator[Registration]:
    """What is in the lists of an application: include_router copies a router's."""
    for entry in made.entries:
        if isinstance(entry, Include):
            yield from registrations_of(entry.router)
        else:
            yield entry
