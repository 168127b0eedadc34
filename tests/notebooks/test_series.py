"""The series holds true: each notebook, its outputs, its exercises and its text."""

from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest

from tests.notebooks.canonical import canonical
from tests.notebooks.comparison import differences
from tests.notebooks.copying import copied_alone, dependent, drifted, same_as
from tests.notebooks.execution import Pass, Run, keeping_cells
from tests.notebooks.exercises import (
    exercises,
    faults_of_solutions,
    faults_of_stubs,
    faults_of_wrong_answers,
)
from tests.notebooks.guard import misplaced
from tests.notebooks.prose import faults
from tests.notebooks.series import notebooks, read, text

SERIES = notebooks()
KEEPING = [path for path in SERIES if keeping_cells(read(path))]
FEWEST_EXERCISES = {"00_start_here": 1}
"""Three, but for the chapters named here."""

Runs = dict[Path, Run]


def chapters(paths: list[Path] = SERIES) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("path", paths, ids=lambda path: path.stem)


def report(problems: list[str]) -> None:
    """Fail with all problems, and no traceback of the test."""
    if problems:
        pytest.fail("\n\n".join(["", *problems]), pytrace=False)


def completed(one: Pass) -> Pass:
    if one.failure:
        pytest.fail(f"it didn't come to its end:\n{one.failure}", pytrace=False)
    return one


@pytest.mark.parametrize(
    "count",
    [
        lambda path: 1,
        lambda path: sum(bool(cell.get("outputs")) for cell in read(path).cells),
        lambda path: len(keeping_cells(read(path))),
        lambda path: len(exercises(path)),
        lambda path: sum(len(each.wrong_answers) for each in exercises(path)),
        lambda path: len(same_as(read(path))),
        lambda path: len(copied_alone(read(path))),
    ],
    ids=[
        "notebooks",
        "outputs",
        "cells that keep something",
        "exercises",
        "wrong answers",
        "cells that equal a module",
        "cells to copy",
    ],
)
def test_there_is_something_to_check(count: Callable[[Path], int]) -> None:
    """The series has what the other tests are about: else they would check nothing."""
    assert sum(map(count, SERIES)) > 0


@chapters()
def test_every_cell_runs(path: Path, runs: Runs) -> None:
    """Run All, from a fresh kernel, comes to the end."""
    report([failure] if (failure := runs[path].first.failure) else [])


@chapters()
def test_outputs_are_as_stored(path: Path, runs: Runs) -> None:
    """Every output of every cell is the one that is stored."""
    stored = read(path)
    assert any(cell.get("outputs") for cell in stored.cells), "no output is stored"
    report(differences(stored, completed(runs[path].first).notebook, path.name))


@chapters()
def test_nothing_is_left_behind(path: Path, runs: Runs) -> None:
    """After the last cell no file, process, socket, thread, task is left open."""
    report(completed(runs[path].first).left_behind)


@chapters()
def test_the_kernel_is_gone(path: Path, runs: Runs) -> None:
    """When a notebook has been run, no process of it is left."""
    report(runs[path].outlived_by)


@chapters()
def test_nothing_is_written_to_stderr(path: Path, runs: Runs) -> None:
    """No warning, no log record, no error that nobody took."""
    report([errors] if (errors := runs[path].errors) else [])


@chapters()
def test_stays_offline(path: Path, runs: Runs) -> None:
    """No cell asks for another host, not even one that takes a refusal."""
    report(runs[path].requests)


@chapters(KEEPING)
def test_survives_running_twice(path: Path, runs: Runs) -> None:
    """Cells that keep something run twice, then Run All: the same, nothing is left."""
    completed(runs[path].first)
    again = completed(runs[path].again)
    report(again.left_behind + differences(read(path), again.notebook, path.name))


@chapters()
def test_the_file_is_in_canonical_form(path: Path) -> None:
    """The file is as refresh writes it: no metadata but tags, each cell its own id."""
    notebook = read(path)
    nbformat.validate(notebook)
    assert path.read_text(encoding="utf-8") == text(canonical(notebook)), "run refresh"


@chapters()
def test_outputs_are_the_same_everywhere(path: Path) -> None:
    """No stored output holds a path, an address, a time, a port or the like."""
    report(misplaced(read(path)))


@chapters()
def test_prose(path: Path) -> None:
    """The text keeps the rules: headings, links, pictures, words, short cells."""
    report(faults(path))


@chapters()
def test_there_are_enough_exercises(path: Path) -> None:
    """A chapter has three exercises or more, each with a wrong answer to it."""
    found = exercises(path)
    assert len(found) >= FEWEST_EXERCISES.get(path.stem, 3)
    report([each.title for each in found if not each.wrong_answers])


@chapters()
def test_exercises_begin_unsolved(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each stub, as it stands, is told what is still to do."""
    monkeypatch.chdir(tmp_path)
    report(faults_of_stubs(exercises(path)))


@chapters()
def test_printed_solutions_are_right(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each solution that the chapter prints passes its check."""
    monkeypatch.chdir(tmp_path)
    report(faults_of_solutions(exercises(path)))


@chapters()
def test_wrong_answers_get_hints_of_their_own(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each mistake that people make gets the hint that fits it, and no other."""
    monkeypatch.chdir(tmp_path)
    report(faults_of_wrong_answers(exercises(path)))


@chapters()
def test_cells_equal_the_modules(path: Path) -> None:
    """Where a chapter builds a snippet, its last form is the module's."""
    report(drifted(path))


@chapters()
def test_cells_to_copy_run_alone(path: Path) -> None:
    """A cell meant for copying imports nothing of ours and runs in an empty folder."""
    report(dependent(path))
