"""What the checks of several chapters put into a learner's code."""

from collections.abc import Awaitable, Callable, Generator
from typing import Any

from fastapi import FastAPI

from lifespan_course.verdicts import expect


class BodyError(Exception):
    """Raised by a check inside a learner's block, or while an app is up."""


class Call:
    """What an async function returns, but without a warning when nobody awaits it."""

    def __init__(self, function: Callable[[], Awaitable[None]]) -> None:
        self.function = function

    def __await__(self) -> Generator[Any, None, None]:
        return self.function().__await__()


async def break_off(app: FastAPI) -> bool:
    """Let an error come to the yield of the app's lifespan.

    Returns:
        Whether the error came out again.
    """
    try:
        async with app.router.lifespan_context(app):
            raise BodyError
    except BodyError:
        return True
    return False


def expect_no_parameter_in_url(answer: object) -> None:
    """Expect an answer of the endpoint, and not FastAPI's word on a missing parameter.

    Raises:
        NotYet: a parameter was forgotten to be annotated as the request.
    """
    expect(
        not isinstance(answer, dict),
        "FastAPI looks for a parameter in the URL. A request needs its annotation, "
        "request: Request.",
    )
