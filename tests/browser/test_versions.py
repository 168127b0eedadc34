"""Versions that must fit together, and locks that are the same everywhere."""

import json
import re
from pathlib import Path

import pytest

from browser.places import HERE
from browser.versions import MismatchError, Platform, check, check_wheels, platform

FITTING = Platform("314.0.6", "3.14", "pyemscripten_2026_0_wasm32")
LOCKS = ("kernel.txt", "tools.txt", "package-lock.json")


def test_versions_that_fit() -> None:
    """Nothing is said when Pyodide is the one that the kernel was made for."""
    check(FITTING, "314.0.6", "3.14")


@pytest.mark.parametrize(
    ("kernel", "python", "what_to_do"),
    [
        ("315.0.0", "3.15", "Write 315.0.0 into browser/package.json"),
        ("314.0.6", "3.13", "Choose another version of the kernel"),
    ],
)
def test_versions_that_do_not_fit(kernel: str, python: str, what_to_do: str) -> None:
    """A Pyodide that the kernel wasn't made for ends the build, and says what to do."""
    with pytest.raises(MismatchError, match=re.escape(what_to_do)):
        check(FITTING, kernel, python)


@pytest.mark.parametrize(
    "name",
    [
        "a-1-cp314-cp314-pyemscripten_2025_0_wasm32.whl",
        "a-1-cp313-cp313-pyemscripten_2026_0_wasm32.whl",
        "a-1-cp314-cp314-manylinux_2_28_x86_64.whl",
    ],
)
def test_a_wheel_for_something_else(name: str) -> None:
    """A compiled wheel for another platform ends the build."""
    with pytest.raises(MismatchError, match="make browser-requirements"):
        check_wheels([name], FITTING)


def test_wheels_that_fit() -> None:
    """Pure wheels fit, and those that were compiled for this Pyodide."""
    check_wheels(
        ["a-1-py3-none-any.whl", "a-1-cp314-cp314-pyemscripten_2026_0_wasm32.whl"],
        FITTING,
    )


def test_a_distribution_says_what_it_is(tmp_path: Path) -> None:
    """Version, Python and tag are read from the distribution's own files."""
    (tmp_path / "package.json").write_text('{"version": "314.0.6"}')
    info = {"python": "3.14.2", "abi_version": "2026_0"}
    (tmp_path / "pyodide-lock.json").write_text(json.dumps({"info": info}))
    assert platform(tmp_path) == FITTING


def test_the_locked_pyodide_is_the_wanted_one() -> None:
    """npm's lock holds the very version that package.json asks for."""
    wanted = json.loads((HERE / "package.json").read_text())["dependencies"]["pyodide"]
    locked = json.loads((HERE / "package-lock.json").read_text())["packages"]
    assert locked["node_modules/pyodide"]["version"] == wanted


def test_everything_is_locked_by_its_hash() -> None:
    """Each package of each lock has a hash."""
    for name in ("kernel.txt", "tools.txt"):
        text = (HERE / name).read_text("utf-8")
        packages = re.split(r"^(?=\S+==)", text, flags=re.MULTILINE)[1:]
        assert packages
        assert all("--hash=sha256:" in package for package in packages)
    npm = json.loads((HERE / "package-lock.json").read_text())["packages"]
    assert all(each.get("integrity") for name, each in npm.items() if name)


@pytest.mark.parametrize("name", LOCKS)
def test_no_lock_names_a_host_or_a_path(name: str) -> None:
    """A lock says what is needed, and not where one machine found it."""
    text = (HERE / name).read_text("utf-8")
    assert not re.findall(
        r"\w+://|resolved|(?<![\w.])/\w+/", re.sub("sha512-.*", "", text)
    )
