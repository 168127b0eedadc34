"""An application with its routers is rewritten as a whole, or not at all."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from lifespan_tools.migrate.applications import Applications
from lifespan_tools.migrate.counts import changes_of
from lifespan_tools.migrate.handlers import Handler, handler_of
from lifespan_tools.migrate.holdings import Holding, Holdings, Options
from lifespan_tools.migrate.objects import Include, Made, Registration
from lifespan_tools.migrate.order import too_early
from lifespan_tools.migrate.refusals import CannotCallError, Refusal, shown


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
    def top(self) -> Made:
        """The first application, or a router if there is none."""
        return next((each for each in self.made if not each.is_router), self.made[0])

    @property
    def place(self) -> str:
        """Where that one is made: file and line."""
        return f"{shown(self.top.source.path)}:{self.top.call.lineno}"


def units_of(applications: Applications, options: Options) -> list[Unit]:
    """The units that have something to rewrite or to refuse."""
    units = []
    for made in _connected(applications.made):
        unit = Unit(made)
        if unit.registrations or any(each.has_refused_events for each in made):
            _decide(applications, unit, options)
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


def _decide(applications: Applications, unit: Unit, options: Options) -> None:
    unit.refusals = [each for made in unit.made for each in made.refusals]
    if unit.refusals:
        return
    included = {each.router for made in unit.made for each in made.includes}
    tops = [made for made in unit.made if made not in included]
    for made in unit.made:
        _check_includes(unit, made)
        _check_imports(applications, unit, made)
    holdings = Holdings(applications, options)
    for top in tops:
        if top.is_router and top.has_handlers:
            unit.refusals.append(_without_application(top))
        else:
            holdings.look_for(top)
    holdings.refuse_shared()
    if not options.reverse:
        _check_order(unit, holdings.found)
    unit.holdings = holdings.found
    unit.refusals += holdings.refusals
    if unit.refusals:
        return
    for holding in unit.holdings:
        _find_handlers(applications, unit, holding)
    if not unit.refusals:
        _note_changes(unit, [top for top in tops if not top.is_router])


def _check_order(unit: Unit, holdings: list[Holding]) -> None:
    """A shutdown handler must not move behind the end of a router's lifespan."""
    for holding in holdings:
        found = too_early(holding.holder) if holding.around is None else None
        if found:
            handler, router = found
            unit.refusals.append(
                Refusal(
                    handler.source.path,
                    handler.line,
                    f"ran before the lifespan of {router} ended, and in the lifespan "
                    f"of {holding.holder} it would run after that",
                    f"give {handler.owner} a lifespan by hand",
                )
            )


def _without_application(router: Made) -> Refusal:
    return Refusal(
        router.source.path,
        router.call.lineno,
        f"{router} has handlers, and no application here includes it",
        "name the files of the application, too",
    )


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
            if isinstance(entry, Include) and not entry.router.has_handlers:
                continue
            unit.refusals.append(
                Refusal(
                    entry.source.path,
                    entry.line,
                    f"comes after {router} was included (line {include.line})",
                    "include it after all of its handlers are registered",
                )
            )


def _check_imports(applications: Applications, unit: Unit, made: Made) -> None:
    """Files that register run when they are imported first, by whichever file."""
    sources = {each.source for each in made.registrations}
    for source in sources - {made.source} if len(sources) > 1 else ():
        others = [
            shown(each.path)
            for each in applications.importers(source)
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


def _find_handlers(applications: Applications, unit: Unit, holding: Holding) -> None:
    """Find out how the lifespan calls each handler."""
    for registration in holding.registrations:
        try:
            handler = handler_of(applications, registration)
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
        if handler.needs_name and handler.first_name:
            _note_new_name(unit, handler)
        is_startup = registration.phase == "startup"
        (holding.startup if is_startup else holding.shutdown).append(handler)


def _note_new_name(unit: Unit, handler: Handler) -> None:
    line = handler.registration.handler.lineno
    note = (
        f"{shown(handler.source.path)}, line {line}: a later function is named "
        f"`{handler.function}`, too, so this one gets another name"
    )
    if note not in unit.notes:
        unit.notes.append(note)


def _note_changes(unit: Unit, applications: list[Made]) -> None:
    for application in applications:
        for change in changes_of(application, unit.holdings):
            unit.changes_count |= change.is_less
            unit.notes.append(str(change))
