"""Run notebooks from fresh kernels, side by side, all from this one process."""

import ast
import asyncio
import os
import re
import time
from collections.abc import Iterable, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError
from nbformat import NotebookNode

from tests.notebooks.canonical import canonical_outputs, clean
from tests.notebooks.folders import temporary_folders
from tests.notebooks.kernel import Kernel, NoAnswer, running_kernel
from tests.notebooks.series import place, read

# One for each core: with more they only get in each other's way.
AT_ONCE = max(2, os.cpu_count() or 2)
TIME_LIMIT = 120.0  # seconds for one pass through all cells of a notebook

_ARROWS = re.compile(r"^-+> ?\d+ .*$", re.MULTILINE)


@dataclass
class Pass:
    """One pass through the cells of a notebook, from the top."""

    notebook: NotebookNode
    """With the outputs of this pass, in canonical form."""
    failure: str = ""
    """Which cell failed, and how; empty when all of them ran."""
    left_behind: list[str] = field(default_factory=list)


@dataclass
class Run:
    """What came out of one notebook and its kernel."""

    path: Path
    first: Pass
    again: Pass | None = None
    """Run All in the same kernel, after an interrupted run; where cells keep things."""
    errors: str = ""
    """All that was written to stderr."""
    requests: list[str] = field(default_factory=list)
    """Requests to other hosts."""
    outlived_by: list[str] = field(default_factory=list)
    """Processes that are still there after the kernel was stopped."""
    seconds: float = 0.0

    @property
    def problems(self) -> list[str]:
        """Why the outputs of this run can't be trusted."""
        found = [self.first.failure] if self.first.failure else []
        if self.errors:
            found.append(f"{self.path.name}, on stderr:\n{self.errors}")
        if self.requests:
            found.append(f"{self.path.name} asked the network: {self.requests}")
        return found


def run_all(paths: Sequence[Path]) -> dict[Path, Run]:
    """Run notebooks, each from a fresh kernel in a folder of its own.

    Args:
        paths: the notebooks; their files stay as they are.
    """
    return asyncio.run(run_side_by_side(paths))


async def run_side_by_side(
    paths: Sequence[Path], *, at_once: int = AT_ONCE
) -> dict[Path, Run]:
    """Run notebooks side by side, the longest first.

    Args:
        paths: the notebooks; their files stay as they are.
        at_once: how many kernels may run at the same time.
    """
    turns = asyncio.Semaphore(at_once)

    async def run_in_turn(path: Path) -> Run:
        async with turns:
            return await run_notebook(path)

    async with asyncio.TaskGroup() as group:
        tasks = {
            path: group.create_task(run_in_turn(path))
            for path in sorted(paths, key=_length, reverse=True)
        }
    return {path: tasks[path].result() for path in paths}


def _length(path: Path) -> int:
    """How many cells are going to be run, in all passes."""
    notebook = read(path)
    keeping = keeping_cells(notebook)
    return len(notebook.cells) * 2 + keeping[-1] if keeping else len(notebook.cells)


async def run_notebook(path: Path, time_limit: float = TIME_LIMIT) -> Run:
    """Run one notebook from a fresh kernel, and again where cells keep something.

    Args:
        path: the notebook; its file stays as it is.
        time_limit: seconds for each pass through the cells; the kernel starts before.
    """
    notebook = read(path)
    run = Run(path, Pass(deepcopy(notebook)))
    start = time.perf_counter()
    with temporary_folders() as folders:
        try:
            async with running_kernel(folders) as kernel:
                await _pass_through(run.first, path.name, kernel, time_limit)
                if keeping_cells(notebook) and not run.first.failure:
                    run.again = Pass(deepcopy(notebook))
                    await _pass_again(run.again, path.name, kernel, time_limit)
            run.outlived_by = alive([kernel.process, *kernel.started])
        except NoAnswer as error:
            run.first.failure = f"{path.name}: {error}"
        run.errors = folders.errors.read_text("utf-8", "replace").strip()
        run.requests = folders.requests()
    run.seconds = time.perf_counter() - start
    return run


def keeping_cells(notebook: NotebookNode) -> list[int]:
    """Cells that open something for later cells, with ``await keep(...)``."""
    return [
        index
        for index, cell in enumerate(notebook.cells)
        if cell.cell_type == "code" and _keeps(cell.source)
    ]


def _keeps(source: str) -> bool:
    try:
        tree = ast.parse(source)
    except SyntaxError:  # a magic command, or a failure that the run will show
        return False
    return any(
        isinstance(node, ast.Await)
        and isinstance(node.value, ast.Call)
        and isinstance(node.value.func, ast.Name)
        and node.value.func.id == "keep"
        for node in ast.walk(tree)
    )


async def _pass_through(
    one: Pass, name: str, kernel: Kernel, time_limit: float
) -> None:
    """Run All, then look at what is left."""
    everything = range(len(one.notebook.cells))
    one.failure = await _run_cells(one.notebook, everything, name, kernel, time_limit)
    if not one.failure:
        try:
            one.left_behind = await kernel.left_behind()
        except NoAnswer as error:
            one.failure = f"{name}, after the last cell: {error}"
    for cell in one.notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = canonical_outputs(cell.outputs)


async def _pass_again(one: Pass, name: str, kernel: Kernel, time_limit: float) -> None:
    """Run All after a run that was given up while things were open.

    Whoever gives up has run each cell up to there, those that keep something twice.
    """
    keeping = keeping_cells(one.notebook)
    given_up = [
        index
        for index in range(keeping[-1] + 1)
        for _ in range(2 if index in keeping else 1)
    ]
    interrupted = deepcopy(one.notebook)
    one.failure = await _run_cells(interrupted, given_up, name, kernel, time_limit)
    if not one.failure:
        await _pass_through(one, name, kernel, time_limit)


async def _run_cells(
    notebook: NotebookNode,
    indices: Iterable[int],
    name: str,
    kernel: Kernel,
    time_limit: float,
) -> str:
    """Run cells one after the other, and say which one failed, if one did."""
    runner = NotebookClient(notebook, km=kernel.manager)
    runner.kc = kernel.client
    index = 0
    try:
        async with asyncio.timeout(time_limit) as limit:
            for index in indices:
                await runner.async_execute_cell(notebook.cells[index], index)
    except CellExecutionError as error:
        what = "\n".join([f"{error.ename}: {error.evalue}", *_way(error.traceback)])
    except (DeadKernelError, TimeoutError):
        # nbclient takes every cancellation for a kernel that died.
        what = (
            f"still running when the notebook's {time_limit:g} s were over"
            if limit.expired()
            else "the kernel's process died"
        )
    else:
        return ""
    indented = clean(what).replace("\n", "\n  ")
    return f"{name}, {place(notebook, index)}\n  {indented}"


def _way(traceback: str) -> list[str]:
    """The lines of code that led to an error: those a traceback has an arrow at."""
    return [line.strip() for line in _ARROWS.findall(clean(traceback))]


def alive(processes: list[psutil.Process], *, patience: float = 2.0) -> list[str]:
    """Name the processes that are still there after some seconds of patience."""
    _, left = psutil.wait_procs(processes, timeout=patience)
    return [str(process) for process in left if process.status() != "zombie"]
