"""The snippets as one app: composed, bounded, with a worker, watched and run."""

from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any

import anyio
import pytest
from fastapi import FastAPI

from lifespan_course.cast import (
    Database,
    Model,
    keep_writing,
    open_database,
    open_model,
)
from lifespan_lab import (
    Events,
    FromState,
    Timeline,
    as_lifespan,
    bounded,
    combine,
    running,
    worker,
)

pytestmark = pytest.mark.anyio


def make_app(path: Path, log: Events) -> FastAPI:
    """The spelling service: it corrects words, and a worker writes their counts."""

    @asynccontextmanager
    async def database(app: FastAPI) -> AsyncIterator[dict[str, Any]]:
        with log.span("database"), open_database(path) as opened:
            yield {"database": opened, "asked": Counter()}

    async def flush(app: FastAPI, state: Mapping[str, Any]) -> None:
        try:
            await keep_writing(state["asked"], state["database"], pause=0.01)
        finally:
            log.mark("flushed", state=sorted(state))

    model = as_lifespan("model", open_model)
    app = FastAPI(lifespan=combine(bounded(database, startup=5), worker(flush), model))

    @app.get("/correct/{word}")
    async def correct(
        word: str,
        model: Annotated[Model, FromState("model")],
        asked: Annotated[Counter[str], FromState("asked")],
    ) -> str:
        asked[word] += 1
        return model.correct(word)

    return app


async def test_one_app(tmp_path: Path) -> None:
    """The worker writes while the app serves and once more at its end, in order."""
    path, log = tmp_path / "asked.db", Events()
    async with running(Timeline(make_app(path, log), log)) as client:
        assert (await client.get("/correct/contxt")).json() == "context"
        reader = Database(path)
        with anyio.fail_after(5):
            while reader.times("contxt") == 0:  # noqa: ASYNC110 - another connection
                await anyio.sleep(0.01)
        for _ in range(2):
            await client.get("/correct/yeild")
    assert (reader.times("contxt"), reader.times("yeild")) == (1, 2)
    reader.close()
    request = [
        "GET /correct/{}: start",
        "← http.response.start",
        "← http.response.body",
        "GET /correct/{}: end",
    ]
    words = ["contxt", "yeild", "yeild"]
    assert log.order == [
        *("lifespan: start", "→ lifespan.startup"),
        "database: start",
        "← lifespan.startup.complete",
        *(line.format(word) for word in words for line in request),
        "→ lifespan.shutdown",
        "flushed",
        "database: end",
        *("← lifespan.shutdown.complete", "lifespan: end"),
    ]
    [flushed] = [event for event in log if event.name == "flushed"]
    assert flushed.detail == (("state", "['asked', 'database']"),)
