"""What doctor predicts, compared with what a real run of the same app does."""

import gc
from contextlib import suppress
from typing import Any

import pytest

from lifespan_lab import running
from lifespan_tools import diagnose
from lifespan_tools.doctor import Diagnosis
from tests.doctor import bare
from tests.doctor.apps import CASES, Case
from tests.doctor.log import Log

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.filterwarnings("ignore:generator function lifespans"),
    pytest.mark.filterwarnings("ignore:async generator function lifespans"),
    pytest.mark.filterwarnings("ignore:coroutine 'no_lifespan' was never awaited"),
]
assert bare  # takes its apps into the collection, too
every_case = pytest.mark.parametrize("case", CASES)


def names(diagnosis: Diagnosis) -> tuple[list[str], list[str]]:
    """The predicted names, at startup and at shutdown, in order."""
    return (
        [run.place.name for run in diagnosis.startup],
        [run.place.name for run in diagnosis.shutdown],
    )


async def run_of(app: Any, log: Log) -> tuple[list[str], list[str]]:
    """The names that a real run notes; it must start unless it is a fault."""
    async with running(app):
        pass
    return log.startup, log.shutdown


@every_case
def test_finds_what_is_wrong(case: Case) -> None:
    """Each app has exactly the findings that stand beside it."""
    diagnosis = diagnose(case.make(Log()))
    if not case.visible:
        pytest.skip("FastAPI before 0.137 keeps no trace of it")
    assert [finding.code for finding in diagnosis.findings] == case.finds
    assert bool(diagnosis.unknown) == case.unknown
    told = [note for note in diagnosis.notes if "doesn't run this" in note]
    assert bool(told) == case.by_hand


@every_case
async def test_predicts_what_runs(case: Case) -> None:
    """What is predicted runs, in that order and as often, and nothing else runs."""
    log = Log()
    app = case.make(log)
    diagnosis = diagnose(app)
    assert (log.startup, log.shutdown) == ([], [])
    if diagnosis.fails or not case.stops:
        with pytest.raises(TypeError):
            await run_of(app, log)
        gc.collect()  # so that the warning for what wasn't awaited comes here
    else:
        await run_of(app, log)
    if case.by_hand:
        told = " ".join(diagnosis.notes)
        predicted = {name for half in names(diagnosis) for name in half}
        by_hand = {*log.startup, *log.shutdown} - predicted
        assert by_hand
        assert all(name in told for name in by_hand)
    elif not case.unknown:
        assert names(diagnosis) == (log.startup, log.shutdown)


@every_case
async def test_what_never_runs_does_not(case: Case) -> None:
    """No function that is said never to run leaves a mark in a real run."""
    log = Log()
    app = case.make(log)
    never = {
        place.name
        for finding in diagnose(app).findings
        if " never run" in finding.message
        for place in finding.where
    }
    with suppress(TypeError):  # where the startup fails
        await run_of(app, log)
    gc.collect()
    assert not never & {*log.startup, *log.shutdown}
