"""Writing: whatever interrupts it, each file is whole, and a second run ends it."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from lifespan_tools.command import main
from lifespan_tools.migrate import writing
from tests.migrate.applications import applications

PROJECT = next(each for each in applications() if each.name == "17_nested_routers")
NAMES = ["shop/api/items.py", "shop/api/users.py", "shop/main.py"]


def texts(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in NAMES}


@pytest.fixture
def old(tmp_path: Path) -> dict[str, bytes]:
    """The files of an application that is spread over three that change."""
    PROJECT.write(tmp_path / "project")
    return texts(tmp_path / "project")


@pytest.fixture
def new(tmp_path: Path, old: dict[str, bytes]) -> dict[str, bytes]:
    """What they become."""
    PROJECT.write(tmp_path / "other")
    assert main(["migrate", "--write", "--once", str(tmp_path / "other")]) == 0
    found = texts(tmp_path / "other")
    assert all(found[name] != old[name] for name in NAMES)
    return found


def run(folder: Path, *options: str) -> int:
    return main(["migrate", "--once", *options, str(folder)])


def left_over(folder: Path) -> list[str]:
    return [each.name for each in folder.rglob(".*") if each.is_file()]


KILLING = """
import os, signal, sys
from lifespan_tools.command import main
for step, project in enumerate(sys.argv[1:], start=1):
    child = os.fork()
    if child:
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        print("ended:", code, flush=True)
        continue
    calls = 0
    def count(event, arguments):
        global calls
        if event in ("open", "os.rename", "os.remove", "os.chmod"):
            calls += ".lifespan-migrate" in str(arguments[0])
            if calls == step:
                os.kill(os.getpid(), signal.SIGKILL)
    sys.addaudithook(count)
    code = main(["migrate", "--once", "--write", project])
    sys.stdout.flush()
    os._exit(code)
"""


def test_killed(
    tmp_path: Path,
    old: dict[str, bytes],
    new: dict[str, bytes],
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Killed before any of its steps, it leaves whole files; a second run ends it."""
    projects = [tmp_path / f"killed {step}" for step in range(1, 25)]
    for project in projects:
        PROJECT.write(project)
    arguments = [sys.executable, "-c", KILLING, *map(str, projects)]
    done = subprocess.run(arguments, capture_output=True, text=True, check=True)
    ends = [line for line in done.stdout.splitlines() if line.startswith("ended: ")]
    codes = [int(line.removeprefix("ended: ")) for line in ends]
    assert codes.count(-signal.SIGKILL) > 15
    assert codes[-1] == 0
    half_done = 0
    for project, code in zip(projects, codes, strict=True):
        found = texts(project)
        assert all(found[name] in (old[name], new[name]) for name in NAMES)
        if code == 0:
            assert found == new
        half_done += found not in (old, new)
        journal = (project / "shop/api" / writing.JOURNAL).exists()
        assert found in (old, new) or journal
        assert run(project) == (2 if journal else 0)
        assert run(project, "--write") == 0
        assert texts(project) == new
        assert left_over(project) == []
    assert half_done > 1


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError(28, "No space left")])
@pytest.mark.parametrize("step", range(1, 6))
def test_interrupted(
    step: int,
    error: BaseException,
    tmp_path: Path,
    old: dict[str, bytes],
    new: dict[str, bytes],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """An error before the files are complete leaves the old ones, and nothing else."""
    project, calls = tmp_path / "project", 0
    synchronize = os.fsync

    def fail(descriptor: int) -> None:
        nonlocal calls
        calls += 1
        if calls == step:
            raise error
        synchronize(descriptor)

    monkeypatch.setattr(os, "fsync", fail)
    if isinstance(error, OSError) and step < 5:
        assert run(project, "--write") == 2
        assert "No space left" in capsys.readouterr().err
    elif step < 5:
        with pytest.raises(KeyboardInterrupt):
            run(project, "--write")
    else:
        assert run(project, "--write") == 0
    assert texts(project) == (old if step < 5 else new)
    assert left_over(project) == []


def interrupt(project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stop after the journal was written; where it is."""
    with monkeypatch.context() as patched:
        patched.setattr(writing, "finish", interrupted)
        with pytest.raises(KeyboardInterrupt):
            run(project, "--write")
    return project / "shop/api" / writing.JOURNAL


def interrupted(journal: Path) -> None:
    raise KeyboardInterrupt


def test_changed_after_an_interruption(
    tmp_path: Path,
    old: dict[str, bytes],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """What somebody changed meanwhile isn't written over, and that is told."""
    project = tmp_path / "project"
    journal = interrupt(project, monkeypatch)
    changed = old["shop/main.py"] + b"# mine\n"
    (project / "shop/main.py").write_bytes(changed)
    assert run(project, "--write") == 2
    said = capsys.readouterr().err
    assert "was changed after a run of migrate was interrupted" in said
    assert texts(project) == old | {"shop/main.py": changed}
    assert journal.exists()


def test_a_broken_journal(
    tmp_path: Path,
    old: dict[str, bytes],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A journal that can't be read is told, and nothing is written."""
    project = tmp_path / "project"
    interrupt(project, monkeypatch).write_bytes(b"{")
    assert run(project, "--write") == 2
    assert "can't be read" in capsys.readouterr().err
    assert texts(project) == old


def test_an_interrupted_run_is_told(
    tmp_path: Path,
    old: dict[str, bytes],
    new: dict[str, bytes],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Without --write the half-done state is an error, with it the run is completed."""
    project = tmp_path / "project"
    interrupt(project, monkeypatch)
    assert run(project, "--check") == 2
    assert "a run was interrupted: --write ends it" in capsys.readouterr().err
    assert texts(project) == old
    assert run(project, "--write") == 0
    assert "an interrupted run is completed" in capsys.readouterr().err
    assert texts(project) == new
    assert left_over(project) == []


def test_changed_while_running(
    tmp_path: Path,
    old: dict[str, bytes],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A file that changes between reading and writing isn't written over."""
    project = tmp_path / "project"
    changed = old["shop/main.py"] + b"# mine\n"
    write = writing.write

    def change_first(changes: object) -> None:
        (project / "shop/main.py").write_bytes(changed)
        write(changes)  # type: ignore[arg-type]

    monkeypatch.setattr("lifespan_tools.migrate.command.write", change_first)
    assert run(project, "--write") == 2
    assert "main.py was changed meanwhile: run this again" in capsys.readouterr().err
    assert texts(project) == old | {"shop/main.py": changed}
    assert left_over(project) == []
