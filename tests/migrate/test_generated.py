"""Generated applications: whatever the mixture, the log stays the same."""

import os
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lifespan_tools.command import main
from tests.migrate.applications import Application
from tests.migrate.comparison import log_of, names_in, same, same_but_once

EXAMPLES = 3_000 if os.environ.get("HYPOTHESIS_PROFILE") == "thorough" else 60
WAYS = ["decorator", "statement", "router statement", "functional", "lambda", "list"]
HEAD = """\
from fastapi import APIRouter, FastAPI
from marks import mark

seen = set()
"""


@dataclass
class Handler:
    """A handler and how it is registered."""

    phase: str
    way: str
    is_async: bool
    is_below: bool
    name: str = ""
    function: str = ""
    """The function's name: of decorated ones, several may have the same."""

    @property
    def definition(self) -> str:
        """The function, as text without indentation."""
        kind = "async def" if self.is_async else "def"
        mark = f"{'start' if self.phase == 'startup' else 'stop'} {self.name}"
        return (
            f'{kind} {self.function}():\n    with mark("{mark}"):\n'
            f'        seen.add("{self.name}")\n'
        )

    def lines(self, owner: str) -> str:
        """The registration and, unless a list needs it before, the function."""
        value = f"lambda: {self.function}()" if self.way == "lambda" else self.function
        call = {
            "statement": f'{owner}.add_event_handler("{self.phase}", {value})\n',
            "functional": f'{owner}.on_event("{self.phase}")({value})\n',
        }
        text = call.get(
            self.way, f'{owner}.router.add_event_handler("{self.phase}", {value})\n'
        )
        if "router" in owner:
            text = text.replace(f"{owner}.router", owner)
        if self.way == "decorator":
            return f'@{owner}.on_event("{self.phase}")\n{self.definition}'
        if self.way == "list":
            return ""
        if self.way == "lambda" and self.is_below:
            return f"{text}{self.definition}"
        return f"{self.definition}{text}"


@dataclass
class Owner:
    """An application or a router: handlers and includes in some order."""

    name: str
    entries: list["Handler | Owner"] = field(default_factory=list)

    @property
    def listed(self) -> list[Handler]:
        """The handlers that are given in lists."""
        return [
            each
            for each in self.entries
            if isinstance(each, Handler) and each.way == "list"
        ]

    def text(self, inside: bool) -> str:
        """The code that makes it, with what it includes before or inside."""
        parts = [each.definition for each in self.listed]
        kind = "FastAPI" if self.name == "app" else "APIRouter"
        arguments = []
        for phase in ("startup", "shutdown"):
            names = [each.function for each in self.listed if each.phase == phase]
            if names:
                arguments.append(f"on_{phase}=[{', '.join(names)}]")
        parts.append(f"{self.name} = {kind}({', '.join(arguments)})\n")
        for entry in self.entries:
            if isinstance(entry, Handler):
                parts.append(entry.lines(self.name))
            else:
                if inside:
                    parts.insert(0, entry.text(inside))
                parts.append(f"{self.name}.include_router({entry.name})\n")
        return "".join(parts)

    def files(self) -> dict[str, str]:
        """Each router in a file of its own."""
        found: dict[str, str] = {}
        imports = ""
        for entry in self.entries:
            if isinstance(entry, Owner):
                found |= entry.files()
                module = entry.name.replace("router", "routes")
                imports += f"from {module} import {entry.name}\n"
        module = self.name.replace("router", "routes").replace("app", "main")
        text = f"{imports}{HEAD}{self.text(inside=False)}"
        return found | {f"{module}.py": text}


handlers = st.builds(
    Handler,
    st.sampled_from(["startup", "shutdown"]),
    st.sampled_from(WAYS),
    st.booleans(),
    st.booleans(),
)


@st.composite
def owners(draw: st.DrawFn) -> Owner:
    """An application, with up to two routers, one in the other or side by side."""
    app = Owner("app", draw(st.lists(handlers, max_size=5)))
    routers = draw(st.integers(0, 2))
    share_names = draw(st.booleans())
    places = [app]
    for number in range(routers):
        router = Owner(f"router{number}", draw(st.lists(handlers, max_size=3)))
        place = draw(st.sampled_from(places))
        at = draw(st.integers(0, len(place.entries)))
        place.entries.insert(at, router)
        places.append(router)
    for owner in places:
        for number, each in enumerate(owner.entries):
            if isinstance(each, Handler):
                each.name = each.function = f"{owner.name}_{number}"
                if each.way == "decorator" and share_names:
                    each.function = f"on_{owner.name}"
                if owner.name != "app":  # a router's lambda can't be called elsewhere
                    each.way = "statement" if each.way == "lambda" else each.way
                if each.way == "lambda":
                    each.is_async = False
    return app


def indented(text: str) -> str:
    return "".join(f"    {line}\n" if line else "\n" for line in text.split("\n"))


def project(app: Owner, layout: str) -> Application:
    """The files: all at the top of one, in a factory, or spread over several."""
    request = '\n@app.get("/")\ndef index():\n    return sorted(seen)\n'
    if layout == "files":
        files = app.files()
        files["main.py"] += request
    elif layout == "factory":
        body = indented(app.text(inside=True) + request + "return app")
        files = {"main.py": f"{HEAD}\ndef create():\n{body}"}
    else:
        files = {"main.py": HEAD + app.text(inside=True) + request}
    serve = "main:create()" if layout == "factory" else "main:app"
    return Application("", "rewritten", (), (), serve, (".",), files, {})


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=EXAMPLES < 1_000,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(owners(), st.sampled_from(["top", "factory", "files"]), st.data())
def test_same_log(
    capsys: pytest.CaptureFixture[str], app: Owner, layout: str, data: st.DataObject
) -> None:
    """The rewritten application does the same, also when a handler raises."""
    application = project(app, layout)
    with tempfile.TemporaryDirectory() as folder:
        old, new = Path(folder, "old"), Path(folder, "new")
        application.write(old)
        application.write(new)
        code = main(["migrate", "--write", "--once", str(new)])
        said = capsys.readouterr()
        assert code == 0, said.err
        after_text = "".join(path.read_text() for path in new.rglob("*.py"))
        assert "on_event" not in after_text
        before = log_of(old, application.serve)
        after = log_of(new, application.serve)
        several = "now runs once" in said.out
        alike = same_but_once if several else same
        assert alike(before, after), (before, after, said.out)
        if names := names_in(before):
            failing = data.draw(st.sampled_from(names))
            before = log_of(old, application.serve, failing)
            after = log_of(new, application.serve, failing)
            assert alike(before, after), (before, after, said.out)
        assert main(["migrate", "--check", str(new)]) == 0
