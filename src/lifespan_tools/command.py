"""The command line of both tools: `lifespan doctor` and `lifespan migrate`."""

import argparse
from collections.abc import Sequence

from lifespan_tools.doctor import command as doctor
from lifespan_tools.migrate import command as migrate


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one of the tools, and return what the process should exit with.

    arguments: those of the command line, without the program's name; by default this
        process's own.
    """
    parser = argparse.ArgumentParser(
        prog="lifespan", description="Startup and shutdown code, told and rewritten."
    )
    tools = parser.add_subparsers(required=True, metavar="TOOL")
    for tool in (doctor, migrate):
        tool.add_to(tools)
    chosen = parser.parse_args(arguments)
    exit_code: int = chosen.run(chosen)
    return exit_code
