"""What the installed server does with a lifespan, as JSON.

Each question is asked of a process of its own, on loopback. What ran is read from a
file that the app writes to. The server is the first of SERVERS that is installed.
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
from contextvars import ContextVar
from http.client import HTTPConnection
from importlib.util import find_spec
from itertools import takewhile
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

LIMIT = 20.0  # seconds for what should happen
SHORT = 3.0  # seconds for what should not

BEFORE = ["--host", "127.0.0.1", "--port", "{port}"]
BIND = ["--bind", "127.0.0.1:{port}"]
ADDRESS = ("--host", "--bind")  # where these begin
SERVERS = {
    "uvicorn_worker": ["gunicorn", "-k", "uvicorn_worker.UvicornWorker", *BIND],
    "uvicorn": ["uvicorn", "--lifespan", "on", *BEFORE],
    "hypercorn": ["hypercorn", *BIND],
    "granian": ["granian", "--interface", "asgi", *BEFORE],
}
WORKERS = {"granian": "--workers", "uvicorn": "--workers"}

variable = ContextVar("variable", default=False)


# The app. What it does at startup and shutdown stands in the environment.


def note(word: str) -> None:
    with Path(os.environ["LOG"]).open("a") as log:
        print(word, file=log)


async def app(
    scope: dict[str, Any],
    receive: Callable[[], Awaitable[Any]],
    send: Callable[[Any], Awaitable[None]],
) -> None:
    if scope["type"] == "lifespan":
        if os.environ["MODE"] == "raise":
            raise RuntimeError("what is a lifespan?")
        await receive()
        await start(scope["state"], send)
        await receive()
        await stop()
        await send({"type": "lifespan.shutdown.complete"})
    else:
        body = json.dumps(await answer(scope["path"], scope["state"])).encode()
        headers = [(b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})


async def start(state: dict[str, Any], send: Callable[[Any], Awaitable[None]]) -> None:
    mode = os.environ["MODE"]
    if "failed" in mode:
        await send({"type": "lifespan.startup.failed", "message": "it fails"})
    if mode == "failed raise":
        raise RuntimeError("it fails")
    if mode == "failed":
        await asyncio.sleep(LIMIT)
    state["yielded"] = True
    variable.set(True)
    note("started")
    await send({"type": "lifespan.startup.complete"})


async def stop() -> None:
    note("stopping")
    if os.environ["MODE"] == "hang":
        await asyncio.sleep(LIMIT)
    note("stopped")


async def answer(path: str, state: dict[str, Any]) -> Any:
    if path == "/slow":
        note("request begins")
        await asyncio.sleep(0.5)
        note("request ends")
    if path == "/leak":
        state["visits"] = state.get("visits", 0) + 1
        return state["visits"]
    return [state.get("yielded", False), variable.get()]


# The questions


class Process:
    """The server in a process of its own, and what the app wrote."""

    def __init__(
        self, folder: str, port: int, process: subprocess.Popen[bytes]
    ) -> None:
        self.folder, self.port, self.process = folder, port, process

    @property
    def log(self) -> list[str]:
        log = Path(self.folder, "log")
        return log.read_text().split("\n")[:-1] if log.exists() else []

    def wait_for(self, word: str) -> None:
        until(lambda: word in self.log)

    def ask(self, *paths: str) -> list[Any]:
        """Ask over one connection that is kept alive."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=LIMIT)
        answers = []
        for path in paths:
            connection.request("GET", path)
            answers.append(json.load(connection.getresponse()))
        connection.close()
        return answers

    def end(self, limit: float = LIMIT) -> str:
        """How the process ended, or that it didn't."""
        try:
            code = self.process.wait(limit)
        except subprocess.TimeoutExpired:
            return "doesn't end"
        return signal.Signals(-code).name if code < 0 else f"exit {code}"


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + LIMIT
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(0.01)


@contextlib.contextmanager
def serving(mode: str, *options: str, ready: bool = True) -> Iterator[Process]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [part.format(port=port) for part in SERVERS[server()]]
    with TemporaryDirectory() as folder:
        process = subprocess.Popen(
            [sys.executable, "-m", *command, *options, "servers:app"],
            env=os.environ | {"MODE": mode, "LOG": f"{folder}/log"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        served = Process(folder, port, process)
        try:
            if ready:
                served.wait_for("started")
                until(lambda: accepts(port))
            yield served
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def accepts(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
        return True
    return False


def server() -> str:
    return next(name for name in SERVERS if find_spec(name))


def fails(mode: str) -> str:
    with serving(mode, ready=False) as process:
        ended = process.end(SHORT)
        serves = ended == "doesn't end" and accepts(process.port)
        return "serves requests" if serves and process.ask("/") else ended


def stops(number: signal.Signals, *paths: str) -> tuple[str, list[str]]:
    """Stop the server, perhaps with a request in flight."""
    with serving("normal") as process:
        client = None
        if paths:
            url = f"http://127.0.0.1:{process.port}{paths[0]}"
            code = f"import urllib.request; urllib.request.urlopen({url!r}).read()"
            client = subprocess.Popen(
                [sys.executable, "-c", code], stderr=subprocess.DEVNULL
            )
            process.wait_for("request begins")
        process.process.send_signal(number)
        ended = process.end(SHORT)
        if client:
            client.wait()
        return ended, process.log


def main() -> dict[str, object]:
    without_address = takewhile(lambda part: part not in ADDRESS, SERVERS[server()])
    found: dict[str, object] = {"started as": " ".join(without_address)}
    found["a wrapper raises on the lifespan scope"] = fails("raise")
    found["startup.failed is sent"] = fails("failed")
    found["startup.failed is sent, then it raises"] = fails("failed raise")
    with serving("normal") as process:
        (yielded, crossed), *visits = process.ask("/", "/leak", "/leak", "/leak")
    found["the state reaches a request"] = yielded
    found["a copy of the state for each request"] = visits == [1, 1, 1]
    found["a ContextVar of the lifespan reaches a request"] = crossed
    for number in (signal.SIGTERM, signal.SIGINT):
        ended, log = stops(number)
        found[f"{number.name}: ends with"] = ended
        found[f"{number.name}: the stop runs"] = "stopped" in log
    _, log = stops(signal.SIGTERM, "/slow")
    found["SIGTERM with a request in flight"] = ", ".join(log[1:])
    with serving("hang") as process:
        process.process.send_signal(signal.SIGTERM)
        process.wait_for("stopping")
        found["a stop that hangs"] = process.end(SHORT)
    found["startups of two workers"] = startups_of_two()
    preloads = server() == "uvicorn_worker"
    found["the same with --preload"] = (
        startups_of_two("--preload") if preloads else None
    )
    return found


def startups_of_two(*options: str) -> int:
    workers = WORKERS.get(server(), "-w")
    with serving("normal", workers, "2", *options) as process:
        until(lambda: process.log.count("started") > 1)
        return process.log.count("started")


if __name__ == "__main__":
    print(json.dumps(main()))
