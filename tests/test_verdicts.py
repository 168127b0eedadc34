"""Verdicts: what a check finds, in words, and never as a traceback."""

import pytest

from lifespan_course.verdicts import NotYet, async_verdict, expect, verdict


def check(answer: int) -> str:
    expect(answer != 0, "Zero is too little.")
    return f"It is {1 // (answer - 1) + 1}."


async def async_check(answer: int) -> str:
    return check(answer)


CASES = [
    (2, "Right. It is 2."),
    (0, "Not yet. Zero is too little."),
    (1, "Not yet. Your code raised ZeroDivisionError: "),
]


@pytest.mark.parametrize(("answer", "words"), CASES)
def test_verdict(answer: int, words: str) -> None:
    """Right, not yet with a hint, or the error that the answer raised."""
    assert repr(verdict(check)(answer)).startswith(words)


@pytest.mark.anyio
@pytest.mark.parametrize(("answer", "words"), CASES)
async def test_async_verdict(answer: int, words: str) -> None:
    """The same for a check that awaits."""
    assert repr(await async_verdict(async_check)(answer)).startswith(words)


def test_expect() -> None:
    """Only what doesn't hold ends the check."""
    expect([1], "a hint")
    with pytest.raises(NotYet, match="a hint"):
        expect([], "a hint")
