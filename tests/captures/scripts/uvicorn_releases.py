"""What this release of uvicorn does at signals and failing startups, as JSON.

Each question is asked of a process of its own, on loopback. What ran is read from a
file that the app writes to.
"""

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

LIMIT = 20.0  # seconds for what should happen
SHORT = 10.0  # seconds for what should not

SERVE = """
import asyncio, uvicorn
from uvicorn_releases import app

async def main():
    try:
        await uvicorn.Server(uvicorn.Config(app, port=0, lifespan="on")).serve()
    except SystemExit as stop:
        print("SystemExit", stop.code)
    else:
        print("returns")

asyncio.run(main())
"""
NESTED = """
import asyncio, uvicorn
import nest_asyncio
from uvicorn_releases import app

async def main():
    nest_asyncio.apply()
    server = uvicorn.Server(uvicorn.Config(app, port=0, lifespan="on"))
    asyncio.get_running_loop().call_later(0.5, setattr, server, "should_exit", True)
    server.run()
    print("runs")

try:
    asyncio.run(main())
except Exception as error:
    print(type(error).__name__)
"""


def note(word: str) -> None:
    with Path(os.environ["LOG"]).open("a") as log:
        print(word, file=log)


async def app(
    scope: dict[str, Any],
    receive: Callable[[], Awaitable[Any]],
    send: Callable[[Any], Awaitable[None]],
) -> None:
    if scope["type"] != "lifespan":
        return
    await receive()
    note("starting")
    if os.environ["MODE"] == "fail":
        await send({"type": "lifespan.startup.failed", "message": "it fails"})
        return
    if os.environ["MODE"] == "slow":
        try:
            await asyncio.sleep(1)
        finally:
            note("finally")
    await send({"type": "lifespan.startup.complete"})
    note("started")
    await receive()
    note("stopped")
    await send({"type": "lifespan.shutdown.complete"})


class Process:
    """Python in a process of its own, and what the app wrote."""

    def __init__(self, folder: str, process: subprocess.Popen[str]) -> None:
        self.folder, self.process = folder, process

    @property
    def log(self) -> list[str]:
        log = Path(self.folder, "log")
        return log.read_text().split("\n")[:-1] if log.exists() else []

    def stop_after(self, word: str) -> str:
        deadline = time.monotonic() + LIMIT
        while word not in self.log:
            if time.monotonic() > deadline:
                raise TimeoutError
            time.sleep(0.01)
        self.process.send_signal(signal.SIGTERM)
        return self.end(LIMIT)

    def end(self, limit: float) -> str:
        code = self.process.wait(limit)
        return signal.Signals(-code).name if code < 0 else f"exit {code}"


@contextlib.contextmanager
def python(mode: str, *arguments: str) -> Iterator[Process]:
    with TemporaryDirectory() as folder:
        process = subprocess.Popen(
            [sys.executable, *arguments],
            env=os.environ | {"MODE": mode, "LOG": f"{folder}/log"},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )
        try:
            yield Process(folder, process)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate()


def uvicorn(mode: str, *options: str) -> contextlib.AbstractContextManager[Process]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    command = ["-m", "uvicorn", "--lifespan", "on", "--port", port, *options]
    return python(mode, *command, "uvicorn_releases:app")


def printed(mode: str, program: str) -> str:
    with python(mode, "-c", program) as process:
        return process.process.communicate(timeout=LIMIT)[0].strip()


def two_workers_fail() -> str:
    with uvicorn("fail", "--workers", "2") as process:
        try:
            return process.end(SHORT)
        except subprocess.TimeoutExpired:
            again = process.log.count("starting") > 2
            return "starts them again and again" if again else "doesn't end"


def main() -> dict[str, object]:
    found: dict[str, object] = {}
    with uvicorn("normal") as process:
        found["after SIGTERM the process ends with"] = process.stop_after("started")
        found["after SIGTERM the stop runs"] = "stopped" in process.log
    with uvicorn("slow") as process:
        process.stop_after("starting")
        found["after SIGTERM during startup"] = ", ".join(process.log)
    found["two workers whose startup fails"] = two_workers_fail()
    found["await server.serve() with a failing startup"] = printed("fail", SERVE)
    found["server.run() under nest_asyncio"] = printed("normal", NESTED)
    return found


if __name__ == "__main__":
    print(json.dumps(main()))
