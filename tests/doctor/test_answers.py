"""What the answer says: places, reasons, cures, notes, and what stays unknown."""

import json
import sys
from collections.abc import Callable
from contextlib import asynccontextmanager
from functools import wraps
from pathlib import Path
from types import ModuleType
from typing import Any

import anyio
import fastapi
import pytest
import starlette
from fastapi import APIRouter, FastAPI
from starlette.applications import Starlette
from starlette.routing import Router
from starlette.staticfiles import StaticFiles

from lifespan_lab import Timeline, running
from lifespan_lab.compose import as_lifespan, combine
from lifespan_lab.concurrency import concurrently
from lifespan_lab.handlers import from_handlers
from lifespan_lab.mounts import with_mounts
from lifespan_lab.worker import worker
from lifespan_tools import diagnose, doctor
from lifespan_tools.doctor import Finding, Place, UnreadableError, frameworks
from lifespan_tools.doctor.findings import CODES
from lifespan_tools.doctor.places import place_of
from lifespan_tools.doctor.report import as_json, as_text
from tests.doctor import apps, bare
from tests.doctor.apps import CASES
from tests.doctor.log import Log

known_router = Log().add(APIRouter(), "queue")


def only(app: Any) -> Finding:
    [finding] = diagnose(app).findings
    return finding


def dropped() -> FastAPI:
    app = FastAPI(lifespan=Log().lifespan("database"))
    app.router.add_event_handler("startup", connect)
    return app


async def connect() -> None: ...


LINE = connect.__code__.co_firstlineno


def test_where() -> None:
    """A finding names the function, with its file and line."""
    assert only(dropped()).where == (Place("connect", __file__, LINE),)


def test_places_of_what_has_no_source() -> None:
    """What is written in C or was never in a file has a name, but no place."""
    made: dict[str, Any] = {}
    exec("def handler(): ...\nclass Handler: ...", made)
    assert place_of(print) == Place("print")
    assert place_of(made["handler"]) == Place("handler")
    assert place_of(made["Handler"]) == Place("Handler")
    assert str(place_of(print)) == "print"


def test_positions() -> None:
    """A file in the working directory is named from there, any other in full."""
    here, elsewhere = Path("shop/main.py").absolute(), Path(Path.cwd().anchor, "x.py")
    assert Place("connect", str(here), 7).position == f"{Path('shop/main.py')}:7"
    assert Place("connect", str(elsewhere), 7).position == f"{elsewhere}:7"


def test_names_that_were_given() -> None:
    """What a snippet has made is called by the name that it was given there."""

    async def beat(app: Any) -> None: ...

    members = as_lifespan("one", Log), as_lifespan("two", Log), worker(beat)
    runs = diagnose(Starlette(lifespan=combine(*members))).startup
    names = [run.place.name for run in runs]
    assert names == [
        "as_lifespan('one', ...)",
        "as_lifespan('two', ...)",
        "worker(beat)",
    ]
    assert runs[2].place.file == worker.__code__.co_filename


def test_the_place_of_a_decorated_call() -> None:
    """An object stands where its `__call__` does, not where that's decorator does."""

    class Handler:
        @traced
        def __call__(self) -> None: ...

    place = place_of(Handler())
    assert (place.name, place.file) == ("Handler", __file__)
    assert place.line == Handler.__call__.__wrapped__.__code__.co_firstlineno  # type: ignore[attr-defined]


def traced(function: Any) -> Any:
    """A decorator as they are written, but in another file."""
    made: dict[str, Any] = {"function": function, "wraps": wraps}
    source = "@wraps(function)\ndef traced(*args): return function(*args)\n"
    exec(compile(source, "tracing.py", "exec"), made)
    return made["traced"]


def test_a_router_of_copied_handlers_included_twice() -> None:
    """Including it once isn't enough: the cure takes the handlers' copies, too."""
    twice = only(apps.a_router_with_handlers_included_twice(Log()))
    assert "run 4 times" in twice.message
    assert "and include_router copies" in twice.message
    assert twice.cure.startswith("Move its handlers into a lifespan")
    app = FastAPI(lifespan=Log().lifespan("database"))
    for _ in range(2):
        app.include_router(known_router)
    assert only(app).cure.startswith("Include it once.")


@pytest.mark.skipif(not hasattr(Router, "on_event"), reason="Starlette before 1.0")
def test_cures_for_starlette() -> None:  # pragma: no cover - Starlette before 1.0
    """A Starlette app isn't told of FastAPI's classes."""
    log = Log()
    app: Any = Starlette(lifespan=log.lifespan("database"))
    log.add(app.router, "connect")
    assert "Starlette(lifespan=...)" in only(app).cure
    log.add(router := Router(lifespan=log.lifespan("database")), "connect")
    assert "Router(lifespan=...)" in only(router).cure


def test_a_variable_that_is_not_there_yet() -> None:
    """A lifespan may name what is bound later; it is read without a fuss."""

    @asynccontextmanager
    async def lifespan(app: Any) -> Any:
        yield later

    assert diagnose(Starlette(lifespan=lifespan)).exit_code == 0
    later = 1


def test_a_lifespan_that_hides_its_parameters() -> None:
    """What doesn't tell its parameters isn't called a fault."""

    class Hidden:
        __signature__ = "hidden"

        def __call__(self, app: Any) -> Any: ...

    assert diagnose(Starlette(lifespan=Hidden())).starts


def test_every_code_is_known() -> None:
    """The codes that are listed are those that findings have, and no others."""
    assert bare  # its apps are in the collection, too
    seen = {code for each in CASES for code in each.values[0].finds}
    assert seen | {"swallowed", "not-a-middleware"} == set(CODES)


def test_a_router_is_called_by_its_name() -> None:
    """A router that a module holds is called by its name there."""
    app = FastAPI(lifespan=Log().lifespan("database"))
    for _ in range(2):
        app.include_router(known_router)
    assert f" {__name__}.known_router is included more" in only(app).message


@pytest.mark.parametrize(
    ("prefix", "name"), [("/queue", "the router with prefix /queue"), ("", "a router")]
)
def test_a_router_without_a_name(prefix: str, name: str) -> None:
    """A router that no module holds is called by its prefix, if it has one."""
    router = Log().add(APIRouter(prefix=prefix), "queue")
    app = FastAPI()
    app.include_router(router, prefix="/one")
    app.include_router(router, prefix="/two")
    assert f": {name} is included more than once" in only(app).message


def test_a_mount_is_called_by_its_path() -> None:
    """A mounted app is called by its whole path, also below routers and mounts."""
    app, router, admin = FastAPI(), APIRouter(), Starlette()
    admin.mount("/reports", Starlette(lifespan=Log().lifespan("reports")))
    router.mount("/admin", admin)
    app.include_router(router, prefix="/in")
    if frameworks.inclusions(app.router)[0].prefix:  # else there is no such mount
        assert "the app mounted at /in/admin/reports is " in only(app).message
    assert "the app mounted at /reports is " in only(admin).message


def test_an_app_mounted_in_itself() -> None:
    """Mounts that go round in a circle are read once."""
    app = Starlette(lifespan=with_mounts(Log().lifespan("database")))
    app.mount("/self", app)
    assert [run.place.name for run in diagnose(app).startup] == ["database"]


def test_depth() -> None:
    """The handlers of a router three levels down run four times, and it says so."""
    app, router = FastAPI(), Log().add(APIRouter(), "queue")
    for _ in range(2):
        outer = APIRouter()
        outer.include_router(router)
        router = outer
    app.include_router(router)
    diagnosis = diagnose(app)
    runs = [(run.number, run.times) for run in diagnosis.startup]
    assert runs == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert "  (3 of 4)\n" in str(diagnosis)
    assert "queue runs 4 times: include_router copies" in only(app).message


def test_side_by_side() -> None:
    """What starts concurrently is predicted, with a note that it has no order."""
    log = Log()
    app = FastAPI(lifespan=concurrently(log.lifespan("one"), log.lifespan("two")))
    diagnosis = diagnose(app)
    assert {run.place.name for run in diagnosis.startup} == {"one", "two"}
    note = "one and two start and stop side by side, so their order may differ."
    assert diagnosis.notes[-1] == note
    assert diagnosis.exit_code == 0


def test_behind_middleware() -> None:
    """An app inside of a middleware is read, with a note that names it."""
    [note] = diagnose(Timeline(FastAPI())).notes
    assert note.startswith("Timeline stands before the app's router.")


def test_mounts_that_cannot_be_read() -> None:
    """A mounted app that isn't Starlette's gives a note, Starlette's own gives none."""
    app = Starlette()
    app.mount("/files", StaticFiles(directory="."))
    app.mount("/metrics", lambda scope, receive, send: None)
    [note] = diagnose(app).notes
    assert "/metrics" in note


@pytest.mark.parametrize(
    ("thing", "name"),
    [
        (connect, "the function connect"),
        (Log, "the class Log"),
        (Log(), "an object of the class Log"),
    ],
)
def test_what_is_no_app(thing: Any, name: str) -> None:
    """What can't be read is refused with its kind."""
    with pytest.raises(UnreadableError, match=f"This is {name}, "):
        diagnose(thing)


def test_a_middleware_around_itself() -> None:
    """Middleware that goes round in a circle is refused like anything else."""
    timeline = Timeline(FastAPI())
    timeline.app = timeline
    with pytest.raises(UnreadableError):
        diagnose(timeline)


@pytest.mark.parametrize("version", ["0.114.2", "0.166.0", "1.0.0"])
def test_untested_fastapi(version: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a FastAPI that wasn't tested the answer is unknown, and never fine."""
    monkeypatch.setattr(fastapi, "__version__", version)
    for app in (FastAPI(), dropped()):
        diagnosis = diagnose(app)
        assert version in diagnosis.unknown[0]
        assert diagnosis.exit_code == 2
        assert as_text(diagnosis).endswith("Not all could be seen.")


@pytest.mark.parametrize("version", ["0.37.1", "1.11.0", "2.0.0rc1"])
def test_untested_starlette(version: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same holds for Starlette."""
    monkeypatch.setattr(starlette, "__version__", version)
    assert diagnose(Starlette()).exit_code == 2


def test_the_releases_that_forget_lists(monkeypatch: pytest.MonkeyPatch) -> None:
    """FastAPI 0.128.3 to 0.128.5 with Starlette before 1.0 is never fine."""
    monkeypatch.setattr(fastapi, "__version__", "0.128.4")
    monkeypatch.setattr(frameworks, "_own_lists", lambda: True)
    assert "forgets" in diagnose(FastAPI()).unknown[0]


def test_many_routers() -> None:
    """Hundreds of routers are read without recursion, and don't count as fine."""
    app = FastAPI(lifespan=Log().lifespan("database"))
    for _ in range(500):
        app.include_router(APIRouter())
    diagnosis = diagnose(app)
    assert "RecursionError" in diagnosis.unknown[0]
    with pytest.raises(RecursionError):
        anyio.run(enter, app)


async def enter(app: Any) -> None:
    async with running(app):
        pass


def copied(maker: Any, monkeypatch: pytest.MonkeyPatch, name: str = "") -> Any:
    """The maker from a copy of its file, where it may have another name."""
    with open(maker.__code__.co_filename, encoding="utf-8") as file:
        source = file.read().replace(maker.__name__, name or maker.__name__)
    module = ModuleType("copied")
    monkeypatch.setitem(sys.modules, "copied", module)
    exec(compile(source, "copied.py", "exec"), vars(module))
    return getattr(module, name or maker.__name__)


@pytest.mark.parametrize("maker", [from_handlers, combine, with_mounts])
def test_copies_of_snippets(maker: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A copied snippet is known by its code, under any module's name."""
    app = FastAPI(lifespan=copied(maker, monkeypatch)())
    assert diagnose(app).startup == ()


def test_a_renamed_combine_gives_state(monkeypatch: pytest.MonkeyPatch) -> None:
    """A copy of combine under another name is known to hand the state over."""
    merge = copied(combine, monkeypatch, "merge")
    app = FastAPI(lifespan=merge(Log().with_state("repository")))
    assert diagnose(app).findings == ()


def test_state_that_nobody_gives() -> None:
    """A lifespan that wants the state, and stands alone, is told who gives it."""
    finding = only(FastAPI(lifespan=Log().with_state("repository")))
    assert "repository takes 2 parameters" in finding.message
    assert "combine(...) hands over a `state`" in finding.cure


def test_a_with_mounts_that_is_not_ours() -> None:
    """A with_mounts with other code is a lifespan like any other: the mount is dead."""

    def with_mounts() -> Any:
        @asynccontextmanager
        async def lifespan_with_mounts(app: Any) -> Any:
            yield

        return lifespan_with_mounts

    app = FastAPI(lifespan=with_mounts())
    app.mount("/admin", Starlette(lifespan=Log().lifespan("admin")))
    assert only(app).code == "mounted"


@pytest.mark.parametrize(
    ("make", "fault", "cure"),
    [
        (apps.a_lifespan_that_was_called, "queue is the result of a call", "lifespan="),
        (apps.a_lifespan_without_yield, "no_lifespan has no yield", "@asynccontext"),
        (apps.a_decorated_lifespan_without_yield, "no_lifespan has no yield", "yield."),
        (apps.a_decorated_def, "no_lifespan is a `def`", "Write `async def`."),
        (apps.the_other_decorator, "no_lifespan has @contextmanager", "Use @async"),
        (apps.a_lifespan_without_parameter, "takes 0 parameters", "the app."),
        (apps.a_bare_generator_put_in_place, "bare is a bare generator", "@asynccont"),
        (apps.no_function_at_all, "The lifespan is a list, where", "takes the app."),
    ],
)
def test_faults(make: Callable[[Log], Any], fault: str, cure: str) -> None:
    """Each mistake that stops a startup gets its own reason and cure."""
    finding = only(make(Log()))
    assert fault in finding.message
    assert cure in finding.cure


@pytest.mark.parametrize(
    ("make", "fault", "cure"),
    [
        (apps.a_handler_with_a_parameter, "wants_the_app has a parameter, ", "Give"),
        (apps.a_shutdown_handler_with_a_parameter, "The shutdown fails there", "Give"),
        (apps.a_handler_that_is_none, "A handler is a str, and can't be", "function"),
        (apps.a_lifespan_as_a_handler, "database has a parameter", "FastAPI(lifespan"),
    ],
)
def test_handlers_that_fail(make: Callable[[Log], Any], fault: str, cure: str) -> None:
    """A handler that can't be called is told with its reason and its cure."""
    finding = only(make(Log()))
    assert fault in finding.message
    assert cure in finding.cure


def test_handlers_of_which_nothing_runs() -> None:
    """A handler with a yield doesn't stop the startup, and is told to run nothing."""
    diagnosis = diagnose(apps.handlers_of_which_nothing_runs(Log()))
    assert diagnosis.starts
    messages = [finding.message for finding in diagnosis.findings]
    assert [" has a yield: " in message for message in messages] == [True] * 3 + [False]
    assert messages[-1].endswith("which nobody enters. Nothing of it runs.")


def test_a_handler_written_in_c() -> None:
    """A handler that doesn't tell its parameters isn't called a fault."""
    app = FastAPI()
    app.router.add_event_handler("startup", dict)
    assert diagnose(app).exit_code == 0


def test_text() -> None:
    """The text says what runs, what is wrong and the cure; its lines aren't wide."""
    app = dropped()
    app.include_router(Log().add(APIRouter(), "queue"))
    text = str(diagnose(app))
    assert "1. lifespan  database" in text
    assert "handlers-dropped: connect never runs: the app has a lifespan" in text
    assert "\n  cure: " in text
    assert text.endswith("\n1 finding.")
    own_lines = [line for line in text.splitlines() if __file__ not in line]
    assert max(map(len, own_lines)) <= 88


def test_text_of_nothing() -> None:
    """An app without startup code gets four lines."""
    text = as_text(diagnose(Starlette()), "shop:app")
    assert text == (
        f"shop:app with FastAPI {fastapi.__version__}, "
        f"Starlette {starlette.__version__}\n\n"
        "At startup: nothing runs.\n\nAt shutdown: nothing runs.\n\nNothing found."
    )


def test_text_of_a_startup_that_fails() -> None:
    """Where the startup is known to fail, the list ends and says so."""
    app = FastAPI()
    app.router.lifespan_context = None  # type: ignore[assignment]
    diagnosis = diagnose(app)
    assert not diagnosis.starts
    assert "nothing runs.\n  here the startup fails" in str(diagnosis)
    assert "The lifespan is a NoneType" in only(app).message
    assert only(app).where == ()


def test_text_with_two_findings_and_a_note() -> None:
    """Findings are counted, and notes come after them."""
    app = dropped()
    app.mount("/admin", Starlette(lifespan=Log().lifespan("admin")))
    text = str(diagnose(Timeline(app)))
    assert "\n\nnote: " in text
    assert text.endswith("\n2 findings.")


def test_json() -> None:
    """The JSON holds the same, under names that stay."""
    told = json.loads(as_json(diagnose(dropped()), "shop:app"))
    assert told["startup"] == [
        {
            "name": "database",
            "file": Log.generator.__code__.co_filename,
            "line": told["startup"][0]["line"],
            "kind": "lifespan",
            "number": 1,
            "times": 1,
        }
    ]
    [finding] = told.pop("findings")
    assert finding["where"] == [{"name": "connect", "file": __file__, "line": LINE}]
    assert set(finding) == {"code", "message", "cure", "where"}
    del told["startup"], told["shutdown"]
    assert told == {
        "target": "shop:app",
        "versions": frameworks.versions(),
        "tested": True,
        "starts": True,
        "fails": False,
        "passed_on": True,
        "unknown": [],
        "notes": told["notes"],
        "exit_code": 1,
    }


def test_no_other_names() -> None:
    """The package gives its names, and no others."""
    for name in doctor.__all__:
        assert getattr(doctor, name)
    with pytest.raises(AttributeError, match="no attribute 'cure'"):
        doctor.cure  # noqa: B018
