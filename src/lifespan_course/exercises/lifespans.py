"""What the checks of several chapters ask of a lifespan."""

import inspect
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any

from lifespan_course.verdicts import expect

Lifespan = Callable[[Any], AbstractAsyncContextManager[Any]]


def expect_lifespan(lifespan: Lifespan) -> None:
    """Expect an async generator function under @asynccontextmanager.

    Raises:
        NotYet: it is something else, and this is what to do.
    """
    function = inspect.unwrap(lifespan)
    expect(inspect.isasyncgenfunction(function), "The lifespan has no yield.")
    expect(
        function is not lifespan,
        "@asynccontextmanager is missing above the lifespan. FastAPI takes it all the "
        "same and says nothing; Starlette warns.",
    )


def expect_state(state: object) -> None:
    """Expect what a lifespan may yield: a mapping, or nothing.

    Raises:
        NotYet: it is something else.
    """
    expect(
        state is None or isinstance(state, Mapping),
        "A lifespan yields a dictionary, from names to things. Yours yields: "
        f"{type(state).__name__}.",
    )
