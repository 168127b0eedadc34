"""run_script: a piece of Python runs in a process of its own."""

import subprocess

import pytest

from lifespan_course import run_script


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


def test_patches_do_not_reach_this_process() -> None:
    """What the script does to a module stays there."""
    run_script("import json; json.dumps = None")
    import json

    assert json.dumps is not None


def test_a_script_that_hangs_is_ended() -> None:
    """After the limit the process is killed."""
    with pytest.raises(subprocess.TimeoutExpired):
        run_script("import time; time.sleep(60)", timeout=0.2)
