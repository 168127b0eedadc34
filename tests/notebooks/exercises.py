"""The exercises of a chapter, and what their checks say to an answer."""

import ast
import asyncio
import gc
import inspect
import linecache
import re
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from nbformat import NotebookNode

from tests.notebooks.series import place, read, tags

WRONG_ANSWERS = Path(__file__).parent / "wrong_answers"
PARTS = ("exercise", "check", "solution")
NOT_YET = "Not yet."
RIGHT = "Right."
ANSWER_LIMIT = 20.0  # seconds until an answer that waits for ever is given up

_SECTION = re.compile(r"^# %% *(.*)$", re.MULTILINE)
_FOLDED = re.compile(r"<details>.*?</details>", re.DOTALL)
_PYTHON = re.compile(r"^```python\n(.*?)^```\s*$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class WrongAnswer:
    """An answer that people give, and a part of the hint that it must get."""

    check: str
    fragment: str
    source: str


@dataclass(frozen=True)
class Exercise:
    """An exercise with all that a learner and a test need of it."""

    title: str
    setup: str
    """The chapter's first code cell: all that an exercise may need of the chapter."""
    stub: str
    check: str
    solution: str
    wrong_answers: tuple[WrongAnswer, ...] = ()

    def verdict(self, answer: str) -> str:
        """What the check says when the answer stands in place of the stub."""
        try:
            return str(_evaluate([self.setup, answer, self.check]))
        except Exception as error:
            return f"no verdict, but {error!r}"


def exercises(path: Path, wrong_answers: Path = WRONG_ANSWERS) -> list[Exercise]:
    """All exercises of a chapter, each with its wrong answers.

    Args:
        path: the notebook.
        wrong_answers: folder of the files with wrong answers, named like notebooks.

    Raises:
        ValueError: the parts of an exercise don't belong together.
    """
    notebook = read(path)
    wrong = read_wrong_answers(wrong_answers / f"{path.stem}.py")
    found = list(_in_cells(notebook, wrong))
    checked = [called(exercise.check) for exercise in found]
    unused = {answer.check for answer in wrong} - set().union(*checked)
    if unused:
        raise ValueError(f"wrong answers to checks that {path.name} has not: {unused}")
    return found


def faults_of_stubs(found: list[Exercise]) -> list[str]:
    """Exercises that don't say "Not yet." before anything is done."""
    return [
        f"{each.title}, the stub:\n  {said}"
        for each in found
        if not (said := each.verdict(each.stub)).startswith(NOT_YET)
    ]


def faults_of_solutions(found: list[Exercise]) -> list[str]:
    """Printed solutions that don't pass."""
    return [
        f"{each.title}, the printed solution:\n  {said}"
        for each in found
        if not (said := each.verdict(each.solution)).startswith(RIGHT)
    ]


def faults_of_wrong_answers(found: list[Exercise]) -> list[str]:
    """Wrong answers that pass, or that don't get the hint made for them."""
    return [fault for each in found for fault in _faults_of_hints(each)]


def _faults_of_hints(exercise: Exercise) -> Iterator[str]:
    heard = {exercise.verdict(exercise.stub): "the stub"}
    for answer in exercise.wrong_answers:
        said = exercise.verdict(answer.source)
        name = f"{exercise.title}, the wrong answer | {answer.fragment}:\n  {said}"
        if not said.startswith(NOT_YET):
            yield f"{name}\n  it must begin with {NOT_YET!r}"
        if answer.fragment not in said:
            yield f"{name}\n  the fragment isn't in it"
        for other, whose in heard.items():
            if answer.fragment in other:
                yield f"{name}\n  this is also said to {whose}"
        heard[said] = f"the wrong answer | {answer.fragment}"


def read_wrong_answers(path: Path) -> list[WrongAnswer]:
    """Sections of a percent file: ``# %% check | fragment`` and the answer below it."""
    if not path.exists():
        return []
    _, *parts = _SECTION.split(path.read_text(encoding="utf-8"))
    answers = []
    for head, source in zip(parts[::2], parts[1::2], strict=True):
        check, bar, fragment = (part.strip() for part in head.partition("|"))
        if not (check and bar and fragment):
            raise ValueError(f"{path.name}: expected 'check | fragment', got {head!r}")
        answers.append(WrongAnswer(check, fragment, source.strip() + "\n"))
    return answers


def called(source: str) -> set[str]:
    """Names of the functions that a piece of code calls, without their module's."""
    functions = [
        node.func for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)
    ]
    return {
        function.attr if isinstance(function, ast.Attribute) else function.id
        for function in functions
        if isinstance(function, ast.Attribute | ast.Name)
    }


def _in_cells(notebook: NotebookNode, wrong: list[WrongAnswer]) -> Iterator[Exercise]:
    cells = notebook.cells
    setup = next(cell.source for cell in cells if cell.cell_type == "code")
    marked = [index for index, cell in enumerate(cells) if set(PARTS) & {*tags(cell)}]
    for first in range(0, len(marked), 3):
        group = marked[first : first + 3]
        kinds = [tag for index in group for tag in tags(cells[index]) if tag in PARTS]
        if kinds != list(PARTS) or group[-1] - group[0] != 2:
            raise ValueError(
                f"{place(notebook, group[0])}\n  expected {PARTS} in a row"
            )
        stub, check, solution = (cells[index].source for index in group)
        title = _title(cells[: group[0]])
        answers = tuple(answer for answer in wrong if answer.check in called(check))
        yield Exercise(title, setup, stub, check, _printed(solution, title), answers)


def _title(cells: list[NotebookNode]) -> str:
    text = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    titles = re.findall(r"^### (Exercise \d+: .*)$", text, re.MULTILINE)
    if not titles:
        raise ValueError("an exercise has no heading '### Exercise N: ...'")
    return titles[-1]


def _printed(solution: str, title: str) -> str:
    """The code in the last folded part, which is the solution."""
    folded = _FOLDED.findall(solution)
    code = _PYTHON.findall(folded[-1]) if folded else []
    if len(code) != 1 or "<summary>Solution</summary>" not in folded[-1]:
        raise ValueError(f"{title}: the last folded part must be one printed solution")
    return code[0]


def _evaluate(cells: list[str]) -> Any:
    """Run cells one after the other as a kernel would; the last expression's value."""
    with _module("answer") as namespace, warnings.catch_warnings():
        # Answers may be wrong, and forget to await or to close. Nobody is warned.
        warnings.simplefilter("ignore")
        gc.freeze()  # what is there already is much, and not this answer's
        try:
            value = asyncio.run(_run_in_time(cells, namespace))
            gc.collect()
        finally:
            gc.unfreeze()
        return value


async def _run_in_time(cells: list[str], namespace: dict[str, Any]) -> Any:
    async with asyncio.timeout(ANSWER_LIMIT):
        value = None
        for number, source in enumerate(cells):
            value = await _run(source, f"<cell {number}>", namespace)
        return value


async def _run(source: str, name: str, namespace: dict[str, Any]) -> Any:
    # Lets tracebacks and inspect.getsource find the text, as in a kernel.
    linecache.cache[name] = (len(source), None, source.splitlines(True), name)
    *statements, last = ast.parse(source).body
    value = None
    if not isinstance(last, ast.Expr):
        statements, last = [*statements, last], None
    for tree, mode in (
        (ast.Module(statements, []), "exec"),
        (last and ast.Expression(last.value), "eval"),
    ):
        if tree is not None:
            flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
            code = compile(tree, name, mode, flags=flags, dont_inherit=True)
            value = eval(code, namespace)
            if code.co_flags & inspect.CO_COROUTINE:
                value = await value
    return value


@contextmanager
def _module(name: str) -> Iterator[dict[str, Any]]:
    """A namespace that is a module's, since dataclasses and pydantic look for one."""
    module = ModuleType(name)
    sys.modules[name] = module
    try:
        yield vars(module)
    finally:
        del sys.modules[name]
