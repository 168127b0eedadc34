"""pyproject.toml, requirements.txt and environment.yml name the same things."""

import re
import tomllib
from itertools import chain
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
BY_CONDA = {"asgi-lifespan", "fastapi", "httpx", "jupyterlab", "nest-asyncio"}

pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
environment = yaml.safe_load((ROOT / "environment.yml").read_text("utf-8"))
requirements = (ROOT / "requirements.txt").read_text("utf-8")
lowest_python = pyproject["project"]["requires-python"].removeprefix(">=")


def bounds(lines):
    """Map each name to its bounds; a name that stands there twice is an error."""
    found = {}
    for line in lines:
        requirement = Requirement(line)
        name = canonicalize_name(requirement.name)
        assert name not in found, f"{name} is named twice"
        assert requirement.specifier, f"{name} has no bound"
        found[name] = str(requirement.specifier)
    return found


def declared():
    groups = pyproject["dependency-groups"].values()
    return bounds(chain(pyproject["project"]["dependencies"], *groups))


def lines_of(kind):
    return [line for line in environment["dependencies"] if isinstance(line, kind)]


def conda_lines():
    return lines_of(str)


def pip_lines():
    (section,) = lines_of(dict)
    assert list(section) == ["pip"]
    return section["pip"]


def entries():
    """Return requirements.txt as one text for each pin, its hashes and its comment."""
    pins = re.sub(r"^#.*\n", "", requirements, flags=re.MULTILINE)
    return re.split(r"\n(?=\S)", pins.strip())


def pin(entry):
    return Requirement(entry.split(" \\\n")[0])


def direct(entry):
    return re.search(r"# (via)?\s+lifespan-lab \(pyproject\.toml", entry)


def test_environment_has_the_bounds_of_pyproject():
    """Conda's and pip's lines together are the names and bounds of pyproject.toml."""
    by_conda = [line for line in conda_lines() if not re.match(r"(python|pip)\b", line)]
    by_pip = [line for line in pip_lines() if not line.startswith("-")]
    assert bounds([*by_conda, *by_pip]) == declared()
    assert set(bounds(by_conda)) == BY_CONDA


def test_environment_has_python_pip_and_the_project():
    """environment.yml asks for the allowed Pythons, pip and this project, editable."""
    assert environment["name"] == pyproject["project"]["name"]
    assert environment["channels"] == ["conda-forge"]
    assert f"python>={lowest_python}" in conda_lines()
    assert "pip" in conda_lines()
    assert [line for line in pip_lines() if line.startswith("-")] == ["-e ."]


def test_each_dependency_is_pinned_within_its_bounds():
    """Each name of pyproject.toml has one pin for all machines, within its bounds."""
    pins = {pin(entry).name: pin(entry) for entry in entries() if direct(entry)}
    assert len(pins) > 0
    assert set(pins) == set(declared())
    for name, allowed in declared().items():
        (version,) = pins[name].specifier
        assert version.operator == "=="
        assert Requirement(name + allowed).specifier.contains(version.version), name
        assert pins[name].marker is None, f"{name} is not for every machine"


def test_each_pin_is_hashed():
    """requirements.txt holds nothing but exact pins, each with its hashes."""
    assert len(entries()) > len(declared())
    for entry in entries():
        hashes = re.findall(r"^    --hash=sha256:[0-9a-f]{64}( \\)?$", entry, re.M)
        comments = re.findall(r"^ +#.*$", entry, re.M)
        assert re.match(r"[a-z0-9-]+==[0-9][0-9a-z.]*( ; [^\\]+)? \\\n", entry), entry
        assert hashes, entry
        assert 1 + len(hashes) + len(comments) == len(entry.splitlines()), entry


@pytest.mark.parametrize("sign", ["://", "@", "file:", "../", "index", "--find", "-r "])
def test_requirements_name_no_place(sign):
    """requirements.txt names no host, no path and no index."""
    assert sign not in requirements


@pytest.mark.parametrize(
    ("file", "pattern"),
    [
        ("Makefile", r"sys\.version_info < \((\d+, \d+)\)"),
        ("Makefile", r"needs Python (\d\.\d+) or later"),
        ("Makefile", r"--universal --python-version (\d\.\d+)"),
        ("pyproject.toml", r'target-version = "py(\d+)"'),
        (".github/workflows/test.yml", r'python: \["(\d\.\d+)"'),
    ],
)
def test_the_lowest_python_is_the_same_everywhere(file, pattern):
    """Each file that names the lowest allowed Python agrees with pyproject.toml."""
    found = re.findall(pattern, (ROOT / file).read_text("utf-8"))
    assert len(found) > 0
    assert {re.sub(r"\D", "", version) for version in found} == {
        lowest_python.replace(".", "")
    }
