"""The command line: the diff, what is said, and the exit codes."""

import io
import subprocess
import sys
from pathlib import Path

import pytest

from lifespan_tools.command import main
from lifespan_tools.migrate import command

APPLICATION = """\
from fastapi import FastAPI

app = FastAPI()


@app.on_event("startup")
async def start():
    pass
"""
REFUSED = APPLICATION.replace("async def start():\n    pass", "def start():\n    yield")
DIFF = """\
--- a/main.py
+++ b/main.py
@@ -1,8 +1,16 @@
+from contextlib import asynccontextmanager
+
 from fastapi import FastAPI
·
-app = FastAPI()
+
+@asynccontextmanager
+async def lifespan(app: FastAPI):
+    await start()
+    yield
·
·
-@app.on_event("startup")
+app = FastAPI(lifespan=lifespan)
+
+
 async def start():
     pass
""".replace("·", " ")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to stand in, with one application."""
    (tmp_path / "main.py").write_text(APPLICATION)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_diff_and_nothing_else(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without --write the diff goes to stdout, the rest to stderr, and files stay."""
    assert main(["migrate", "."]) == 0
    said = capsys.readouterr()
    assert said.out == DIFF
    assert said.err == "1 file read; applications: 1 can be rewritten, 0 refused\n"
    assert (project / "main.py").read_text() == APPLICATION
    assert list(project.iterdir()) == [project / "main.py"]


def test_the_diff_can_be_applied(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`git apply` makes of the diff what --write makes, line by line."""
    (project / "main.py").write_text(APPLICATION.removesuffix("\n"))
    main(["migrate", "."])
    diff = capsys.readouterr().out
    assert "\\ No newline at end of file" in diff
    subprocess.run(["git", "apply", "-"], input=diff, text=True, check=True)
    applied = (project / "main.py").read_text()
    (project / "main.py").write_text(APPLICATION.removesuffix("\n"))
    main(["migrate", "--write", "."])
    assert (project / "main.py").read_text() == applied != APPLICATION


def test_write(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """--write shows the diff too, changes the file, and leaves nothing beside it."""
    assert main(["migrate", "--write", "main.py"]) == 0
    said = capsys.readouterr()
    assert said.out == DIFF
    assert said.err == "1 file read; applications: 1 rewritten, 0 refused\n"
    assert "lifespan=lifespan" in (project / "main.py").read_text()
    assert list(project.iterdir()) == [project / "main.py"]


@pytest.mark.parametrize(
    ("text", "code"), [(APPLICATION, 1), (REFUSED, 1), ("app = 1\n", 0), ("", 0)]
)
def test_check(
    project: Path, capsys: pytest.CaptureFixture[str], text: str, code: int
) -> None:
    """--check exits with 1 if anything is left, refused or not, and shows no diff."""
    (project / "main.py").write_text(text)
    assert main(["migrate", "--check", "."]) == code
    assert capsys.readouterr().out == ""
    assert (project / "main.py").read_text() == text


def test_check_tells_where(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """--check names the file and line of each application that can be rewritten."""
    assert main(["migrate", "--check", "."]) == 1
    assert capsys.readouterr().err == (
        "main.py:3: can be rewritten: application `app`\n"
        "1 file read; applications: 1 can be rewritten, 0 refused\n"
    )


@pytest.mark.parametrize("option", ["--check", "--write", None])
def test_could_not_look(
    project: Path, capsys: pytest.CaptureFixture[str], option: str | None
) -> None:
    """A path that isn't there is one clear line, and exit code 2."""
    arguments = ["migrate", *([option] if option else []), "main.py", "gone.py"]
    assert main(arguments) == 2
    said = capsys.readouterr().err
    assert "gone.py:1: not looked at: No such file or directory\n" in said


def test_refused(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A refusal names file, line, reason and what to do; without --check it is no 1."""
    (project / "main.py").write_text(REFUSED)
    assert main(["migrate", "."]) == 0
    assert capsys.readouterr().err == (
        "main.py:6: refused: `start` holds a `yield`, so nothing in it ever ran; make "
        "it a lifespan by hand\n"
        "1 file read; applications: 0 can be rewritten, 1 refused\n"
    )
    assert main(["migrate", "--write", "."]) == 1


def test_paths_are_needed(capsys: pytest.CaptureFixture[str]) -> None:
    """Without a path the usage is shown, exit code 2."""
    with pytest.raises(SystemExit) as stopped:
        main(["migrate"])
    assert stopped.value.code == 2
    assert "PATH" in capsys.readouterr().err


def test_as_a_module(project: Path) -> None:
    """`python -m lifespan_tools migrate` is the same program."""
    done = subprocess.run(
        [sys.executable, "-m", "lifespan_tools", "migrate", "--check", "."],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "1 can be rewritten" in done.stderr


class Terminal(io.StringIO):
    """A stream that says that it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_progress(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal is told how many files were read; a pipe isn't."""
    for number in range(250):
        (project / f"file{number}.py").touch()
    pipe, terminal = io.StringIO(), Terminal()
    for stream in (pipe, terminal):
        monkeypatch.setattr(sys, "stderr", stream)
        assert main(["migrate", "."]) == 0
    assert "\r" not in pipe.getvalue()
    assert "200 files read\r" in terminal.getvalue()
    assert terminal.getvalue().endswith(pipe.getvalue())


def test_one_of_two_applications(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is refused doesn't hold back what stands beside it."""
    (project / "other.py").write_text(REFUSED)
    assert main(["migrate", "--write", "."]) == 1
    said = capsys.readouterr().err
    assert "2 files read; applications: 1 rewritten, 1 refused\n" in said
    assert (project / "other.py").read_text() == REFUSED


def test_names_of_files_outside(
    project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seen from elsewhere, a file is named by its whole path."""
    (project / "inner").mkdir()
    monkeypatch.chdir(project / "inner")
    assert main(["migrate", "--check", "../main.py"]) == 1
    assert main(["migrate", ".."]) == 0
    assert str(project / "main.py") in capsys.readouterr().out


def test_exit_codes_are_three(capsys: pytest.CaptureFixture[str]) -> None:
    """Done, something left, couldn't look: --help tells them."""
    assert (command.DONE, command.LEFT, command.BLIND) == (0, 1, 2)
    with pytest.raises(SystemExit):
        main(["migrate", "--help"])
    assert "exit codes:\n  0  done;" in capsys.readouterr().out


ROUTER = """\
from fastapi import APIRouter, FastAPI

router = APIRouter()


@router.on_event("startup")
def start():
    pass


app = FastAPI()
app.include_router(router)
"""


def test_once(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The diff says that a router's handler runs less often; --write needs --once."""
    (project / "main.py").write_text(ROUTER)
    assert main(["migrate", "--write", "."]) == 1
    said = capsys.readouterr()
    assert said.out.startswith(
        "# main.py, line 6: this startup handler of router `router` ran 2 times and "
        "now runs once\n--- a/main.py\n"
    )
    assert said.err.endswith(
        "main.py:11: not written: application `app`: a router's handler would run less "
        "often, see the notes above its diff, then add --once\n"
        "1 file read; applications: 0 rewritten, 1 held back, 0 refused\n"
    )
    assert (project / "main.py").read_text() == ROUTER
    subprocess.run(["git", "apply", "-"], input=said.out, text=True, check=True)
    applied = (project / "main.py").read_text()
    (project / "main.py").write_text(ROUTER)
    assert main(["migrate", "--write", "--once", "."]) == 0
    assert (project / "main.py").read_text() == applied


def test_notes_name_the_whole_path(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Packages have files of one name: a note tells which it is about."""
    (project / "shop").mkdir()
    (project / "main.py").rename(project / "shop" / "main.py")
    (project / "shop" / "items.py").write_text(ROUTER)
    assert main(["migrate", "."]) == 0
    assert "# shop/items.py, line 6: this startup handler" in capsys.readouterr().out


def test_a_new_name_is_noted_once(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A handler that gets a new name is named above the diff, in one line."""
    both = '@app.on_event("startup")\n@app.on_event("shutdown")\n'
    second = APPLICATION.partition("\n\n\n")[2]
    (project / "main.py").write_text(f"{APPLICATION}\n\n{both}{second}\n\n{second}")
    assert main(["migrate", "."]) == 0
    notes = [line for line in capsys.readouterr().out.splitlines() if line[0] == "#"]
    assert notes == [
        f"# main.py, line {line}: a later function is named `start`, too, so this one "
        "gets another name"
        for line in (7, 14)
    ]
