"""An application with its routers is rewritten as a whole, or not at all."""

import ast
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from lifespan_tools.migrate.handlers import CannotCallError, Handler, handler_of
from lifespan_tools.migrate.objects import Include, Made, Phase, Registration
from lifespan_tools.migrate.project import Defined, External
from lifespan_tools.migrate.refusals import Refusal
from lifespan_tools.migrate.scopes import FUNCTIONS
from lifespan_tools.migrate.uses import Uses


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


@dataclass(eq=False)
class Unit:
    """Applications and routers that hang together, and what is to become of them."""

    made: list[Made]
    holdings: list[Holding] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    changes_count: bool = False
    """A router's handler ran more often than it will."""

    @property
    def registrations(self) -> list[Registration]:
        """All that is registered on any of them."""
        return [each for made in self.made for each in made.registrations]

    @property
    def name(self) -> str:
        """What a report calls it."""
        first = next((each for each in self.made if not each.is_router), self.made[0])
        return f"{first} in {first.source.path.name}, line {first.call.lineno}"


def units_of(uses: Uses, options: Options) -> list[Unit]:
    """The units that have something to rewrite or to refuse."""
    units = []
    for made in _connected(uses.made):
        unit = Unit(made)
        if unit.registrations or any(each.has_refused_events for each in made):
            _decide(uses, unit, options)
            units.append(unit)
    return units


def _connected(every: list[Made]) -> Iterator[list[Made]]:
    """The objects in groups that include each other."""
    group = {made: [made] for made in every}
    for made in every:
        for include in made.includes:
            first, second = group[made], group[include.router]
            if first is not second:
                first += second
                for each in second:
                    group[each] = first
    seen: set[int] = set()
    for members in group.values():
        if id(members) not in seen:
            seen.add(id(members))
            yield members


def _decide(uses: Uses, unit: Unit, options: Options) -> None:
    unit.refusals = [each for made in unit.made for each in made.refusals]
    if unit.refusals:
        return
    included = {each.router for made in unit.made for each in made.includes}
    tops = [made for made in unit.made if made not in included]
    for made in unit.made:
        _check_includes(unit, made)
        _check_imports(uses, unit, made)
    for top in tops:
        if top.is_router and any(each.registrations for each in top.reached()):
            _refuse(
                unit,
                top,
                f"{top} has handlers, and no application here includes it",
                "name the files of the application, too",
            )
        else:
            _hold(uses, unit, top, options, set())
    _check_shared(unit)
    if unit.refusals:
        return
    for holding in unit.holdings:
        _call(uses, unit, holding)
    if not unit.refusals:
        _count(unit, [top for top in tops if not top.is_router])


def _refuse(unit: Unit, made: Made, reason: str, advice: str) -> None:
    unit.refusals.append(Refusal(made.source.path, made.call.lineno, reason, advice))


def _check_includes(unit: Unit, made: Made) -> None:
    """What is registered on a router after it was included isn't in the application."""
    for include in made.includes:
        router = include.router
        if router.source is not include.source:
            continue
        if router.scope is include.scope:
            late = [each for each in router.entries if each.position > include.position]
        else:  # within a function, which may be called as soon as it is defined
            start = include.scope.node.lineno, 0  # type: ignore[attr-defined]
            late = [each for each in router.entries if each.position > start]
        for entry in late:
            if isinstance(entry, Include) and not any(
                each.registrations for each in entry.router.reached()
            ):
                continue
            unit.refusals.append(
                Refusal(
                    entry.source.path,
                    entry.line,
                    f"comes after {router} was included (line {include.line})",
                    "include it after all of its handlers are registered",
                )
            )


def _check_imports(uses: Uses, unit: Unit, made: Made) -> None:
    """Files that register run when they are imported first, by whichever file."""
    sources = {each.source for each in made.registrations}
    for source in sources - {made.source} if len(sources) > 1 else ():
        others = [
            each.path.name
            for each in uses.importers(source)
            if each not in (made.source, source)
        ]
        if others:
            line = min(
                each.line for each in made.registrations if each.source is source
            )
            unit.refusals.append(
                Refusal(
                    source.path,
                    line,
                    f"{', '.join(sorted(others))} may import this file first, so when "
                    f"its handlers are registered on {made} can't be told",
                    "register them all in one file",
                )
            )


def _hold(
    uses: Uses, unit: Unit, made: Made, options: Options, seen: set[Made]
) -> None:
    """Give a lifespan to the outermost ones that have none."""
    if made in seen:
        return
    seen.add(made)
    if made.lifespan is None:
        registrations = list(dict.fromkeys(_flat(made)))
        if registrations:
            unit.holdings.append(Holding(made, registrations))
        return
    if not _is_given(uses, made, made.lifespan) and any(
        each.registrations for each in made.reached()
    ):
        _refuse(
            unit,
            made,
            f"whether `lifespan={made.source.code(made.lifespan)}` is None can't be "
            "read",
            "give it a function",
        )
    if made.registrations:
        _hold_around(uses, unit, made, options)
    for include in made.includes:
        _hold(uses, unit, include.router, options, seen)


def _hold_around(uses: Uses, unit: Unit, made: Made, options: Options) -> None:
    """Its own handlers never run, since it has a lifespan."""
    lifespan = made.lifespan
    assert lifespan is not None
    what = made.source.code(lifespan)
    for registration in made.registrations:
        if made.is_router or not options.merge:
            unit.refusals.append(
                Refusal(
                    registration.source.path,
                    registration.line,
                    f"never runs today: {made} has `lifespan={what}`",
                    "delete it, or move it into that lifespan by hand"
                    + (
                        ""
                        if made.is_router
                        else ", or have it run from now on: --merge"
                    ),
                )
            )
    if not _is_lifespan(uses, made, lifespan):
        _refuse(
            unit,
            made,
            f"`lifespan={what}` can't be read",
            "move the handlers into it by hand",
        )
    unit.holdings.append(Holding(made, list(made.registrations), lifespan))


def _is_given(uses: Uses, made: Made, node: ast.expr) -> bool:
    """Whether this can't be None: a function's name, or a call."""
    if isinstance(node, ast.Call):
        return True
    thing = uses.project.resolve(made.source, node)
    return isinstance(thing, External) or (
        isinstance(thing, Defined) and isinstance(thing.node, FUNCTIONS)
    )


def _is_lifespan(uses: Uses, made: Made, node: ast.expr) -> bool:
    """Whether this is a function of the project with @asynccontextmanager."""
    thing = uses.project.resolve(made.source, node)
    if not isinstance(thing, Defined) or not isinstance(thing.node, FUNCTIONS):
        return False
    decorators = [
        uses.project.resolve(thing.source, each) for each in thing.node.decorator_list
    ]
    return decorators == [External("contextlib.asynccontextmanager")]


def _flat(made: Made) -> Iterator[Registration]:
    """What is in the lists of an application: include_router copies a router's."""
    for entry in made.entries:
        if isinstance(entry, Include):
            yield from _flat(entry.router)
        else:
            yield entry


def _check_shared(unit: Unit) -> None:
    """A router with a lifespan of its own runs it wherever it is included."""
    holders = [each.holder for each in unit.holdings]
    for holder in holders:
        for made in holder.reached():
            if made is not holder and made in holders:
                _refuse(
                    unit,
                    made,
                    f"{made} is included by applications with and without a lifespan",
                    "give it a lifespan by hand",
                )


def _call(uses: Uses, unit: Unit, holding: Holding) -> None:
    for registration in holding.registrations:
        try:
            handler = handler_of(uses, registration)
        except CannotCallError as error:
            unit.refusals.append(
                Refusal(
                    registration.source.path,
                    registration.line,
                    str(error),
                    error.advice,
                )
            )
            continue
        phase: Phase = registration.phase
        (holding.startup if phase == "startup" else holding.shutdown).append(handler)


def _runs(made: Made) -> Counter[Registration]:
    """How often each handler runs in one start and stop of an application."""
    runs: Counter[Registration] = Counter()
    if made.lifespan is None:
        runs.update(_flat(made))
    for include in made.includes:
        runs += _runs(include.router)
    return runs


def _runs_then(made: Made, holdings: dict[Made, Holding]) -> Counter[Registration]:
    runs: Counter[Registration] = Counter()
    if made in holdings:
        runs.update(holdings[made].registrations)
    for include in made.includes:
        runs += _runs_then(include.router, holdings)
    return runs


def _count(unit: Unit, applications: list[Made]) -> None:
    holdings = {each.holder: each for each in unit.holdings}
    for application in applications:
        before = _runs(application)
        then = _runs_then(application, holdings)
        for registration in then:
            was, will = before[registration], then[registration]
            if was > will:
                unit.changes_count = True
                unit.notes.append(
                    f"{registration.source.path.name}, line {registration.line}: this "
                    f"{registration.phase} handler of {registration.owner} ran {was} "
                    f"times and now runs {_times(will)}"
                )
            elif was < will:
                unit.notes.append(
                    f"{registration.source.path.name}, line {registration.line}: this "
                    f"{registration.phase} handler never ran and now runs"
                )


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number} times"
