"""warns: a warning is shown in one line, and must come."""

import warnings

import pytest

from lifespan_course.warned import warns


def warn(*given: Warning) -> None:
    for warning in given:
        warnings.warn(warning, stacklevel=1)


def test_prints_the_first_line_and_goes_on(capsys: pytest.CaptureFixture[str]) -> None:
    """The warning is printed, and not raised although warnings are errors here."""
    with warns(DeprecationWarning, "deprecated"):
        warn(DeprecationWarning("\n  on_event is deprecated.\n  Read more."))
    expected = "DeprecationWarning in this notebook: on_event is deprecated.\n"
    assert capsys.readouterr().out == expected


def test_prints_each_warning(capsys: pytest.CaptureFixture[str]) -> None:
    """The same line that warns twice is shown twice, as filters are put aside."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with warns(UserWarning):
            for _ in range(2):
                warn(UserWarning("again"))
    assert capsys.readouterr().out == "UserWarning in this notebook: again\n" * 2


@pytest.mark.parametrize(
    "path",
    [
        "/env/lib/python3.11/site-packages/fastapi/applications.py",
        r"C:\env\Lib\site-packages\fastapi\applications.py",
    ],
)
def test_says_which_package_is_blamed(
    path: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file of an installed package is named as it is imported, without its place."""
    with warns(DeprecationWarning):
        warnings.warn_explicit("old", DeprecationWarning, path, 1)
    expected = "DeprecationWarning in fastapi/applications.py: old\n"
    assert capsys.readouterr().out == expected


def test_nothing_warned() -> None:
    """A cell that stops warning is an error."""
    with (
        pytest.raises(AssertionError, match="nothing warned"),
        warns(DeprecationWarning),
    ):
        pass


@pytest.mark.parametrize(
    "warning", [PendingDeprecationWarning("old"), DeprecationWarning("other")]
)
def test_another_warning(warning: Warning) -> None:
    """Another type or another message is not what was announced."""
    with (
        pytest.raises(AssertionError, match="expected DeprecationWarning with 'old'"),
        warns(DeprecationWarning, "old"),
    ):
        warn(DeprecationWarning("old"), warning)


def test_a_subclass_is_not_enough() -> None:
    """The type is the exact one."""
    with pytest.raises(AssertionError, match="expected Warning"), warns(Warning):
        warn(DeprecationWarning("old"))


def test_an_error_goes_through() -> None:
    """An error of the block comes out as itself."""
    with pytest.raises(KeyError), warns(DeprecationWarning):
        raise KeyError("word")
