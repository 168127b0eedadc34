"""The rules that make a module of lifespan_lab a snippet: copy the file, and it works.

The rules are functions of the text, so that each is tried on a text that breaks it.
"""

import ast
import io
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import textwrap
import tokenize
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

import lifespan_lab

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))[
    "project"
]
SNIPPETS = sorted(
    path
    for path in (ROOT / "src" / "lifespan_lab").glob("*.py")
    if path.name != "__init__.py"
)
OURS = {path.name for path in (ROOT / "src").iterdir()} | {
    path.stem for path in SNIPPETS
}
CODE_LINES = 150


@pytest.fixture(params=SNIPPETS, ids=lambda path: path.stem)
def snippet(request: pytest.FixtureRequest) -> Path:
    path: Path = request.param
    return path


@pytest.fixture
def text(snippet: Path) -> str:
    return snippet.read_text(encoding="utf-8")


# What a rule looks at


def imported(text: str) -> set[str]:
    """The top-level names that the text imports, wherever it does; "." for its own."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add("." if node.level else (node.module or "").partition(".")[0])
    return names


def header(text: str) -> list[str]:
    """The two lines that the text should begin with."""
    bounds = {
        re.split(r"[<>=!~ \[;]", line, maxsplit=1)[0]: line
        for line in PROJECT["dependencies"]
    }
    distributions = packages_distributions()
    needs = {
        bounds.get(distribution, f"{distribution}, which pyproject.toml doesn't name")
        for name in imported(text) - sys.stdlib_module_names
        for distribution in distributions.get(name, [name])
    }
    return [
        f"# Lifespan Lab {PROJECT['version']}, licence {PROJECT['license']}: "
        "copy this file, no notice needed.",
        f"# Needs: {', '.join(sorted(needs)) or 'the standard library'}",
    ]


def code_lines(text: str) -> int:
    """The number of lines with code: no docstring, no comment, no blank line."""
    layout = {
        tokenize.COMMENT,
        tokenize.NL,
        tokenize.NEWLINE,
        tokenize.INDENT,
        tokenize.DEDENT,
        tokenize.ENDMARKER,
    }
    code = {
        line
        for token in tokenize.generate_tokens(io.StringIO(text).readline)
        if token.type not in layout
        for line in range(token.start[0], token.end[0] + 1)
    }
    return len(code - set(docstring_lines(text)))


def docstring_lines(text: str) -> Iterator[int]:
    documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, documented) and ast.get_docstring(node) is not None:
            docstring = node.body[0]
            yield from range(docstring.lineno, (docstring.end_lineno or 0) + 1)


def example(text: str) -> str:
    """The indented lines after "Use::" in the module's docstring."""
    docstring = ast.get_docstring(ast.parse(text)) or ""
    _, _, after = docstring.partition("\nUse::\n\n")
    block = re.match(r"(?:(?: {4}.*)?\n)*(?: {4}.*)?", after)
    return textwrap.dedent(block[0]).strip() if block else ""


def run_beside(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Python in the folder, where packages are found but this project is not.

    An editable project is found through a .pth file, and -S reads none; the folder
    of the installed packages is then named to Python in the ordinary way.
    """
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("PYTHON")
    }
    environment["PYTHONPATH"] = sysconfig.get_path("purelib")
    return subprocess.run(
        [sys.executable, "-S", "-s", "-W", "error", *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


# The rules


def test_there_are_snippets() -> None:
    """The tests below are about something."""
    assert SNIPPETS
    assert {"client", "timeline"} <= {path.stem for path in SNIPPETS}


def test_header(text: str) -> None:
    """A snippet begins with licence, project, version, and exactly what it needs."""
    assert text.splitlines()[:2] == header(text)


def test_imports_nothing_of_ours(text: str) -> None:
    """A snippet imports no sibling, no package of this project and nothing relative."""
    assert not imported(text) & (OURS | {"."})


def test_fits_on_two_screens(text: str) -> None:
    """A snippet has at most 150 lines of code."""
    assert 0 < code_lines(text) <= CODE_LINES


def test_shadows_no_module(snippet: Path) -> None:
    """A snippet that lies in a project's folder hides nothing of Python's."""
    assert snippet.stem not in sys.stdlib_module_names


def test_example_is_short(text: str, snippet: Path) -> None:
    """A snippet shows its use in 3 to 8 lines, and imports itself by its own name."""
    lines = example(text).splitlines()
    assert 3 <= sum(bool(line.strip()) for line in lines) <= 8
    assert snippet.stem in imported(example(text))


def test_example_runs_beside_a_copy(snippet: Path, text: str, tmp_path: Path) -> None:
    """The file alone, copied under its own name, is all that the example needs."""
    shutil.copy(snippet, tmp_path)
    (tmp_path / "example.py").write_text(example(text), encoding="utf-8")
    done = run_beside(tmp_path, "example.py")
    assert (done.returncode, done.stderr) == (0, "")


def test_this_project_is_not_beside(tmp_path: Path) -> None:
    """Where the examples run, the packages of this project can't be imported."""
    code = "from importlib.util import find_spec; print(*map(find_spec, {!r}))"
    packages = sorted(path.name for path in (ROOT / "src").iterdir() if path.is_dir())
    assert "lifespan_lab" in packages
    done = run_beside(tmp_path, "-c", code.format(packages))
    assert (done.stdout.split(), done.stderr) == (["None"] * len(packages), "")


def test_the_package_gathers_names() -> None:
    """lifespan_lab has the names that it says it has."""
    assert sorted(lifespan_lab.__all__) == lifespan_lab.__all__
    assert all(hasattr(lifespan_lab, name) for name in lifespan_lab.__all__)


def test_the_package_leaves_fastapi_alone() -> None:
    """Importing lifespan_lab imports no web framework of the heavy kind."""
    code = "import sys, lifespan_lab; print('fastapi' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("False\n", "")


# The rules see what they should


def test_imported_sees_every_kind_of_import() -> None:
    """Imports in a function, for types only, of a part of a package, and relative."""
    text = """
import a.b, c as d
from e.f import g
if TYPE_CHECKING:
    import h
def function():
    from i import j
    from . import k
    from .l import m
"""
    assert imported(text) == {"a", "c", "e", "h", "i", "."}


def test_header_names_what_is_imported() -> None:
    """Bounds are pyproject's, names are the distributions', in alphabetical order."""
    assert header("import re")[1] == "# Needs: the standard library"
    needs = header("import httpx, re\nfrom asgi_lifespan import LifespanManager")[1]
    found = re.fullmatch(r"# Needs: asgi-lifespan(>=[\d.]+), httpx(>=[\d.]+)", needs)
    assert found
    assert f"httpx{found[2]}" in PROJECT["dependencies"]
    assert "which pyproject.toml doesn't name" in header("import numpy")[1]


def test_code_lines_counts_code() -> None:
    """Docstrings, comments and blank lines are free; other strings are code."""
    text = '''
"""A module
of two lines."""

import re  # one


async def function() -> str:  # two
    """A docstring."""
    # a comment
    return """three
    four"""


class Three:  # five
    """A docstring
    of two lines."""

    number = (  # six
        7  # seven
    )  # eight
'''
    assert code_lines(text) == 8


def test_example_is_what_is_indented() -> None:
    """The example ends where the indented lines end."""
    text = '"""One.\n\nUse::\n\n    a\n\n    if b:\n        c\n\nMore.\n"""\n'
    assert example(text) == "a\n\nif b:\n    c"
    assert example('"""One.\n\nUse::\n\n    a\n"""') == "a"
    assert example('"""One."""') == example("") == ""
