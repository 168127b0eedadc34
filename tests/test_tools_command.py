"""The command line of the tools: `lifespan`, and `python -m lifespan_tools`."""

import json
import os
import signal
import subprocess
import sys
import threading
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

import lifespan_tools
from lifespan_tools import command
from lifespan_tools.command import main

PROJECT = {
    "orders.py": """
        from fastapi import APIRouter

        router = APIRouter(prefix="/orders")

        def connect(): raise SystemExit("a handler was run")
        router.add_event_handler("startup", connect)
    """,
    "main.py": """
        from fastapi import FastAPI
        from tools_shop import orders

        print("loading")
        app, fine = FastAPI(), FastAPI()
        app.include_router(orders.router)
    """,
    "swallowed.py": """
        from fastapi import FastAPI

        class OnlyHttp:
            def __init__(self, app):
                print("made")
            async def __call__(self, scope, receive, send): ...

        app = FastAPI()
        app.add_middleware(OnlyHttp)
    """,
}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a package, as somebody has it who runs the tools there."""
    folder = tmp_path_factory.mktemp("project")
    package = folder / "tools_shop"
    package.mkdir()
    for name, text in PROJECT.items():
        lines = text.strip().splitlines()
        (package / name).write_text(
            "\n".join(line.removeprefix(" " * 8) for line in lines)
        )
    return folder


def run(project: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=project,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_finds_something(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a finding the process exits with 1, and leaves no files behind."""
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
    monkeypatch.setenv("PYTHONPYCACHEPREFIX", str(tmp_path))
    ended = run(project, "-m", "lifespan_tools", "doctor", "tools_shop.main:app")
    compiled = [path.name for path in tmp_path.rglob("*.pyc")]
    assert compiled  # of what is imported before the project
    assert not [name for name in compiled if name.startswith("orders.")]
    assert ended.returncode == 1
    place = Path("tools_shop/orders.py:5")
    assert f"1. handler   connect  {place}  (1 of 2)\n" in ended.stdout
    assert ended.stdout.endswith("\n1 finding.\n")
    assert ended.stderr == "loading\n"
    files = [path for path in project.rglob("*") if path.is_file()]
    assert {path.name for path in files} == set(PROJECT)


def test_nothing_found(project: Path) -> None:
    """Without one it exits with 0; the JSON is all that stands on standard output."""
    ended = run(
        project, "-m", "lifespan_tools", "doctor", "--json", "tools_shop.main:fine"
    )
    assert ended.returncode == 0
    told = json.loads(ended.stdout)
    assert told["target"] == "tools_shop.main:fine"
    assert (told["findings"], told["exit_code"]) == ([], 0)


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("tools_shop.mian:app", "lifespan doctor: There is no module tools_shop.mian "),
        (
            "tools_shop.main:orders",
            "loading\nlifespan doctor: tools_shop.main:orders: This is an object of "
            "the class module, and doctor reads apps of Starlette and FastAPI. ",
        ),
    ],
)
def test_could_not_look(project: Path, target: str, message: str) -> None:
    """What can't be read is told in one line, without a traceback; it exits with 2."""
    ended = run(project, "-m", "lifespan_tools", "doctor", target)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith(message)
    assert ended.stderr.removeprefix("loading\n").count("\n") == 1


def test_probe(
    project: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """--probe finds what swallows it, apart from what that prints; no app is a 2."""
    monkeypatch.chdir(project)
    target = "tools_shop.swallowed:app"
    try:
        assert main(["doctor", target]) == 0
        assert capsys.readouterr().err == ""
        assert main(["doctor", "tools_shop.swallowed:nothing"]) == 2
        assert main(["doctor", "tools_shop.swallowed:OnlyHttp"]) == 2
        assert capsys.readouterr().err.count("\n") == 2
        assert main(["doctor", target, "--probe", "--json"]) == 1
    finally:
        for name in ("tools_shop", "tools_shop.swallowed"):
            sys.modules.pop(name, None)
    out, err = capsys.readouterr()
    assert json.loads(out)["findings"][0]["code"] == "swallowed"
    assert err == "made\n"


def test_help_waits_for_no_framework() -> None:
    """The help needs neither FastAPI nor LibCST, so it comes at once."""
    code = (
        "import sys; from lifespan_tools.command import main\n"
        "try: main(['doctor', '--help'])\n"
        "except SystemExit as ended: assert not ended.code\n"
        "print(*{'fastapi', 'starlette', 'libcst'} & {*sys.modules})"
    )
    ended = run(Path.cwd(), "-c", code)
    assert ended.stdout.startswith("usage: lifespan doctor [-h]")
    assert ended.stdout.endswith("why it could not look\n\n")


def test_doctor_needs_no_libcst(project: Path) -> None:
    """Doctor runs where LibCST isn't installed."""
    code = (
        "import sys; sys.modules['libcst'] = None\n"
        "from lifespan_tools.command import main\n"
        "sys.exit(main(['doctor', 'tools_shop.main:fine']))"
    )
    assert run(project, "-c", code).returncode == 0


def test_a_refusal_as_json(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """With --json a refusal is JSON on standard output, and a line for people, too."""
    assert main(["doctor", "no.such:app", "--json"]) == 2
    out, err = capsys.readouterr()
    told = json.loads(out)
    assert (told["target"], told["exit_code"]) == ("no.such:app", 2)
    assert err == f"lifespan doctor: {told['error']}\n"


THREAD = "import threading; threading.Thread(target=threading.Event().wait).start()\n"


def test_a_thread_that_never_ends(project: Path) -> None:
    """An app that starts a thread when imported doesn't keep the process."""
    module = project / "tools_thread.py"
    module.write_text(THREAD + "from fastapi import FastAPI\napp = FastAPI()\n")
    try:
        ended = run(project, "-m", "lifespan_tools", "doctor", "tools_thread:app")
    finally:
        module.unlink()
    assert ended.returncode == 0
    assert ended.stdout.endswith("Nothing found.\n")


def test_leaving(monkeypatch: pytest.MonkeyPatch, project: Path) -> None:
    """The process is left only as its own program, and if a thread would keep it."""
    left: list[int] = []
    monkeypatch.setattr(os, "_exit", left.append)
    monkeypatch.setattr(sys, "argv", ["lifespan", "doctor", "no.such:app"])
    assert (main(), left) == (2, [])
    ends = threading.Event()
    thread = threading.Thread(target=ends.wait)
    thread.start()
    try:
        assert (main(["doctor", "no.such:app"]), left) == (2, [])
        assert (main(), left) == (2, [2])
    finally:
        ends.set()
        thread.join()


@pytest.mark.skipif(sys.platform == "win32", reason="SIGINT to another process")
def test_interrupted_import(project: Path) -> None:
    """Ctrl-C while the app is imported is answered in one line, with the place."""
    module = project / "tools_hang.py"
    module.write_text("import time\nprint('here', flush=True)\ntime.sleep(60)\n")
    code = (  # in the background of a shell the signal would be ignored
        "import signal, sys; from lifespan_tools.command import main\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "sys.exit(main())"
    )
    try:
        doctor = subprocess.Popen(
            [sys.executable, "-c", code, "doctor", "tools_hang:app"],
            cwd=project,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert doctor.stderr is not None
        assert doctor.stderr.readline() == "here\n"
        doctor.send_signal(signal.SIGINT)
        _, told = doctor.communicate(timeout=60)
    finally:
        module.unlink()
    assert doctor.returncode == 2
    assert told.startswith("lifespan doctor: Interrupted while importing tools_hang (")
    assert "(tools_hang.py:" in told
    assert told.count("\n") == 1


def test_version(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The release is told; from a checkout that isn't installed, that it isn't."""
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert not ended.value.code
    assert capsys.readouterr().out == f"lifespan {metadata.version('lifespan-lab')}\n"

    def missing(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(command, "version", missing)
    with pytest.raises(SystemExit):
        main(["--version"])
    assert capsys.readouterr().out == "lifespan (not installed)\n"


@pytest.mark.parametrize("tool", ["doctor", "migrate"])
def test_an_unknown_option(tool: str, capsys: pytest.CaptureFixture[str]) -> None:
    """An option that a tool doesn't have is refused with the usage of that tool."""
    with pytest.raises(SystemExit) as ended:
        main([tool, "--factory", "shop.main:app"])
    assert ended.value.code == 2
    told = capsys.readouterr().err
    assert told.startswith(f"usage: lifespan {tool} [-h] ")
    assert told.endswith("error: unrecognized arguments: --factory\n")


@pytest.mark.parametrize("arguments", [[], ["doctor"], ["surgeon"]])
def test_without_a_tool(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """A command line that isn't complete is refused with its usage and 2."""
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith("usage: lifespan")


def test_names() -> None:
    """The package gives `diagnose`, and nothing that isn't there."""
    package: Any = lifespan_tools
    assert package.diagnose is lifespan_tools.doctor.diagnosis.diagnose
    with pytest.raises(AttributeError, match="no attribute 'surgeon'"):
        package.surgeon  # noqa: B018
