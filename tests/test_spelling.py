"""The spelling service of chapter 7: a resource in each module."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from anyio import wait_all_tasks_blocked
from fastapi import FastAPI

from lifespan_course.cast import open_database
from lifespan_course.spelling import counts, database, dictionary, log, model
from lifespan_lab import combine

pytestmark = pytest.mark.anyio


@pytest.fixture
def app(tmp_path: Path) -> FastAPI:
    log.clear()
    app = FastAPI()
    app.state.path = tmp_path / "asked.db"
    return app


@pytest.mark.parametrize("module", [model, database, dictionary])
async def test_one_resource_a_module(app: FastAPI, module: Any) -> None:
    """Each module yields its resource under its own name, and logs its span."""
    name = module.__name__.rpartition(".")[2]
    async with module.lifespan(app) as state:
        assert list(state) == [name]
        assert log.order == [f"{name}: start"]
    assert log.order == [f"{name}: start", f"{name}: end"]


async def test_counts_reach_the_database(app: FastAPI) -> None:
    """The worker writes while the database, of another module, is open."""
    async with combine(database.lifespan, counts.lifespan)(app) as state:
        assert state is not None
        counter: Counter[str] = state["counts"]
        counter["yield"] += 2
        await wait_all_tasks_blocked()  # the worker has had its first turn
    with open_database(app.state.path) as reader:
        assert reader.times("yield") == 2
    assert log.order[-1] == "database: end"
