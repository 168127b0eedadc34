"""The recipes for pytest: each works as it stands, in a project of its own."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
RECIPES = ROOT / "recipes" / "pytest"
PLUGINS = {"anyio": "anyio.pytest_plugin", "pytest_asyncio": "pytest_asyncio.plugin"}
FIXTURES = [
    "client",
    "shared_client",
    "client_with_words",
    "sync_client",
    "shared_sync_client",
]

pytestmark = pytest.mark.pinned


@pytest.fixture(params=sorted(PLUGINS))
def project(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A project with the recipe's files, the app, and the snippet beside them."""
    folder = tmp_path / request.param
    shutil.copytree(RECIPES / request.param, folder)
    shutil.copy(RECIPES / "service.py", folder)
    shutil.copy(ROOT / "src" / "lifespan_lab" / "client.py", folder)
    return folder


def run_tests(project: Path) -> subprocess.CompletedProcess[str]:
    """Run pytest in the project, with one plugin, warnings as errors, and no report."""
    return subprocess.run(
        [
            *(sys.executable, "-B", "-m", "pytest", "-W", "error", "-q"),
            *("-p", PLUGINS[project.name], "-p", "no:cacheprovider", "--rootdir=."),
            "--setup-show",
        ],
        cwd=project,
        env={"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PATH": ""},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_recipes_are_the_ones_that_are_known() -> None:
    """Each folder is a recipe that the tests below run."""
    folders = [path.name for path in RECIPES.iterdir() if path.is_dir()]
    assert sorted(set(folders) - {"__pycache__"}) == sorted(PLUGINS)


def test_recipe_runs_in_a_project_of_its_own(project: Path) -> None:
    """All its tests pass, all its fixtures are used, with the scope that they say."""
    done = run_tests(project)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "9 passed" in done.stdout
    set_up = re.findall(r"SETUP +([FS]) (\w+)", done.stdout)
    for name in FIXTURES:
        wanted = "S" if name.startswith("shared") else "F"
        assert {scope for scope, fixture in set_up if fixture == name} == {wanted}
        times = sum(fixture == name for _, fixture in set_up)
        assert times == (2 if name in ("client", "sync_client") else 1)


def test_a_session_fixture_needs_the_loop_of_the_session(project: Path) -> None:
    """Without what the recipe does about loops, its own tests turn red."""
    conftest = project / "conftest.py"
    text = conftest.read_text(encoding="utf-8")
    if project.name == "anyio":
        scoped = '@pytest.fixture(scope="session")\ndef anyio_backend'
        assert scoped in text
        text = text.replace(scoped, "@pytest.fixture\ndef anyio_backend")
        conftest.write_text(text, encoding="utf-8")
        wanted = "ScopeMismatch"
    else:
        settings = project / "pytest.ini"
        text = settings.read_text(encoding="utf-8")
        assert "test_loop_scope = session" in text
        text = text.replace("test_loop_scope = session", "test_loop_scope = function")
        settings.write_text(text, encoding="utf-8")
        wanted = "different event loop"
    done = run_tests(project)
    assert done.returncode == 1
    assert wanted in done.stdout
