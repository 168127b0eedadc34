"""check_environment: what is missing is named, and what to do about it."""

import pytest

from lifespan_course import check_environment, environment


def test_complete() -> None:
    """Where everything is installed, it says so."""
    assert repr(check_environment()) == "Everything is here."


def test_missing() -> None:
    """A missing package is named, and the last line says what to do."""
    lines = repr(check_environment(["fastapi", "no-such-package"])).splitlines()
    assert lines == [
        "no-such-package is not installed.",
        "Close this notebook and open it with: make lab",
    ]


def test_old_python(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Python that is too old is named first."""
    monkeypatch.setattr(environment, "OLDEST_PYTHON", (99, 0))
    assert "older than 99.0" in repr(check_environment()).splitlines()[0]
