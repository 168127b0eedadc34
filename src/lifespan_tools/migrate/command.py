"""The command line of migrate."""

import argparse
import difflib
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from lifespan_tools.migrate.files import Files, read
from lifespan_tools.migrate.holdings import Options
from lifespan_tools.migrate.migration import Group, Migration, migrate
from lifespan_tools.migrate.project import Project
from lifespan_tools.migrate.refusals import Refusal, shown
from lifespan_tools.migrate.writing import WriteError, finish, write

DONE, LEFT, BLIND = 0, 1, 2
"""Exit codes: nothing to say, something is left, something couldn't be looked at."""

DESCRIPTION = """\
Rewrite startup and shutdown events (on_event, add_event_handler, on_startup=,
on_shutdown=) of FastAPI and Starlette into a lifespan. Shows a diff; nothing is
written without --write. An application is rewritten with all files that it is spread
over, or left with the reason. The handlers run as before: the same ones, in the same
order.
"""

EXIT_CODES = """\
exit codes:
  0  done; without --write and --check always, if all could be looked at
  1  with --write or --check: something is left
  2  something couldn't be looked at or written
"""


def add_to(tools: "argparse._SubParsersAction[Any]") -> None:
    """Add this tool to the command line; its function `run` gets the arguments."""
    parser = tools.add_parser(
        "migrate",
        help="rewrite startup and shutdown events into a lifespan",
        description=DESCRIPTION,
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "paths", nargs="+", type=Path, metavar="PATH", help="files and folders"
    )
    action = parser.add_mutually_exclusive_group()
    action.add_argument("--write", action="store_true", help="change the files")
    action.add_argument(
        "--check",
        action="store_true",
        help="show no diff, exit with 1 if any event is left, and tell where",
    )
    parser.add_argument(
        "--reverse",
        action="store_true",
        help="shut down in the reverse order: what was opened last is closed first",
    )
    parser.add_argument(
        "--once",
        action="store_true",
        help="write although a router's handler ran several times and now runs once, "
        "where it first ran",
    )
    parser.add_argument(
        "--merge",
        action="store_true",
        help="have handlers run that never did, as the application has a lifespan",
    )
    parser.add_argument(
        "--trust",
        action="append",
        default=[],
        metavar="PACKAGE",
        help="an installed package whose code registers no events on an application",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Do what the command line asks for, and return the exit code."""
    files = read(arguments.paths, _progress())
    if files.journals:
        if not _finish(files, arguments):
            return BLIND
        files = read(arguments.paths, _progress())
    project = Project.of(files.sources, files.roots)
    options = Options(arguments.reverse, arguments.once, arguments.merge)
    migration = migrate(project, options, frozenset(arguments.trust))
    written = 0
    failed = False
    held_back = []
    for group in migration.groups:
        if not arguments.check:
            sys.stdout.write(_diff(project, group))
        if arguments.write and group.changes_count and not options.once:
            held_back.append(group)
        elif arguments.write:
            try:
                write(
                    {
                        path: (project.sources[path], _bytes(project, path, text))
                        for path, text in group.texts.items()
                    }
                )
                written += len(group.units)
            except WriteError as error:
                _say([f"error: {error}"])
                failed = True
    return _summary(files, migration, arguments, written, held_back, failed)


def _bytes(project: Project, path: Path, text: str) -> bytes:
    return project.sources[path].changed(text).content


def _finish(files: Files, arguments: argparse.Namespace) -> bool:
    """Complete what an interrupted run left behind."""
    for journal in files.journals:
        if not arguments.write:
            _say([f"error: {shown(journal)}: a run was interrupted: --write ends it"])
            return False
        try:
            finish(journal)
        except WriteError as error:
            _say([f"error: {error}"])
            return False
        _say([f"{shown(journal)}: an interrupted run is completed"])
    return True


def _progress() -> Callable[[int], None]:
    if not sys.stderr.isatty():
        return lambda count: None

    def show(count: int) -> None:
        if count % 100 == 0:
            sys.stderr.write(f"\r{count} files read\r")
            sys.stderr.flush()

    return show


def _diff(project: Project, group: Group) -> str:
    parts = [f"# {note}\n" for unit in group.units for note in unit.notes]
    for path, text in sorted(group.texts.items()):
        name = shown(path)
        old = project.sources[path].text.splitlines(keepends=True)
        new = text.splitlines(keepends=True)
        for line in difflib.unified_diff(old, new, f"a/{name}", f"b/{name}"):
            parts.append(
                line
                if line.endswith("\n")
                else f"{line}\n\\ No newline at end of file\n"
            )
    return "".join(parts)


def _say(lines: Iterable[str]) -> None:
    for line in lines:
        print(line, file=sys.stderr)


def _told(kind: str, refusals: Iterable[Refusal]) -> Iterable[str]:
    for each in sorted(refusals):
        yield f"{shown(each.path)}:{each.line}: {kind}: {each}"


def _summary(
    files: Files,
    migration: Migration,
    arguments: argparse.Namespace,
    written: int,
    held_back: list[Group],
    failed: bool,
) -> int:
    unreadable = [*files.unreadable, *migration.unreadable]
    refusals = [*migration.refusals, *files.notebooks]
    _say(_told("not looked at", unreadable))
    _say(_told("left alone", migration.foreign))
    _say(_told("refused", refusals))
    units = [unit for group in migration.groups for unit in group.units]
    for group in held_back:
        for unit in group.units:
            _say(
                [
                    f"{unit.place}: not written: {unit.top}: a router's handler would "
                    "run less often, see the notes above its diff, then add --once"
                ]
            )
    if arguments.check:
        _say(f"{unit.place}: can be rewritten: {unit.top}" for unit in units)
    verb = (
        f"{written} rewritten" if arguments.write else f"{len(units)} can be rewritten"
    )
    if held_back:
        verb += f", {sum(len(group.units) for group in held_back)} held back"
    _say(
        [
            f"{files.count} file{'s' * (files.count != 1)} read; applications: {verb}, "
            f"{len(migration.refused) + bool(migration.stray)} refused"
        ]
    )
    if unreadable or failed:
        return BLIND
    left = refusals or (units and written < len(units))
    return LEFT if left and (arguments.check or arguments.write) else DONE
