"""A prediction that the reader writes down before running the next cell."""

from collections.abc import Sequence
from types import EllipsisType


class Answer:
    """A sentence or two that a cell shows as plain text."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return self.text


class Prediction:
    """What the reader expects to happen, in order."""

    def __init__(self, expected: Sequence[str]) -> None:
        self.expected = expected

    def compare(self, seen: Sequence[str]) -> Answer:
        """Say in words how the prediction compares with what was seen."""
        if not self.expected:
            return Answer(f"No prediction yet. Seen: {_listed(seen)}.")
        if list(self.expected) == list(seen):
            return Answer(f"As you predicted: {_listed(seen)}.")
        return Answer(
            f"You predicted: {_listed(self.expected)}.\n"
            f"Seen:          {_listed(seen)}.\n"
            f"{_first_difference(self.expected, seen)}"
        )


def predict(*expected: str | list[str] | EllipsisType) -> Prediction:
    """Write down what you expect: ``predict("first", "second")``.

    ``predict(...)`` with the three dots left in stands for no prediction. A list of
    the names will do, too.
    """
    names: list[str] = []
    for item in expected:
        if isinstance(item, str):
            names.append(item)
        elif isinstance(item, list):
            names.extend(item)
    return Prediction(names)


def _listed(items: Sequence[str]) -> str:
    return ", ".join(items) or "nothing"


def _first_difference(expected: Sequence[str], seen: Sequence[str]) -> str:
    for place, (guess, real) in enumerate(zip(expected, seen, strict=False), start=1):
        if guess != real:
            return f"The first difference is at place {place}: {real}, not {guess}."
    more = "less" if len(expected) > len(seen) else "more"
    return f"The beginning is right, but {more} happened."
