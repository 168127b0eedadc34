"""What is to become of a project: decided as a whole, and checked."""

import ast
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from lifespan_tools.migrate.applications import Applications
from lifespan_tools.migrate.holdings import Options
from lifespan_tools.migrate.objects import Registration
from lifespan_tools.migrate.project import Project
from lifespan_tools.migrate.refusals import CannotCallError, Refusal
from lifespan_tools.migrate.rewriting import Rewriting
from lifespan_tools.migrate.scopes import FUNCTIONS
from lifespan_tools.migrate.units import Unit, units_of
from lifespan_tools.migrate.uses import applications_of


@dataclass(eq=False)
class Group:
    """Units that share files: they are written together."""

    units: list[Unit]
    texts: dict[Path, str]

    @property
    def changes_count(self) -> bool:
        """Whether a router's handler will run less often."""
        return any(unit.changes_count for unit in self.units)


@dataclass(eq=False)
class Migration:
    """All that can be rewritten, and all that is refused."""

    groups: list[Group] = field(default_factory=list)
    refused: list[Unit] = field(default_factory=list)
    stray: set[Refusal] = field(default_factory=set)
    foreign: set[Refusal] = field(default_factory=set)
    unreadable: list[Refusal] = field(default_factory=list)

    @property
    def refusals(self) -> list[Refusal]:
        """Every reason, in the order of files and lines."""
        found = {each for unit in self.refused for each in unit.refusals}
        return sorted(found | self.stray)


def migrate(
    project: Project, options: Options, trusted: frozenset[str] = frozenset()
) -> Migration:
    """Decide about all applications of a project. Nothing is written here."""
    applications = applications_of(project, trusted)
    migration = Migration(
        stray=applications.stray,
        foreign=applications.foreign,
        unreadable=applications.unreadable,
    )
    ready: list[Unit] = []
    units = units_of(applications, options)
    for unit in units:
        if not unit.refusals:
            _try(applications, unit, options)
        (migration.refused if unit.refusals else ready).append(unit)
    for members in _sharing(ready):
        group = Group(members, Rewriting(applications, options).texts(members))
        others = [unit for unit in units if unit not in members]
        staying = [each for unit in others for each in unit.registrations]
        problem = _problem(project, group, staying, options, trusted)
        if problem is None:
            migration.groups.append(group)
        else:
            for unit in members:
                unit.refusals.append(problem)
                migration.refused.append(unit)
    return migration


def _try(applications: Applications, unit: Unit, options: Options) -> None:
    try:
        Rewriting(applications, options).texts([unit])
    except CannotCallError as error:
        made = unit.registrations[0]
        unit.refusals.append(
            Refusal(made.source.path, made.line, str(error), error.advice)
        )


def _sharing(units: list[Unit]) -> Iterator[list[Unit]]:
    """The units in groups that change the same files."""
    groups: list[tuple[set[Path], list[Unit]]] = []
    for unit in units:
        paths = {each.source.path for each in unit.registrations}
        paths |= {each.holder.source.path for each in unit.holdings}
        members = [unit]
        for group in [each for each in groups if each[0] & paths]:
            groups.remove(group)
            paths |= group[0]
            members = group[1] + members
        groups.append((paths, members))
    for _, members in groups:
        yield members


def _problem(
    project: Project,
    group: Group,
    staying: Iterable[Registration],
    options: Options,
    trusted: frozenset[str],
) -> Refusal | None:
    """Whether the result is no Python, or a second run would change it again.

    staying: what other units registered, which may stand in the same files.
    """
    changed = project.changed(group.texts)
    for path, text in group.texts.items():
        try:
            compile(text, path.name, "exec", dont_inherit=True)
        except SyntaxError as error:
            return _own_fault(path, error.lineno or 1, f"no Python ({error.msg})")
    expected = Counter(_what(each) for each in staying)
    for unit in units_of(applications_of(changed, trusted), options):
        for registration in unit.registrations:
            expected[_what(registration)] -= 1
            if (
                registration.source.path in group.texts
                and expected[_what(registration)] < 0
            ):
                return _own_fault(
                    registration.source.path,
                    registration.line,
                    "something that a second run would change",
                )
    return None


def _what(registration: Registration) -> tuple[Path, str, str]:
    """What a registration registers, wherever its line has gone."""
    handler = registration.handler
    name = handler.name if isinstance(handler, FUNCTIONS) else ast.unparse(handler)
    return registration.source.path, registration.phase, name


def _own_fault(path: Path, line: int, what: str) -> Refusal:
    return Refusal(
        path,
        line,
        f"the rewritten file would be {what}: a fault of this tool, nothing is changed",
        "please report it, and write the lifespan by hand",
    )
