"""fails: a failure is shown in one line, and must happen."""

import pytest

from lifespan_course import fails


def test_prints_the_error_and_goes_on(capsys: pytest.CaptureFixture[str]) -> None:
    """The expected error is printed and not raised."""
    with fails(ValueError, "no such word") as failure:
        raise ValueError("no such word")
    assert capsys.readouterr().out == "ValueError: no such word\n"
    assert isinstance(failure.error, ValueError)


def test_prints_only_the_part_that_was_named(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """What differs from Python to Python stays out of the output."""
    with fails(ValueError, "such"):
        raise ValueError("no such word")
    assert capsys.readouterr().out == "ValueError: … such …\n"


def test_prints_the_type_alone(capsys: pytest.CaptureFixture[str]) -> None:
    """Without a part of the message, nothing of the message is printed."""
    with fails(ValueError):
        raise ValueError("no such word")
    assert capsys.readouterr().out == "ValueError\n"


def test_nothing_raised() -> None:
    """A cell that stops failing is an error."""
    with (
        pytest.raises(AssertionError, match="nothing was raised"),
        fails(ValueError, "no such word"),
    ):
        pass


@pytest.mark.parametrize("error", [UnicodeError("no such word"), ValueError("other")])
def test_another_error(error: Exception) -> None:
    """A subclass or another message is not what was announced."""
    with pytest.raises(AssertionError) as caught, fails(ValueError, "no such word"):
        raise error
    assert caught.value.__cause__ is error


def test_an_unrelated_error_goes_through() -> None:
    """An error of another type comes out as itself."""
    with pytest.raises(KeyError), fails(ValueError):
        raise KeyError("word")
