"""The command line of doctor."""

import argparse
import sys
from contextlib import redirect_stdout
from typing import Any

DESCRIPTION = (
    "Which startup and shutdown code of an app runs, in which order and how often, and "
    "which never will. The app is imported and read; none of its handlers is run."
)
EXIT_CODES = "Exit code: 0 nothing found, 1 something found, 2 could not look."


def add_to(tools: "argparse._SubParsersAction[Any]") -> None:
    """Add this tool to the command line; its function `run` gets the arguments."""
    parser = tools.add_parser(
        "doctor",
        help="tell which startup and shutdown code runs",
        description=DESCRIPTION,
        epilog=EXIT_CODES,
    )
    parser.add_argument(
        "target",
        metavar="package.module:app",
        help="as for uvicorn; a function that makes the app is called",
    )
    parser.add_argument("--json", action="store_true", help="for programs")
    parser.add_argument(
        "--probe",
        action="store_true",
        help="also ask each middleware whether it passes the lifespan on: each is made "
        "once more, around a stand-in for the app, and called with a lifespan scope",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the diagnosis, and return the exit code."""
    # Here, so that the command line's help doesn't wait for FastAPI.
    from lifespan_tools.doctor.diagnosis import UnreadableError, diagnose
    from lifespan_tools.doctor.report import as_json, as_text
    from lifespan_tools.doctor.target import TargetError, load

    target = arguments.target
    try:
        app = load(target)
        with redirect_stdout(sys.stderr):  # a middleware may print
            diagnosis = diagnose(app, probe=arguments.probe)
    except TargetError as error:
        return _refused(str(error))
    except UnreadableError as error:
        return _refused(f"{target}: {error}")
    print((as_json if arguments.json else as_text)(diagnosis, target))
    return diagnosis.exit_code


def _refused(message: str) -> int:
    print(f"lifespan doctor: {message}", file=sys.stderr)
    return 2
