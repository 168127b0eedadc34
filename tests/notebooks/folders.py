"""The temporary folder in which one process runs: a notebook's, or a copied cell's."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

OFFLINE = Path(__file__).parent / "inside" / "offline"
KEPT_VARIABLES = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "SYSTEMROOT", "TZ")


@dataclass(frozen=True)
class Folders:
    """Where a process runs: it must leave ``work``, ``home`` and ``tmp`` empty."""

    root: Path

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
        """The kernel's own: its connection, its settings."""
        return self.root / "jupyter"

    @property
    def errors(self) -> Path:
        """The file that takes all that is written to stderr."""
        return self.root / "stderr"

    @property
    def refused(self) -> Path:
        """The file that takes all requests to other hosts, each in a line."""
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
            "PYTHONPATH": str(OFFLINE),
            "PYTHONWARNINGS": "always::ResourceWarning",
            "REFUSED_REQUESTS": str(self.refused),
        }

    def files(self) -> list[str]:
        """What stands where nothing should stand at the end."""
        return sorted(
            str(path.relative_to(self.root))
            for folder in (self.work, self.home, self.tmp)
            for path in folder.rglob("*")
        )

    def requests(self) -> list[str]:
        """Requests to other hosts, all of them refused."""
        if not self.refused.exists():
            return []
        return self.refused.read_text(encoding="utf-8").splitlines()


@contextmanager
def temporary_folders() -> Iterator[Folders]:
    # A short name: the kernel's sockets are files, and their paths have a limit.
    with tempfile.TemporaryDirectory(prefix="nb-") as root:
        folders = Folders(Path(root))
        for folder in (folders.work, folders.home, folders.tmp, folders.jupyter):
            folder.mkdir()
        yield folders
