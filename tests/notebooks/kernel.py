"""A kernel process of its own for each notebook, in a temporary folder of its own."""

import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from subprocess import DEVNULL

from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager

INSIDE = Path(__file__).parent / "inside"
OPTIONS = (
    "--HistoryManager.enabled=False",
    "--InteractiveShell.colors=nocolor",
    # All that is written to stderr reaches the process's own stderr too: what a task
    # writes between two cells, or at the end, belongs to no cell.
    "--IPKernelApp.quiet=False",
)
KEPT_VARIABLES = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "SYSTEMROOT", "TZ")


@dataclass(frozen=True)
class Folders:
    """Where a notebook runs; ``work``, ``home`` and ``tmp`` must be empty at the end."""

    root: Path

    def __post_init__(self) -> None:
        for folder in (self.work, self.home, self.tmp, self.jupyter):
            folder.mkdir(parents=True)

    @property
    def work(self) -> Path:
        return self.root / "work"

    @property
    def home(self) -> Path:
        return self.root / "home"

    @property
    def tmp(self) -> Path:
        return self.root / "tmp"

    @property
    def jupyter(self) -> Path:
        return self.root / "jupyter"

    @property
    def errors(self) -> Path:
        return self.root / "stderr"

    @property
    def refused(self) -> Path:
        return self.root / "refused"

    def environment(self) -> dict[str, str]:
        """Variables for a process that runs here, offline."""
        kept = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
        jupyter = str(self.jupyter)
        return kept | {
            "HOME": str(self.home),
            "TMPDIR": str(self.tmp),
            "IPYTHONDIR": jupyter,
            "JUPYTER_CONFIG_DIR": jupyter,
            "JUPYTER_DATA_DIR": jupyter,
            "JUPYTER_RUNTIME_DIR": jupyter,
            "PYTHONPATH": str(INSIDE / "offline"),
            "PYTHONWARNINGS": "always::ResourceWarning",
            "REFUSED_REQUESTS": str(self.refused),
        }


class KernelManager(AsyncKernelManager):
    """Starts our kernel program, whatever kernels are installed on the machine."""

    @property
    def kernel_spec(self) -> KernelSpec:
        program = [sys.executable, str(INSIDE / "kernel.py")]
        return KernelSpec(
            argv=[*program, "-f", "{connection_file}", *OPTIONS],
            display_name="Python",
            language="python",
        )


@asynccontextmanager
async def running_kernel(folders: Folders) -> AsyncIterator[KernelManager]:
    """Start a kernel; at the end it is gone, with all that it started."""
    # Sockets of files instead of ports: no two kernels can want the same one.
    connection = {"transport": "ipc", "ip": str(folders.jupyter / "kernel")}
    manager = KernelManager(
        connection_file=str(folders.jupyter / "kernel.json"), **connection
    )
    with folders.errors.open("wb") as errors:
        await manager.start_kernel(
            cwd=str(folders.work),
            env=folders.environment(),
            stdout=DEVNULL,
            stderr=errors,
        )
    try:
        yield manager
    finally:
        await manager.shutdown_kernel(now=True)
