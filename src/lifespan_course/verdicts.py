"""Turn what a check finds into words for the learner."""

import functools
from collections.abc import Awaitable, Callable
from typing import Any

from lifespan_course.predictions import Answer


class NotYet(Exception):  # noqa: N818 - a state of the answer, not an error
    """What is missing or wrong in an answer, in words for the learner."""


def expect(holds: object, hint: str) -> None:
    """Go on when something holds; otherwise end the check with the hint.

    Raises:
        NotYet: it doesn't hold.
    """
    if not holds:
        raise NotYet(hint)


def verdict(check: Callable[..., str]) -> Callable[..., Answer]:
    """Make a check return its verdict instead of raising.

    The check takes what the learner wrote. It returns a sentence of praise, or raises
    NotYet with a hint. An error of any other type comes from the learner's code.
    """

    @functools.wraps(check)
    def judge(*answers: Any) -> Answer:
        try:
            return _right(check(*answers))
        except Exception as error:
            return _not_yet(error)

    return judge


def async_verdict(
    check: Callable[..., Awaitable[str]],
) -> Callable[..., Awaitable[Answer]]:
    """Do for an ``async def`` check what ``verdict`` does for a plain one."""

    @functools.wraps(check)
    async def judge(*answers: Any) -> Answer:
        try:
            return _right(await check(*answers))
        except Exception as error:
            return _not_yet(error)

    return judge


def _right(praise: str) -> Answer:
    return Answer(f"Right. {praise}")


def _not_yet(error: Exception) -> Answer:
    if isinstance(error, NotYet):
        return Answer(f"Not yet. {error}")
    # Some messages carry a whole traceback; what happened stands in the last line.
    lines = str(error).strip().splitlines() or [""]
    return Answer(f"Not yet. Your code raised {type(error).__name__}: {lines[-1]}")
