"""Notebooks are run once for all tests that ask for them, and only those."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.notebooks.execution import Run, run_all


@pytest.fixture(scope="session")
def runs(request: pytest.FixtureRequest) -> dict[Path, Run]:
    """The runs of the notebooks that the chosen tests are about."""
    return run_all(asked_for(request.session.items))


def asked_for(items: Sequence[pytest.Item]) -> list[Path]:
    """Notebooks that tests need to be run, in order."""
    return sorted(
        {
            item.callspec.params["path"]
            for item in items
            if "runs" in getattr(item, "fixturenames", ()) and hasattr(item, "callspec")
        }
    )
