"""A kernel process for a notebook."""

import ast
import asyncio
import queue
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from subprocess import DEVNULL
from typing import Any

import psutil
from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager

from tests.notebooks.folders import Folders

PROGRAM = Path(__file__).parent / "inside" / "kernel.py"
OPTIONS = (
    "--HistoryManager.enabled=False",
    "--InteractiveShell.colors=nocolor",
    # All that is written to stderr reaches the process's own stderr too: what a task
    # writes between two cells, or at the end, belongs to no cell.
    "--IPKernelApp.quiet=False",
)
START_LIMIT = 60.0  # seconds
ANSWER_LIMIT = 30.0  # seconds


class NoAnswer(Exception):  # noqa: N818 - the name says what happened
    """A kernel that was asked and didn't answer; its stderr may say why."""


class KernelManager(AsyncKernelManager):
    """Starts our kernel program, whatever kernels are installed on the machine."""

    @property
    def kernel_spec(self) -> KernelSpec:
        return KernelSpec(
            argv=[sys.executable, str(PROGRAM), "-f", "{connection_file}", *OPTIONS],
            display_name="Python",
            language="python",
        )


class Kernel:
    """A kernel that runs, the client that talks to it, and the folders it runs in."""

    def __init__(self, manager: KernelManager, folders: Folders) -> None:
        self.manager = manager
        self.folders = folders
        self.client: AsyncKernelClient = manager.client()
        self.process = psutil.Process(manager.provisioner.pid)
        self.started: list[psutil.Process] = []
        """Processes that it had started and that were there when it was stopped."""
        self._at_start: set[str] = set()

    async def get_ready(self) -> None:
        self.client.start_channels(stdin=False, hb=False)
        start = time.monotonic()
        while not await self._answers():
            if not await self.manager.is_alive():
                raise NoAnswer("the kernel's process ended before it was ready")
            if time.monotonic() - start > START_LIMIT:
                raise NoAnswer(f"the kernel wasn't ready after {START_LIMIT:g} s")
        await self._ask("remember()")
        self._at_start = set(self._outside())

    async def left_behind(self) -> list[str]:
        """Describe what is there now and was not there at the start."""
        inside = await self._ask("found()")
        outside = [what for what in self._outside() if what not in self._at_start]
        return [*inside, *outside]

    def _outside(self) -> list[str]:
        """What can be seen of the kernel's process from here."""
        return [
            *(f"a file: {path}" for path in self.folders.files()),
            *(f"an open file: {file.path}" for file in self.process.open_files()),
            *(
                f"a socket: {socket.laddr} {socket.raddr or ''} {socket.status}"
                for socket in self.process.net_connections(kind="inet")
            ),
            *(f"a process: {name}" for name in _names(_started_by(self.process))),
        ]

    async def _answers(self) -> bool:
        """Tell whether the kernel answers, and whether its outputs arrive here too."""
        self.client.kernel_info()
        try:
            await self.client.get_shell_msg(timeout=0.2)
            await self.client.get_iopub_msg(timeout=0.2)
        except queue.Empty:
            return False
        return True

    async def _ask(self, question: str) -> Any:
        wanted = {"answer": f"__import__('kernel_leftovers').{question}"}
        asked = asyncio.ensure_future(
            self.client.execute(
                "",
                silent=True,
                user_expressions=wanted,
                reply=True,
                timeout=ANSWER_LIMIT,
            )
        )
        while not asked.done():
            await asyncio.wait({asked}, timeout=0.2)
            if not await self.manager.is_alive():
                asked.cancel()
                raise NoAnswer("the kernel's process died between two cells")
        try:
            reply = asked.result()
        except TimeoutError:
            raise NoAnswer(f"the kernel is busy for {ANSWER_LIMIT:g} s") from None
        result = reply["content"]["user_expressions"]["answer"]
        if result["status"] != "ok":
            raise RuntimeError(f"{question}: {result['ename']}: {result['evalue']}")
        return ast.literal_eval(result["data"]["text/plain"])


@asynccontextmanager
async def running_kernel(folders: Folders) -> AsyncIterator[Kernel]:
    """Start a kernel; at the end it is gone, with all that it started."""
    # Sockets that are files, not ports: no two kernels can want the same one.
    manager = KernelManager(
        transport="ipc",
        ip=str(folders.jupyter / "kernel"),
        connection_file=str(folders.jupyter / "kernel.json"),
    )
    with folders.errors.open("wb") as errors:
        await manager.start_kernel(
            cwd=str(folders.work),
            env=folders.environment(),
            stdout=DEVNULL,
            stderr=errors,
        )
    kernel = Kernel(manager, folders)
    try:
        await kernel.get_ready()
        yield kernel
    finally:
        kernel.started = _started_by(kernel.process)
        kernel.client.stop_channels()
        await manager.shutdown_kernel(now=True)
        for process in kernel.started:
            with suppress(psutil.NoSuchProcess):
                process.kill()


def _names(processes: list[psutil.Process]) -> Iterator[str]:
    for process in processes:
        with suppress(psutil.NoSuchProcess):  # it ended just now
            yield f"{process.name()} {process.status()}"


def _started_by(process: psutil.Process) -> list[psutil.Process]:
    try:
        return process.children(recursive=True)
    except psutil.NoSuchProcess:
        return []
