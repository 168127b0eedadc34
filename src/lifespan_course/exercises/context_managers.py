"""Checks of the exercises of chapter 1, context managers."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from lifespan_course.verdicts import NotYet, expect, verdict


class BodyError(Exception):
    """Raised by the checks inside the learner's ``with`` blocks."""


@verdict
def setting(answer: Callable[..., AbstractContextManager[Any]]) -> str:
    """Check that an entry of a dictionary is changed and put back."""
    settings = {"language": "en"}
    with answer(settings, "language", "de"):
        expect(settings["language"] == "de", "Inside the block the new value is due.")
    expect(
        settings == {"language": "en"},
        "After the block the old value isn't back: it is still the new one."
        if settings == {"language": "de"}
        else f"After the block the settings are {settings}.",
    )
    with answer(settings, "colour", "red"):
        pass
    expect(
        settings == {"language": "en"},
        "An entry that wasn't there before must be gone afterwards. "
        f"What is left: {settings}.",
    )
    try:
        with answer(settings, "language", "de"):
            raise BodyError
    except BodyError:
        pass
    else:
        raise NotYet("Your manager drops the error of the body. Let it go on.")
    expect(
        settings == {"language": "en"},
        "It works while the body ends well. When the body raises, the line "
        "after your yield isn't reached.",
    )
    return "The old state is back, after an error too."


@verdict
def forgive(answer: Callable[[type[Exception]], Any]) -> str:
    """Check a manager that drops one kind of error."""
    manager = answer(ValueError)
    try:
        with manager as entered:
            pass
        expect(entered is manager, "__enter__ must return the manager itself.")
        expect(manager.error is None, "There was no error, but error isn't None.")
        with manager:
            raise ValueError("no such word")
    except ValueError:
        raise NotYet(
            "The ValueError still gets out. What must __exit__ return?"
        ) from None
    expect(
        isinstance(manager.error, ValueError),
        "The error is dropped, but not kept in the attribute error.",
    )
    try:
        with answer(ValueError):
            raise BodyError
    except BodyError:
        pass
    else:
        raise NotYet("It drops every error. Only those of the given kind should go.")
    try:
        with answer(ValueError):
            raise UnicodeError
    except UnicodeError:
        raise NotYet(
            "UnicodeError is a subclass of ValueError and should be dropped too."
        ) from None
    return "One kind of error is dropped, all others go on."


@verdict
def open_all(answer: Callable[..., Any]) -> str:
    """Check that nothing stays open when one of several can't be opened."""
    opened: list[str] = []

    @contextmanager
    def manager(name: str) -> Iterator[str]:
        if name == "broken":
            raise BodyError
        opened.append(name)
        try:
            yield name
        finally:
            opened.remove(name)

    # Held here, so that no manager is closed by being forgotten.
    managers = [manager(name) for name in ("first", "second", "broken")]
    try:
        answer(managers)
    except BodyError:
        pass
    else:
        raise NotYet("The error of the third manager must come out.")
    expect(
        not opened,
        f"The third one can't be opened, and this is still open: {', '.join(opened)}.",
    )
    values, close_all = answer([manager("first"), manager("second")])
    expect(
        opened == ["first", "second"],
        "When all goes well, they must stay open until close_all is called. "
        "Yours are closed when open_all returns.",
    )
    expect(values == ["first", "second"], f"The values are {values}.")
    close_all()
    expect(not opened, f"After close_all this is still open: {', '.join(opened)}.")
    return "All are open, or none."
