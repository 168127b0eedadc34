"""A diagnosis as text for people, and as JSON for programs."""

import json
from collections.abc import Iterator, Sequence
from textwrap import fill
from typing import Any

from lifespan_tools.doctor.diagnosis import Diagnosis
from lifespan_tools.doctor.findings import Finding
from lifespan_tools.doctor.places import Place
from lifespan_tools.doctor.schedule import Run

WIDTH = 88
UNLESS = {
    True: "",
    None: ", if the lifespan comes through",
    False: ", if the lifespan came through",
}


def as_text(diagnosis: Diagnosis, title: str = "The app") -> str:
    """What runs, what is wrong, and what couldn't be seen; a page at most."""
    releases = ", ".join(map(" ".join, diagnosis.versions.items()))
    unless = UNLESS[diagnosis.passed_on]
    parts = [
        f"{title} with {releases}",
        "\n".join(_lines(f"At startup{unless}", diagnosis.startup)),
        "\n".join(_lines(f"At shutdown{unless}", diagnosis.shutdown)),
    ]
    if diagnosis.fails:
        parts[1] += "\n  here the startup fails"
    parts += [_finding(finding) for finding in diagnosis.findings]
    parts += [_wrapped("unknown", text) for text in diagnosis.unknown]
    parts += [_wrapped("note", text) for text in diagnosis.notes]
    return "\n\n".join([*parts, _verdict(diagnosis)])


def _lines(title: str, runs: Sequence[Run]) -> Iterator[str]:
    yield f"{title}, in this order:" if runs else f"{title}: nothing runs."
    names = max((len(run.place.name) for run in runs), default=0)
    for number, run in enumerate(runs, 1):
        line = f"{number:3}. {run.kind:8}  {run.place.name:{names}}"
        line += f"  {run.place.position}"
        line += f"  ({run.number} of {run.times})" if run.times > 1 else ""
        yield line.rstrip()


def _finding(finding: Finding) -> str:
    lines = [_wrapped(finding.code, finding.message), _wrapped("  cure", finding.cure)]
    lines += [f"    {place}" for place in dict.fromkeys(map(str, finding.where))]
    return "\n".join(lines)


def _wrapped(label: str, text: str) -> str:
    return fill(f"{label}: {text}", WIDTH, subsequent_indent="    ")


def _verdict(diagnosis: Diagnosis) -> str:
    number = len(diagnosis.findings)
    if diagnosis.exit_code == 2:
        return "Not all could be seen."
    if number == 0:
        return "Nothing found."
    return f"{number} finding{'s' if number > 1 else ''}."


def as_json(diagnosis: Diagnosis, target: str | None = None) -> str:
    """All of the diagnosis, and the exit code; files as absolute paths."""
    value = {
        "target": target,
        "versions": dict(diagnosis.versions),
        "tested": diagnosis.tested,
        "starts": diagnosis.starts,
        "fails": diagnosis.fails,
        "passed_on": diagnosis.passed_on,
        "startup": [_run(run) for run in diagnosis.startup],
        "shutdown": [_run(run) for run in diagnosis.shutdown],
        "findings": [
            {
                "code": finding.code,
                "message": finding.message,
                "cure": finding.cure,
                "where": [_place(place) for place in finding.where],
            }
            for finding in diagnosis.findings
        ],
        "unknown": list(diagnosis.unknown),
        "notes": list(diagnosis.notes),
        "exit_code": diagnosis.exit_code,
    }
    return json.dumps(value, indent=2)


def error_as_json(error: str, target: str) -> str:
    """Why doctor couldn't look, where a diagnosis would stand."""
    return json.dumps({"target": target, "error": error, "exit_code": 2}, indent=2)


def _run(run: Run) -> dict[str, Any]:
    return {
        **_place(run.place),
        "kind": run.kind,
        "number": run.number,
        "times": run.times,
    }


def _place(place: Place) -> dict[str, Any]:
    return {"name": place.name, "file": place.file, "line": place.line}
