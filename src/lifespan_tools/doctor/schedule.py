"""What runs at startup and at shutdown, in order, and how often."""

from collections import Counter
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field
from typing import Any

from lifespan_tools.doctor.lifespans import Code, Kind, Step, steps
from lifespan_tools.doctor.literal import literal
from lifespan_tools.doctor.mentions import Mentions
from lifespan_tools.doctor.places import Place


@dataclass(frozen=True)
class Run:
    """One run of a handler, or of one half of a lifespan.

    Attributes:
        place: what runs.
        kind: "lifespan" or "handler".
        number: the how manieth time it runs, from 1.
        times: how often it runs in all.
    """

    place: Place
    kind: Kind
    number: int = 1
    times: int = 1


@dataclass
class Schedule:
    """What the steps of a lifespan run, up to the first that fails.

    Attributes:
        broken: the step that can't be entered.
        fails: whether the startup fails, there or at a handler.
    """

    steps: list[Step]
    broken: Step | None = None
    fails: bool = False
    startup: list[Code] = field(default_factory=list)
    shutdown: list[Code] = field(default_factory=list)

    def __post_init__(self) -> None:
        entered = []
        for step in self.steps:
            ran, raised = _ran(step.startup)
            self.startup += ran
            if step.fault:
                self.broken = step
            if raised or step.fault:
                self.fails = True
                break
            entered.append(step)
        for step in reversed(entered):
            self.shutdown += _ran(step.shutdown, to_the_end=step.stops_all)[0]
        self.scheduled: set[Hashable] = {
            code.identity
            for step in self.steps
            for code in (*step.startup, *step.shutdown)
        }
        self.literal = literal(self._running(), _inside)
        functions = [code.function for code in self.codes()]
        self.mentions = Mentions(functions, self.literal.read)

    def _running(self) -> Iterator[tuple[Any, Any]]:
        """Each function that runs, and the app that it is called with, if so."""
        apps = {code: step.app for step in self.steps for code in step.startup}
        for code in dict.fromkeys(self.codes()):
            yield code.function, apps.get(code)

    def codes(self) -> list[Code]:
        return self.startup + self.shutdown


def _inside(lifespan: Any) -> list[Any]:
    """The functions that a lifespan runs; where it stands alone."""
    return [
        code.function
        for step in steps(lifespan, None, in_mount=True)
        for code in (*step.startup, *step.shutdown)
    ]


def _ran(codes: tuple[Code, ...], to_the_end: bool = False) -> tuple[list[Code], bool]:
    """What runs of the codes, and whether one of them raises."""
    ran = []
    for code in codes:
        if code.fault is None:
            ran.append(code)
        elif code.fault.raises and not to_the_end:
            return ran, True
    return ran, False


def runs(codes: list[Code]) -> tuple[Run, ...]:
    times = Counter(code.identity for code in codes)
    so_far: Counter[Any] = Counter()
    found = []
    for code in codes:
        so_far[code.identity] += 1
        number, of = so_far[code.identity], times[code.identity]
        found.append(Run(code.place, code.kind, number, of))
    return tuple(found)
