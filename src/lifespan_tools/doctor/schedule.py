"""What runs at startup and at shutdown, in order, and how often."""

from collections import Counter
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any

from lifespan_tools.doctor.lifespans import Code, Kind, Step
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
    """The steps of a lifespan, up to the first that can't be entered."""

    steps: list[Step]
    startup: list[Code] = field(init=False)
    shutdown: list[Code] = field(init=False)

    def __post_init__(self) -> None:
        self.broken = next((step for step in self.steps if step.fault), None)
        end = self.steps.index(self.broken) if self.broken else len(self.steps)
        entered = self.steps[:end]
        self.startup = [code for step in entered for code in step.startup]
        self.shutdown = [code for step in entered[::-1] for code in step.shutdown]
        self.scheduled: set[Hashable] = {
            code.identity
            for step in self.steps
            for code in (*step.startup, *step.shutdown)
        }
        self.mentions = Mentions(code.function for code in self.codes())

    def codes(self) -> list[Code]:
        return self.startup + self.shutdown


def runs(codes: list[Code]) -> tuple[Run, ...]:
    times = Counter(code.identity for code in codes)
    so_far: Counter[Any] = Counter()
    found = []
    for code in codes:
        so_far[code.identity] += 1
        number, of = so_far[code.identity], times[code.identity]
        found.append(Run(code.place, code.kind, number, of))
    return tuple(found)
