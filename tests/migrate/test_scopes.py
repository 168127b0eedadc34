"""Which name is bound where."""

from pathlib import Path

import pytest

from lifespan_tools.command import main

TEXT = """\
from fastapi import FastAPI

app = FastAPI()


@app.on_event("startup")
def start():
    pass


def other(x):
{}
"""

BINDS = [
    "    global start\n    start = x",
    "    if x:\n        global start\n    del start",
    "    global start\n    for start in x:\n        pass",
    "    global start\n    with x as start:\n        pass",
    "    global start\n    import start",
    "    global start\n    from x import y as start",
    "    global start\n    def start():\n        pass",
    "    global start\n    class start:\n        pass",
    "    global start\n    [start := y for y in [[z for z in x]]]",
    "    global start\n    try:\n        pass\n    except x as start:\n        pass",
    "    global start\n    match x:\n        case start:\n            pass",
    "    global start\n    match x:\n        case [*start]:\n            pass",
    "    global start\n    match x:\n        case {**start}:\n            pass",
    "    def inner():\n        global start\n        start += 1",
    "    class Inner:\n        global start\n        start = 1",
]
LEAVES = [
    "    start = x",
    "    def start(): pass",
    "    start = x\n    def inner():\n        nonlocal start\n        start = 1",
    "    class Inner:\n        start = 1\n        def f(self): return start",
    "    return [start for start in x], {start for start in x}",
    "    return {start: start for start in x}, (start for start in x)",
    "    return lambda start, *a, b=x, **c: start",
    "    match x:\n        case [y, *_]: pass\n        case {'a': y}: pass",
    "    match x:\n        case (1 as z): pass\n        case _: pass",
    "    try: pass\n    except x: pass\n    except y as start: pass",
    "    class Inner(x, metaclass=x):\n        @x\n        def f(a: x = x) -> x: ...",
]


@pytest.mark.parametrize("code", BINDS)
def test_bound_again(
    code: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever binds a handler's name again, in whatever way, is seen."""
    (tmp_path / "main.py").write_text(TEXT.format(code))
    assert main(["migrate", "--write", str(tmp_path)]) == 1
    assert "`start` is bound more than once" in capsys.readouterr().err


@pytest.mark.parametrize("code", LEAVES)
def test_another_scope(
    code: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same name in another scope is another name."""
    (tmp_path / "main.py").write_text(TEXT.format(code))
    assert main(["migrate", "--write", str(tmp_path)]) == 0
    assert "1 rewritten" in capsys.readouterr().err
