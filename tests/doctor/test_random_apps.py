"""Apps put together at random: prediction and real run agree for all of them."""

from typing import Any

import anyio
import fastapi
from fastapi import APIRouter, FastAPI
from hypothesis import event, given, settings
from hypothesis import strategies as st

from lifespan_lab import running
from lifespan_lab.mounts import with_mounts
from lifespan_tools import diagnose
from lifespan_tools.doctor import Diagnosis
from tests.doctor.log import Lifespan, Log

KEEPS_ROUTERS = hasattr(fastapi.routing, "_IncludedRouter")
APPS, ROUTERS = (0, 1, 2), (3, 4, 5, 6)
ANY = (*APPS, *ROUTERS)

Step = tuple[str, int, int]


def step(name: str, first: tuple[int, ...], second: tuple[int, ...]) -> Any:
    return st.tuples(st.just(name), st.sampled_from(first), st.sampled_from(second))


steps = st.lists(
    st.one_of(
        step("include", ANY, ROUTERS),
        step("include", (0, 3, 4), ROUTERS),
        step("mount", ANY, (1, 2)),
        step("mount", APPS, ANY),
        step("handlers", ANY, ANY),
        step("replace", ANY, ANY),
    ),
    min_size=4,
    max_size=16,
)


class Puzzle:
    """An app made of apps and routers; each lifespan and handler has its own name."""

    def __init__(self, given_lifespans: set[int], runs_mounts: bool) -> None:
        self.log = Log()
        self.count = 0
        self.names: dict[int, set[str]] = {number: set() for number in ANY}
        self.lifespans: dict[int, str] = {}
        self.inside: dict[int, set[int]] = {number: set() for number in ANY}
        self.parts: dict[int, Any] = {}
        for number in ANY:
            lifespan = self.lifespan(number) if number in given_lifespans else None
            if number == 0 and runs_mounts:
                lifespan = with_mounts(lifespan)
            make: Any = FastAPI if number in APPS else APIRouter
            self.parts[number] = make(lifespan=lifespan)

    def name(self, number: int) -> str:
        self.count += 1
        return f"{'app' if number in APPS else 'router'} {number} {self.count}"

    def lifespan(self, number: int) -> Lifespan:
        self.lifespans[number] = self.name(number)
        return self.log.lifespan(self.lifespans[number])

    def router(self, number: int) -> Any:
        return getattr(self.parts[number], "router", self.parts[number])

    def contents(self, number: int) -> set[int]:
        found = {number}
        for inner in self.inside[number]:
            found |= self.contents(inner)
        return found

    def do(self, what: str, number: int, inner: int) -> None:
        if what == "handlers":
            self.names[number].add(name := self.name(number))
            self.log.add(self.router(number), name)
        elif what == "replace":
            self.router(number).lifespan_context = self.lifespan(number)
        elif number not in self.contents(inner):
            self.inside[number].add(inner)
            path = f"/{number}{inner}"
            if what == "mount":
                self.parts[number].mount(path, self.parts[inner])
            else:
                self.parts[number].include_router(self.parts[inner], prefix=path)

    def all_names(self) -> set[str]:
        parts = self.contents(0)
        names = {name for part in parts for name in self.names[part]}
        return names | {self.lifespans[part] for part in parts & {*self.lifespans}}


async def run(app: Any) -> None:
    async with running(app):
        pass


def told(diagnosis: Diagnosis) -> set[str]:
    """All names that the diagnosis says something about."""
    places = [run.place for run in diagnosis.startup + diagnosis.shutdown]
    places += [place for finding in diagnosis.findings for place in finding.where]
    return {place.name for place in places}


@settings(max_examples=150, deadline=None, derandomize=True, database=None)
@given(st.sets(st.sampled_from(ANY)), st.booleans(), steps)
def test_random_apps_run_as_predicted(
    given_lifespans: set[int], runs_mounts: bool, todo: list[Step]
) -> None:
    """What is predicted runs, as often and in that order; what isn't, is found."""
    puzzle = Puzzle(given_lifespans, runs_mounts)
    for each in todo:
        puzzle.do(*each)
    app, log = puzzle.parts[0], puzzle.log
    diagnosis = diagnose(app)
    assert not diagnosis.unknown or not diagnosis.tested
    anyio.run(run, app)
    assert [run.place.name for run in diagnosis.startup] == log.startup
    assert [run.place.name for run in diagnosis.shutdown] == log.shutdown
    if KEEPS_ROUTERS:
        assert told(diagnosis) >= puzzle.all_names()
    for finding in diagnosis.findings:
        event(finding.code)
    never = {
        place.name
        for finding in diagnosis.findings
        if " never run" in finding.message
        for place in finding.where
    }
    assert not never & {*log.startup, *log.shutdown}
