"""Tell the reader whether everything that the series needs is there."""

import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version

from lifespan_course.predictions import Answer

OLDEST_PYTHON = (3, 11)
NEEDED = ("anyio", "asgi-lifespan", "fastapi", "httpx", "starlette")


def check_environment(needed: Sequence[str] = NEEDED) -> Answer:
    """Say that the environment is complete, or what is missing and what to do.

    Args:
        needed: names of distributions.
    """
    problems = [f"{name} is not installed." for name in needed if not _found(name)]
    if sys.version_info < OLDEST_PYTHON:
        problems.insert(0, "This Python is older than {}.{}.".format(*OLDEST_PYTHON))
    if not problems:
        return Answer("Everything is here.")
    cure = "Close this notebook and open it with: make lab"
    return Answer("\n".join([*problems, cure]))


def _found(name: str) -> bool:
    try:
        version(name)
    except PackageNotFoundError:
        return False
    return True
