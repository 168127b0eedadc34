"""Show a warning in a cell, and fail the cell when the warning stays away."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def warns(kind: type[Warning], part: str = "") -> Iterator[None]:
    """Expect the block to warn, and print each warning in one line.

    Filters of the notebook are put aside for the block. A line says which module is
    blamed: "this notebook", or the file of an installed package.

    Args:
        kind: the exact type of the warning; a subclass is not enough.
        part: a part of its message.

    Raises:
        AssertionError: nothing warned, or something else did.
    """
    with warnings.catch_warnings(record=True, action="always") as seen:
        yield
    if not seen:
        raise AssertionError(f"expected {kind.__name__}, but nothing warned")
    for warning in seen:
        message = str(warning.message).strip()
        if warning.category is not kind or part not in message:
            raise AssertionError(
                f"expected {kind.__name__} with {part!r}, got {warning}"
            )
        print(f"{kind.__name__} in {_blamed(warning)}: {message.splitlines()[0]}")


def _blamed(warning: warnings.WarningMessage) -> str:
    path = warning.filename.replace("\\", "/")
    _, installed, module = path.rpartition("/site-packages/")
    return module if installed else "this notebook"
