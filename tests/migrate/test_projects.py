"""The applications in projects/: rewritten and compared, or refused with the reason."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from lifespan_tools.command import main
from tests.migrate.applications import Application, applications
from tests.migrate.comparison import log_of, names_in, same, same_but_once

EVERY = applications()
UNFORMATTED = (
    *("tabs", "layouts_of_calls", "unformatted_imports"),
    *("registering_file_with_imported_handlers", "arguments_in_a_dict"),
    *("handlers_of_one_name", "handlers_of_one_name_in_routers"),
)
REWRITTEN = [each for each in EVERY if each.verdict in ("rewritten", "partly")]


def ids(application: Application) -> str:
    return application.name


def migrate(folder: Path, application: Application, *options: str) -> int:
    paths = [str(folder / each) for each in application.paths]
    return main(["migrate", *options, *application.options, *paths])


def left(application: Application) -> int:
    """The exit code once it was rewritten: 1 if something is refused."""
    return 0 if application.verdict in ("rewritten", "untouched") else 1


def texts(folder: Path) -> dict[str, str]:
    """All files, and whether their line ends are still theirs."""
    return {
        str(path.relative_to(folder)): path.read_bytes().decode()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_there_are_enough() -> None:
    """Many applications are compared or refused, some of several files."""
    assert len(EVERY) >= 60
    assert len(REWRITTEN) >= 35
    assert sum(len(each.files) >= 3 for each in EVERY) >= 6


@pytest.mark.parametrize("application", EVERY, ids=ids)
def test_verdict(
    application: Application, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each application is rewritten, refused with just these reasons, or left alone."""
    application.write(tmp_path)
    code = migrate(tmp_path, application, "--write")
    said = capsys.readouterr().err.replace(f"{tmp_path}/", "")
    changed = texts(tmp_path) != application.files
    assert changed == (application in REWRITTEN), said
    assert code == left(application), said
    for reason in application.reasons:
        assert reason in said
    refused = [line for line in said.splitlines() if ": refused: " in line]
    assert bool(refused) == (application.verdict in ("refused", "partly")), said
    assert len(refused) <= len(application.reasons), said
    for name, text in application.expected.items():
        assert texts(tmp_path)[name] == text


@pytest.mark.parametrize("application", REWRITTEN, ids=ids)
def test_same_log(
    application: Application, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever raises, the rewritten application leaves the log of the old one."""
    old, new = tmp_path / "old", tmp_path / "new"
    for folder in (old, new):
        application.write(folder)
    assert migrate(new, application, "--write") == left(application)
    alike: Callable[[list[str], list[str]], bool] = same
    if "--once" in application.options:
        alike = same_but_once
    before = log_of(old, application.serve)
    after = log_of(new, application.serve)
    if {"--reverse", "--merge"} & set(application.options):
        expected = application.files["log"].splitlines()
        assert after == expected
        assert before != expected
        return
    assert alike(before, after), (before, after)
    assert any(line.endswith(" <") for line in before)
    for failing in names_in(before):
        before = log_of(old, application.serve, failing)
        after = log_of(new, application.serve, failing)
        assert alike(before, after), (failing, before, after)


@pytest.mark.parametrize("application", REWRITTEN, ids=ids)
def test_second_run(
    application: Application, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A second run finds nothing to do and changes nothing."""
    application.write(tmp_path)
    migrate(tmp_path, application, "--write")
    once = texts(tmp_path)
    assert migrate(tmp_path, application, "--write") == left(application)
    assert texts(tmp_path) == once
    assert migrate(tmp_path, application, "--check") == left(application)


@pytest.mark.pinned  # each release of ruff has default rules of its own
def test_well_formed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Ruff's default rules and its formatter, content before, are content after."""
    formatted = [each for each in REWRITTEN if each.name[3:] not in UNFORMATTED]
    for application in formatted:
        application.write(tmp_path / application.name)
    assert ruff(tmp_path) == ""
    for application in formatted:
        migrate(tmp_path / application.name, application, "--write")
    assert ruff(tmp_path) == ""


def ruff(folder: Path) -> str:
    """What ruff has to say about a folder, by its default rules."""
    (folder / "ruff.toml").touch()
    said = ""
    for command in (
        ("check", "--quiet", "--no-cache"),
        ("format", "--diff", "--quiet"),
    ):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *command, str(folder)],
            capture_output=True,
            text=True,
            check=False,
        )
        said += done.stdout + done.stderr
    return said
