"""Checks of the exercises of chapter 1, context managers."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from lifespan_course.exercises.probes import BodyError
from lifespan_course.verdicts import NotYet, expect, verdict


@verdict
def setting(answer: Callable[..., AbstractContextManager[Any]]) -> str:
    """Check that an entry of a dictionary is changed and put back."""
    settings: dict[str, object] = {"language": "en", "size": None}
    before = dict(settings)
    with answer(settings, "language", "de"):
        expect(settings["language"] == "de", "Inside the block the new value is due.")
    expect(
        settings["language"] == "en",
        "After the block the old value isn't back: it is still the new one.",
    )
    try:
        with answer(settings, "colour", "red"):
            pass
    except KeyError:
        raise NotYet("It fails when there was no such entry before.") from None
    expect(
        settings == before,
        "An entry that wasn't there before must be gone afterwards. "
        f"What is left: {settings}.",
    )
    with answer(settings, "size", 7):
        pass
    expect(
        settings == before,
        "An entry whose old value is None, 0 or empty is an entry, too.",
    )
    with answer(settings, "language", "de"):
        settings["changed"] = "by the body"
    expect(
        settings.pop("changed", None) == "by the body",
        "What the body changes elsewhere in the dictionary must stay.",
    )
    try:
        with answer(settings, "language", "de"):
            raise BodyError
    except BodyError:
        pass
    else:
        raise NotYet("Your manager drops the error of the body. Let it go on.")
    expect(
        settings == before,
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
    other = answer(ValueError)
    try:
        with other:
            raise BodyError
    except BodyError:
        pass
    else:
        raise NotYet("It drops every error. Only those of the given kind should go.")
    expect(
        isinstance(manager.error, ValueError),
        "The error is dropped, but not kept in the attribute error.",
    )
    expect(
        other.error is None,
        "An error that was let through is kept, as if it had been dropped.",
    )
    try:
        with answer(ValueError):
            raise UnicodeError
    except UnicodeError:
        raise NotYet(
            "UnicodeError is a subclass of ValueError and should be dropped too."
        ) from None
    return "One kind of error is dropped, all others go on."


class Spied:
    """A context manager that can't be entered when it is broken."""

    def __init__(self, name: str, log: list[str]) -> None:
        self.name, self.log = name, log

    def __enter__(self) -> str:
        if self.name == "broken":
            raise BodyError
        self.log.append(f"open {self.name}")
        return self.name

    def __exit__(self, *error: object) -> None:
        self.log.append(f"close {self.name}")


@verdict
def open_all(answer: Callable[..., Any]) -> str:
    """Check that nothing stays open when one of several can't be opened."""
    log: list[str] = []
    opened = ["open first", "open second"]
    closed = ["close second", "close first"]
    try:
        answer([Spied(name, log) for name in ("first", "second", "broken")])
    except BodyError:
        pass
    else:
        raise NotYet("The error of the third manager must come out.")
    left = [name for name in ("first", "second") if f"close {name}" not in log]
    expect(
        not left,
        f"The third one can't be opened, and this is still open: {', '.join(left)}.",
    )
    expect(
        "close broken" not in log,
        "The third one was never entered, so it must not be left either.",
    )
    expect(log == opened + closed, "Close what was opened last first.")
    log.clear()
    values, close_all = answer([Spied(name, log) for name in ("first", "second")])
    expect(
        log == opened,
        "When all goes well, they must stay open until close_all is called. "
        "Yours are closed when open_all returns.",
    )
    expect(values == ["first", "second"], f"The values are {values}.")
    expect(callable(close_all), "The second thing to return is a function.")
    close_all()
    expect(len(log) == 4, "After close_all something is still open.")
    expect(log == opened + closed, "close_all has to close the last one first.")
    return "All are open, or none."
