"""Startup, body and shutdown, each failing or not: what runs and what comes out.

One table for all that stands around a lifespan.
"""

import re
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest
from starlette.applications import Starlette

from lifespan_lab import (
    bounded,
    combine,
    concurrently,
    running,
    serving,
    with_mounts,
)

pytestmark = pytest.mark.anyio

Manager = AbstractAsyncContextManager[Any]
Lifespan = Callable[[object], Manager]

# "shutdown < body": the error of the shutdown, with that of the body as its context.
# "body + shutdown": the error of the body, with a note on that of the shutdown.
MATRIX = """
startup  body   shutdown  |  runs                    |  STACKED          NOTED
------------------------  |  ----------------------  |  ---------------  ---------------
-        -      -         |  startup body shutdown   |  -                -
-        -      fails     |  startup body shutdown   |  shutdown         shutdown
-        fails  -         |  startup body shutdown   |  body             body
-        fails  fails     |  startup body shutdown   |  shutdown < body  body + shutdown
fails    -      -         |  startup                 |  startup          startup
fails    -      fails     |  startup                 |  startup          startup
fails    fails  -         |  startup                 |  startup          startup
fails    fails  fails     |  startup                 |  startup          startup
"""


def with_a_mount(lifespan: Lifespan) -> Manager:
    app = Starlette(lifespan=with_mounts())
    app.mount("/mounted", Starlette(lifespan=lifespan))
    return app.router.lifespan_context(app)


# Those that stand in the place of an `async with`, and behave like one.
STACKED: dict[str, Callable[[Lifespan], Manager]] = {
    "combine": lambda lifespan: combine(lifespan)(None),
    "with_mounts": with_a_mount,
    "bounded": lambda lifespan: bounded(lifespan, startup=60, shutdown=60)(None),
}
# Those with a task or a thread between the block and the lifespan.
NOTED: dict[str, Callable[[Lifespan], Manager]] = {
    "running": lambda lifespan: running(Starlette(lifespan=lifespan)),
    "serving": lambda lifespan: serving(Starlette(lifespan=lifespan)),
    "concurrently": lambda lifespan: concurrently(lifespan)(None),
}
PHASES = ["startup", "body", "shutdown"]


def rows() -> list[tuple[list[str], str, dict[str, str]]]:
    """What fails, what runs, and what comes out in each of the two columns."""
    head, _, *lines = MATRIX.strip().splitlines()
    columns = head.split("|")[2].split()
    found = []
    for line in lines:
        cells = [re.split(r"  +", part.strip()) for part in line.split("|")]
        states, [runs], comes_out = cells
        fails = [
            name for name, state in zip(PHASES, states, strict=True) if state != "-"
        ]
        found.append((fails, runs, dict(zip(columns, comes_out, strict=True))))
    return found


@pytest.mark.parametrize("name", [*STACKED, *NOTED])
@pytest.mark.parametrize("row", rows(), ids=lambda row: "+".join(row[0]) or "none")
async def test_the_matrix(
    name: str, row: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever fails, what was started is stopped once, and the first error is told."""
    fails, runs, comes_out = row
    errors = {phase: LookupError(phase) for phase in PHASES}
    log: list[str] = []

    def step(phase: str) -> None:
        log.append(phase)
        if phase in fails:
            raise errors[phase]

    @asynccontextmanager
    async def lifespan(app: object) -> AsyncIterator[None]:
        step("startup")
        try:
            yield
        finally:
            step("shutdown")

    caught: BaseException | None = None
    try:
        async with (STACKED | NOTED)[name](lifespan):
            step("body")
    except BaseException as error:
        caught = error
    assert " ".join(log) == runs
    expected = comes_out["STACKED" if name in STACKED else "NOTED"]
    assert told(caught) == expected
    assert caught is errors.get(expected.split(" ")[0])
    if "+" in expected:
        logged = [record.exc_info[1] for record in caplog.records if record.exc_info]
        assert errors["shutdown"] in logged


def told(error: BaseException | None) -> str:
    """What the error says of itself and of a second one, in the words of the table."""
    if error is None:
        return "-"
    notes = [phase for phase in PHASES if f"({phase!r})" in " ".join(notes_of(error))]
    context = [] if error.__context__ is None else ["<", str(error.__context__)]
    return " ".join([str(error), *(["+", *notes] if notes else []), *context])


def notes_of(error: BaseException) -> list[str]:
    return getattr(error, "__notes__", [])


def test_the_table_is_whole() -> None:
    """Each of the eight combinations stands in the table, once."""
    assert len(rows()) == len({frozenset(fails) for fails, _, _ in rows()}) == 8
