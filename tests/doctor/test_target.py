"""The app on the command line: how it is found, and one clear line if it isn't."""

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI

from lifespan_tools.doctor.target import TargetError, load

Write = Callable[..., None]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Write]:
    """Write modules of a project, whose folder is the working directory."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    modules, path = set(sys.modules), list(sys.path)

    def write(**files: str) -> None:
        for name, text in files.items():
            file = tmp_path.joinpath(*name.split("__")).with_suffix(".py")
            file.parent.mkdir(exist_ok=True)
            file.write_text(text)
        importlib.invalidate_caches()

    yield write
    for name in set(sys.modules) - modules:
        del sys.modules[name]
    assert sys.path == path


APP = "from fastapi import FastAPI\napp = FastAPI()\nclass Holder: inner = app\n"


@pytest.mark.parametrize(
    "target",
    [
        "dshop.main:app",
        "dshop.main:Holder.inner",
        "dshop.main:create",
        "dshop.main:create()",
    ],
)
def test_finds_the_app(
    target: str, write: Write, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Variables, attributes and factories are found, and nothing is left behind."""
    write(dshop__main=APP + "def create(): return app\nprint('loading')\n")
    assert isinstance(load(target), FastAPI)
    assert not [*tmp_path.rglob("*.pyc")]
    assert capsys.readouterr() == ("", "loading\n")
    assert not sys.dont_write_bytecode


def test_the_working_directory_comes_first(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of two modules with one name, the one in the working directory is taken."""
    monkeypatch.setattr(sys, "path", [str(tmp_path / "other"), *sys.path])
    write(dtwice="app = 'here'", other__dtwice="app = 'there'")
    assert load("dtwice:app") == "here"
    monkeypatch.undo()


def test_an_error_in_a_library(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The place of an error is in the project, also with its packages inside."""
    packages = tmp_path / "site-packages"
    packages.mkdir()
    (packages / "dlibrary.py").write_text("raise LookupError\n")
    write(duser="\nimport dlibrary\n")
    monkeypatch.setattr(sys, "path", [str(packages), *sys.path])
    with pytest.raises(TargetError, match=r"with LookupError \(duser\.py:2\)"):
        load("duser:app")
    monkeypatch.undo()


@pytest.mark.parametrize(
    "definition",
    [
        "async def app(scope, receive, send): ...",
        "class app:\n    def __init__(self, scope): ...",
        "app = type",
        "app = 7",
    ],
)
def test_what_is_no_factory(definition: str, write: Write) -> None:
    """What can't be called without arguments isn't called."""
    write(dapps=definition)
    found: Any = load("dapps:app")
    assert found is sys.modules["dapps"].app


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (
            "dshop.main",
            "'dshop.main' names no app. Write module:name, here dshop.main:app",
        ),
        (
            "dshop/main.py",
            "'dshop/main.py' names no app. Write module:name, here dshop.main:app",
        ),
        (
            "./dshop/main.py:api",
            "'./dshop/main.py:api' names no app. Write module:name, here "
            "dshop.main:api",
        ),
        ("", "'' names no app. Write module:name, here package.module:app"),
        (":app", "':app' names no app. Write module:name, here package.module:app"),
        ("dshop.mian:app", "There is no module dshop.mian in {here} or in this "),
        ("dsohp.main:app", "There is no module dsohp in {here} or in this Python's "),
        ("dshop.main:zzz", "The module dshop.main has no zzz. There is dshop.main:app"),
        ("dapps:crate", "The module dapps has no crate. There is dapps:create."),
        ("dapps:zzz", "The module dapps has no zzz. Name the variable that holds your"),
        (
            "dapps:create",
            "create is `async def`, so no server can call it for an app.",
        ),
        (
            "dapps:failing()",
            "Calling failing() failed with SystemExit: 3 (dapps.py:3). See that ",
        ),
        (
            "dneeds:app",
            "dneeds needs the module dredis (dneeds.py:2), which isn't there. Run ",
        ),
        (
            "dbroken:app",
            "Importing dbroken failed with ValueError: no settings (dbroken.py:1). ",
        ),
        (
            "dsilent:app",
            "Importing dsilent failed with LookupError (dsilent.py:1). See that it ",
        ),
        ("dexits:app", "Importing dexits failed with SystemExit: 1 (dexits.py:1). "),
        (
            "dnameless:app",
            "Importing dnameless failed with ModuleNotFoundError: gone (dnameless.py",
        ),
        (
            "dinteger:app",
            "Importing dinteger failed with ValueError: invalid literal for int() with",
        ),
        ("dsyntax:app", "Importing dsyntax failed with SyntaxError: "),
    ],
)
def test_one_clear_line(
    target: str, message: str, write: Write, tmp_path: Path
) -> None:
    """What can't be had is told in one line, with what is wrong and where."""
    write(
        dshop__main=APP,
        dapps="async def create(): ...\ndef failing():\n    raise SystemExit(3)\n",
        dneeds="\nimport dredis\n",
        dbroken="def read(): raise ValueError('no settings\\nand more')\nread()\n",
        dsilent="raise LookupError\n",
        dexits="raise SystemExit(1)\n",
        dnameless="raise ModuleNotFoundError('gone')\n",
        dinteger="import json\njson.loads('1', parse_int=lambda text: int('x'))\n",
        dsyntax="def (:\n",
    )
    with pytest.raises(TargetError) as raised:
        load(target)
    assert message.format(here=tmp_path) in str(raised.value)
    assert "\n" not in str(raised.value)
