"""Captures: stored runs in other environments, whole, shown, and made again."""

import ast
import re
import sys
import zipfile
from importlib.metadata import version
from pathlib import Path

import pytest

from lifespan_course import captures
from lifespan_course.captures import Capture, Run, capture, dump, load
from tests.captures import rebuild
from tests.captures.rebuild import PROBES, PYTHON, SCRIPTS, Probe
from tests.notebooks.series import NOTEBOOKS, ROOT, notebooks, read

STORED = sorted(ROOT.glob("src/lifespan_course/captures/*.json"))
each_stored = pytest.mark.parametrize("path", STORED, ids=lambda path: path.stem)
each_probe = pytest.mark.parametrize("probe", PROBES, ids=lambda probe: probe.name)


# What is stored


def test_each_script_has_its_capture() -> None:
    """There is one capture for each script and each probe, and no other."""
    names = sorted(probe.name for probe in PROBES)
    assert names == [path.stem for path in STORED]
    assert names == sorted(path.stem for path in SCRIPTS.glob("*.py"))


@each_stored
def test_a_capture_is_whole(path: Path) -> None:
    """The digest fits all that is stored, in the form in which it is stored."""
    text = path.read_text("utf-8")
    assert dump(load(text)) == text


@each_stored
def test_one_changed_character_is_found(path: Path) -> None:
    """Wherever a character of data, script or digest is another one, it is seen."""
    text = path.read_text("utf-8")
    step = len(text) // 200
    assert step > 0
    for at in range(step, len(text), step):
        changed = text[:at] + ("0" if text[at] != "0" else "1") + text[at + 1 :]
        try:
            found = dump(load(changed)) != changed
        except (ValueError, TypeError, KeyError):
            found = True  # it can't even be read
        assert found, f"{path.name}, character {at}"


@each_probe
def test_the_script_is_the_one_that_ran(probe: Probe) -> None:
    """The stored script is the file in tests/captures/scripts, to the character."""
    stored = capture(probe.name)
    assert stored.script == probe.script.read_text("utf-8")
    assert stored.command == f"python {probe.script.name}"


@each_probe
def test_each_environment_is_what_was_asked_for(probe: Probe) -> None:
    """The stored runs are the probe's, each with the versions that it pins."""
    stored = capture(probe.name)
    assert stored.python == PYTHON
    assert tuple(run.asked for run in stored.runs) == probe.asked
    for run in stored.runs:
        pins = {requirement for requirement in run.asked if "==" in requirement}
        assert pins <= set(run.environment)
        assert run.versions


@each_stored
def test_a_capture_names_no_place(path: Path) -> None:
    """Only names and versions are stored, no path and no address to install from."""
    stored = load(path.read_text("utf-8"))
    for run in stored.runs:
        for installed in run.environment:
            assert re.fullmatch(r"[a-z0-9-]+==[0-9a-z.]+", installed)
        assert not re.search(r"[/\\]|:\d", str(run.result))


@pytest.mark.parametrize(
    "name", ["fastapi_releases", "starlette_releases", "httpx_app", "uvicorn_state"]
)
def test_the_pinned_release_is_among_them(name: str) -> None:
    """The newest release that was tried is the one that the course is pinned to."""
    ((distribution, newest),) = capture(name).runs[-1].versions.items()
    requirements = (ROOT / "requirements.txt").read_text("utf-8")
    assert re.search(rf"^{distribution}=={re.escape(newest)}\s", requirements, re.M)


def shown_captures() -> list[tuple[str, int, str]]:
    """Notebook, cell and expression wherever a cell ends in capture("...")..."""
    found = []
    for path in notebooks(NOTEBOOKS):
        for index, cell in enumerate(read(path).cells):
            if cell.cell_type != "code" or "capture(" not in cell.source:
                continue
            last = ast.parse(cell.source).body[-1]
            names = {each.id for each in ast.walk(last) if isinstance(each, ast.Name)}
            if isinstance(last, ast.Expr) and names == {"capture"}:
                found.append((path.name, index, ast.unparse(last)))
    return found


SHOWN = shown_captures()


@pytest.mark.parametrize(("name", "index", "expression"), SHOWN)
def test_a_chapter_shows_what_is_stored(name: str, index: int, expression: str) -> None:
    """Where a cell shows a capture, its stored output is made of that capture."""
    notebook = read(NOTEBOOKS / name)
    shown = eval(expression, {"capture": capture})
    (output,) = notebook.cells[index].outputs
    assert output.data == {"text/plain": repr(shown), "text/html": shown._repr_html_()}


def test_a_chapter_shows_captures() -> None:
    """Some chapter shows some, or the test above would check nothing."""
    assert SHOWN


# How it is shown

SAMPLE = Capture(
    name="sample",
    command="python a&b.py",
    python="3.11",
    script="print(1 < 2)\n",
    runs=(Run(("a==1", "b"), ("a==1", "b==2.0", "c==3"), ["True"]),),
)


def test_shows_the_script_and_what_it_printed() -> None:
    """The text is the script, the command with the versions, and the output."""
    assert repr(SAMPLE) == (
        "a&b.py\n\nprint(1 < 2)\n\n$ python a&b.py  # Python 3.11, a 1, b 2.0\n\nTrue"
    )


def test_the_page_shows_the_same() -> None:
    """The HTML has the same parts, escaped."""
    assert SAMPLE._repr_html_() == (
        "<p><code>a&amp;b.py</code></p><pre>print(1 &lt; 2)</pre>"
        "<p><code>$ python a&amp;b.py  # Python 3.11, a 1, b 2.0</code></p>"
        "<pre>True</pre>"
    )


def answering(*runs: tuple[tuple[str, ...], object]) -> Capture:
    """A capture of a script that prints one answer to `right?`."""
    return Capture(
        name="sample",
        command="python sample.py",
        python="3.11",
        script="",
        runs=tuple(Run(asked, asked, {"right?": answer}) for asked, answer in runs),
    )


def test_a_json_object_is_shown_line_by_line() -> None:
    """What was printed as one line of JSON is laid out."""
    assert repr(answering((("a==1",), True))).endswith('{\n "right?": true\n}')


def test_results_are_found_by_version() -> None:
    """The answers to a question, by the first distribution's version."""
    sample = answering((("a==1", "b==5"), True), (("a==2",), None))
    assert sample.results("right?") == {"1": True, "2": None}


def test_results_are_not_lost() -> None:
    """Two runs with one version have no one answer."""
    sample = answering((("a==1", "b==5"), True), (("a==1", "b==6"), False))
    with pytest.raises(ValueError, match="sample has several runs with 1"):
        sample.results("right?")


def test_a_table_has_a_row_for_each_run() -> None:
    """The columns are all that was asked for, then the questions."""
    sample = answering((("a==1", "b==5"), True), (("a==1", "c==6"), 0))
    assert sample.table("right?").rows == [
        ["a", "b", "c", "right?"],
        ["1", "5", "-", "yes"],
        ["1", "-", "6", "0"],
    ]


def test_changes_join_releases_with_one_answer() -> None:
    """Only neighbours are joined: an answer that comes back has a row of its own."""
    answers = [1, 1, 0, 1, 1, 1]
    runs = [((f"a=={number}",), answer) for number, answer in enumerate(answers)]
    assert answering(*runs).changes("right?", "right?").rows == [
        ["what", "seen", "in a"],
        ["right?", "1", "0 to 1"],
        ["", "0", "2"],
        ["", "1", "3 to 5"],
        ["right?", "1", "0 to 1"],
        ["", "0", "2"],
        ["", "1", "3 to 5"],
    ]


def test_an_unknown_name() -> None:
    """A capture that isn't there is an error."""
    with pytest.raises(FileNotFoundError):
        capture("no_such_script")


# How it is made again, here without a registry


@pytest.fixture
def links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in place of the registry, with two releases of one package."""
    folder = tmp_path / "links"
    folder.mkdir()
    for number in (1, 2):
        info = f"sample-{number}.dist-info"
        name = folder / f"sample-{number}-py3-none-any.whl"
        with zipfile.ZipFile(name, "w") as wheel:
            wheel.writestr("sample.py", f"number = {number}")
            wheel.writestr(
                f"{info}/METADATA",
                f"Metadata-Version: 2.1\nName: sample\nVersion: {number}\n",
            )
            wheel.writestr(
                f"{info}/WHEEL",
                "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
            )
            record = [*wheel.namelist(), f"{info}/RECORD"]
            wheel.writestr(record[-1], "".join(f"{file},,\n" for file in record))
    monkeypatch.setenv("UV_FIND_LINKS", str(folder))
    monkeypatch.setenv("UV_NO_INDEX", "1")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "cache"))
    return folder


@pytest.fixture
def probe(tmp_path: Path, links: Path, monkeypatch: pytest.MonkeyPatch) -> Probe:
    """A probe of that package; it is the only one, and nothing of it is stored yet."""
    for name in ("SCRIPTS", "STORED"):
        monkeypatch.setattr(rebuild, name, tmp_path / name)
    here = "{}.{}".format(*sys.version_info)
    monkeypatch.setattr(rebuild, "PYTHON", here)
    probe = Probe("which_sample", (("sample",),))
    monkeypatch.setattr(rebuild, "PROBES", [probe])
    probe.script.parent.mkdir()
    probe.script.write_text("import sample\nprint('number', sample.number)\n")
    return probe


def test_is_stored_and_then_found_unchanged(
    probe: Probe, capsys: pytest.CaptureFixture[str]
) -> None:
    """The first call stores the run, the second one finds nothing new."""
    assert rebuild.main([]) == 0
    stored = load(probe.stored.read_text("utf-8"))
    assert stored.runs == (Run(("sample",), ("sample==2",), ["number 2"]),)
    capsys.readouterr()
    assert rebuild.main(["--check"]) == 0
    assert capsys.readouterr().out == "which_sample: as stored\n"


def test_a_newer_release_changes_nothing(probe: Probe, links: Path) -> None:
    """What is stored is installed again, although there is something newer."""
    newer = links / "sample-2-py3-none-any.whl"
    hidden = newer.rename(newer.with_suffix(".hidden"))
    assert rebuild.main([]) == 0
    hidden.rename(newer)
    assert rebuild.main(["--check"]) == 0
    assert "sample==1" in probe.stored.read_text("utf-8")


def test_a_difference_is_shown_and_not_stored(
    probe: Probe, capsys: pytest.CaptureFixture[str]
) -> None:
    """With --check another output is a failure, and the file stays as it is."""
    rebuild.main([])
    before = probe.stored.read_text("utf-8")
    probe.script.write_text("print('other')\n")
    assert rebuild.main(["--check", "which_sample"]) == 1
    assert '+    "other"' in capsys.readouterr().out
    assert probe.stored.read_text("utf-8") == before
    assert rebuild.main([]) == 0
    assert probe.stored.read_text("utf-8") != before


def test_a_missing_capture_is_a_difference(probe: Probe) -> None:
    """With --check, what was never stored is a failure, too."""
    assert rebuild.main(["--check"]) == 1
    assert not probe.stored.exists()


def test_a_script_that_fails(probe: Probe) -> None:
    """A failing script ends the rebuild with what it said, and nothing is stored."""
    probe.script.write_text("raise ValueError('no such word')\n")
    with pytest.raises(SystemExit, match="ValueError: no such word"):
        rebuild.main([])
    assert not probe.stored.exists()


def test_an_environment_of_its_own(probe: Probe) -> None:
    """Nothing of the tests' environment is seen, and nothing is installed there."""
    probe.script.write_text("import sys, sample\nprint(sys.prefix)\n")
    (run,) = rebuild.made(probe).runs
    assert run.environment == ("sample==2",)
    (prefix,) = run.result
    assert Path(prefix) != Path(sys.prefix)
    assert not Path(prefix).exists()
    with pytest.raises(ImportError):
        version("sample")


def test_no_variable_of_python_gets_through(
    probe: Probe, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Warnings, paths and the like that are set for Python don't change the run."""
    monkeypatch.setenv("PYTHONWARNINGS", "error")
    probe.script.write_text("import sys\nprint(sys.warnoptions)\n")
    (run,) = rebuild.made(probe).runs
    assert run.result == ["[]"]


def test_an_unknown_probe(capsys: pytest.CaptureFixture[str]) -> None:
    """A name that isn't there is refused, and the ones that are there are said."""
    with pytest.raises(SystemExit):
        rebuild.main(["no_such_script"])
    assert "starlette_lists" in capsys.readouterr().err


def test_the_weekly_run_checks_them() -> None:
    """The weekly workflow makes all of them again."""
    workflow = (ROOT / ".github/workflows/weekly.yml").read_text("utf-8")
    assert "python -m tests.captures.rebuild --check\n" in workflow


def test_read_from_the_package() -> None:
    """The files are where the installed package looks for them."""
    assert Path(str(captures.STORED)) == STORED[0].parent
