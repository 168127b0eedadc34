"""The comparison itself: a rewrite that is wrong turns it red."""

import re
from pathlib import Path

import pytest

from lifespan_tools.command import main
from tests.migrate.applications import parsed
from tests.migrate.comparison import log_of, names_in, same, same_but_once

PROJECT = """verdict: rewritten

%% main.py
from fastapi import FastAPI
from marks import mark

app = FastAPI()
words = []


@app.on_event("startup")
async def load():
    with mark("load"):
        words.append("yield")


@app.on_event("startup")
def count():
    with mark("count"):
        words.append(len(words))


@app.on_event("shutdown")
async def save():
    with mark("save"):
        words.append("saved")


@app.on_event("shutdown")
def forget():
    with mark("forget"):
        words.clear()


@app.get("/")
def index():
    return words
"""

WRONG = {
    "drops a startup handler": ("    count()\n", ""),
    "drops a shutdown handler": ("        forget()\n", ""),
    "doubles a handler": ("    count()\n", "    count()\n    count()\n"),
    "reorders startup": (
        "    await load()\n    count()\n",
        "    count()\n    await load()\n",
    ),
    "reorders shutdown": (
        "        await save()\n        forget()\n",
        "        forget()\n        await save()\n",
    ),
    "doesn't await": ("    await load()\n", "    load().close()\n"),
    "passes another argument": ("words.append(len(words))", "words.append(2)"),
    "shuts down though startup failed": (
        "    await load()\n    count()\n    try:\n",
        "    try:\n        await load()\n        count()\n",
    ),
    "goes on after a failing handler": (
        "        await save()\n        forget()\n",
        "        try:\n            await save()\n        finally:\n"
        "            forget()\n",
    ),
    "shuts down before it serves": (
        "    try:\n        yield\n    finally:\n"
        "        await save()\n        forget()\n",
        "    await save()\n    forget()\n    yield\n",
    ),
}


def logs(folder: Path) -> list[list[str]]:
    """The log of a run without a failure, and of one for each mark that fails."""
    first = log_of(folder, "main:app")
    return [first, *(log_of(folder, "main:app", name) for name in names_in(first))]


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_rewrite_is_seen(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One wrong line in a rewritten application changes its logs."""
    parsed("", PROJECT).write(tmp_path)
    before = logs(tmp_path)
    assert main(["migrate", "--write", str(tmp_path)]) == 0
    assert logs(tmp_path) == before
    right, wrong = WRONG[name]
    file = tmp_path / "main.py"
    text = file.read_text()
    assert len(re.findall(re.escape(right), text)) == 1
    file.write_text(text.replace(right, wrong))
    assert not all(map(same, before, logs(tmp_path)))


BEFORE = ["start a >", "start b >", "start b >", "stop b <", "stop a <", "stop b <"]


@pytest.mark.parametrize(
    ("after", "alike"),
    [
        (["start a >", "start b >", "stop b <", "stop a <"], True),
        (["start a >", "start b >", "stop a <", "stop b <"], False),
        (["start b >", "start a >", "stop b <", "stop a <"], False),
        (["start a >", "start b >", "stop a <"], False),
        (["start a >", "start b >", "start b >", "stop b <", "stop a <"], False),
        (["start a >", "start b >", "start c >", "stop b <", "stop a <"], False),
    ],
)
def test_same_but_once(after: list[str], alike: bool) -> None:
    """Only repetitions may go: the first of each stays where it was."""
    assert same_but_once(BEFORE, after) is alike
