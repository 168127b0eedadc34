"""What this release of FastAPI does with a lifespan and with events, as JSON."""

import asyncio
import json
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from importlib.metadata import requires
from typing import Any

from fastapi import APIRouter, Depends, FastAPI, Request, WebSocket

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[Any]]
Handler = Callable[[], Awaitable[None]]


class Calls:
    """Counts how often it was called, as a handler or as a lifespan."""

    def __init__(self, state: dict[str, Any] | None = None) -> None:
        self.number = 0
        self.state = state

    async def handler(self) -> None:
        self.number += 1

    @asynccontextmanager
    async def lifespan(self, app: FastAPI) -> AsyncIterator[dict[str, Any] | None]:
        self.number += 1
        yield self.state


@asynccontextmanager
async def started(app: FastAPI) -> AsyncIterator[dict[str, Any]]:
    """Do what a server does at startup and at shutdown, and hand out the state."""
    inbox: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    answers: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    state: dict[str, Any] = {}
    scope = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": state}
    lifespan = asyncio.create_task(app(scope, inbox.get, answers.put))
    await inbox.put({"type": "lifespan.startup"})
    await answers.get()
    yield state
    await inbox.put({"type": "lifespan.shutdown"})
    await lifespan


async def ask(
    app: FastAPI, state: dict[str, Any], path: str = "/", kind: str = "http"
) -> list[dict[str, Any]]:
    """Ask once, and return the app's messages; none if it raises."""
    first = {"http": "http.request", "websocket": "websocket.connect"}[kind]
    scope = {
        "type": kind,
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [],
        "subprotocols": [],
        "state": dict(state),
    }
    sent = []

    async def receive() -> dict[str, Any]:
        return {"type": first, "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    try:
        await app(scope, receive, send)
    except Exception:
        return []
    return sent


async def status(app: FastAPI, state: dict[str, Any], path: str) -> int | None:
    return next((sent["status"] for sent in await ask(app, state, path)), None)


async def runs_of(calls: Calls, app: FastAPI) -> int:
    async with started(app):
        return calls.number


def warnings_of(make: Callable[[], object]) -> int:
    with warnings.catch_warnings(record=True, action="always") as seen:
        make()
    return len(seen)


async def lifespan_runs() -> int:
    calls = Calls()
    return await runs_of(calls, FastAPI(lifespan=calls.lifespan))


async def state_in_request() -> bool:
    app = FastAPI(lifespan=Calls({"model": 1}).lifespan)

    @app.get("/")
    async def read(request: Request) -> Any:
        return request.state.model

    async with started(app) as state:
        return await status(app, state, "/") == 200


async def state_in_websocket() -> bool:
    app = FastAPI(lifespan=Calls({"model": 1}).lifespan)

    @app.websocket("/")
    async def read(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.send_json(websocket.state.model)

    async with started(app) as state:
        sent = await ask(app, state, kind="websocket")
    return any(message["type"] == "websocket.send" for message in sent)


async def state_in_mount() -> bool:
    app, mounted = FastAPI(lifespan=Calls({"model": 1}).lifespan), FastAPI()

    @mounted.get("/")
    async def read(request: Request) -> Any:
        return request.state.model

    app.mount("/mounted", mounted)
    async with started(app) as state:
        return await status(app, state, "/mounted/") == 200


async def on_event_warns() -> int:
    return warnings_of(lambda: FastAPI().on_event("startup")(Calls().handler))


async def lists_warn() -> int:
    return warnings_of(lambda: FastAPI(on_startup=[Calls().handler]))


async def both_warn() -> int:
    """Warnings that come only when both are given."""
    calls = Calls()
    settings = {"on_startup": [calls.handler], "lifespan": calls.lifespan}
    return warnings_of(lambda: FastAPI(**settings)) - await lists_warn()


async def on_event_runs() -> int:
    calls, app = Calls(), FastAPI()
    app.on_event("startup")(calls.handler)
    return await runs_of(calls, app)


async def list_runs() -> int:
    calls = Calls()
    return await runs_of(calls, FastAPI(on_startup=[calls.handler]))


async def handler_beside_lifespan_runs() -> int:
    calls = Calls()
    app = FastAPI(lifespan=Calls().lifespan)
    app.router.add_event_handler("startup", calls.handler)
    return await runs_of(calls, app)


async def router_handler_runs(levels: int, **settings: Any) -> int:
    calls = Calls()
    router = APIRouter()
    router.add_event_handler("startup", calls.handler)
    for _ in range(levels - 1):
        outer = APIRouter()
        outer.include_router(router)
        router = outer
    app = FastAPI(**settings)
    app.include_router(router)
    return await runs_of(calls, app)


async def router_lifespan_runs() -> int:
    calls = Calls()
    app = FastAPI()
    app.include_router(APIRouter(lifespan=calls.lifespan))
    return await runs_of(calls, app)


def late_router() -> tuple[Calls, FastAPI]:
    """Include a router into one that was itself already included."""
    calls = Calls()
    late, middle, app = APIRouter(lifespan=calls.lifespan), APIRouter(), FastAPI()

    @late.get("/late")
    async def read() -> None: ...

    app.include_router(middle)
    middle.include_router(late)
    return calls, app


async def late_route_answers() -> int | None:
    _, app = late_router()
    return await status(app, {}, "/late")


async def late_lifespan_runs() -> int:
    return await runs_of(*late_router())


async def dependency_closes_first() -> bool:
    """Tell whether a dependency's teardown comes before the response."""
    order = []

    async def dependency() -> AsyncIterator[None]:
        yield
        order.append("closed")

    app = FastAPI()

    @app.get("/", dependencies=[Depends(dependency)])
    async def read() -> None: ...

    async def with_note(scope: Any, receive: Any, send: Any) -> None:
        async def noted(message: dict[str, Any]) -> None:
            order.append("sent")
            await send(message)

        await app(scope, receive, noted)

    await ask(with_note, {})
    return order[0] == "closed"


async def add_event_handler_is_there() -> bool:
    return hasattr(FastAPI, "add_event_handler")


async def starlette_wanted() -> str:
    wanted = next(each for each in requires("fastapi") if each.startswith("starlette"))
    bounds = wanted.removeprefix("starlette").strip(" ()").split(",")
    return ", ".join(sorted(bounds, reverse=True))


QUESTIONS: dict[str, Callable[[], Awaitable[Any]]] = {
    "lifespan= runs": lifespan_runs,
    "its state reaches requests": state_in_request,
    "its state reaches WebSockets": state_in_websocket,
    "its state reaches mounted apps": state_in_mount,
    "app.on_event runs": on_event_runs,
    "app.on_event warns": on_event_warns,
    "on_startup= runs": list_runs,
    "on_startup= warns": lists_warn,
    "lifespan= and on_startup= warn once more": both_warn,
    "app's handler runs beside lifespan=": handler_beside_lifespan_runs,
    "router's handler runs": lambda: router_handler_runs(1),
    "two routers deep": lambda: router_handler_runs(2),
    "router's handler runs beside lifespan=": lambda: router_handler_runs(
        1, lifespan=Calls().lifespan
    ),
    "router's lifespan runs": router_lifespan_runs,
    "late router's route answers": late_route_answers,
    "late router's lifespan runs": late_lifespan_runs,
    "app.add_event_handler": add_event_handler_is_there,
    "dependency closes before the response": dependency_closes_first,
    "Starlette wanted": starlette_wanted,
}


async def answers() -> dict[str, Any]:
    found = {}
    for name, question in QUESTIONS.items():
        try:
            found[name] = await asyncio.wait_for(question(), 5)
        except TypeError:  # APIRouter took no lifespan= before 0.93.0
            found[name] = None
    return found


warnings.simplefilter("ignore")
print(json.dumps(asyncio.run(answers())))
