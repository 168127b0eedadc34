"""Notebooks are run once for all tests that ask for them, and only those."""

from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from pathlib import Path

import pytest
from anyio.from_thread import start_blocking_portal

from tests.notebooks.execution import Run, run_side_by_side

HERE = Path(__file__).parent

Runs = dict[Path, Run]


@pytest.fixture(scope="session", autouse=True)
def running(request: pytest.FixtureRequest) -> Iterator["Future[Runs]"]:
    """Start the notebooks that the chosen tests are about, and let tests go on."""
    chosen = asked_for(request.session.items)
    with start_blocking_portal() as portal:
        future = portal.start_task_soon(run_side_by_side, chosen)
        yield future
        future.cancel()


@pytest.fixture(scope="session")
def runs(running: "Future[Runs]") -> Runs:
    """What came out of the notebooks; waits for the last of them."""
    return running.result()


def asked_for(items: Sequence[pytest.Item]) -> list[Path]:
    """Notebooks that tests need to be run, in order."""
    return sorted(
        {
            item.callspec.params["path"]
            for item in items
            if _waits(item) and hasattr(item, "callspec")
        }
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give the notebooks time to run, while there is something else to test."""
    put_waiting_last(items, HERE)


def put_waiting_last(items: list[pytest.Item], folder: Path) -> None:
    """Put tests that wait for runs after the others in this folder."""
    places = [place for place, item in enumerate(items) if folder in item.path.parents]
    ordered = sorted((items[place] for place in places), key=_waits)
    for place, item in zip(places, ordered, strict=True):
        items[place] = item


def _waits(item: pytest.Item) -> bool:
    return "runs" in getattr(item, "fixturenames", ())
