"""The command line of the tools: `lifespan`, and `python -m lifespan_tools`."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import lifespan_tools
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
    assert ended.stdout.endswith("could not look.\n\n")


def test_doctor_needs_no_libcst(project: Path) -> None:
    """Doctor runs where LibCST isn't installed."""
    code = (
        "import sys; sys.modules['libcst'] = None\n"
        "from lifespan_tools.command import main\n"
        "sys.exit(main(['doctor', 'tools_shop.main:fine']))"
    )
    assert run(project, "-c", code).returncode == 0


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
