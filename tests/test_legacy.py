"""The legacy apps of chapter 9."""

import warnings
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI

from lifespan_course.comparison import Record, compare, record
from lifespan_course.exercises import migrating
from lifespan_course.legacy import copy_app, import_copy, in_short, source
from lifespan_tools import diagnose

glossary = migrating.glossary
with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
    from lifespan_course.legacy.spelling import main as spelling

APPS = [pytest.param(each.app, id=each.__name__) for each in (glossary, spelling)]


@pytest.fixture
def anyio_backend() -> str:
    """The background task of the spelling service is one of asyncio."""
    return "asyncio"


def begun(run: Record) -> list[str]:
    """What begins in a run, without the task that no handler is."""
    return [
        event.name
        for event in run.events
        if event.kind in ("start", "mark") and event.name != "write"
    ]


@pytest.mark.anyio
@pytest.mark.parametrize("app", APPS)
async def test_handlers_are_marked(app: FastAPI) -> None:
    """Each handler marks its runs: what doctor predicts is what the log says."""
    diagnosis = diagnose(app)
    runs = [*diagnosis.startup, *diagnosis.shutdown]
    seen = begun(await record(app))
    seen.remove("serving")
    assert seen == [run.place.name for run in runs]


@pytest.mark.anyio
async def test_a_content_comparison() -> None:
    """The colleague of the last exercise is right: all differences are on the list."""
    first = await record(glossary.app, *migrating.PATHS)
    startup = [glossary.read, glossary.open_history]
    shutdown: list[Any] = [lambda: glossary.close_history(), glossary.sum_up]
    app = FastAPI(lifespan=migrating.from_handlers(startup, shutdown))
    app.include_router(glossary.asking)
    now = await record(app, *migrating.PATHS)
    glossary.history.close()
    told = [*migrating.MEANT, "missing: forget", "not awaited: close_history"]
    assert repr(compare(first, now, told)) == "The same, but for 4 changes on purpose."


@pytest.mark.pinned
def test_diagnosis_in_short() -> None:
    """Places are told from the folder of the apps on; versions aren't told."""
    here = FastAPI(on_startup=[test_diagnosis_in_short])
    assert "  1. handler   test_diagnosis_in_short\n" in in_short(diagnose(here))
    text = in_short(diagnose(spelling.app))
    line = spelling.connect.__code__.co_firstlineno
    assert f"spelling/main.py:{line}\n" in text
    assert str(Path(__file__).parents[1]) not in text
    assert text.startswith("At startup")


def test_copy(tmp_path: Path) -> None:
    """A copy is a package of its own, and is imported anew each time."""
    copy_app("spelling", tmp_path)
    module = tmp_path / "spelling" / "shared.py"
    assert module.read_text() == f"{source('spelling.shared')}\n"
    first = import_copy(tmp_path, "spelling.shared")
    assert first.opened is not spelling.opened
    module.write_text("opened = 'changed'\n")
    assert import_copy(tmp_path, "spelling.shared").opened == "changed"
