"""The learner's copies are made, kept and opened."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Timer

import httpx
import nbformat
import psutil
import pytest

import lifespan_course
from lifespan_course import workbench
from lifespan_course.workbench import WorkbenchError, copy_missing, fresh_copy, main

ROOT = Path(__file__).parents[1]
CHAPTERS = ["00_start_here.ipynb", "01_context_managers.ipynb", "03_lifespan.ipynb"]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A small clone: three chapters, each with its name as text, and no copies."""
    notebooks = tmp_path / "notebooks"
    notebooks.mkdir()
    for name in CHAPTERS:
        (notebooks / name).write_text(f"as published: {name}")
    return tmp_path


def texts(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir()}


def test_missing_chapters_are_copied(root):
    """The first call copies each chapter, byte for byte; the next one has none left."""
    assert [copy.name for copy in copy_missing(root)] == CHAPTERS
    assert texts(root / "my") == texts(root / "notebooks")
    assert copy_missing(root) == []


def test_no_copy_is_overwritten(root):
    """A copy that was worked in stays as it is when a new chapter is copied in."""
    copy_missing(root)
    (root / "my" / CHAPTERS[0]).write_text("solved")
    (root / "notebooks" / "04_running_in_process.ipynb").write_text("new")
    assert [copy.name for copy in copy_missing(root)] == ["04_running_in_process.ipynb"]
    assert (root / "my" / CHAPTERS[0]).read_text() == "solved"


def test_an_interrupted_copy_is_made_again(root, monkeypatch):
    """A copy that broke off half-way is no chapter: the next call copies it whole."""

    def half(source, target):
        Path(target).write_text("as pub")
        raise OSError("disk full")

    with monkeypatch.context() as broken:
        broken.setattr(shutil, "copyfile", half)
        with pytest.raises(OSError, match="disk full"):
            copy_missing(root)
    copy_missing(root)
    assert texts(root / "my") == texts(root / "notebooks")


@pytest.mark.parametrize("number", ["03", "3"])
def test_fresh_keeps_every_old_copy(root, number):
    """Each fresh copy is as published; all that was written before stays beside it."""
    copy_missing(root)
    copy = root / "my" / "03_lifespan.ipynb"
    for attempt in ("first", "second", "third"):
        copy.write_text(attempt)
        kept = fresh_copy(root, number)
        assert kept.read_text() == attempt
        assert copy.read_text() == "as published: 03_lifespan.ipynb"
    left = texts(root / "my")
    assert len(left) == len(CHAPTERS) + 3
    assert {"first", "second", "third"} < set(left.values())


def test_fresh_touches_no_other_chapter(root):
    """Bringing one chapter back leaves the copies of the others as they are."""
    copy_missing(root)
    (root / "my" / CHAPTERS[0]).write_text("solved")
    fresh_copy(root, "03")
    assert (root / "my" / CHAPTERS[0]).read_text() == "solved"


def test_fresh_makes_a_copy_that_is_missing(root):
    """Where there is no copy yet, one is made and nothing is kept."""
    assert fresh_copy(root, "01") is None
    assert list(texts(root / "my")) == ["01_context_managers.ipynb"]


@pytest.mark.parametrize("number", ["", "02", "1x", "03_lifespan", "../00", "*"])
def test_fresh_names_the_chapters_there_are(root, number):
    """No number or an unknown one changes nothing and is answered with the list."""
    with pytest.raises(WorkbenchError, match=r"00_start_here, 01_context_managers, 03"):
        fresh_copy(root, number)
    assert not (root / "my").exists()


def command(root: Path, *arguments: str) -> list[str]:
    """Return the command line for a copy of the course that stands in ``root``."""
    shutil.copytree(
        Path(lifespan_course.__file__).parent,
        root / "src" / "lifespan_course",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    return [sys.executable, "-m", "lifespan_course.workbench", *arguments]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "no chapter was named"),
        (["9"], "there is no chapter '9'"),
        (["03", "--keep"], "there is no chapter '03 --keep'"),
    ],
)
def test_an_error_is_one_line(root, arguments, message, monkeypatch, capsys):
    """A wrong call prints one line that says what is wrong, and exits with 2."""
    monkeypatch.setattr(workbench, "project", lambda: root)
    assert main(["fresh", *arguments]) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.startswith(f"lifespan-lab: {message}")
    assert output.err.count("\n") == 1


def test_a_failing_disk_is_one_line(root, monkeypatch, capsys):
    """What the system refuses is one line too: here, my is a file."""
    (root / "my").write_text("")
    monkeypatch.setattr(workbench, "project", lambda: root)
    assert main(["fresh", "03"]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_fresh_says_where_the_old_copy_is(root, monkeypatch, capsys):
    """The command line names the file in which the old copy is kept."""
    monkeypatch.setattr(workbench, "project", lambda: root)
    assert main(["fresh", "03"]) == 0
    assert capsys.readouterr().out == "Done.\n"
    assert main(["fresh", "03"]) == 0
    assert "my/03_lifespan.kept-1.ipynb" in capsys.readouterr().out


def test_an_installation_without_notebooks_says_so(tmp_path):
    """Away from a clone, as from a wheel, the command asks for a clone, in one line."""
    done = subprocess.run(
        command(tmp_path, "lab"),
        cwd=tmp_path / "src",
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 2
    assert done.stderr.startswith("lifespan-lab: no notebooks in ")
    assert "clone the project" in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "my").exists()


@contextmanager
def jupyterlab(root: Path, port: int) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run ``lab`` in ``root``; yield its process and the address that it prints."""
    folders = ("JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "HOME")
    process = subprocess.Popen(
        command(root, "lab", "--no-browser", f"--port={port}"),
        cwd=root / "src",
        env=os.environ | {name: str(root / name) for name in folders},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    limit = Timer(60, process.kill)
    limit.start()
    try:
        lines = []
        for line in process.stdout:
            lines.append(line)
            if found := re.search(r"http://127\.0\.0\.1:\S+", line):
                yield process, found[0]
                break
        else:
            pytest.fail("JupyterLab printed no address:\n" + "".join(lines))
    finally:
        limit.cancel()
        process.kill()
        process.stdout.close()
        process.wait()


def test_lab_serves_the_first_chapter(root):
    """JupyterLab serves the copy of chapter 00, on the next port when one is taken."""
    chapter = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("# Hello")])
    (root / "notebooks" / CHAPTERS[0]).write_text(nbformat.writes(chapter))
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        jupyterlab(root, taken.getsockname()[1]) as (process, address),
        httpx.Client(base_url=address, timeout=30, trust_env=False) as browser,
    ):
        url = httpx.URL(address)
        assert 0 < abs(url.port - taken.getsockname()[1]) <= 100
        assert url.path == f"/lab/tree/my/{CHAPTERS[0]}"

        page = browser.get(url)
        assert page.status_code == 200
        assert 'id="jupyter-config-data"' in page.text

        shown = {"Authorization": f"token {url.params['token']}"}
        served = browser.get(url.copy_with(path=f"/api/contents/my/{CHAPTERS[0]}"))
        assert json.loads(served.text)["content"]["cells"][0]["source"] == "# Hello"
        settings = browser.get(
            url.copy_with(
                path="/lab/api/settings/@jupyterlab/apputils-extension:notification"
            )
        ).json()
        assert settings["schema"]["properties"]["fetchNews"]["default"] == "false"

        running = root / "JUPYTER_RUNTIME_DIR"
        assert list(running.glob("jpserver-*"))
        children = psutil.Process(process.pid).children(recursive=True)
        browser.post(url.copy_with(path="/api/shutdown"), headers=shown)
        assert process.wait(timeout=30) == 0
        assert psutil.wait_procs(children, timeout=30)[1] == []
        with pytest.raises(httpx.ConnectError):
            browser.get(url)
    assert sorted(texts(root / "my")) == CHAPTERS
    assert not list(running.glob("jpserver-*"))


needs_make = pytest.mark.skipif(shutil.which("make") is None, reason="needs make")


def make(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the project's Makefile in a folder that holds nothing else of it."""
    for name in ("Makefile", "pyproject.toml", "requirements.txt"):
        if not (folder / name).exists():
            shutil.copy(ROOT / name, folder)
    return subprocess.run(
        ["make", "--no-print-directory", *arguments],
        cwd=folder,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=60,
    )


def script(path: Path, text: str) -> str:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


@needs_make
def test_help_comes_first(tmp_path):
    """``make`` alone lists the targets, each with what it does, and sets nothing up."""
    done = make(tmp_path)
    targets = re.findall(r"^make ([\w-]+): \S.*$", done.stdout, re.MULTILINE)
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert set(targets) == set(re.findall(r"^([a-z][a-z-]*):", makefile, re.MULTILINE))
    assert targets[:3] == ["help", "lab", "test"]
    assert not (tmp_path / ".venv").exists()


@needs_make
@pytest.mark.parametrize(
    "python", ["exit 1", "exit 127", "echo SyntaxError: invalid syntax >&2; exit 1"]
)
def test_an_unusable_python_is_one_line(tmp_path, python):
    """A Python that is too old, broken or without venv is answered with one line."""
    old = script(tmp_path / "python", python)
    done = make(tmp_path, "lab", f"PYTHON={old} {tmp_path}/none")
    message, makes_own = done.stderr.splitlines()
    assert done.returncode == 2
    assert message.startswith("Lifespan Lab needs Python 3.11 or later with its venv")
    assert f"tried: {old} {tmp_path}/none." in message
    assert "PYTHON=" in message
    assert makes_own.startswith("make: ***")
    assert not (tmp_path / ".venv").exists()


@needs_make
def test_the_first_usable_python_is_taken(tmp_path):
    """Of several Pythons, those that don't work are passed over without a word."""
    old = script(tmp_path / "old", "echo too old >&2; exit 1")
    new = script(tmp_path / "new", '[ "$1" = -c ] || { echo "made: $*"; exit 1; }')
    done = make(tmp_path, ".venv/ready", f"PYTHON={old} {new}")
    assert done.stdout.splitlines() == [
        f"Setting up .venv with {new}",
        "made: -m venv --clear .venv",
    ]
    assert "too old" not in done.stderr


@pytest.fixture
def python(tmp_path: Path) -> str:
    """A Python whose environments install nothing: they note what they are asked.

    The step whose first words are in the variable FAILS fails.
    """
    note = f'echo "$2 $3" >> {tmp_path}/steps; [ "$2 $3" != "$FAILS" ]'
    inside = script(tmp_path / "inside", f"cat > /dev/null; {note}")
    create = f"mkdir .venv .venv/bin && cp {inside} .venv/bin/python"
    return script(tmp_path / "new", f'[ "$1" = -c ] || {{ rm -rf .venv; {create}; }}')


@needs_make
@pytest.mark.parametrize("step", ["pip install", "uv pip"])
def test_half_a_set_up_is_never_ready(tmp_path, python, step):
    """Where a step of the set-up fails, the next call starts again from scratch."""
    failed = make(tmp_path, ".venv/ready", f"PYTHON={python}", f"FAILS={step}")
    assert failed.returncode == 2
    assert not (tmp_path / ".venv" / "ready").exists()
    (tmp_path / "steps").unlink()
    assert make(tmp_path, ".venv/ready", f"PYTHON={python}").returncode == 0
    assert (tmp_path / ".venv" / "ready").exists()
    assert (tmp_path / "steps").read_text().split("\n") == [
        "pip install",
        "uv pip",
        "uv pip",
        "",
    ]


@needs_make
@pytest.mark.parametrize("file", ["requirements.txt", "pyproject.toml"])
def test_a_changed_pin_sets_up_again(tmp_path, python, file):
    """A set-up that is ready does nothing; after a change of the pins it runs again."""
    assert make(tmp_path, ".venv/ready", f"PYTHON={python}").returncode == 0
    ready = tmp_path / ".venv" / "ready"
    again = make(tmp_path, ".venv/ready", f"PYTHON={python}")
    assert "Setting up" not in again.stdout
    later = ready.stat().st_mtime + 60
    os.utime(tmp_path / file, (later, later))
    changed = make(tmp_path, ".venv/ready", f"PYTHON={python}")
    assert "Setting up" in changed.stdout
