"""Runs in other environments, such as with old releases, stored and shown.

Each is a script and what it printed, once for each environment. They are made by
`python -m tests.captures.rebuild`, which also says where the scripts are.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from hashlib import sha256
from html import escape
from importlib.resources import files
from itertools import groupby
from typing import Any

from lifespan_course.tables import Table

STORED = files("lifespan_course") / "captures"


@dataclass(frozen=True)
class Run:
    """One run of the script, in an environment of its own."""

    asked: tuple[str, ...]
    """What was asked for, such as ``fastapi==0.92.0``."""
    environment: tuple[str, ...]
    """All that was installed for it."""
    result: Any
    """The lines that the script printed, or the one JSON object that it printed."""

    @property
    def versions(self) -> dict[str, str]:
        """Name and version of each distribution that was asked for."""
        installed = dict(each.split("==") for each in self.environment)
        return {name: installed[name] for name in map(_name, self.asked)}


@dataclass(frozen=True)
class Capture:
    """A script and what it did in one or more environments."""

    name: str
    command: str
    python: str
    """Major and minor version."""
    script: str
    runs: tuple[Run, ...]

    def __repr__(self) -> str:
        return "\n".join(f"{head}\n\n{body}\n" for head, body in self._parts()).rstrip()

    def _repr_html_(self) -> str:
        return "".join(
            f"<p><code>{escape(head)}</code></p><pre>{escape(body)}</pre>"
            for head, body in self._parts()
        )

    def _parts(self) -> Iterator[tuple[str, str]]:
        yield self.command.split()[-1], self.script.rstrip()
        for run in self.runs:
            versions = [f"Python {self.python}", *map(" ".join, run.versions.items())]
            yield f"$ {self.command}  # {', '.join(versions)}", _text(run.result)

    def results(self, question: str) -> dict[str, Any]:
        """The answers to one question, by the version that was asked for first.

        Args:
            question: a key of the JSON object that the script prints.

        Raises:
            ValueError: there are several runs with the same version.
        """
        answers = {}
        for run in self.runs:
            version = next(iter(run.versions.values()))
            if version in answers:
                raise ValueError(f"{self.name} has several runs with {version}")
            answers[version] = run.result[question]
        return answers

    def table(self, *questions: str) -> Table:
        """A row for each run: what was asked for, and the answers.

        Args:
            questions: keys of the JSON object that the script prints.
        """
        names = list(dict.fromkeys(name for run in self.runs for name in run.versions))
        rows = [
            [*map(run.versions.get, names), *(run.result[each] for each in questions)]
            for run in self.runs
        ]
        return Table([*names, *questions], rows)

    def side_by_side(self, *questions: str) -> Table:
        """A row for each question, a column for each run.

        Args:
            questions: keys of the JSON object that the script prints.
        """
        heads = [", ".join(map(" ".join, run.versions.items())) for run in self.runs]
        rows = [[each, *(run.result[each] for run in self.runs)] for each in questions]
        return Table(["", *heads], rows)

    def changes(self, *questions: str) -> Table:
        """A row for each stretch of releases that give the same answer.

        Args:
            questions: keys of the JSON object that the script prints.
        """
        rows = []
        for question in questions:
            first = question
            for answer, same in groupby(self.results(question).items(), _answer):
                releases = [release for release, _ in same]
                ends = dict.fromkeys((releases[0], releases[-1]))
                rows.append([first, answer, " to ".join(ends)])
                first = ""
        return Table(["what", "seen", f"in {next(iter(self.runs[0].versions))}"], rows)


def capture(name: str) -> Capture:
    """Load a stored capture.

    Args:
        name: the script's name, without its suffix.

    Raises:
        FileNotFoundError: there is no capture of this name.
    """
    return load((STORED / f"{name}.json").read_text(encoding="utf-8"))


def load(text: str) -> Capture:
    """Read what ``dump`` wrote; its digest is not looked at."""
    stored = json.loads(text)
    del stored["digest"]
    stored["script"] = "\n".join([*stored["script"], ""])
    stored["runs"] = tuple(
        Run(tuple(run["asked"]), tuple(run["environment"]), run["result"])
        for run in stored["runs"]
    )
    return Capture(**stored)


def dump(made: Capture) -> str:
    """The one form in which a capture is stored, with a digest of all that is in it."""
    stored = asdict(made)
    stored["script"] = made.script.splitlines()
    stored["digest"] = sha256(_json(stored).encode()).hexdigest()
    return _json(stored)


def _json(stored: Mapping[str, Any]) -> str:
    return json.dumps(stored, indent=1, ensure_ascii=False) + "\n"


def _name(requirement: str) -> str:
    return requirement.partition("==")[0]


def _answer(item: tuple[str, Any]) -> Any:
    return item[1]


def _text(result: Any) -> str:
    if isinstance(result, list):
        return "\n".join(result)
    return json.dumps(result, indent=1, ensure_ascii=False)
