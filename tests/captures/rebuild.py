"""Run the scripts again, each in environments of its own, and store what they print.

    python -m tests.captures.rebuild             all of them
    python -m tests.captures.rebuild testclient  those that are named
    python -m tests.captures.rebuild --check     store nothing, fail on a difference

An environment is made of what the stored capture says was in it, so a newer release of
some dependency changes nothing. What isn't stored yet is resolved; to resolve a whole
capture anew, delete its file first. Needs uv, Python 3.11 and a package registry.
"""

import argparse
import difflib
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from lifespan_course.captures import STORED, Capture, Run, dump, load

SCRIPTS = Path(__file__).parent / "scripts"
PYTHON = "3.11"
"""The oldest releases don't run on much newer ones."""
TIME_LIMIT = 300.0  # seconds, for each step

FASTAPI = """
    0.92.0 0.93.0 0.94.0 0.103.2 0.104.0 0.105.0 0.106.0 0.107.0 0.108.0
    0.112.1 0.112.2 0.117.1 0.118.0 0.128.2 0.128.3 0.128.5 0.128.6
    0.132.1 0.133.0 0.136.3 0.137.0 0.163.2 0.164.0 0.165.0
"""
"""Both sides of each change, and the newest that the course is pinned to."""
UVICORN = """
    0.28.1 0.29.0 0.30.0 0.35.0 0.36.0 0.40.0 0.41.0 0.49.0 0.50.0 0.54.0
"""
STARLETTE = "0.51.0 0.52.0 0.52.1 1.0.0 1.10.0"


@dataclass(frozen=True)
class Probe:
    """A script, and what to install for each of its runs."""

    name: str
    asked: tuple[tuple[str, ...], ...]

    @property
    def script(self) -> Path:
        return SCRIPTS / f"{self.name}.py"

    @property
    def stored(self) -> Path:
        return Path(str(STORED)) / f"{self.name}.json"


PROBES = [
    Probe("fastapi_releases", tuple((f"fastapi=={v}",) for v in FASTAPI.split())),
    Probe(
        "fastapi_starlette",
        (
            ("fastapi==0.132.1", "starlette"),
            ("fastapi==0.133.0", "starlette==0.52.1"),
            ("fastapi==0.133.0", "starlette==1.0.0"),
            ("fastapi==0.163.2", "starlette==0.52.1"),
            ("fastapi==0.164.0", "starlette"),
        ),
    ),
    Probe("starlette_lists", (("starlette==0.52.1",),)),
    Probe("starlette_releases", tuple((f"starlette=={v}",) for v in STARLETTE.split())),
    Probe(
        "testclient",
        (
            ("starlette==0.37.1", "httpx==0.27.2"),
            ("starlette==0.37.1", "httpx==0.28.1"),
            ("starlette==0.37.2", "httpx==0.28.1"),
            ("starlette==1.1.0", "httpx==0.28.1", "httpx2==2.16.2"),
            ("starlette==1.2.0", "httpx==0.28.1", "httpx2==2.16.2"),
            ("starlette==1.2.0", "httpx==0.28.1"),
            ("starlette==1.2.0",),
        ),
    ),
    Probe("httpx_app", tuple((f"httpx=={v}",) for v in ("0.27.2", "0.28.0", "0.28.1"))),
    Probe(
        "uvicorn_state",
        tuple((f"uvicorn=={v}",) for v in ("0.21.0", "0.21.1", "0.54.0")),
    ),
    Probe(
        "uvicorn_releases",
        tuple((f"uvicorn=={v}", "nest-asyncio==1.6.0") for v in UVICORN.split()),
    ),
    Probe(
        "servers",
        (
            ("uvicorn==0.54.0",),
            ("hypercorn==0.18.0",),
            ("granian==2.8.7",),
            ("gunicorn==27.0.1", "uvicorn-worker==0.4.0"),
        ),
    ),
]


def made(probe: Probe) -> Capture:
    """Run a probe in all of its environments."""
    known = {}
    if probe.stored.exists():
        known = {run.asked: run for run in load(probe.stored.read_text("utf-8")).runs}
    return Capture(
        name=probe.name,
        command=f"python {probe.script.name}",
        python=PYTHON,
        script=probe.script.read_text(encoding="utf-8"),
        runs=tuple(
            made_run(
                probe.script,
                asked,
                known[asked].environment if asked in known else asked,
            )
            for asked in probe.asked
        ),
    )


def made_run(script: Path, asked: tuple[str, ...], wanted: tuple[str, ...]) -> Run:
    """Make an environment in a temporary folder and run the script there, once.

    Args:
        script: the program.
        asked: the requirements to be stored.
        wanted: the requirements to install: the same ones, or all that was installed
            for them the last time.
    """
    here = "{}.{}".format(*sys.version_info)
    python = sys.executable if here == PYTHON else PYTHON
    with TemporaryDirectory() as folder:
        uv("venv", "--python", python, "env", folder=folder)
        program = str(Path(folder, "env", *PROGRAM))
        # Without --python, uv would take the environment that it was started from.
        if wanted:
            uv("pip", "install", "--python", program, *wanted, folder=folder)
        environment = uv("pip", "freeze", "--python", program, folder=folder)
        (Path(folder) / script.name).write_bytes(script.read_bytes())
        printed = output_of([program, script.name], folder)
    return Run(asked, tuple(environment.splitlines()), result_of(printed))


PROGRAM = ("Scripts", "python.exe") if os.name == "nt" else ("bin", "python")


def uv(*arguments: str, folder: str) -> str:
    program = [sys.executable, "-m", "uv", "--no-python-downloads"]
    return output_of([*program, *arguments], folder)


def output_of(command: list[str], folder: str) -> str:
    """What a command prints.

    Raises:
        SystemExit: it failed; what it said is the message.
    """
    left_out = ("PYTHON", "VIRTUAL_ENV")
    kept = {n: v for n, v in os.environ.items() if not n.startswith(left_out)}
    done = subprocess.run(
        command,
        cwd=folder,
        env=kept,
        capture_output=True,
        encoding="utf-8",
        stdin=subprocess.DEVNULL,
        timeout=TIME_LIMIT,
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}\n{done.stdout}{done.stderr}")
    return done.stdout


def result_of(printed: str) -> Any:
    """The JSON object that was printed, or else the lines."""
    if printed.startswith("{"):
        return json.loads(printed)
    return printed.splitlines()


def difference(probe: Probe, new: str) -> str:
    """What is stored and what is new, compared line by line."""
    stored = probe.stored.read_text("utf-8") if probe.stored.exists() else ""
    return "\n".join(
        difflib.unified_diff(
            stored.splitlines(),
            new.splitlines(),
            f"{probe.name}, stored",
            f"{probe.name}, now",
            lineterm="",
        )
    )


def main(arguments: list[str]) -> int:
    """Rebuild or check what is named, or all; the exit code is 1 on a difference."""
    parser = argparse.ArgumentParser(prog="python -m tests.captures.rebuild")
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--check", action="store_true", help="store nothing")
    options = parser.parse_args(arguments)
    known = {probe.name: probe for probe in PROBES}
    if unknown := set(options.names) - set(known):
        parser.error(f"unknown: {', '.join(unknown)}; there are: {', '.join(known)}")
    differs = False
    for probe in [known[name] for name in options.names] or PROBES:
        new = dump(made(probe))
        found = difference(probe, new)
        print(found or f"{probe.name}: as stored", flush=True)
        if found and not options.check:
            probe.stored.parent.mkdir(exist_ok=True)
            probe.stored.write_text(new, encoding="utf-8", newline="\n")
        differs = differs or bool(found)
    return int(differs and options.check)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
