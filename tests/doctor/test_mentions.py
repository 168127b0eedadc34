"""What a lifespan names it may run: then "never" is not said."""

from collections.abc import Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import pytest
from fastapi import APIRouter, FastAPI
from starlette.applications import Starlette

from lifespan_tools import diagnose
from tests.doctor.log import Log


def connect() -> None: ...


class Database:
    def open(self) -> None:
        connect()


def certain(names: Any) -> bool:
    """Whether connect is said never to run, when a lifespan names this."""

    @asynccontextmanager
    async def lifespan(app: Any) -> Any:
        print(names)
        yield

    app = FastAPI(lifespan=lifespan)
    app.router.add_event_handler("startup", connect)
    diagnosis = diagnose(app)
    assert len(diagnosis.findings) + len(diagnosis.unknown) == 1
    return not diagnosis.unknown


@pytest.mark.parametrize(
    "names",
    [
        connect,
        [connect],
        (connect,),
        {connect},
        {"first": connect},
        partial(connect),
        partial(print, connect),
        partial(print, first=connect),
        Database().open,
        lambda: connect(),
        lambda app: app.router.startup(),
        lambda app: app.router.shutdown(),
        lambda app: app.router.on_startup[0](),
    ],
)
def test_named(names: Any) -> None:
    """A handler that is named, on whatever way, may be run."""
    assert not certain(names)


@pytest.mark.parametrize(
    "names",
    [
        None,
        Database,
        lambda scheduler: scheduler.startup(),
        lambda app: app.router.lifespan_context(app),
    ],
)
def test_not_named(names: Any) -> None:
    """A handler that nothing names never runs; a scheduler's startup is no matter."""
    assert certain(names)


def test_libraries_are_not_followed() -> None:
    """What a function of a library names inside doesn't count."""
    library = {"__name__": "json.helpers"}
    exec("def helper(router): router.on_startup", library)
    assert certain(library["helper"])


@pytest.mark.parametrize(
    "names", [lambda app: app.router.lifespan_context, lambda: LifespanManager]
)
def test_mounts_by_hand(names: Callable[..., Any]) -> None:
    """A lifespan that enters lifespans by hand may enter those of mounts."""

    @asynccontextmanager
    async def lifespan(app: Any) -> Any:
        print(names)
        yield

    app = Starlette(lifespan=lifespan)
    app.mount("/admin", Starlette(lifespan=Log().lifespan("admin")))
    old = FastAPI()
    old.router.add_event_handler("startup", connect)
    app.mount("/old", old)
    diagnosis = diagnose(app)
    assert diagnosis.findings == ()
    assert len(diagnosis.unknown) == 2


def test_routers_by_hand() -> None:
    """A router that was included late, and is entered in plain words, gives a note."""

    @asynccontextmanager
    async def lifespan(app: Any) -> Any:
        async with late.lifespan_context(app):
            yield

    app, outer, late = FastAPI(lifespan=lifespan), APIRouter(), APIRouter()
    late.lifespan_context = Log().lifespan("queue")
    app.include_router(outer)
    outer.include_router(late)
    diagnosis = diagnose(app)
    assert (diagnosis.findings, diagnosis.unknown) == ((), ())
    assert diagnosis.notes[0].startswith("queue: the framework doesn't run this (incl")


async def one() -> None: ...
def two() -> None: ...
def three() -> None: ...
def four() -> None: ...


@asynccontextmanager
async def resource(app: Any) -> Any:
    two()
    yield


def five(number: int) -> None: ...


bound = partial(five, 5)


class Holder:
    start = staticmethod(three)


holder = Holder()
either = [one, four]


def test_what_leaves_no_doubt() -> None:
    """Only what is called by a name with one value, or entered so, is told as run."""

    @asynccontextmanager
    async def lifespan(app: Any) -> Any:
        pick = one
        await pick()
        holder.start()
        bound()
        for handler in either:
            print(handler)
        for _, handler in enumerate(either):
            print(handler)
        async with resource(app), open_nothing:
            yield
        [four][0]()

    app = FastAPI(lifespan=lifespan)
    for handler in (one, two, three, four, bound):
        app.router.add_event_handler("startup", handler)
    diagnosis = diagnose(app)
    told = [each for each in diagnosis.notes if "doesn't run this" in each]
    assert [each.partition(":")[0] for each in told] == ["two", "five"]
    assert ", but resource (" in told[0]
    [doubt] = [each for each in diagnosis.unknown if "doesn't run this" in each]
    assert all(f"{name} (" in doubt for name in ("one", "four"))


open_nothing = None


def test_a_lifespan_without_source() -> None:
    """What has no source can't be read in plain words: there doubt stays."""
    made: dict[str, Any] = {"connect": connect, "manage": asynccontextmanager}
    exec("@manage\nasync def lifespan(app):\n    connect()\n    yield", made)
    app = FastAPI(lifespan=made["lifespan"])
    app.router.add_event_handler("startup", connect)
    assert len(diagnose(app).unknown) == 1


LifespanManager = None  # only its name matters
