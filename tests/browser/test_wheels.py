"""Wheels as they are read, packed anew and entered into Pyodide's lock file."""

import json
import os
import zipfile
from pathlib import Path

import pytest

from browser.packages import deferred, lock, needed
from browser.versions import Platform
from browser.wheels import imported, pack, read, unpack

PLATFORM = Platform("314.0.6", "3.14", "pyemscripten_2026_0_wasm32")


def wheel(folder: Path, name: str, *requires: str) -> Path:
    """A small wheel with one module."""
    path = folder / f"{name}-1.0-py3-none-any.whl"
    head = [f"Name: {name}", "Version: 1.0", *(f"Requires-Dist: {r}" for r in requires)]
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{name}.py", "")
        archive.writestr(f"{name}-1.0.dist-info/METADATA", "\n".join(head) + "\n\n")
    return path


def test_what_can_be_imported() -> None:
    """Modules and outermost packages count, data and metadata don't."""
    names = ["a.py", "b/__init__.py", "b/c/d.py", "e.cpython-314-wasm32-emscripten.so"]
    others = ["f-1.0.dist-info/RECORD", "g.txt", "h/data.json", "i-1.0.data/x.py"]
    assert imported(names + others) == ["a", "b", "e"]


def test_the_same_content_makes_the_same_zip(tmp_path: Path) -> None:
    """A zip depends on nothing but names and content; what is dropped isn't in it."""
    original = tmp_path / "original.zip"
    with zipfile.ZipFile(original, "w") as archive:
        archive.writestr("kept/a.py", "1")
        archive.writestr("dropped/b.py", "2")
    for name, day in (("first", 386_400_000), ("second", 686_400_000)):
        unpack(original, tmp_path / name, ["dropped/"])
        os.utime(tmp_path / name / "kept" / "a.py", (day, day))
        pack(tmp_path / name, tmp_path / f"{name}.zip")
    first, second = ((tmp_path / f"{n}.zip").read_bytes() for n in ("first", "second"))
    assert first == second
    assert zipfile.ZipFile(tmp_path / "first.zip").namelist() == ["kept/a.py"]


def test_the_lock_has_what_is_there(tmp_path: Path) -> None:
    """Pyodide's packages give way to the wheels, with what each needs in a browser."""
    original = tmp_path / "pyodide-lock.json"
    original.write_text(json.dumps({"info": {"arch": "wasm32"}, "packages": {"x": {}}}))
    paths = [
        wheel(tmp_path, "One_A", "two", "three", 'four; sys_platform == "win32"'),
        wheel(tmp_path, "two", 'one-a; extra == "all"'),
        wheel(tmp_path, "four"),
    ]
    found = lock(original, map(read, paths), PLATFORM)
    assert found["info"] == {"arch": "wasm32"}
    assert sorted(found["packages"]) == ["four", "one-a", "two"]
    entry = found["packages"]["one-a"]
    assert entry["depends"] == ["two"]
    assert entry["imports"] == ["One_A"]
    assert entry["sha256"] == read(paths[0]).sha256
    assert found["packages"]["two"]["depends"] == []


def test_what_is_loaded_together() -> None:
    """What is loaded first brings along all that it needs, each once."""
    depends = {"a": ["b", "c"], "b": ["c"], "c": ["a"], "d": []}
    locked = {"packages": {name: {"depends": d} for name, d in depends.items()}}
    assert needed(locked, ["a"]) == ["a", "b", "c"]


def test_what_is_loaded_later() -> None:
    """What is deferred is needed by nothing but what is deferred, too."""
    depends = {"a": ["b", "c"], "b": ["c"], "c": []}
    locked = {"packages": {name: {"depends": d} for name, d in depends.items()}}
    found = deferred(locked, {"b", "c"})["packages"]
    assert {name: entry["depends"] for name, entry in found.items()} == {
        "a": [],
        "b": ["c"],
        "c": [],
    }


@pytest.mark.parametrize("missing", ["a", "d"])
def test_what_is_loaded_first_must_be_there(missing: str) -> None:
    """A name that no wheel has ends the build."""
    with pytest.raises(KeyError, match=missing):
        needed({"packages": {}}, [missing])
