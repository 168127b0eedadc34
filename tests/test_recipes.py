"""The recipes for pytest: each works as it stands, and in a project of one's own."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
RECIPES = ROOT / "recipes" / "pytest"
PLUGINS = {"anyio": "anyio.pytest_plugin", "pytest_asyncio": "pytest_asyncio.plugin"}
# It asks for a setting that the recipe does without, as it names the loop everywhere.
WARNING = "ignore:The configuration option:pytest.PytestDeprecationWarning"
FIXTURES = [
    "client",
    "shared_client",
    "client_with_words",
    "sync_client",
    "shared_sync_client",
]
OTHER_LOOP = "different event loop"

pytestmark = pytest.mark.pinned


@pytest.fixture(params=sorted(PLUGINS))
def recipe(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def copy(recipe: str, folder: Path) -> Path:
    """Put the recipe's files, the app, and the snippet into the folder."""
    shutil.copytree(RECIPES / recipe, folder)
    shutil.copy(RECIPES / "service.py", folder)
    shutil.copy(ROOT / "src" / "lifespan_lab" / "client.py", folder)
    return folder


def run_tests(
    folder: Path, *recipes: str, module: bool = True
) -> subprocess.CompletedProcess[str]:
    """Run pytest in the folder, with the plugins, and warnings as errors.

    As a module of Python, which then finds what lies in the folder, or as a program.
    """
    program = str(Path(sys.executable).with_name("pytest"))
    return subprocess.run(
        [
            *((sys.executable, "-m", "pytest") if module else (program,)),
            *("-W", "error", "-W", WARNING, "-q", "--setup-show"),
            *(f"-p{PLUGINS[recipe]}" for recipe in recipes),
            *("-p", "no:cacheprovider", "--rootdir=."),
        ],
        cwd=folder,
        env={
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            "PATH": os.defpath,
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_recipes_are_the_ones_that_are_known() -> None:
    """Each folder is a recipe that the tests below run."""
    folders = [path.name for path in RECIPES.iterdir() if path.is_dir()]
    assert sorted(set(folders) - {"__pycache__"}) == sorted(PLUGINS)


def test_recipe_runs_in_a_project_of_its_own(recipe: str, tmp_path: Path) -> None:
    """All its tests pass, all its fixtures are used, with the scope that they say."""
    done = run_tests(copy(recipe, tmp_path / "project"), recipe)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "9 passed" in done.stdout
    set_up = re.findall(r"SETUP +([FS]) (\w+)", done.stdout)
    for name in FIXTURES:
        wanted = "S" if name.startswith("shared") else "F"
        assert {scope for scope, fixture in set_up if fixture == name} == {wanted}
        times = sum(fixture == name for _, fixture in set_up)
        assert times == (2 if name in ("client", "sync_client") else 1)


@pytest.mark.parametrize(
    ("recipe", "file", "old", "new", "error"),
    [
        (
            *("anyio", "conftest.py"),
            '@pytest.fixture(scope="session")\ndef anyio_backend',
            "@pytest.fixture\ndef anyio_backend",
            "ScopeMismatch",
        ),
        (
            *("pytest_asyncio", "test_service.py"),
            *('asyncio(loop_scope="session")', "asyncio", OTHER_LOOP),
        ),
    ],
)
def test_a_session_fixture_needs_the_loop_of_the_session(
    recipe: str, file: str, old: str, new: str, error: str, tmp_path: Path
) -> None:
    """Without what the recipe does about loops, its own tests turn red."""
    project = copy(recipe, tmp_path / "project")
    replace(project / file, old, new)
    done = run_tests(project, recipe)
    assert done.returncode == 1
    assert error in done.stdout


# In a project of one's own: what README.md says about it

README = (RECIPES / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.+?)```", README, flags=re.DOTALL)


PATHS, LOOPS = blocks("toml")
(REPLACED,) = blocks("python")


def test_recipe_runs_in_a_folder_of_tests(recipe: str, tmp_path: Path) -> None:
    """Put into `tests/`, it needs no setting, and no `python -m`."""
    copy(recipe, tmp_path / "tests")
    (tmp_path / "pyproject.toml").write_text("[tool.pytest.ini_options]\n")
    for module in (True, False):
        done = run_tests(tmp_path, recipe, module=module)
        assert "9 passed" in done.stdout, done.stdout + done.stderr


def test_tests_that_are_a_package(recipe: str, tmp_path: Path) -> None:
    """With an `__init__.py` the imports name the package."""
    conftest = copy(recipe, tmp_path / "tests") / "conftest.py"
    (conftest.parent / "__init__.py").touch()
    assert "No module named 'client'" in run_tests(tmp_path, recipe).stderr
    replace(conftest, "from client import", "from tests.client import")
    replace(conftest, "from service import", "from tests.service import")
    assert "9 passed" in run_tests(tmp_path, recipe, module=False).stdout


def test_a_package_of_ones_own(recipe: str, tmp_path: Path) -> None:
    """`python -m pytest` finds it, and with the setting `pytest` does."""
    tests, package = copy(recipe, tmp_path / "tests"), tmp_path / "shop"
    package.mkdir()
    (tests / "service.py").rename(package / "service.py")
    replace(tests / "conftest.py", "from service import", "from shop.service import")
    done = run_tests(tmp_path, recipe, module=False)
    assert "No module named 'shop'" in done.stderr
    assert "9 passed" in run_tests(tmp_path, recipe).stdout
    (tmp_path / "pyproject.toml").write_text(PATHS, encoding="utf-8")
    assert "9 passed" in run_tests(tmp_path, recipe, module=False).stdout


def test_marks_without_a_loop_need_the_settings(tmp_path: Path) -> None:
    """pytest-asyncio's settings do what the marks do."""
    tests = copy("pytest_asyncio", tmp_path / "tests")
    replace(tests / "test_service.py", 'asyncio(loop_scope="session")', "asyncio")
    assert OTHER_LOOP in run_tests(tmp_path, "pytest_asyncio").stdout
    (tmp_path / "pyproject.toml").write_text(LOOPS, encoding="utf-8")
    assert "9 passed" in run_tests(tmp_path, "pytest_asyncio").stdout


def test_anyio_in_a_project_with_auto_mode(tmp_path: Path) -> None:
    """In its mode `auto` pytest-asyncio takes what is anyio's, in `strict` not."""
    copy("anyio", tmp_path / "tests")
    for mode, wanted in [("auto", OTHER_LOOP), ("strict", "9 passed")]:
        (tmp_path / "pytest.ini").write_text(f"[pytest]\nasyncio_mode = {mode}\n")
        assert wanted in run_tests(tmp_path, "anyio", "pytest_asyncio").stdout


def test_an_app_of_a_module(recipe: str, tmp_path: Path) -> None:
    """Without a factory, a resource is replaced under the name that is looked up."""
    tests, package = copy(recipe, tmp_path / "tests"), tmp_path / "shop"
    package.mkdir()
    service = tests / "service.py"
    replace(service, "make_app(opener: Opener = open_words)", "make_app()")
    replace(service, "with opener()", "with open_words()")
    with service.open("a", encoding="utf-8") as file:
        file.write("\n\napp = make_app()\n")
    service.rename(package / "main.py")
    conftest = tests / "conftest.py"
    replace(conftest, "service import Words, make_app", "shop.main import Words, app")
    replace(conftest, "make_app()", "app")
    text = conftest.read_text(encoding="utf-8")
    decorator = {
        "anyio": "@pytest.fixture",
        "pytest_asyncio": '@pytest_asyncio.fixture(loop_scope="session")',
    }[recipe]
    assert decorator in README
    old = re.search(
        rf"{re.escape(decorator)}\nasync def client_with.+?client\n", text, re.S
    )
    assert old
    conftest.write_text(
        text.replace(old[0], REPLACED.replace("@pytest.fixture", decorator)),
        encoding="utf-8",
    )
    done = run_tests(tmp_path, recipe)
    assert "9 passed" in done.stdout, done.stdout + done.stderr
