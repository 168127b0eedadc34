"""The command line of both tools: `lifespan doctor` and `lifespan migrate`."""

import argparse
import os
import sys
import threading
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version

from lifespan_tools.doctor import command as doctor
from lifespan_tools.migrate import command as migrate


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one of the tools, and return what the process should exit with.

    arguments: those of the command line, without the program's name. By default this
        process's own; then the process ends here if threads of the app would keep it.
    """
    parser = argparse.ArgumentParser(
        prog="lifespan", description="Startup and shutdown code, told and rewritten."
    )
    parser.add_argument("--version", action="version", version=f"lifespan {_version()}")
    tools = parser.add_subparsers(required=True, metavar="TOOL")
    for tool in (doctor, migrate):
        tool.add_to(tools)
    chosen, unknown = parser.parse_known_args(arguments)
    if unknown:  # argparse itself would show the usage of `lifespan` alone
        given = sys.argv[1:] if arguments is None else arguments
        used = next(name for name in given if name in tools.choices)
        tools.choices[used].error(f"unrecognized arguments: {' '.join(unknown)}")
    exit_code: int = chosen.run(chosen)
    if arguments is None and _other_threads():
        _leave(exit_code)
    return exit_code


def _version() -> str:
    """Of the installed distribution."""
    try:
        return version("lifespan-lab")
    except PackageNotFoundError:
        return "(not installed)"


def _other_threads() -> list[threading.Thread]:
    """Those that Python waits for at its end; an app may start some when imported."""
    return [
        thread
        for thread in threading.enumerate()
        if not thread.daemon and thread is not threading.main_thread()
    ]


def _leave(exit_code: int) -> None:
    """End the process, whatever still runs."""
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(exit_code)
