"""Odd and hostile input: a clear line each, and nothing is lost."""

import json
import os
import stat
from pathlib import Path

import pytest

from lifespan_tools.command import main

APPLICATION = """\
from fastapi import FastAPI

app = FastAPI()


@app.on_event("startup")
async def start():
    pass
"""


def run(folder: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    code = main(["migrate", "--write", str(folder)])
    return code, capsys.readouterr().err.replace(f"{folder}/", "")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"def on_event(:\n", "is no Python that this Python can read"),
        (b"# coding: on_event\n", "unknown encoding: on_event"),
        (b"# coding: ascii\non_event = '\xe4'\n", "can't be decoded"),
        (b"on_event = '\xff'\n", "can't be decoded"),
        (b"on_event\0\n", "holds a zero byte"),
        (b"x = 1  # on_event\n" + b"#" * 5_000_000, "is larger than 2 MB (5,000,0"),
        (b"# coding: utf-7\non_event = '+AGE-'\n", "can't be written back"),
        (b"on_event = " + b"-" * 100_000 + b"1\n", "a.py:1: not looked at: "),
    ],
    ids=lambda value: value[:20] if isinstance(value, str) else "",
)
def test_not_looked_at(
    content: bytes, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What can't be read or parsed is told, exit code 2; the others are rewritten."""
    (tmp_path / "a.py").write_bytes(content)
    (tmp_path / "main.py").write_text(APPLICATION)
    code, text = run(tmp_path, capsys)
    assert code == 2
    assert said in text
    assert text.count("not looked at") == 1
    assert (tmp_path / "a.py").read_bytes() == content
    assert "1 rewritten" in text


def test_broken_files_without_events(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file that holds no event is nobody's business, whatever it is."""
    (tmp_path / "a.py").write_bytes(b"def (:\n")
    (tmp_path / "b.py").write_bytes(b"\xff\0")
    (tmp_path / "c.py").write_bytes(b"import fastapi, main; def (:\n")
    (tmp_path / "other.py").write_bytes(b"import main, c\n")
    (tmp_path / "main.py").write_text(APPLICATION)
    code, text = run(tmp_path, capsys)
    assert (code, text) == (0, "5 files read; applications: 1 rewritten, 0 refused\n")


@pytest.mark.parametrize(
    ("encoding", "head", "newline"),
    [
        ("utf-8", "# ü\n", "\r"),  # Python finds no `coding:` in such a file
        *[
            (encoding, head, newline)
            for newline in ("\n", "\r\n")
            for encoding, head in [
                ("utf-8", "# ü\n"),
                ("utf-8-sig", "# ü\n"),
                ("latin-1", "# coding: latin-1\n# ü\n"),
                ("euc-jp", "# -*- coding: euc-jp -*-\n# ア\n"),
            ]
        ],
    ],
)
def test_encodings_and_line_ends(
    encoding: str,
    head: str,
    newline: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Encoding, byte order mark and line ends are kept."""
    text = head + APPLICATION
    file = tmp_path / "main.py"
    file.write_bytes(text.replace("\n", newline).encode(encoding))
    code, said = run(tmp_path, capsys)
    assert code == 0, said
    content = file.read_bytes()
    assert b"lifespan=lifespan" in content
    assert content.startswith(b"\xef\xbb\xbf") == (encoding == "utf-8-sig")
    new = content.decode(encoding)
    assert new.startswith(head.replace("\n", newline))
    lines = new.split(newline)
    assert len(lines) > 15
    assert not any("\n" in line or "\r" in line for line in lines)


def test_not_utf_8_columns(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Places are right in lines with letters of several bytes, and after form feeds."""
    text = (
        "from fastapi import FastAPI\n\n\f\ndef stärt(): 'ß\x0cß'\n\n\n"
        "app = FastAPI(title='ürgß ☃', on_startup=[stärt], version='ß')  # ☃\n"
    )
    (tmp_path / "main.py").write_text(text, encoding="utf-8")
    code, _ = run(tmp_path, capsys)
    assert code == 0
    new = (tmp_path / "main.py").read_text(encoding="utf-8")
    assert "app = FastAPI(title='ürgß ☃', lifespan=lifespan, version='ß')  # ☃\n" in new
    assert "    stärt()\n    yield\n" in new
    compile(new, "main.py", "exec")


def test_links(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Links to folders aren't followed, loops and dead links are told once."""
    (tmp_path / "main.py").write_text(APPLICATION)
    (tmp_path / "again").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "loop.py").symlink_to("loop.py")
    (tmp_path / "dead.py").symlink_to("nowhere.py")
    (tmp_path / "same.py").symlink_to("main.py")
    code, said = run(tmp_path, capsys)
    assert code == 2
    assert "dead.py:1: not looked at: is a link that leads nowhere: left\n" in said
    assert "loop.py:1: not looked at: is a link that leads nowhere: left\n" in said
    assert "1 file read; applications: 1 rewritten" in said
    assert (tmp_path / "same.py").is_symlink()
    assert main(["migrate", str(tmp_path / "loop.py")]) == 2


def test_a_link_that_is_given(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A link that is named is followed: the file is rewritten, the link stays."""
    (tmp_path / "main.py").write_text(APPLICATION)
    (tmp_path / "same.py").symlink_to("main.py")
    assert main(["migrate", "--write", str(tmp_path / "same.py")]) == 0
    assert (tmp_path / "same.py").is_symlink()
    assert "lifespan=lifespan" in (tmp_path / "main.py").read_text()


def test_a_folder_named_like_a_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A folder x.py is a folder."""
    (tmp_path / "x.py").mkdir()
    (tmp_path / "x.py" / "main.py").write_text(APPLICATION)
    code, said = run(tmp_path, capsys)
    assert (code, "1 rewritten" in said) == (0, True)


def test_a_pipe_named_like_a_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A named pipe isn't read: that would never end."""
    os.mkfifo(tmp_path / "x.py")
    code, said = run(tmp_path, capsys)
    assert code == 2
    assert "x.py:1: not looked at: is no regular file: left" in said


@pytest.mark.parametrize(
    "name", [".venv/a.py", "node_modules/a.py", "__pycache__/a.py", "env/a.py"]
)
def test_folders_that_are_not_entered(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Environments, caches and hidden folders hold code of others."""
    file = tmp_path / name
    file.parent.mkdir()
    (tmp_path / "env").mkdir(exist_ok=True)
    (tmp_path / "env" / "pyvenv.cfg").touch()
    file.write_text(APPLICATION)
    assert run(tmp_path, capsys)[1].startswith("0 files read")
    assert main(["migrate", "--check", str(file)]) == 1


def test_read_only(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A read-only file is left, with all files of its application."""
    (tmp_path / "events.py").write_text("def start():\n    pass\n")
    file = tmp_path / "main.py"
    file.write_text(APPLICATION)
    file.chmod(0o444)
    code, said = run(tmp_path, capsys)
    assert code == 2
    assert "error: main.py is read-only: its application isn't written" in said
    assert file.read_text() == APPLICATION
    assert sorted(each.name for each in tmp_path.iterdir()) == ["events.py", "main.py"]


def test_mode(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An executable file stays one."""
    file = tmp_path / "main.py"
    file.write_text(APPLICATION)
    file.chmod(0o750)
    assert run(tmp_path, capsys)[0] == 0
    assert stat.S_IMODE(file.stat().st_mode) == 0o750


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_unreadable(  # pragma: no cover - root
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file or folder that may not be read is told."""
    (tmp_path / "a.py").write_text(APPLICATION)
    (tmp_path / "a.py").chmod(0)
    (tmp_path / "b").mkdir(mode=0)
    code, said = run(tmp_path, capsys)
    assert code == 2
    assert said.count("not looked at: Permission denied") == 2


def test_what_the_system_refuses(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error of the system is one line; the other files are read."""
    (tmp_path / "main.py").write_text(APPLICATION)
    (tmp_path / "bad.py").write_text(APPLICATION)
    (tmp_path / "folder").mkdir()
    read, scan = Path.read_bytes, os.scandir

    def refuse_bad(path: Path) -> bytes:
        if path.name == "bad.py":
            raise PermissionError(13, "Permission denied", str(path))
        return read(path)

    def refuse_folder(path: str) -> object:
        if str(path).endswith("folder"):
            raise PermissionError(13, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr(Path, "read_bytes", refuse_bad)
    monkeypatch.setattr(os, "scandir", refuse_folder)
    code, said = run(tmp_path, capsys)
    assert code == 2
    assert "bad.py:1: not looked at: Permission denied\n" in said
    assert "folder:1: not looked at: Permission denied\n" in said
    assert "1 rewritten" in said


def cell(kind: str, *lines: str) -> dict[str, object]:
    return {"cell_type": kind, "source": list(lines)}


@pytest.mark.parametrize(
    ("content", "code", "said"),
    [
        (
            json.dumps(
                {
                    "cells": [
                        cell("markdown", "`@app.on_event('startup')`"),
                        cell("code", "x = 1"),
                        cell("code", "@app.on_event('startup')\n", "def x(): ..."),
                    ]
                }
            ),
            1,
            "a.ipynb:2: refused: code cell 2 has startup or shutdown events; notebooks "
            "aren't rewritten; change the cell by hand",
        ),
        (json.dumps({"cells": [cell("markdown", "on_event")]}), 0, "1 file read"),
        ("on_event", 2, "a.ipynb:1: not looked at: is no notebook that can be read"),
        ('{"cells": [{"on_event": 1}]}', 2, "is no notebook that can be read"),
        ("no events", 0, "1 file read"),
    ],
)
def test_notebooks(
    content: str,
    code: int,
    said: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A notebook's events are told by cell, and the notebook is left as it is."""
    (tmp_path / "a.ipynb").write_text(content)
    found, text = run(tmp_path, capsys)
    assert found == code
    assert said in text
    assert (tmp_path / "a.ipynb").read_text() == content


def test_the_same_file_twice(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file that is named twice is read once."""
    (tmp_path / "main.py").write_text(APPLICATION)
    paths = [str(tmp_path), str(tmp_path / "main.py")]
    assert main(["migrate", "--write", *paths]) == 0
    assert "1 file read" in capsys.readouterr().err
