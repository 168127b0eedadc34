"""Small apps of every shape that doctor knows, and what it should find there."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import fastapi
import pytest
from fastapi import APIRouter, FastAPI
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Host, Mount
from starlette.staticfiles import StaticFiles

from lifespan_lab import Timeline
from lifespan_lab.bounds import bounded
from lifespan_lab.compose import combine
from lifespan_lab.concurrency import concurrently
from lifespan_lab.handlers import from_handlers
from lifespan_lab.mounts import with_mounts
from tests.doctor.log import Log

KEEPS_ROUTERS = hasattr(fastapi.routing, "_IncludedRouter")


@dataclass
class Case:
    """An app, the codes of its findings, and whether something stays unknown."""

    make: Callable[[Log], Any]
    finds: list[str]
    unknown: bool
    visible: bool
    stops: bool
    by_hand: bool


CASES: list[Any] = []


def case(
    *finds: str,
    unknown: bool = False,
    since_0137: bool = False,
    stops: bool = True,
    by_hand: bool = False,
) -> Any:
    """Take the app into the collection.

    since_0137: before FastAPI 0.137 what is wrong leaves no trace. stops: whether the
    shutdown raises no TypeError. by_hand: whether the app runs by itself what the
    framework doesn't.
    """

    def taken(make: Callable[[Log], Any]) -> Callable[[Log], Any]:
        visible = KEEPS_ROUTERS or not since_0137
        found = Case(make, list(finds), unknown, visible, stops, by_hand)
        CASES.append(pytest.param(found, id=make.__name__))
        return make

    return taken


@case()
def nothing(log: Log) -> FastAPI:
    return FastAPI()


@case()
def the_apps_handlers(log: Log) -> FastAPI:
    app = FastAPI()
    log.add(app.router, "connect", "warm_up")
    return app


@case()
def a_lifespan(log: Log) -> FastAPI:
    return FastAPI(lifespan=log.lifespan("database"))


@case()
def starlette(log: Log) -> Starlette:
    return Starlette(lifespan=log.lifespan("database"))


@case()
def a_router_as_the_app(log: Log) -> APIRouter:
    return APIRouter(lifespan=log.lifespan("database"))


@case("handlers-dropped")
def handlers_beside_a_lifespan(log: Log) -> FastAPI:
    app = FastAPI(lifespan=log.lifespan("database"))
    log.add(app.router, "connect", "warm_up")
    return app


@case("handlers-dropped")
def handlers_of_a_router_as_the_app(log: Log) -> APIRouter:
    return log.add(APIRouter(lifespan=log.lifespan("database")), "connect")


@case("runs-again")
def a_routers_handlers(log: Log) -> FastAPI:
    app = FastAPI()
    log.add(app.router, "connect")
    app.include_router(log.add(APIRouter(), "queue", "mail"))
    return app


@case("runs-again")
def a_routers_handlers_two_levels_down(log: Log) -> FastAPI:
    app, outer = FastAPI(), APIRouter()
    outer.include_router(log.add(APIRouter(), "queue"))
    app.include_router(outer)
    return app


@case("runs-again", "runs-again")
def handlers_on_each_level(log: Log) -> FastAPI:
    app, outer = FastAPI(), log.add(APIRouter(), "outer")
    outer.include_router(log.add(APIRouter(), "inner"))
    app.include_router(outer)
    log.add(app.router, "connect")
    return app


@case()
def a_routers_handlers_beside_a_lifespan(log: Log) -> FastAPI:
    app = FastAPI(lifespan=log.lifespan("database"))
    app.include_router(log.add(APIRouter(), "queue"))
    return app


@case("handlers-dropped")
def both_handlers_beside_a_lifespan(log: Log) -> FastAPI:
    app = FastAPI(lifespan=log.lifespan("database"))
    log.add(app.router, "connect")
    app.include_router(log.add(APIRouter(), "queue"))
    return app


@case()
def a_routers_lifespan(log: Log) -> FastAPI:
    app = FastAPI(lifespan=log.lifespan("database"))
    app.include_router(APIRouter(lifespan=log.lifespan("queue")))
    app.include_router(APIRouter(lifespan=log.lifespan("mail")))
    return app


@case()
def a_router_with_both(log: Log) -> FastAPI:
    """The app has no lifespan: it runs its copies of the handlers."""
    app = FastAPI()
    app.include_router(log.add(APIRouter(lifespan=log.lifespan("queue")), "connect"))
    return app


@case("handlers-dropped")
def an_app_and_a_router_with_both(log: Log) -> FastAPI:
    app = FastAPI(lifespan=log.lifespan("database"))
    app.include_router(log.add(APIRouter(lifespan=log.lifespan("queue")), "connect"))
    return app


@case("included-twice")
def a_router_included_twice(log: Log) -> FastAPI:
    app, router = FastAPI(), APIRouter(lifespan=log.lifespan("queue"))
    app.include_router(router, prefix="/one")
    app.include_router(router, prefix="/two")
    return app


@case("included-twice")
def a_router_with_handlers_included_twice(log: Log) -> FastAPI:
    app, router = FastAPI(), log.add(APIRouter(), "queue", "mail")
    app.include_router(router, prefix="/one")
    app.include_router(router, prefix="/two")
    return app


@case("included-twice")
def a_router_included_on_two_ways(log: Log) -> FastAPI:
    app, router = FastAPI(), APIRouter(lifespan=log.lifespan("queue"))
    outer = APIRouter(prefix="/outer")
    outer.include_router(router)
    app.include_router(outer)
    app.include_router(router)
    return app


@case()
def handlers_added_after_include_router(log: Log) -> FastAPI:
    app, router = FastAPI(), APIRouter()
    app.include_router(router)
    log.add(router, "queue")
    return app


@case("included-late")
def a_router_included_late(log: Log) -> FastAPI:
    app, outer = FastAPI(), APIRouter()
    app.include_router(outer, prefix="/outer")
    outer.include_router(APIRouter(lifespan=log.lifespan("queue")), prefix="/late")
    return app


@case("included-late", since_0137=True)
def a_router_included_late_into_one_with_a_lifespan(log: Log) -> FastAPI:
    app, outer = FastAPI(), APIRouter(lifespan=log.lifespan("outer"))
    app.include_router(outer)
    outer.include_router(APIRouter(lifespan=log.lifespan("queue")))
    return app


@case("included-late")
def routers_included_late_on_two_levels(log: Log) -> FastAPI:
    app, outer, inner = FastAPI(), APIRouter(), APIRouter(lifespan=log.lifespan("in"))
    app.include_router(outer)
    outer.include_router(inner)
    inner.include_router(APIRouter(lifespan=log.lifespan("inmost")))
    return app


@case("included-late")
def a_router_included_late_into_the_second(log: Log) -> FastAPI:
    app, first, second = FastAPI(), APIRouter(), APIRouter()
    app.include_router(first)
    app.include_router(second)
    second.include_router(APIRouter(lifespan=log.lifespan("queue")))
    return app


@case()
def a_router_with_handlers_included_late(log: Log) -> FastAPI:
    app, outer = FastAPI(), APIRouter()
    app.include_router(outer)
    outer.include_router(log.add(APIRouter(), "queue"))
    return app


@case("lifespan-replaced", since_0137=True)
def a_lifespan_replaced_after_include_router(log: Log) -> FastAPI:
    app = FastAPI()
    app.include_router(APIRouter(lifespan=log.lifespan("queue")), prefix="/queue")
    app.router.lifespan_context = log.lifespan("database")
    app.include_router(APIRouter(lifespan=log.lifespan("mail")), prefix="/mail")
    return app


@case("lifespan-replaced", since_0137=True)
def a_routers_handlers_lost_with_a_lifespan(log: Log) -> FastAPI:
    app = FastAPI()
    app.include_router(log.add(APIRouter(), "queue"))
    app.router.lifespan_context = log.lifespan("database")
    return app


@case("lifespan-replaced", since_0137=True)
def a_lifespan_replaced_above_two_levels(log: Log) -> FastAPI:
    app, outer = FastAPI(), APIRouter()
    outer.include_router(APIRouter(lifespan=log.lifespan("queue")))
    app.include_router(outer)
    app.router.lifespan_context = log.lifespan("database")
    return app


@case("lifespan-replaced")
def a_routers_lifespan_replaced(log: Log) -> FastAPI:
    app, router = FastAPI(), APIRouter()
    app.include_router(router)
    router.lifespan_context = log.lifespan("queue")
    return app


@case()
def a_lifespan_replaced_before_include_router(log: Log) -> FastAPI:
    app = FastAPI()
    app.router.lifespan_context = log.lifespan("database")
    app.include_router(APIRouter(lifespan=log.lifespan("queue")))
    return app


@case("mounted")
def a_mount(log: Log) -> FastAPI:
    app = FastAPI(lifespan=log.lifespan("database"))
    app.mount("/admin", FastAPI(lifespan=log.lifespan("admin")))
    return app


@case("mounted")
def a_mount_with_handlers(log: Log) -> FastAPI:
    app, admin = FastAPI(), FastAPI()
    log.add(admin.router, "sessions")
    app.mount("/admin", admin)
    return app


@case("mounted")
def a_mount_with_routers(log: Log) -> FastAPI:
    app, admin = FastAPI(), FastAPI()
    admin.include_router(APIRouter(lifespan=log.lifespan("sessions")))
    app.mount("/admin", admin)
    return app


@case("mounted", "included-late")
def a_mount_with_a_late_router(log: Log) -> FastAPI:
    app, admin, outer = FastAPI(), FastAPI(lifespan=log.lifespan("admin")), APIRouter()
    admin.include_router(outer)
    outer.include_router(APIRouter(lifespan=log.lifespan("queue")))
    app.mount("/admin", admin)
    return app


@case("mounted", "mounted")
def nested_mounts(log: Log) -> FastAPI:
    app, admin = FastAPI(), FastAPI(lifespan=log.lifespan("admin"))
    admin.mount("/reports", Starlette(lifespan=log.lifespan("reports")))
    app.mount("/admin", admin)
    return app


@case("mounted")
def a_host(log: Log) -> Starlette:
    admin = Starlette(lifespan=log.lifespan("admin"))
    return Starlette(routes=[Host("admin.example.org", admin)])


@case("mounted")
def a_mounted_router(log: Log) -> FastAPI:
    app = FastAPI()
    app.mount("/admin", APIRouter(lifespan=log.lifespan("admin")))
    return app


@case("mounted", since_0137=True)
def a_mount_in_an_included_router(log: Log) -> FastAPI:
    app, router = FastAPI(), APIRouter()
    router.mount("/admin", Starlette(lifespan=log.lifespan("admin")))
    app.include_router(router, prefix="/in")
    return app


@case("mounted")
def the_same_app_mounted_twice(log: Log) -> FastAPI:
    app, admin = FastAPI(), FastAPI(lifespan=log.lifespan("admin"))
    app.mount("/admin", admin)
    app.mount("/again", admin)
    return app


@case("mounted")
def a_mount_behind_middleware(log: Log) -> Starlette:
    admin = Starlette(lifespan=log.lifespan("admin"))
    return Starlette(routes=[Mount("/", Timeline(admin))])


@case()
def a_mount_without_startup_code(log: Log) -> FastAPI:
    app = FastAPI(lifespan=log.lifespan("database"))
    app.mount("/admin", FastAPI())
    app.mount("/plain", lambda scope, receive, send: None)
    return app


@case()
def a_mount_whose_lifespan_the_app_took_over(log: Log) -> FastAPI:
    admin = FastAPI(lifespan=log.lifespan("admin"))
    app = FastAPI(lifespan=admin.router.lifespan_context)
    app.mount("/admin", admin)
    return app


@case()
def mounts_that_run(log: Log) -> FastAPI:
    app = FastAPI(lifespan=with_mounts(log.lifespan("database")))
    admin = FastAPI(lifespan=with_mounts(log.lifespan("admin")))
    admin.mount("/reports", Starlette(lifespan=log.lifespan("reports")))
    app.mount("/admin", admin)
    app.mount("/again", admin)
    app.mount("/api", APIRouter(lifespan=log.lifespan("api")))
    app.mount("/files", StaticFiles(directory="."))
    return app


@case()
def mounts_that_run_and_nothing_else(log: Log) -> FastAPI:
    app, admin = FastAPI(lifespan=with_mounts()), FastAPI()
    log.add(admin.router, "sessions")
    app.mount("/admin", admin)
    return app


@case("runs-again", "handlers-dropped")
def a_mount_that_runs_with_faults(log: Log) -> FastAPI:
    app = FastAPI(lifespan=combine(with_mounts(), log.lifespan("database")))
    admin, reports = FastAPI(), FastAPI(lifespan=log.lifespan("reports"))
    admin.include_router(log.add(APIRouter(), "queue"))
    log.add(reports.router, "connect")
    app.mount("/admin", admin)
    app.mount("/reports", reports)
    return app


@case()
def snippets(log: Log) -> FastAPI:
    handlers = from_handlers(**log.lists(["connect", "warm_up"]), reverse=True)
    limited = bounded(log.lifespan("database"), startup=5)
    app = FastAPI(lifespan=combine(limited, handlers))
    app.include_router(APIRouter(lifespan=bounded(log.lifespan("queue"))))
    return app


@case()
def members_that_want_state(log: Log) -> FastAPI:
    inner = combine(log.with_state("in"), concurrently(log.with_state("side")))
    members = log.lifespan("database"), log.with_state("repository"), inner
    app = FastAPI(lifespan=combine(*members))
    app.include_router(APIRouter(lifespan=bounded(log.with_state("bounded"))))
    app.include_router(APIRouter(lifespan=with_mounts(log.with_state("mounts"))))
    return app


@case("not-a-lifespan")
def a_merged_lifespan_that_wants_state(log: Log) -> FastAPI:
    """FastAPI calls what it merges with the app alone, also inside of combine."""
    inner = FastAPI(lifespan=log.with_state("repository"))
    inner.include_router(APIRouter())
    return FastAPI(lifespan=combine(inner.router.lifespan_context))


@case()
def the_apps_handlers_as_a_lifespan(log: Log) -> FastAPI:
    app = FastAPI()
    log.add(app.router, "connect", "warm_up")
    lists = app.router.on_startup, app.router.on_shutdown
    app.router.lifespan_context = from_handlers(*lists)
    return app


@case("runs-again")
def one_lifespan_in_two_places(log: Log) -> FastAPI:
    lifespan = log.lifespan("database")
    app = FastAPI(lifespan=lifespan)
    app.include_router(APIRouter(lifespan=lifespan))
    return app


@case("runs-again")
def one_member_in_two_places(log: Log) -> FastAPI:
    """No router has it, so none is blamed."""
    repository = log.lifespan("repository")
    members = log.lifespan("database"), repository, combine(repository)
    return FastAPI(lifespan=combine(*members))


@case("included-twice")
def a_mount_that_runs_with_a_router_included_twice(log: Log) -> FastAPI:
    app, admin = FastAPI(lifespan=with_mounts(log.lifespan("database"))), FastAPI()
    router = APIRouter(lifespan=log.lifespan("queue"))
    admin.include_router(router, prefix="/one")
    admin.include_router(router, prefix="/two")
    app.mount("/admin", admin)
    return app


@case("runs-again")
def one_handler_registered_twice(log: Log) -> FastAPI:
    connect = log.starts("connect")
    return FastAPI(lifespan=from_handlers([connect, log.starts("warm_up"), connect]))


@case("runs-again")
def one_method_registered_twice(log: Log) -> FastAPI:
    """Each time that it is asked for, a bound method is another object."""

    class Database:
        def connect(self) -> None:
            log.startup.append("Database.connect")

    Database.connect.__qualname__ = "Database.connect"
    database = Database()
    return FastAPI(lifespan=from_handlers([database.connect, database.connect]))


@case()
def a_generator_decorated_by_hand(log: Log) -> FastAPI:
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        log.startup.append("lifespan")
        yield
        log.shutdown.append("lifespan")

    return FastAPI(lifespan=asynccontextmanager(lifespan))


@case("not-a-lifespan")
def a_lifespan_that_was_called(log: Log) -> FastAPI:
    app = FastAPI(lifespan=log.lifespan("database"))
    called = log.lifespan("queue")(app)
    app.include_router(APIRouter(lifespan=called))  # type: ignore[arg-type]
    app.include_router(APIRouter(lifespan=log.lifespan("mail")))
    return app


@case("not-a-lifespan")
def a_lifespan_that_fails_after_handlers(log: Log) -> FastAPI:
    app = FastAPI()
    log.add(app.router, "connect")
    app.include_router(APIRouter(lifespan=no_lifespan))
    return app


async def no_lifespan(app: FastAPI) -> None: ...


async def wants_the_app(app: Any) -> None: ...


async def yields() -> AsyncIterator[None]:
    yield


@case("not-a-handler")
def a_handler_with_a_parameter(log: Log) -> FastAPI:
    app = FastAPI()
    log.add(app.router, "connect")
    app.router.add_event_handler("startup", wants_the_app)
    log.add(app.router, "warm_up")
    return app


@case("not-a-handler")
def a_routers_handler_with_a_parameter(log: Log) -> FastAPI:
    app, router = FastAPI(lifespan=log.lifespan("database")), APIRouter()
    router.add_event_handler("startup", wants_the_app)
    app.include_router(router)
    app.include_router(log.add(APIRouter(), "queue"))
    return app


@case("not-a-handler", stops=False)
def a_shutdown_handler_with_a_parameter(log: Log) -> FastAPI:
    app, router = FastAPI(lifespan=log.lifespan("database")), log.add(APIRouter(), "a")
    router.add_event_handler("shutdown", wants_the_app)
    app.include_router(log.add(router, "b"))
    return app


@case("not-a-handler", stops=False)
def a_shutdown_handler_with_a_parameter_of_several(log: Log) -> FastAPI:
    stops = [log.stops("one"), wants_the_app, log.stops("two")]
    return FastAPI(lifespan=from_handlers([], stops, reverse=True))


@case("not-a-handler", stops=False)
def a_handler_that_is_none(log: Log) -> FastAPI:
    return FastAPI(lifespan=from_handlers([log.starts("one")], ["two"]))  # type: ignore[list-item]


@case("not-a-handler", "not-a-handler", "not-a-handler", "not-a-handler")
def handlers_of_which_nothing_runs(log: Log) -> FastAPI:
    def notes() -> Iterator[None]:
        log.startup.append("notes")
        yield

    async def later(name: str) -> AsyncIterator[None]:
        log.startup.append(name)
        yield

    class Database:
        async def __call__(self) -> AsyncIterator[None]:
            log.startup.append("database")
            yield

    app = FastAPI()
    managed = asynccontextmanager(yields)
    for handler in (notes, partial(later, "later"), Database(), managed):
        app.router.add_event_handler("startup", handler)
    return log.add(app.router, "connect") and app


@case("not-a-handler")
def a_lifespan_as_a_handler(log: Log) -> FastAPI:
    app = FastAPI()
    app.router.add_event_handler("startup", log.lifespan("database"))  # type: ignore[arg-type]
    return app


@case("handlers-dropped")
def a_dropped_handler_with_a_parameter(log: Log) -> FastAPI:
    app = FastAPI(lifespan=log.lifespan("database"))
    app.router.add_event_handler("startup", wants_the_app)
    return app


@case()
def handlers_without_a_hash(log: Log) -> FastAPI:
    @dataclass
    class Connect:
        names: list[str]

        def __call__(self) -> None:
            self.names.append("Connect")

    Connect.__qualname__ = "Connect"
    app = FastAPI()
    app.router.add_event_handler("startup", Connect(log.startup))
    return app


@case("not-a-lifespan")
def a_lifespan_without_yield(log: Log) -> FastAPI:
    return FastAPI(lifespan=no_lifespan)


@case("not-a-lifespan")
def a_decorated_lifespan_without_yield(log: Log) -> FastAPI:
    return FastAPI(lifespan=asynccontextmanager(no_lifespan))  # type: ignore[arg-type]


@case("not-a-lifespan")
def a_decorated_def(log: Log) -> FastAPI:
    def no_lifespan(app: FastAPI) -> Iterator[None]:
        yield

    return FastAPI(lifespan=asynccontextmanager(no_lifespan))  # type: ignore[arg-type]


@case("not-a-lifespan")
def the_other_decorator(log: Log) -> FastAPI:
    @contextmanager
    def no_lifespan(app: FastAPI) -> Iterator[None]:
        yield

    return FastAPI(lifespan=no_lifespan)  # type: ignore[arg-type]


@case("not-a-lifespan")
def a_lifespan_without_parameter(log: Log) -> FastAPI:
    @asynccontextmanager
    async def no_lifespan() -> AsyncIterator[None]:
        yield

    return FastAPI(lifespan=no_lifespan)


@case("not-a-lifespan")
def a_bare_generator_put_in_place(log: Log) -> FastAPI:
    app = FastAPI()
    app.router.lifespan_context = log.generator("bare")  # type: ignore[assignment]
    return app


@case("not-a-lifespan")
def no_function_at_all(log: Log) -> FastAPI:
    return FastAPI(lifespan=[log.lifespan("database")])  # type: ignore[arg-type]


@case()
def lifespans_that_are_no_plain_functions(log: Log) -> FastAPI:
    class Database:
        def __call__(self, app: Any) -> "Database":
            return self

        async def __aenter__(self) -> None:
            log.startup.append("Database")

        async def __aexit__(self, *error: object) -> None:
            log.shutdown.append("Database")

    class Queue:
        @asynccontextmanager
        async def lifespan(self, app: Any) -> AsyncIterator[None]:
            log.startup.append("Queue.lifespan")
            yield
            log.shutdown.append("Queue.lifespan")

    Database.__qualname__ = "Database"
    Queue.lifespan.__wrapped__.__qualname__ = "Queue.lifespan"  # type: ignore[attr-defined]
    app = FastAPI(lifespan=Database())  # type: ignore[arg-type]
    app.include_router(APIRouter(lifespan=Queue().lifespan))
    app.include_router(APIRouter(lifespan=partial(_with_mark, log)))
    app.include_router(APIRouter(lifespan=lambda app: log.lifespan("<lambda>")(app)))
    return app


@asynccontextmanager
async def _with_mark(log: Log, app: Any) -> AsyncIterator[None]:
    log.startup.append("_with_mark")
    yield
    log.shutdown.append("_with_mark")


@case()
def handlers_that_are_no_plain_functions(log: Log) -> FastAPI:
    class Database:
        def connect(self) -> None:
            log.startup.append("Database.connect")

        async def __call__(self) -> None:
            log.startup.append("Database")

    Database.__qualname__ = "Database"
    Database.connect.__qualname__ = "Database.connect"
    app = FastAPI()
    for handler in (
        Database().connect,
        Database().connect,
        Database(),
        partial(_note, log.startup),
    ):
        app.router.add_event_handler("startup", handler)
    app.router.add_event_handler("shutdown", partial(_note, log.shutdown))
    return app


def _note(names: list[str]) -> None:
    names.append("_note")


@case()
def behind_middleware(log: Log) -> Timeline:
    app = FastAPI(lifespan=log.lifespan("database"))
    app.add_middleware(Timeline)
    return Timeline(app)


@case()
def middleware_of_a_mount(log: Log) -> Starlette:
    admin = Starlette(lifespan=log.lifespan("admin"))
    mount = Mount("/admin", admin, middleware=[Middleware(Timeline)])
    return Starlette(lifespan=with_mounts(), routes=[mount])


@case(by_hand=True)
def a_handler_that_a_lifespan_calls(log: Log) -> FastAPI:
    connect = log.starts("connect")

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        await connect()
        yield

    app = FastAPI(lifespan=lifespan)
    app.router.add_event_handler("startup", connect)
    return app


@case(unknown=True)
def a_handler_that_a_lifespans_helper_names(log: Log) -> FastAPI:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        start_all()
        yield

    app = FastAPI(lifespan=lifespan)
    app.router.add_event_handler("startup", warm_up)
    return app


def start_all() -> None:
    for start in (lambda: warm_up(),):
        start()


def warm_up() -> None: ...


@case(by_hand=True)
def a_handler_that_a_helper_calls(log: Log) -> FastAPI:
    connect = log.starts("connect")

    async def start() -> None:
        await connect()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        await start()
        yield

    app = FastAPI(lifespan=lifespan)
    app.router.add_event_handler("startup", connect)
    return app


@case("handlers-dropped", by_hand=True)
def handlers_that_a_lifespan_runs_by_hand(log: Log) -> FastAPI:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        for handler in app.router.on_startup:
            await handler()
        yield

    app = FastAPI(lifespan=lifespan)
    app.router.add_event_handler("startup", log.starts("connect"))
    app.router.add_event_handler("shutdown", log.stops("disconnect"))
    return app


@case(by_hand=True)
def both_lists_run_by_hand(log: Log) -> FastAPI:
    class Startup:
        @asynccontextmanager
        async def lifespan(self, app: FastAPI) -> AsyncIterator[None]:
            for handler in app.router.on_startup:
                await handler()
            try:
                yield
            finally:
                for handler in app.router.on_shutdown:
                    handler()

    app = FastAPI(lifespan=Startup().lifespan)
    return log.add(app.router, "connect") and app


@case(unknown=True)
def handlers_that_a_lifespan_may_run(log: Log) -> FastAPI:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        for handler in [*app.router.on_startup]:
            await handler()
        yield

    app = FastAPI(lifespan=lifespan)
    log.add(app.router, "connect")
    return app


@case(by_hand=True)
def a_mount_that_a_lifespan_enters_by_hand(log: Log) -> FastAPI:
    admin = FastAPI()
    log.add(admin.router, "sessions")

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with admin.router.lifespan_context(admin):
            yield

    app = FastAPI(lifespan=lifespan)
    app.mount("/admin", admin)
    return app


@case("mounted", by_hand=True)
def one_mount_of_two_that_a_stack_enters(log: Log) -> FastAPI:
    admin = FastAPI(lifespan=log.lifespan("admin"))

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(admin.router.lifespan_context(admin))
            yield

    app = FastAPI(lifespan=lifespan)
    app.mount("/admin", admin)
    app.mount("/reports", FastAPI(lifespan=log.lifespan("reports")))
    return app


@case(unknown=True)
def mounts_that_a_lifespan_may_enter(log: Log) -> FastAPI:
    admin = FastAPI(lifespan=log.lifespan("admin"))

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        for inner in (admin,):
            async with inner.router.lifespan_context(inner):
                pass
        yield

    app = FastAPI(lifespan=lifespan)
    app.mount("/admin", admin)
    return app


@case(unknown=True)
def a_handler_that_is_called_and_not_awaited(log: Log) -> FastAPI:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        asleep().close()
        yield

    app = FastAPI(lifespan=lifespan)
    app.router.add_event_handler("startup", asleep)
    return app


async def asleep() -> None: ...


@case("handlers-dropped", unknown=True)
def one_handler_named_and_one_dropped(log: Log) -> FastAPI:
    handlers = {"first": log.starts("connect")}

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        await handlers["first"]()
        yield

    app = FastAPI(lifespan=lifespan)
    app.router.add_event_handler("startup", handlers["first"])
    log.add(app.router, "warm_up")
    return app


@case(unknown=True)
def a_router_that_runs_its_lists_in_its_own_way(log: Log) -> FastAPI:
    class Backwards(APIRouter):
        async def _startup(self) -> None: ...
        async def startup(self) -> None: ...

    app = FastAPI(lifespan=log.lifespan("database"))
    app.include_router(log.add(Backwards(), "queue"))
    return app
