"""The command line of doctor."""

import argparse
import sys
from contextlib import redirect_stdout
from typing import Any

DESCRIPTION = """\
Which startup and shutdown code of an app runs, in which order and how often, and
which never will. The app is imported and read; none of its handlers is run, and what
its lifespans yield isn't seen."""
EXIT_CODES = "Exit code: 0 nothing found, 1 something found, 2 could not look."
KEYS = """\
The keys of --json:
  target, exit_code     as on the command line, as above
  versions, tested      the releases read; false if doctor wasn't tested with them
  startup, shutdown     what runs, in order: name, file, line, kind ("lifespan" or
                        "handler"), and that it is run number N of so many times
  fails                 true if the startup fails after what stands in `startup`
  passed_on             whether the lifespan reaches the app: false if a middleware
                        keeps it, null if one may and --probe didn't tell
  starts                false if it is known not to start, null as with passed_on
  findings              what is wrong: code, message, cure, where (name, file, line)
  unknown, notes        sentences: what couldn't be seen, and what is good to know
  error                 alone with target and exit_code 2: why it could not look"""


def add_to(tools: "argparse._SubParsersAction[Any]") -> None:
    """Add this tool to the command line; its function `run` gets the arguments."""
    parser = tools.add_parser(
        "doctor",
        help="tell which startup and shutdown code runs",
        description=DESCRIPTION,
        epilog=f"{EXIT_CODES}\n\n{KEYS}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
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
        "once more, around a stand-in for the app, and called with a lifespan scope; "
        "one that does nothing is waited for some seconds",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the diagnosis, and return the exit code."""
    # Here, so that the command line's help doesn't wait for FastAPI.
    from lifespan_tools.doctor.diagnosis import UnreadableError, diagnose
    from lifespan_tools.doctor.report import as_json, as_text, error_as_json
    from lifespan_tools.doctor.target import TargetError, load

    target = arguments.target

    def refused(message: str) -> int:
        if arguments.json:
            print(error_as_json(message, target))
        print(f"lifespan doctor: {message}", file=sys.stderr)
        return 2

    try:
        app = load(target)
        with redirect_stdout(sys.stderr):  # a middleware may print
            diagnosis = diagnose(app, probe=arguments.probe)
    except TargetError as error:
        return refused(str(error))
    except UnreadableError as error:
        return refused(f"{target}: {error}")
    print((as_json if arguments.json else as_text)(diagnosis, target))
    return diagnosis.exit_code
