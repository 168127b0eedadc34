"""How often each handler runs: before, and with the new lifespans."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lifespan_tools.migrate.holdings import Holding, registrations_of
from lifespan_tools.migrate.objects import Made, Registration
from lifespan_tools.migrate.refusals import shown


@dataclass(frozen=True)
class Change:
    """A handler that won't run as often as it did."""

    registration: Registration
    before: int
    after: int

    def __str__(self) -> str:
        handler, phase = self.registration, self.registration.phase
        place = f"{shown(handler.source.path)}, line {handler.line}"
        if self.is_less:
            times = "once" if self.after == 1 else f"{self.after} times"
            return (
                f"{place}: this {phase} handler of {handler.owner} ran {self.before} "
                f"times and now runs {times}"
            )
        return f"{place}: this {phase} handler never ran and now runs"

    @property
    def is_less(self) -> bool:
        """Whether it ran more often than it will."""
        return self.before > self.after


def changes_of(application: Made, holdings: Sequence[Holding]) -> Iterator[Change]:
    """What changes in one start and stop of an application."""
    before = _runs(application)
    after = _runs_then(application, {each.holder: each for each in holdings})
    for registration in after:
        change = Change(registration, before[registration], after[registration])
        if change.before != change.after:
            yield change


def _runs(made: Made) -> Counter[Registration]:
    """FastAPI runs a router's handlers for the application, and for the router."""
    runs: Counter[Registration] = Counter()
    if made.lifespan is None:
        runs.update(registrations_of(made))
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
