"""The machinery sees each fault that it is there for: all are planted here once."""

import asyncio
import base64
import gc
from pathlib import Path

import psutil
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_output

from tests.notebooks import kernel, prose, refresh
from tests.notebooks.canonical import METADATA, canonical
from tests.notebooks.comparison import differences
from tests.notebooks.copying import dependent, drifted
from tests.notebooks.execution import TIME_LIMIT, Run, alive, run_notebook
from tests.notebooks.exercises import (
    exercises,
    faults_of_solutions,
    faults_of_stubs,
    faults_of_wrong_answers,
    read_wrong_answers,
)
from tests.notebooks.guard import misplaced
from tests.notebooks.planting import notebook, plant
from tests.notebooks.series import read, text, write

pytest_plugins = ["pytester"]

GOOD = [
    """
    import asyncio, socket, subprocess, sys, tempfile, time
    from contextlib import contextmanager
    import anyio
    from lifespan_course import keep, let_go
    """,
    """
    @contextmanager
    def opening():
        log = ["open"]
        yield log
        log.append("closed")
    """,
    "log = await keep('it', opening())",
    "print(log)",
    "await let_go('it')\nlog",
    """
    with tempfile.TemporaryFile() as file, socket.create_server(("", 0)) as server:
        with socket.create_connection(("localhost", server.getsockname()[1])):
            print("connected")
    """,
    """
    assert not any(folder.endswith("inside") for folder in sys.path)
    await asyncio.to_thread(time.sleep, 0)
    await anyio.to_thread.run_sync(time.sleep, 0)
    subprocess.run([sys.executable, "-c", ""], check=True).check_returncode()
    """,
]
CARELESS = [
    """
    import asyncio, socket, subprocess, sys, threading, time
    from contextlib import contextmanager
    import anyio
    from lifespan_course import keep
    """,
    "file = open('left.txt', 'w')",
    "server = socket.create_server(('127.0.0.1', 0))",
    "stop = threading.Event()\nthreading.Thread(target=stop.wait, name='left').start()",
    "busy = asyncio.get_running_loop().run_in_executor(None, stop.wait)",
    """
    slow = asyncio.create_task(anyio.to_thread.run_sync(time.sleep, 20))
    await asyncio.sleep(0.01)
    """,
    """
    wait = [sys.executable, "-c", "import time; time.sleep(20)"]
    child = subprocess.Popen(wait, start_new_session=True)
    """,
    """
    async def stay():
        await asyncio.sleep(60)

    task = asyncio.create_task(stay())
    """,
    "forgotten = stay()",
    """
    async def lifespan():
        yield

    entered = lifespan()
    await anext(entered)
    """,
    """
    @contextmanager
    def opening():
        yield

    await keep('the client', opening())
    """,
]
NOISY = [
    """
    import asyncio, os, socket, subprocess, sys, warnings
    from contextlib import suppress
    """,
    "print('said aloud', file=sys.stderr)",
    "os.write(2, b'written below Python')",
    "warnings.warn('on_event is deprecated', DeprecationWarning)",
    "open(os.devnull)\nNone",
    """
    async def stay():
        await asyncio.Event().wait()

    async def crash():
        raise LookupError("nobody asked")
    """,
    "stay()\nNone",
    "task = asyncio.create_task(crash())\nawait asyncio.sleep(0)\ndel task",
    "lost = asyncio.create_task(stay())\nawait asyncio.sleep(0)\nlost = None",
    """
    try:
        socket.getaddrinfo("name.example", 80)
    except OSError as error:
        print(error, file=sys.stderr)
    """,
    """
    with socket.socket() as one, suppress(OSError):
        one.settimeout(0.01)
        one.connect(("192.0.2.1", 80))
    """,
    """
    with socket.socket(type=socket.SOCK_DGRAM) as one:
        with suppress(OSError):
            one.sendto(b"", ("192.0.2.2", 9))
        with suppress(OSError):
            one.sendmsg([b""], [], 0, ("192.0.2.3", 9))
    """,
    "with suppress(OSError):\n    socket.gethostbyaddr('192.0.2.4')",
    """
    ask = "import socket; socket.gethostbyname('child.example')"
    subprocess.run([sys.executable, "-c", ask], capture_output=True)
    None
    """,
]
TWICE = [
    "count = globals().get('count', 0)",
    "async def keep():\n    return 1",
    "count += await keep()",
    "count",
]
PLANTED = {
    "good": GOOD,
    "careless": CARELESS,
    "noisy": NOISY,
    "twice": TWICE,
    "broken": ["1", "md:text", "half = 1\nhalf / 0"],
    "dying": ["import os", "os._exit(3)"],
    "ending": [
        """
        import os, kernel_leftovers
        kernel_leftovers.found = lambda: os._exit(3)
        """
    ],
    "hanging": ["import time; time.sleep(60)"],
}


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    """The runs of the planted notebooks, side by side."""
    folder = tmp_path_factory.mktemp("planted")
    limits = {"hanging": 0.2}

    async def run_all() -> list[Run]:
        return await asyncio.gather(
            *(
                run_notebook(
                    plant(folder / f"{name}.ipynb", *cells),
                    limits.get(name, TIME_LIMIT),
                )
                for name, cells in PLANTED.items()
            )
        )

    return dict(zip(PLANTED, asyncio.run(run_all()), strict=True))


def outputs(run: Run) -> list[str]:
    return [
        output.get("text") or output.data["text/plain"]
        for cell in run.first.notebook.cells
        for output in cell.get("outputs", [])
    ]


def test_a_good_notebook_has_no_fault(planted: dict[str, Run]) -> None:
    """What a careful notebook opens and closes is not reported."""
    good = planted["good"]
    assert good.problems == []
    assert good.first.left_behind == []
    assert good.again
    assert good.again.failure == ""
    assert good.again.left_behind == []
    assert outputs(good) == [
        "['open']\n",
        "['open', 'closed']",
        "connected\n",
    ]


def test_a_good_notebook_runs_twice(planted: dict[str, Run]) -> None:
    """Run All after an interrupted run shows the same as from a fresh kernel."""
    good = planted["good"]
    assert good.again
    assert differences(good.first.notebook, good.again.notebook, "good") == []


@pytest.mark.parametrize("name", PLANTED)
def test_no_kernel_outlives_its_notebook(name: str, planted: dict[str, Run]) -> None:
    """The kernel and what it started are gone, however the run ended."""
    assert planted[name].outlived_by == []


def test_a_kernel_that_lives_on_is_found() -> None:
    """A process that is there is reported, such as the one of this test."""
    assert len(alive([psutil.Process()], patience=0)) == 1


@pytest.mark.parametrize(
    "left",
    [
        "a file: work/left.txt",
        "an open file: ",
        "a socket: ",
        "a thread: left",
        "a thread: asyncio_",
        "a thread: AnyIO worker thread",
        "a process: ",
        "a pending task: stay",
        "a pending task: run_sync",
        "a coroutine that was never awaited: stay",
        "an async generator that was not ended: lifespan",
        "kept and never let go: the client",
    ],
)
def test_what_is_left_behind_is_found(left: str, planted: dict[str, Run]) -> None:
    """Each thing that a careless notebook leaves is reported in a line of its own."""
    found = planted["careless"].first.left_behind
    assert sum(line.startswith(left) for line in found) == 1, found


def test_nothing_else_is_found(planted: dict[str, Run]) -> None:
    """A careless notebook is blamed for nothing that it didn't do."""
    assert len(planted["careless"].first.left_behind) == 12


@pytest.mark.parametrize(
    "words",
    [
        "said aloud",
        "notebooks run offline: name.example was refused",
        "written below Python",
        "DeprecationWarning: on_event is deprecated",
        "ResourceWarning: unclosed file",
        "coroutine 'stay' was never awaited",
        "Task exception was never retrieved",
        "LookupError: nobody asked",
        "Task was destroyed but it is pending",
    ],
)
def test_noise_is_heard(words: str, planted: dict[str, Run]) -> None:
    """Whatever reaches stderr is kept, from a cell, from between cells, from below."""
    assert words in planted["noisy"].errors


@pytest.mark.parametrize(
    "request_",
    [
        "getaddrinfo: name.example",
        "connect: 192.0.2.1",
        "sendto: 192.0.2.2",
        "sendmsg: 192.0.2.3",
        "gethostbyaddr: 192.0.2.4",
        "gethostbyname: child.example",
    ],
)
def test_requests_to_other_hosts_are_found(
    request_: str, planted: dict[str, Run]
) -> None:
    """A request is refused and found, when its error is suppressed, or in a child."""
    assert request_ in planted["noisy"].requests


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "broken",
            "broken.ipynb, In [2]: half = 1\n"
            "  ZeroDivisionError: division by zero\n"
            "  ----> 2 half / 0",
        ),
        (
            "ending",
            "ending.ipynb, after the last cell: "
            "the kernel's process died between two cells",
        ),
        ("dying", "dying.ipynb, In [2]: os._exit(3)\n  the kernel's process died"),
        (
            "hanging",
            "hanging.ipynb, In [1]: import time; time.sleep(60)\n"
            "  still running when the notebook's 0.2 s were over",
        ),
    ],
)
def test_a_failure_names_its_cell(
    name: str, message: str, planted: dict[str, Run]
) -> None:
    """A cell that raises, hangs or ends the process is named with its first line."""
    assert planted[name].first.failure == message


# It breaks the program of every kernel, so the chapters have to be through.
@pytest.mark.usefixtures("runs")
def test_a_kernel_that_does_not_start_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A kernel that ends before its first cell is a failure, with what it wrote."""
    program = tmp_path / "kernel.py"
    program.write_text("raise SystemExit('ipykernel is missing')", encoding="utf-8")
    monkeypatch.setattr(kernel, "PROGRAM", program)
    run = asyncio.run(run_notebook(plant(tmp_path / "x.ipynb", "1")))
    assert run.problems == [
        "x.ipynb: the kernel's process ended before it was ready",
        "x.ipynb, on stderr:\nipykernel is missing",
    ]


def test_a_cell_that_does_not_survive_twice_is_found(planted: dict[str, Run]) -> None:
    """A cell whose second run adds to the first shows another output in Run All."""
    twice = planted["twice"]
    assert twice.again
    # Once from the fresh kernel, twice before the run is given up, once in Run All.
    (found,) = differences(twice.first.notebook, twice.again.notebook, "twice")
    assert found.endswith("-1\n  +4"), found


def test_only_what_is_asked_for_is_run(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A choice of tests runs the notebooks of these tests, and no other, at the end."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    pytester.makeconftest(
        """
        from pathlib import Path
        import pytest
        from tests.notebooks.conftest import asked_for, put_waiting_last

        def pytest_collection_modifyitems(items):
            put_waiting_last(items, Path(__file__).parent)

        @pytest.fixture(scope="session")
        def runs(request):
            return asked_for(request.session.items)
        """
    )
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.parametrize("path", ["00_one", "01_two", "02_three"])
        def test_asks(path, runs):
            assert runs == ["01_two"]

        @pytest.mark.parametrize("path", ["00_one", "01_two", "02_three"])
        def test_only_reads(path):
            pass
        """
    )
    done = pytester.runpytest_inprocess("-k", "01 or reads", "-v")
    done.assert_outcomes(passed=4, deselected=2)
    done.stdout.fnmatch_lines(["*test_only_reads*", "*test_asks*01_two*"])


def shown(data: dict[str, str], kind: str = "display_data") -> NotebookNode:
    return new_output(kind, data=data)


def with_outputs(*outputs: NotebookNode) -> NotebookNode:
    made = notebook("show()")
    made.cells[0].outputs = list(outputs)
    return made


def picture(svg: str) -> str:
    encoded = base64.b64encode(svg.encode()).decode()
    return f'<img alt="a" src="data:image/svg+xml;base64,{encoded}">'


def test_canonical_form_drops_what_differs_from_run_to_run() -> None:
    """Numbers of runs, metadata, colours, trailing blanks and other formats go."""
    made = with_outputs(
        new_output("stream", name="stdout", text="one \n\x1b[31mtw"),
        new_output("stream", name="stdout", text="o\x1b[0m  \n"),
        shown({"text/plain": "x ", "text/html": "<b>x</b>", "image/png": "AAAA"}),
        new_output(
            "execute_result", {"text/plain": "3"}, metadata={"a": 1}, execution_count=7
        ),
    )
    made.metadata["widgets"] = {}
    made.metadata["language_info"] = {"name": "python", "version": "3.11.7"}
    made.cells[0].update(execution_count=7, source="show() \n")
    made.cells[0].metadata.update(tags=["check"], collapsed=True)
    form = canonical(made)
    assert form.metadata == METADATA
    assert form.cells == [
        {
            "id": "cell-0",
            "cell_type": "code",
            "metadata": {"tags": ["check"]},
            "source": "show()",
            "execution_count": None,
            "outputs": [
                {"output_type": "stream", "name": "stdout", "text": "one\ntwo\n"},
                {
                    "output_type": "display_data",
                    "metadata": {},
                    "data": {"text/plain": "x", "text/html": "<b>x</b>"},
                },
                {
                    "output_type": "execute_result",
                    "metadata": {},
                    "data": {"text/plain": "3"},
                    "execution_count": None,
                },
            ],
        }
    ]
    assert canonical(form) == form


def test_a_difference_is_shown_as_a_diff() -> None:
    """The diff names notebook and cell, and has the lines that differ."""
    stored = with_outputs(new_output("stream", name="stdout", text="open\nclosed\n"))
    fresh = with_outputs(new_output("stream", name="stdout", text="open\nfailed\n"))
    (shown,) = differences(stored, fresh, "03_lifespan.ipynb")
    assert shown.splitlines() == [
        "03_lifespan.ipynb, In [1]: show()",
        "  --- stored",
        "  +++ this run",
        "  @@ -1,3 +1,3 @@",
        "   [stdout]",
        "   open",
        "  -closed",
        "  +failed",
    ]


def test_a_difference_in_a_picture_is_shown_as_text() -> None:
    """A picture that changed shows its elements, not its encoded bytes."""
    stored = with_outputs(shown({"text/html": picture("<svg><text>a</text></svg>")}))
    fresh = with_outputs(shown({"text/html": picture("<svg><text>b</text></svg>")}))
    (found,) = differences(stored, fresh, "x")
    assert "  -<text>a</text>" in found.splitlines()
    assert "base64" not in found


def test_a_long_difference_is_cut() -> None:
    """A cell that shows something else altogether doesn't fill the report."""
    stored = with_outputs(new_output("stream", name="stdout", text="a\n" * 99))
    (found,) = differences(stored, with_outputs(), "x")
    assert len(found.splitlines()) == 42
    assert found.endswith("  ... and 63 more lines")


def test_a_difference_in_words_needs_no_picture() -> None:
    """Where a picture and its words both differ, the words are shown."""
    stored = with_outputs(shown({"text/plain": "a", "text/html": picture("<a/>")}))
    fresh = with_outputs(shown({"text/plain": "b", "text/html": picture("<b/>")}))
    (found,) = differences(stored, fresh, "x")
    assert found.endswith("  @@ -1,2 +1,2 @@\n   [text/plain]\n  -a\n  +b")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ([], [shown({"text/plain": "x"})]),
        ([shown({"text/plain": "x"})], []),
        (
            [shown({"text/plain": "x"})],
            [shown({"text/plain": "x"}, kind="execute_result")],
        ),
        (
            [new_output("stream", name="stdout", text="x")],
            [new_output("stream", name="stdout", text="x\n")],
        ),
    ],
)
def test_every_difference_counts(
    before: list[NotebookNode], after: list[NotebookNode]
) -> None:
    """An output more, one less, and outputs whose text is the same are differences."""
    assert differences(with_outputs(*before), with_outputs(*after), "x")


@pytest.mark.parametrize(
    "line",
    [
        "written to /tmp/x/log.txt",
        f"in {Path.home()}/x",
        f"from {Path(__file__).parents[2]}",
        r"C:\Users\x",
        "<Task pending at ipykernel_812>",
        "<object at 0x7f80c1a2b3d0>",
        "on 2026-11-22",
        "at 04:58:11",
        "http://127.0.0.1:43211/",
        "port 8000",
        "Started server process [812]",
        "pid=812",
        "Task-12",
        "Thread-4 (run)",
        "id 139949424556928",
        "Python 3.11.7",
    ],
)
@pytest.mark.parametrize("kind", ["text", "picture"])
def test_what_belongs_to_a_machine_or_a_moment_is_found(kind: str, line: str) -> None:
    """A path, an address, a time, a port and the like is found, in a picture too."""
    data = {"text": {"text/plain": line}, "picture": {"text/html": picture(line)}}
    assert misplaced(with_outputs(shown(data[kind])))


@pytest.mark.parametrize(
    "line",
    ["200 OK in 0.123 s", "GET /correct/contxt", "http://testserver/", "1 of 12"],
)
def test_ordinary_outputs_are_in_place(line: str) -> None:
    """What is the same everywhere is left alone."""
    assert misplaced(with_outputs(shown({"text/plain": line}))) == []


FIRST = """
    md:[Contents](#The-end) · [next](01_b.ipynb)

    # Title

    ## `with` does it

    A ![timeline](01_b.ipynb), <img src="01_b.ipynb" alt="a timeline">, a
    [claim](#with-does-it), a [page](https://example.org/x), [`code`](01_b.ipynb),
    what isn't one: `![](x) [a](b)`, and

    ## Why not?

    is [another](#Why-not%3F), with code:

    ```python
    [no](link) # not a heading
    ```
    """
LAST = "md:## The end\n\n[Contents](#The-end) · [next](01_b.ipynb)"
MIDDLE = ["a = 1", "a + 1", "md:## Exercises"]


def series(folder: Path, *cells: str, tagged: dict[int, str] | None = None) -> Path:
    """A chapter of the given cells that has a next chapter."""
    plant(folder / "01_b.ipynb", "md:# B\n\n### `x = 1`")
    return plant(folder / "00_a.ipynb", *cells, tagged=tagged)


def test_good_prose_has_no_fault(tmp_path: Path) -> None:
    """A chapter that keeps all rules is left alone."""
    assert prose.faults(series(tmp_path, FIRST, *MIDDLE, LAST)) == []


@pytest.mark.parametrize(
    ("rule", "cells"),
    [
        (prose.one_title, ["md:## No title"]),
        (prose.one_title, ["md:text", "md:# Late title"]),
        (prose.one_title, ["md:# One", "md:# Two"]),
        (prose.no_skipped_level, ["md:# One\n\n### Three"]),
        (prose.no_empty_cell, ["1", ""]),
        (prose.no_empty_cell, ["md:\n "]),
        (prose.alt_texts, ["md:![](01_b.ipynb)"]),
        (prose.alt_texts, ["md:<img src='01_b.ipynb'>"]),
        (prose.alt_texts, ["md:<img src='01_b.ipynb' alt=' '>"]),
        (prose.links_resolve, ["md:[next](02_c.ipynb)"]),
        (prose.links_resolve, ["md:[there](#Nowhere)"]),
        (prose.links_resolve, ["md:[there](01_b.ipynb#Nowhere)"]),
        (prose.links_resolve, ["md:<a href='gone.py'>gone</a>"]),
        (prose.links_resolve, ["md:![alt](gone.svg)"]),
        (prose.links_resolve, ["md:<img src='gone.svg' alt='a'>"]),
        (prose.links_resolve, ["md:[empty]()"]),
        (prose.links_resolve, ["md:[typo](https:/example.org)"]),
        (prose.links_resolve, ["md:[file](file:///etc/hosts)"]),
        (prose.navigation, ["1"]),
        (prose.navigation, ["md:[Contents](x)", LAST]),
        (prose.navigation, [FIRST, "md:[Contents](x)"]),
        (prose.navigation, ["md:[next](01_b.ipynb)", LAST]),
        (prose.words, ["md:Well done \U0001f389"]),
        (prose.words, ["print('\u2705')"]),
        (prose.words, ["md:the life span of an app"]),
        (prose.words, ["# its life-spans"]),
        (prose.short_code, ["x\n" * 16, "y", "z"]),
        (prose.short_code, ["x\n" * 5]),
        (prose.code_between_text, ["1", "2", "3"]),
        (prose.not_too_long, ["1"]),
        (prose.not_too_long, [*["1"] * 46, "md:## Exercises"]),
    ],
)
def test_bad_prose_is_found(rule: prose.Rule, cells: list[str], tmp_path: Path) -> None:
    """Each rule finds what breaks it, once for each cell or chapter."""
    assert len(prose.faults(series(tmp_path, *cells), [rule])) == 1


def test_a_picture_in_an_output_needs_words(tmp_path: Path) -> None:
    """An output that shows a picture without alt text is found."""
    made = with_outputs(shown({"text/html": '<img src="data:image/svg+xml;base64,">'}))
    (found,) = prose.alt_texts(tmp_path, made)
    assert found.startswith("In [1]: show()")


def test_an_emoji_in_an_output_is_found(tmp_path: Path) -> None:
    """What a cell shows keeps to the rule too."""
    made = with_outputs(shown({"text/plain": "done \u2705"}))
    assert len(list(prose.words(tmp_path, made))) == 1


def test_blank_lines_do_not_count(tmp_path: Path) -> None:
    """What the formatter puts between two definitions makes no cell too long."""
    path = series(tmp_path, "x\n\n\n\n" * 4)
    assert prose.faults(path, [prose.short_code]) == []


def test_a_final_form_may_be_long(tmp_path: Path) -> None:
    """A snippet as its module has it may have more lines than another cell."""
    cells = ["x\n" * 16, "1", "2"]
    path = series(tmp_path, *cells, tagged={0: "same-as:module.x"})
    assert prose.faults(path, [prose.short_code]) == []


EXERCISE = [
    "from lifespan_course.verdicts import async_verdict, expect",
    "md:### Exercise 1: double",
    "import asyncio\n\nasync def double(x):\n    ...",
    """
    @async_verdict
    async def doubles(double):
        results = [await double(1), await double(2)]
        expect(results != [None, None], "Nothing is returned.")
        expect(results != [1, 4], "That is the square.")
        expect(results == [2, 4], f"The results are {results}.")
        return "Twice as much."

    await doubles(double)
    """,
    """
    md:<details><summary>Hint 1</summary>

    ```python
    x * x
    ```

    </details>
    <details><summary>Solution</summary>

    ```python
    import asyncio

    async def double(x):
        return x + x
    ```

    </details>
    """,
]
PARTS = {2: "exercise", 3: "check", 4: "solution"}
WRONG = """
# %% doubles | the square
import asyncio

async def double(x):
    return x * x

# %% doubles | raised ZeroDivisionError
import asyncio

async def double(x):
    return x / 0
"""


def chapter(
    folder: Path, wrong: str = WRONG, tagged: dict[int, str] = PARTS, **changes: str
) -> Path:
    """A chapter with one exercise; ``c2="..."`` puts other code into cell 2."""
    cells = list(EXERCISE)
    for name, source in changes.items():
        cells[int(name.removeprefix("c"))] = source
    (folder / "00_a.py").write_text(wrong, encoding="utf-8")
    return plant(folder / "00_a.ipynb", *cells, tagged=tagged)


def test_a_good_exercise_has_no_fault(tmp_path: Path) -> None:
    """Stub, solution and wrong answers are found, and say what they should."""
    (found,) = exercises(chapter(tmp_path), tmp_path)
    assert found.title == "Exercise 1: double"
    assert found.verdict(found.stub) == "Not yet. Nothing is returned."
    assert found.verdict(found.solution) == "Right. Twice as much."
    assert len(found.wrong_answers) == 2
    assert faults_of_stubs([found]) == []
    assert faults_of_solutions([found]) == []
    assert faults_of_wrong_answers([found]) == []


def test_an_answer_may_be_careless(tmp_path: Path) -> None:
    """An answer that forgets an await is judged, and no test is warned of it."""
    (found,) = exercises(chapter(tmp_path), tmp_path)
    cycle = "lost = [double(1)]\nlost.append(lost)\ndel lost"
    answer = f"{found.solution}\ndouble(1)\n{cycle}"
    assert found.verdict(answer).startswith("Right.")
    gc.collect()


def test_an_answer_that_raises_has_no_verdict(tmp_path: Path) -> None:
    """An answer that fails before its check is a fault, not the end of the test."""
    (found,) = exercises(chapter(tmp_path), tmp_path)
    assert found.verdict("1 / 0").startswith("no verdict, but ZeroDivisionError")


def test_an_answer_that_waits_for_ever_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After some seconds there is no verdict."""
    monkeypatch.setattr("tests.notebooks.exercises.ANSWER_LIMIT", 0.01)
    (found,) = exercises(chapter(tmp_path), tmp_path)
    waiting = "import asyncio\nawait asyncio.Event().wait()"
    assert found.verdict(waiting).startswith("no verdict, but TimeoutError")


def test_a_check_can_read_the_answer(tmp_path: Path) -> None:
    """The source of an answer can be had, as in a kernel."""
    check = "import inspect\ninspect.getsource(double)"
    (found,) = exercises(chapter(tmp_path, wrong="", c3=check), tmp_path)
    assert found.verdict("def double(x):\n    return x").endswith("    return x")


def test_a_stub_that_passes_is_found(tmp_path: Path) -> None:
    """An exercise that is solved before it begins is a fault."""
    path = chapter(tmp_path, c2="import asyncio\nasync def double(x): return 2 * x")
    assert len(faults_of_stubs(exercises(path, tmp_path))) == 1


def test_a_solution_that_fails_is_found(tmp_path: Path) -> None:
    """A printed solution that the check refuses is a fault."""
    wrong = EXERCISE[4].replace("x + x", "x * x")
    path = chapter(tmp_path, c4=wrong)
    (found,) = faults_of_solutions(exercises(path, tmp_path))
    assert "That is the square." in found


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("x * x", "x + x"),
        ("the square", "another hint"),
        ("the square", "is"),
        ("x / 0", "x * x"),
    ],
    ids=["it passes", "another hint", "hint of all", "hint of another"],
)
def test_a_wrong_answer_without_its_hint_is_found(
    old: str, new: str, tmp_path: Path
) -> None:
    """A wrong answer that passes, or isn't told what it is about, is a fault."""
    path = chapter(tmp_path, wrong=WRONG.replace(old, new))
    assert faults_of_wrong_answers(exercises(path, tmp_path))


def test_praise_for_a_wrong_answer_is_found(tmp_path: Path) -> None:
    """A wrong answer that passes is a fault, whatever words it is looked for."""
    right = "async def double(x):\n    return x + x"
    path = chapter(tmp_path, wrong=f"# %% doubles | Twice as much\n{right}\n")
    (found,) = faults_of_wrong_answers(exercises(path, tmp_path))
    assert found.endswith("it must begin with 'Not yet.'")


@pytest.mark.parametrize(
    "tagged",
    [
        {2: "exercise"},
        {2: "exercise", 3: "check"},
        {2: "check", 3: "exercise", 4: "solution"},
        {0: "exercise", 3: "check", 4: "solution"},
    ],
)
def test_parts_of_an_exercise_stand_together(
    tagged: dict[int, str], tmp_path: Path
) -> None:
    """A stub, its check and its solution that don't follow each other are a fault."""
    with pytest.raises(ValueError, match="in a row"):
        exercises(chapter(tmp_path, tagged=tagged), tmp_path)


def test_an_exercise_has_a_heading(tmp_path: Path) -> None:
    """An exercise without a heading that numbers it is a fault."""
    with pytest.raises(ValueError, match="no heading"):
        exercises(chapter(tmp_path, c1="md:### A task"), tmp_path)


@pytest.mark.parametrize(
    ("old", "new"), [("Solution<", "Hint 2<"), ("import asyncio\n", "```\n```python\n")]
)
def test_the_last_folded_part_is_the_solution(
    old: str, new: str, tmp_path: Path
) -> None:
    """A solution that isn't called so, or isn't in one piece, is a fault."""
    with pytest.raises(ValueError, match="one printed solution"):
        exercises(chapter(tmp_path, c4=EXERCISE[4].replace(old, new)), tmp_path)


def test_wrong_answers_belong_to_an_exercise(tmp_path: Path) -> None:
    """A wrong answer to a check that no exercise has is a fault."""
    with pytest.raises(ValueError, match="halves"):
        exercises(chapter(tmp_path, wrong="# %% halves | x\n1\n"), tmp_path)


@pytest.mark.parametrize("head", ["doubles", "doubles |", "| the square"])
def test_wrong_answers_name_check_and_fragment(head: str, tmp_path: Path) -> None:
    """A section whose head lacks one of the two is a fault."""
    file = tmp_path / "00_a.py"
    file.write_text(f"# %% {head}\n1\n", encoding="utf-8")
    with pytest.raises(ValueError, match="expected 'check"):
        read_wrong_answers(file)


@pytest.mark.parametrize(
    ("source", "drift"),
    [
        ('def called(source):\n    """Another text."""\n    return 1', ""),
        ("def called(source):\n    return 2", "+    return 2"),
        ("@decorated\ndef called(source):\n    return 1", "+@decorated"),
        ("async def called(source):\n    return 1", "+async def called"),
        ("called = 1", "isn't defined in the cell"),
    ],
)
def test_a_cell_that_drifts_from_its_module_is_found(
    source: str, drift: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Docstrings may differ between a cell and its module, nothing else may."""
    module = 'def called(source):\n    """Text."""\n    return 1\n'
    (tmp_path / "planted_module.py").write_text(module, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    tagged = {0: "same-as:planted_module.called"}
    found = drifted(plant(tmp_path / "x.ipynb", source, tagged=tagged))
    assert [drift in fault for fault in found] == ([True] if drift else [])


@pytest.mark.parametrize("name", ["no_such_module.called", "tests.notebooks.prose.no"])
def test_a_tag_that_leads_nowhere_is_found(name: str, tmp_path: Path) -> None:
    """A cell can't equal what isn't there."""
    path = plant(tmp_path / "x.ipynb", "def no(): ...", tagged={0: f"same-as:{name}"})
    assert len(drifted(path)) == 1


@pytest.mark.parametrize(
    ("source", "fault"),
    [
        ("import asyncio\nawait asyncio.sleep(0)\nprint('fine')", ""),
        ("from lifespan_lab import running", "it imports lifespan_lab"),
        ("undefined", "NameError"),
        ("open('left.txt', 'w').close()", "it leaves work/left.txt"),
        ("import sys\nprint('x', file=sys.stderr)", "alone it fails: x"),
        (
            "import socket\ntry: socket.gethostbyname('x.y')\nexcept OSError: ...",
            "it asks the network: gethostbyname: x.y",
        ),
    ],
)
def test_a_cell_that_can_not_stand_alone_is_found(
    source: str, fault: str, tmp_path: Path
) -> None:
    """A cell to copy that imports ours, needs, leaves or asks for more is found."""
    path = plant(tmp_path / "x.ipynb", source, tagged={0: "copy-alone"})
    found = dependent(path)
    assert [fault in each for each in found] == ([True] if fault else [])


def test_refresh_stores_what_came_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Outputs are stored in canonical form; a notebook that fails stays as it is."""
    path = plant(tmp_path / "00_a.ipynb", "1 + 1")
    broken = plant(tmp_path / "01_b.ipynb", "print('x')\n1 / 0")
    before = broken.read_bytes()
    assert refresh.main([], tmp_path) == 1
    said = capsys.readouterr().out
    assert "00_a.ipynb: stored; other outputs in 1 cells" in said
    assert "  +2" in said
    assert "01_b.ipynb: failed, and stays as it is" in said
    assert "ZeroDivisionError: division by zero" in said
    assert broken.read_bytes() == before
    stored = read(path)
    assert path.read_text(encoding="utf-8") == text(canonical(stored))
    assert stored.cells[0].outputs[0].data == {"text/plain": "2"}
    assert sorted(tmp_path.iterdir()) == [path, broken]


def test_a_notebook_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    """When writing fails, the old file is there as it was, and nothing beside it."""
    path = plant(tmp_path / "00_a.ipynb", "1 + 1")
    before = path.read_bytes()
    unwritable = notebook("1 + 1")
    unwritable.metadata["reason"] = object()
    with pytest.raises(TypeError):
        write(unwritable, path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_refresh_takes_names(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A name that no notebook begins with is told, and is a failure."""
    plant(tmp_path / "00_a.ipynb", "1 + 1")
    assert refresh.main(["01"], tmp_path) == 1
    assert capsys.readouterr().out == "there is no notebook 01\n"
