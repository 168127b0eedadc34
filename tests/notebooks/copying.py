"""Cells that a reader takes away: the same as the module's, and able to stand alone."""

import ast
import difflib
import importlib.util
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from nbformat import NotebookNode

from tests.notebooks.folders import temporary_folders
from tests.notebooks.series import place, read, tags

OURS = ("lifespan_lab", "lifespan_course", "lifespan_tools")
SAME_AS = "same-as:"
COPY_ALONE = "copy-alone"
TIME_LIMIT = 60.0  # seconds

_ALONE = """\
import ast, asyncio, inspect, pathlib, sys
name = sys.argv[1]
flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
code = compile(pathlib.Path(name).read_text("utf-8"), name, "exec", flags=flags)
async def run():
    waiting = eval(code, globals())
    if inspect.iscoroutine(waiting):
        await waiting
asyncio.run(run())
"""

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def drifted(path: Path) -> list[str]:
    """Each cell that claims to be a module's definition and differs from it."""
    notebook = read(path)
    return [
        f"{place(notebook, index)}\n  {fault}"
        for index, name in same_as(notebook)
        if (fault := _difference(notebook.cells[index].source, name))
    ]


def same_as(notebook: NotebookNode) -> list[tuple[int, str]]:
    """Index of each tagged cell, and the full name of what it claims to be."""
    return [
        (index, tag.removeprefix(SAME_AS))
        for index, cell in enumerate(notebook.cells)
        for tag in tags(cell)
        if tag.startswith(SAME_AS)
    ]


def dependent(path: Path) -> list[str]:
    """Each cell meant for copying that doesn't run alone in an empty folder."""
    notebook = read(path)
    return [
        f"{place(notebook, index)}\n  {fault}"
        for index in copied_alone(notebook)
        for fault in _faults_alone(notebook.cells[index].source)
    ]


def copied_alone(notebook: NotebookNode) -> list[int]:
    """Indices of the cells that are meant for copying."""
    cells = enumerate(notebook.cells)
    return [index for index, cell in cells if COPY_ALONE in tags(cell)]


def _difference(source: str, full_name: str) -> str:
    module, _, name = full_name.rpartition(".")
    found = importlib.util.find_spec(module)
    if not found or not found.origin:
        return f"there is no module {module}"
    here = _definition(source, name)
    there = _definition(Path(found.origin).read_text(encoding="utf-8"), name)
    if not (here and there):
        return f"{name} isn't defined in {module if here else 'the cell'}"
    lines = difflib.unified_diff(
        there.splitlines(), here.splitlines(), full_name, "this cell", lineterm=""
    )
    return "\n  ".join(lines)


def _definition(source: str, name: str) -> str:
    """A definition in the one way its syntax tree is written, without docstrings."""
    for node in ast.parse(source).body:
        if isinstance(node, Definition) and node.name == name:
            for inner in ast.walk(node):
                if isinstance(inner, Definition):
                    _drop_docstring(inner)
            return ast.unparse(node)
    return ""


def _drop_docstring(node: Definition) -> None:
    if ast.get_docstring(node) is not None:
        node.body = node.body[1:] or [ast.Pass()]


def _faults_alone(source: str) -> Iterator[str]:
    for module in _imported(source):
        if module.partition(".")[0] in OURS:
            yield f"it imports {module}"
    with temporary_folders() as folders:
        (folders.work / "cell.py").write_text(source, encoding="utf-8")
        done = subprocess.run(
            [sys.executable, "-c", _ALONE, "cell.py"],
            cwd=folders.work,
            env=folders.environment(),
            capture_output=True,
            text=True,
            timeout=TIME_LIMIT,
        )
        if done.returncode or done.stderr:
            said = done.stderr.strip().splitlines()[-1:] or [f"{done.returncode}"]
            yield f"alone it fails: {said[0]}"
        for request in folders.requests():
            yield f"it asks the network: {request}"
        for file in set(folders.files()) - {"work/cell.py"}:
            yield f"it leaves {file}"


def _imported(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or "."
