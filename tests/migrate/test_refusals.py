"""What can't be proven is refused: each way out of the provable, in a few lines."""

from pathlib import Path

import pytest

from lifespan_tools.command import main
from lifespan_tools.migrate.rewriting import Rewriting

START = "def start():\n    pass\n\n\n"
APP = "from fastapi import FastAPI, APIRouter\n\n\n" + START + "app = FastAPI()\n"
ADD = 'app.add_event_handler("startup", start)\n'

HANDLERS = {
    "make()": (
        "from somewhere import make\n",
        "whether what `make(...)` returns is async can't be read",
    ),
    "lambda word=1: print(word)": ("", "`lambda word=1: print(word)` has parameters"),
    "lambda: None": ("", "`lambda: None` calls nothing; delete it"),
    "what.go": (
        "def maker(): pass\n\n\nwhat = maker()\n",
        "whether `what.go` is async can't be read",
    ),
    "ring.go": (
        "class Ring(Gnir): pass\nclass Gnir(Ring): pass\n\n\nring = Ring()\n",
        "whether `ring.go` is async can't be read",
    ),
    "handlers[0]": ("handlers = [start]\n", "`handlers[0]` isn't a function's name"),
    "circle": ("circle = ring\nring = circle\n", "is defined in a circle"),
    "missing": ("", "`missing` can't be followed: `missing` isn't bound"),
    "twice": (
        "def twice(): pass\ndef twice(): pass\n",
        "`twice` can't be followed: `twice` is bound more than once (lines 9, 10)",
    ),
    "Thing": ("class Thing: pass\n", "whether `Thing` is async can't be read"),
    "thing.start": (
        "class Thing:\n    start = print\n\n\nthing = Thing()\n",
        "whether `thing.start` is async can't be read",
    ),
    "thing.go": (
        "class Thing(dict, list): pass\n\n\nthing = Thing()\n",
        "whether `thing.go` is async can't be read",
    ),
    "thing.stop": (
        "class Thing:\n    def stop(self): pass\n\n\nthing = Thing()\n"
        "thing.stop = print\n",
        "whether `thing.stop` is async can't be read",
    ),
    "thing.on": ("thing = [1]\n", "whether `thing.on` is async can't be read"),
    "thing.a.b": (
        "class Thing: pass\n\n\nthing = Thing()\n",
        "`thing.a.b` can't be followed: is an attribute of an attribute",
    ),
    "near.start": ("import near\n", "`near.start` is in near.py, which wasn't given"),
    "made()": (
        "def made():\n    return print\n",
        "whether what `made(...)` returns is async can't be read",
    ),
    "yields()": ("def yields():\n    yield print\n", "`yields` is a generator"),
    "either()": (
        "def either(x=0):\n    def one(): pass\n    async def two(): pass\n"
        "    if x:\n        return one\n    return two\n",
        "whether what `either(...)` returns is async can't be read",
    ),
    "cached()": (
        "@print\ndef cached(): pass\n",
        "whether what `cached(...)` returns is async can't be read",
    ),
    "decorated": (
        "@print\ndef decorated(): pass\n",
        "`decorated` is decorated with `print`",
    ),
    "attribute": (
        "@app.state\ndef attribute(): pass\n",
        "`attribute` is decorated with `app.state`",
    ),
    "loop": ("for loop in [start]: pass\n", "whether `loop` is async can't be read"),
}

USES = {
    "app.router.on_event": "goes where it can't be followed",
    "register = app.add_event_handler": "goes where it can't be followed",
    "include = app.include_router": "goes where it can't be followed",
    "print(app.router)": "`app.router` goes where it can't be followed",
    "f = lambda: app": "`app` goes where it can't be followed",
    "x = y = app": "`app` goes where it can't be followed",
    "dict(**{'a': app})": "`app` goes where it can't be followed",
    'app.on_event("startup")': "is used in a way that isn't known",
    'x = app.on_event("startup")(start)': "is used in a way that isn't known",
    'app.add_event_handler(*["startup"], start)': "can't be read",
    'app.add_event_handler("startup", **{"func": start})': "can't be read",
    'app.add_event_handler("startup", start, 1)': "which event this is",
    'def later():\n    app.add_event_handler("shutdown", start)': "when a function is",
    "app.include_router()": "can't be told",
    "app.include_router(*[1])": "can't be told",
    "def f():\n    app.include_router(unknown)": "router `unknown` is can't be told",
    "from near import router\napp.include_router(router)": "is made in near.py",
    "from near import setup\nsetup(app)": (
        "which is in near.py, and that wasn't given; name that file, too"
    ),
    "class Admin:\n    pass\n\n\nAdmin(app)": "given to `Admin`, which can't be read",
    "getattr(app, 'on_event')": "given to `getattr`",
    "from functools import partial\npartial(app)": "what becomes of it can't be told",
    "from functools import partial\npartial(*app)": "goes where it can't be followed",
    "def f(*, x): pass\n\n\nf(app)": "which of its parameters that is can't be told",
    "def f(**x): pass\n\n\nf(y=app)": "which of its parameters that is can't be told",
    "def f(x):\n    x = 1\n\n\nf(app)": "which binds `x` again",
    "def f(x):\n    x.router.on_startup.append(1)\n\n\nf(app)": "by another way",
    "def f(x):\n    return [x]\n\n\nf(app)": "hands it on where it can't be followed",
    "def f(x):\n    g(y=x)\n\n\ndef g(y):\n    y.on_event(1)\n\n\nf(app)": (
        "gives it to `g`, where main.py, line 15, registers on this parameter"
    ),
    "def f(x):\n    dict(*x)\n\n\nf(app)": "hands it on where it can't be followed",
    "def f(x):\n    x.include_router(1)\n\n\nf(app)": "includes `1`, which can't be",
    "def f(x):\n    x.include_router(*[1])\n\n\nf(app)": "which can't be read",
    "r = APIRouter(on_startup=[start])\n\n\ndef f(x):\n    x.include_router(r)\n\n\n"
    "f(app)": "includes router `r`, which may have handlers",
    "x = app\nx = 1": "`app` goes where it can't be followed",
    "x.y = app": "`app` goes where it can't be followed",
    "x: FastAPI = app\nx.on_event(1)": "which event this is",
    "def f(x):\n    f(x)\n    f.g(x)\n\n\nf(app)": "gives it to `f.g`",
    "def f(x): pass\n\n\nf(**app)": "and which of its parameters that is can't be told",
    "import main\nmain.app.router.lifespan_context": "by another way",
    "app = app or FastAPI()": "is bound more than once",
}

OWNERS = {
    "def make():\n    global app\n    app = FastAPI(on_startup=[start])\n": (
        "is made inside a function or class and used outside"
    ),
    "class Apps:\n    app = FastAPI(on_startup=[start])\n": (
        "is made inside a function or class and used outside"
    ),
    "app = FastAPI(*[], on_startup=[start])\n": "is made with `*`",
    "app = FastAPI(**{'lifespan': start}, on_startup=[start])\n": (
        "`**{...}` may hold handlers or a lifespan"
    ),
    "app = FastAPI(on_startup=[*[start]])\n": "isn't written out as a list",
    "a, b = FastAPI(on_startup=[start]), 1\n": "is kept where it can't be followed",
    "a = b = FastAPI(on_startup=[start])\n": "is kept where it can't be followed",
    "a: FastAPI\na = FastAPI(on_startup=[start])\n": "`a` is bound more than once",
    "app = FastAPI(on_startup=[print, partial(start)])\n": (
        "`print` is async can't be read"
    ),
    "from near import Base\nclass A(Base):\n    def __init__(self):\n"
    "        super().__init__(on_shutdown=[start])\n": "can't be followed; give it a",
    "from near import make\nmake(on_startup=[start])\n": (
        "`make(on_startup=)` can't be followed"
    ),
    "from near import app\napp.on_event('startup')(start)\n": (
        "`app` is made in near.py, which wasn't given"
    ),
    "for app in (1, 2):\n    app.router.on_startup = [start]\n": (
        "whose list that is can't be told"
    ),
    "app = make()\napp = make()\napp.on_event('startup')(start)\n": (
        "`app` is bound more than once"
    ),
    "print.on_event('startup')(start)\n": "`print` isn't of this project",
    "r = APIRouter(on_startup=[start])\n\n\ndef f(app):\n    app.include_router(r)\n": (
        "is included into `app`, and which application that is can't be told"
    ),
    "r = APIRouter(on_startup=[start])\nif r:\n    pass\napp = FastAPI()\n"
    "def f():\n    app.include_router(r)\n": "when it is included can't be told",
    "r = APIRouter()\n\n\ndef make():\n    app = FastAPI()\n    app.include_router(r)\n"
    "    return app\n\n\nr.on_event('startup')(start)\n": "comes after router `r` was",
    "def make():\n    r = APIRouter(on_startup=[start])\n    return r\n\n\n"
    "app = FastAPI()\nr = make()\napp.include_router(r)\n": (
        "when it is included can't be told"
    ),
    "r = APIRouter(lifespan=start, on_startup=[start])\n"
    "app = FastAPI(lifespan=start)\napp.include_router(r)\n": (
        "never runs today: router `r` has `lifespan=start`; delete it, or move it into "
        "that lifespan by hand\n"
    ),
    "app = FastAPI(on_startup=[start()])\n": (
        "whether what `start(...)` returns is async can't be read"
    ),
    "def made():\n    def inner(): pass\n    return inner\n\n\n"
    "app = FastAPI(on_startup=[made()])\n": "`made()` is made within the list",
}


def refused(folder: Path, text: str, capsys: pytest.CaptureFixture[str]) -> str:
    """What is said when a file is refused, which stays as it is then."""
    (folder / "given").mkdir(exist_ok=True)
    (folder / "given" / "near.py").write_text("")
    file = folder / "given" / "main.py"
    file.write_text(text)
    assert main(["migrate", "--write", str(file)]) == 1
    assert file.read_text() == text
    said = capsys.readouterr().err.replace(f"{folder}/given/", "")
    assert "fault of this tool" not in said
    assert ": refused: " in said
    return said


@pytest.mark.parametrize("handler", HANDLERS)
def test_handler(
    handler: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A handler whose kind can't be read is refused."""
    before, reason = HANDLERS[handler]
    text = f'{APP}{before}app.add_event_handler("startup", {handler})\n'
    assert reason in refused(tmp_path, text, capsys)


@pytest.mark.parametrize("use", USES)
def test_use(use: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An application that goes where it can't be followed is refused."""
    assert USES[use] in refused(tmp_path, f"{APP}{ADD}{use}\n", capsys)


@pytest.mark.parametrize("owner", OWNERS)
def test_owner(owner: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An application whose making can't be read is refused."""
    text = APP.removesuffix("app = FastAPI()\n") + owner
    assert OWNERS[owner] in refused(tmp_path, text, capsys)


TWICE = '@app.on_event("startup")\ndef twice(): pass\n'

TWO_OF_ONE_NAME = {
    "a name that is read": f"{TWICE}print(twice)\n{TWICE}",
    "a name that is read within": f"{TWICE}{TWICE}def later(): twice()\n",
    "a file that may import it": f"{TWICE}import near\n{TWICE}",
    "a class": f"{TWICE}class twice: pass\n",
    "a variable": f"{TWICE}twice = 1\n",
    "under a condition": f"{TWICE}if app:\n    def twice(): pass\n",
    "a route": f"@app.get('/')\n{TWICE}{TWICE}",
}


@pytest.mark.parametrize("name", TWO_OF_ONE_NAME)
def test_two_of_one_name(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A handler whose name something else may mean isn't renamed."""
    said = refused(tmp_path, APP + TWO_OF_ONE_NAME[name], capsys)
    assert "`twice` is bound more than once (lines " in said
    assert "give each handler a name of its own" in said


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("x = (\n", "no Python ('(' was never closed)"),
        (APP + ADD, "something that a second run would change"),
    ],
)
def test_own_faults(
    text: str,
    reason: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A rewrite that is no Python, or not whole, is never shown or written."""
    file = tmp_path / "main.py"
    file.write_text(APP + ADD)
    monkeypatch.setattr(Rewriting, "texts", lambda self, units: {file: text})
    assert main(["migrate", "--write", str(file)]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert f"{reason}: a fault of this tool, nothing is changed" in said.err
    assert file.read_text() == APP + ADD


def test_out_of_reach(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What can't be told, in a file that can't reach an application, is by itself."""
    (tmp_path / "main.py").write_text(APP + ADD)
    (tmp_path / "robot.py").write_text(
        "import main_one\nrobot = [1][0]\nrobot.on_event('startup')(print)\n"
    )
    (tmp_path / "main_one.py").write_text("import main_two  # fastapi, main, robot\n")
    (tmp_path / "main_two.py").write_text("import main_one  # fastapi, main, robot\n")
    assert main(["migrate", "--write", str(tmp_path)]) == 1
    said = capsys.readouterr().err
    assert "robot.py:3: refused: `robot.on_event`: which application" in said
    assert "1 rewritten" in said
