"""Show a failure in a cell, and fail the cell when the failure stays away."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass
class Failure:
    """The error that was caught, for a closer look after the ``with`` block."""

    error: BaseException | None = None


@contextmanager
def fails(kind: type[BaseException], part: str = "") -> Iterator[Failure]:
    """Expect the block to raise, and print the error in one line.

    Args:
        kind: the exact type of the error; a subclass is not enough.
        part: a part of the message that every supported Python words the same way.
            Nothing else of the message is printed, so the output is the same
            everywhere.

    Raises:
        AssertionError: nothing was raised, or another error or message.
    """
    failure = Failure()
    try:
        yield failure
    except kind as error:
        if type(error) is not kind or part not in str(error):
            raise AssertionError(
                f"expected {kind.__name__} with {part!r}, got {error!r}"
            ) from error
        failure.error = error
        print(f"{kind.__name__}: {_shown(part, str(error))}".removesuffix(": "))
    else:
        raise AssertionError(f"expected {kind.__name__}, but nothing was raised")


def _shown(part: str, message: str) -> str:
    if not part:
        return ""
    before, _, after = message.partition(part)
    return f"{'… ' if before else ''}{part}{' …' if after else ''}"
