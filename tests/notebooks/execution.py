"""Run notebooks from fresh kernels, side by side in this one process."""

import asyncio
import tempfile
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path

from jupyter_client.asynchronous import AsyncKernelClient
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError
from nbformat import NotebookNode

from tests.notebooks.canonical import canonical_outputs, clean
from tests.notebooks.kernel import Folders, running_kernel
from tests.notebooks.series import place, read

AT_ONCE = 3
TIME_LIMIT = 120.0  # seconds for one notebook


@dataclass
class Run:
    """What came out of running one notebook."""

    path: Path
    notebook: NotebookNode
    """Executed, in canonical form as far as outputs go."""
    problems: list[str] = field(default_factory=list)
    """Why the run failed, in words, each with the cell; empty when all went well."""
    cell: int | None = None
    """Index of the cell that is running, or ran last."""


def run_all(paths: Sequence[Path], *, at_once: int = AT_ONCE) -> dict[Path, Run]:
    """Run notebooks side by side, each from a fresh kernel in a folder of its own."""

    async def run_side_by_side() -> list[Run]:
        places = asyncio.Semaphore(at_once)
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(_run_in_turn(path, places)) for path in paths]
        return [task.result() for task in tasks]

    return {run.path: run for run in asyncio.run(run_side_by_side())}


async def _run_in_turn(path: Path, places: asyncio.Semaphore) -> Run:
    async with places:
        with tempfile.TemporaryDirectory(prefix="nb-") as root:
            return await run_notebook(path, Folders(Path(root)))


async def run_notebook(
    path: Path, folders: Folders, *, time_limit: float = TIME_LIMIT
) -> Run:
    """Run one notebook from a fresh kernel.

    Args:
        path: the notebook's file, which stays as it is.
        folders: where its process runs.
        time_limit: seconds for the whole run.
    """
    run = Run(path, deepcopy(read(path)))
    try:
        async with running_kernel(folders) as manager, asyncio.timeout(time_limit):
            client = manager.client()
            client.start_channels()
            try:
                await client.wait_for_ready(timeout=time_limit)
                await _run_cells(run, manager, client)
            finally:
                client.stop_channels()
    except TimeoutError:
        run.problems.append(
            f"{_where(run)}\n  still running when the notebook's {time_limit:g} s were up"
        )
    except CellExecutionError as error:
        run.problems.append(f"{_where(run)}\n  {error.ename}: {clean(error.evalue)}")
    except DeadKernelError:
        run.problems.append(f"{_where(run)}\n  the kernel's process died")
    errors = folders.errors.read_text(encoding="utf-8", errors="replace").strip()
    if errors:
        run.problems.append(f"{path.name}\n  stderr: {errors}")
    if folders.refused.exists():
        requests = folders.refused.read_text(encoding="utf-8").splitlines()
        run.problems.append(f"{path.name}\n  asked the network: {', '.join(requests)}")
    return run


async def _run_cells(run: Run, manager: object, client: AsyncKernelClient) -> None:
    runner = NotebookClient(run.notebook, km=manager)
    runner.kc = client
    for index, cell in enumerate(run.notebook.cells):
        run.cell = index
        await runner.async_execute_cell(cell, index)
        if cell.cell_type == "code":
            cell.outputs = canonical_outputs(cell.outputs)


def _where(run: Run) -> str:
    if run.cell is None:
        return f"{run.path.name}, before the first cell"
    return f"{run.path.name}, {place(run.notebook, run.cell)}"
