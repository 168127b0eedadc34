"""A real uvicorn in a process of its own, on loopback, heard line by line.

Every wait is for a line or for the end of the process. So nothing depends on how fast
the machine is.
"""

import asyncio
import os
import re
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from lifespan_lab import Events

LIMIT = 20.0  # seconds that a wait may take, on however busy a machine


class ServerProcess:
    """The process, what the app in it printed, and what uvicorn said.

    log: a mark for each line that the app printed, for each signal that was sent, and
        for the end of the process.
    said: the lines of uvicorn's own log.
    url: where it serves, once it is ready.
    """

    def __init__(self, process: Process, folder: Path) -> None:
        self.process, self.folder = process, folder
        self.log = Events()
        self.said: list[str] = []
        self.url = ""
        self._news = asyncio.Condition()
        self._open = 2  # streams
        self._told = False
        self._readers = [
            asyncio.create_task(self._read(process.stdout, self._note)),
            asyncio.create_task(self._read(process.stderr, self._listen)),
        ]

    async def ready(self) -> None:
        """Wait until uvicorn says where it is running."""
        await self._until(lambda: bool(self.url), "uvicorn is running")

    async def serves_or_ends(self) -> str:
        """Wait for the one or the other: "serves", or how the process ended."""
        with suppress(RuntimeError):  # it has ended
            await self.ready()
        return "serves" if self.url else await self.ended()

    async def printed(self, line: str, times: int = 1) -> None:
        """Wait until the app has printed a line, this number of times."""
        await self._until(
            lambda: self.log.order.count(line) >= times, f"the app prints {line!r}"
        )

    async def says(self, part: str) -> None:
        """Wait until a line of uvicorn's log has this part."""
        await self._until(
            lambda: any(part in line for line in self.said), f"uvicorn says {part!r}"
        )

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the process, and mark it."""
        self._note(f"→ {number.name}")
        self.process.send_signal(number)

    async def ended(self, limit: float = LIMIT, *, quietly: bool = False) -> str:
        """Wait for the end of the process, and mark how it ended. The log ends there.

        limit: seconds to wait.
        quietly: mark nothing, and let the log go on.
        Returns "exit 3", "SIGTERM", or "still running" when the limit has passed.
        """
        try:
            async with asyncio.timeout(limit):
                code = await self.process.wait()
                await asyncio.wait(self._readers)
        except TimeoutError:
            how = "still running"
        else:
            how = signal.Signals(-code).name if code < 0 else f"exit {code}"
        if not quietly:
            self._note(f"process: {how}")
            self._told = True
        return how

    def _note(self, line: str) -> None:
        if not self._told:
            self.log.mark(line)

    async def _read(
        self, stream: asyncio.StreamReader | None, note: Callable[[str], None]
    ) -> None:
        assert stream is not None
        async for line in stream:
            note(line.decode().rstrip())
            await self._tell()
        self._open -= 1
        await self._tell()

    def _listen(self, line: str) -> None:
        self.said.append(line)
        if found := re.search(r"running on (http://\S+)", line):
            self.url = found[1]

    async def _until(self, holds: Callable[[], bool], what: str) -> None:
        """Wait until it holds, or until nothing more will be read."""
        with suppress(TimeoutError):
            async with asyncio.timeout(LIMIT), self._news:
                await self._news.wait_for(lambda: holds() or not self._open)
        if not holds():
            raise RuntimeError(
                "\n".join([f"It didn't come to this: {what}", *self.said])
            )

    async def _tell(self) -> None:
        async with self._news:
            self._news.notify_all()

    async def _kill(self) -> None:
        """End the process and those that it started, whatever they are doing."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        await self.process.wait()
        await asyncio.wait(self._readers)


@asynccontextmanager
async def uvicorn(source: str, *options: str) -> AsyncGenerator[ServerProcess]:
    """Run uvicorn around a block. What is still running after it is killed.

    source: the module that has the app, as `app`. It is stored in a temporary folder,
        as `service.py`, and that is the process's working directory.
    options: for uvicorn's command line. Without `--port`, the port is a free one.
    """
    port = [] if "--port" in options else ["--port", "0"]
    with TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "service.py").write_text(source, encoding="utf-8")
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-B", "-m", "uvicorn", "service:app"),
            *(*port, "--no-access-log", "--no-use-colors", *options),
            cwd=folder,
            env=os.environ | {"PYTHONUNBUFFERED": "1", "PYTHONUTF8": "1"},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=PIPE,
            stderr=PIPE,
            start_new_session=True,  # a group of its own, which can be killed as one
        )
        server = ServerProcess(process, folder)
        try:
            yield server
        finally:
            await server._kill()
