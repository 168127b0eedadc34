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
            parts = name.replace("____", "__/__").replace("__/__", "/__").split("/")
            *folders, last = [*parts[0].split("__"), *parts[1:]]
            file = tmp_path.joinpath(*folders, f"{last}.py")
            file.parent.mkdir(exist_ok=True, parents=True)
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
    ("target", "hint"),
    [
        ("dshop.main", "here dshop.main:api"),
        ("dshop.main.app", "here dshop.main:app"),
        ("dshop", "here dshop.main:api"),
        ("dfile", "here dfile:web"),
        ("dfile.x.y", "here dfile.x.y:app"),
        ("dempty", "here dempty:app"),
        ("dshop/main.py", "here dshop.main:api"),
        ("./dshop/main.py:application", "here dshop.main:application"),
        ("dshop\\main.py", "here dshop.main:api"),
        ("dempty/nothing.py", "here dempty.nothing:app"),
        ("gone/main.py", "here gone.main:app"),
        ("{here}/dshop/main.py", "here dshop.main:api"),
        ("src/inner/main.py", "here inner.main:app, in {here}/src"),
        ("dshop/", "here dshop:app"),
        ("a-b/main.py", "here main:app, in {here}/a-b"),
        ("a-b.py", "and give a-b.py a name that can be imported"),
        ("my-app:app", "here package.module:app"),
        ("", "here package.module:app"),
        (":app", "here package.module:app"),
    ],
)
def test_spelling(target: str, hint: str, write: Write, tmp_path: Path) -> None:
    """A target in another form is answered with the one to write, if it is there."""
    app = "from fastapi import FastAPI\n{} = FastAPI()\n"
    write(
        dshop____init__="",
        dshop__admin=app.format("admin"),
        dshop__main=app.format("api: FastAPI"),
        dfile=app.format("web"),
        dempty____init__="",
        dempty__nothing="",
        src__inner____init__="",
        src__inner__main="",
        **{"a-b__main": "", "a-b": ""},
    )
    with pytest.raises(TargetError) as raised:
        load(target.format(here=tmp_path))
    told = str(raised.value).replace("\\", "/")
    here = tmp_path.as_posix()
    assert told.endswith(f"Write module:name, {hint.format(here=here)}")


def test_the_whole_message(write: Write) -> None:
    """A message of many lines is shown with its cause, and cut when it is long."""
    write(
        dlong="try: {}['DSN']\nexcept KeyError as e: "
        "raise ValueError('2 errors\\n  dsn\\n  port') from e\n",
        dendless="raise ValueError('\\n'.join('abcdefghijklmnopqrst'))\n",
        dhidden="try: {}['DSN']\nexcept KeyError: raise ValueError('gone') from None\n",
    )
    assert message("dlong:app") == (
        "Importing dlong failed with ValueError: 2 errors (dlong.py:2)\n"
        "      dsn\n      port\n    caused by KeyError: 'DSN' (dlong.py:1)\n"
        'For the whole traceback: python -c "import dlong"'
    )
    assert "\n    m\n    ...\nFor the whole" in message("dendless:app")
    assert "\n" not in message("dhidden:app")


def message(target: str) -> str:
    with pytest.raises(TargetError) as raised:
        load(target)
    return str(raised.value)


def test_inside_of_a_package(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a package's own folder, the answer leads to the folder above."""
    write(
        dpack____init__="", dpack__one="from . import db", dpack__two="import dpack.x"
    )
    monkeypatch.chdir(tmp_path / "dpack")
    assert message("one:app").endswith("Run this in the folder above, for dpack.one.")
    assert message("two:app").endswith("Run this in the folder above, for dpack.two.")


def test_warnings(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    """Warnings while the app is imported are silent, unless they were asked for."""
    text = "import warnings\nwarnings.warn('old', UserWarning)\n" + APP
    write(dwarns=text, dwarns_too=text)
    monkeypatch.setattr(sys, "warnoptions", [])
    assert load("dwarns:app")
    monkeypatch.setattr(sys, "warnoptions", ["error"])
    assert "UserWarning: old" in message("dwarns_too:app")


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("dshop.mian:app", "There is no module dshop.mian in {here} or in this "),
        (
            "dshop.mian:app",
            "packages. The package dshop is here, it has data, main. Run this ",
        ),
        ("dsohp.main:app", "There is no module dsohp in {here} or in this Python's "),
        ("dsohp.main:app", "packages. There is dshop. Run this where you start"),
        ("zzzz.main:app", "packages. Run this where you start your server."),
        ("dshop.data.main:app", "dshop.data is a file, and no package. Run"),
        ("dbare.main:app", "this Python's packages. Run this where you"),
        ("dapps:needy", "needy needs the argument env, and what makes an app is"),
        ("dapps:needy()", "needy needs the argument env, and what makes an app is"),
        ("dapps:needier", "needier needs the arguments env and debug, and what"),
        ("dapps:three", "three() was called, and gave an object of the class int. Do"),
        ("dmakes:app", "The module dmakes has no app. There is dmakes:create_app."),
        ("dstops:app", "Interrupted while importing dstops (dstops.py:1). If it"),
        ("dapps:stopping", "Interrupted while calling stopping() (dapps.py:7). If"),
        ("dshop.main:zzz", "The module dshop.main has no zzz. There is dshop.main:app"),
        ("dapps:crate", "The module dapps has no crate. There is dapps:create."),
        ("dapps:zzz", "The module dapps has no zzz. Name the variable that holds your"),
        (
            "dapps:create",
            "create is `async def`, so no server can call it for an app.",
        ),
        (
            "dapps:failing()",
            "Calling failing() failed with SystemExit: 3 (dapps.py:3). For the whole "
            'traceback: python -c "import dapps; dapps.failing()"',
        ),
        (
            "dneeds:app",
            "dneeds needs the module dredis (dneeds.py:2), which isn't there. This is "
            f"{sys.executable} in ",
        ),
        (
            "dbroken:app",
            "Importing dbroken failed with ValueError: no settings (dbroken.py:1). ",
        ),
        (
            "dsilent:app",
            "Importing dsilent failed with LookupError (dsilent.py:1). For the whole ",
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
        dshop____init__="",
        dshop__main=APP,
        dshop__data="",
        dbare____init__="",
        dapps="async def create(): ...\ndef failing():\n    raise SystemExit(3)\n"
        "def needy(env, *rest, debug=False): ...\ndef three(): return 3\n"
        "def needier(env, debug): ...\ndef stopping(): raise KeyboardInterrupt\n",
        dmakes="from functools import wraps as app_wraps\ndef create_app(): ...\n",
        dstops="raise KeyboardInterrupt\n",
        dneeds="\nimport dredis\n",
        dbroken="def read(): raise ValueError('no settings')\nread()\n",
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
