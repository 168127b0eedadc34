"""run_script: a piece of Python runs in a process of its own."""

import subprocess

import pytest

from lifespan_course import run_script
from lifespan_course.processes import script_lines


def test_prints_the_output(capsys: pytest.CaptureFixture[str]) -> None:
    """What the script prints is printed here."""
    run_script("print('hello')")
    assert capsys.readouterr().out == "hello\n"


def test_prints_the_last_line_of_a_traceback(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """An error is shown in one line, after what was printed before it."""
    run_script("print('hello')\nraise ValueError('no such word')")
    assert capsys.readouterr().out == "hello\nValueError: no such word\n"


def test_prints_an_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    """A script that exits without a word shows its exit code."""
    run_script("raise SystemExit(3)")
    assert capsys.readouterr().out == "exit code 3\n"


def test_prints_nothing_for_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """A script that says nothing leaves no empty line."""
    run_script("")
    assert capsys.readouterr().out == ""


def test_warnings_at_the_end_do_not_hide_the_error() -> None:
    """The error is shown, also when a warning about a coroutine follows it."""
    script = (
        "async def count(): ...\nwaiting = count()\nraise ValueError('no such word')"
    )
    assert script_lines(script) == ["ValueError: no such word"]


def test_an_exit_after_some_words_is_shown() -> None:
    """The exit code comes after what was printed; a success has none."""
    assert script_lines("print('bye'); raise SystemExit(1)") == ["bye", "exit code 1"]
    assert script_lines("print('bye'); raise SystemExit(0)") == ["bye"]


def test_patches_do_not_reach_this_process() -> None:
    """What the script does to a module stays there."""
    run_script("import json; json.dumps = None")
    import json

    assert json.dumps is not None


def test_a_script_that_hangs_is_ended() -> None:
    """After the limit the process is killed."""
    with pytest.raises(subprocess.TimeoutExpired):
        run_script("import time; time.sleep(60)", timeout=0.2)
