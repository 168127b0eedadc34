"""What is measured: a request, a start and stop, a Timeline, and `combine`."""

import re
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from functools import cache, partial
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
from asgi_lifespan import LifespanManager
from fastapi import FastAPI, Request
from starlette.testclient import TestClient
from starlette.types import ASGIApp, Message

import lifespan_lab.client
from lifespan_lab import Timeline, combine, running, serving
from tests.benchmarks.measure import Call, Candidate, Comparison

URL = "http://testserver"
PATH = "/correct/contxt"
Run = Callable[[ASGIApp], AbstractAsyncContextManager[Any]]
Lifespan = Callable[[Any], AbstractAsyncContextManager[Any]]


# The app: one resource, and an endpoint that uses it


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, Any]]:
    yield {"words": {"contxt": "context"}}


app = FastAPI(lifespan=lifespan)


@app.get("/correct/{word}")
async def correct(word: str, request: Request) -> str:
    corrected: str = request.state.words[word]
    return corrected


# Ways to run it


@cache
def running_with_httpx2() -> Any:
    """`running` from the snippet, with its import changed as its comment says."""
    text = Path(lifespan_lab.client.__file__).read_text(encoding="utf-8")
    text, changed = re.subn(
        r"^import httpx  # for its fork: (import httpx2 .+)$", r"\1", text, flags=re.M
    )
    assert changed == 1
    module = ModuleType("client_with_httpx2")
    exec(compile(text, "client_with_httpx2.py", "exec"), module.__dict__)
    return module.running


@asynccontextmanager
async def with_asgi_lifespan(app: ASGIApp) -> AsyncIterator[httpx.AsyncClient]:
    async with LifespanManager(app) as manager:
        transport = httpx.ASGITransport(manager.app)
        async with httpx.AsyncClient(transport=transport, base_url=URL) as client:
            yield client


@asynccontextmanager
async def over_the_network(app: ASGIApp) -> AsyncIterator[httpx.AsyncClient]:
    async with serving(app) as url, httpx.AsyncClient(base_url=url) as client:
        yield client


@asynccontextmanager
async def in_another_thread(app: ASGIApp) -> AsyncIterator[TestClient]:
    with TestClient(app) as client:
        yield client


@asynccontextmanager
async def with_a_timeline(app: ASGIApp) -> AsyncIterator[httpx.AsyncClient]:
    async with running(Timeline(app)) as client:
        yield client


WAYS: dict[str, Run] = {
    "asgi-lifespan and httpx": with_asgi_lifespan,
    "running, httpx": running,
    "running, httpx2": lambda app: running_with_httpx2()(app),
    "running, httpx, Timeline": with_a_timeline,
    "TestClient": in_another_thread,
    "serving, httpx": over_the_network,
}


# A request


@asynccontextmanager
async def request_through(run: Run) -> AsyncIterator[Call]:
    async with run(app) as client:

        async def ask() -> None:
            answer = client.get(PATH)
            if not isinstance(client, TestClient):
                answer = await answer
            assert answer.status_code == 200

        yield ask


@asynccontextmanager
async def raw_request() -> AsyncIterator[Call]:
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": PATH,
        "raw_path": PATH.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(b"host", b"testserver")],
        "client": ("127.0.0.1", 123),
        "server": ("testserver", 80),
    }

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        assert message.get("status", 200) == 200

    async with lifespan(app) as state:

        async def ask() -> None:
            await app({**scope, "state": state.copy()}, receive, send)

        yield ask


# A start and a stop


@asynccontextmanager
async def cycle_of(run: Run) -> AsyncIterator[Call]:
    async def start_and_stop() -> None:
        async with run(app):
            pass

    yield start_and_stop


@asynccontextmanager
async def raw_cycle() -> AsyncIterator[Call]:
    async def send(message: Message) -> None:
        assert message["type"].endswith(".complete")

    async def start_and_stop() -> None:
        messages = iter([{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}])

        async def receive() -> Message:
            return next(messages)

        await app({"type": "lifespan", "state": {}}, receive, send)

    yield start_and_stop


# Many lifespans as one


def member(number: int) -> Lifespan:
    @asynccontextmanager
    async def lifespan(app: object) -> AsyncIterator[dict[str, int]]:
        yield {f"resource {number}": number}

    return lifespan


def by_hand(*lifespans: Lifespan) -> Lifespan:
    """What one would write without `combine`."""

    @asynccontextmanager
    async def lifespan(app: object) -> AsyncIterator[dict[str, int]]:
        state: dict[str, int] = {}
        async with AsyncExitStack() as stack:
            for each in lifespans:
                state.update(await stack.enter_async_context(each(app)))
            yield state

    return lifespan


@asynccontextmanager
async def combined(join: Callable[..., Lifespan], members: int) -> AsyncIterator[Call]:
    joined = join(*map(member, range(members)))

    async def start_and_stop() -> None:
        async with joined(app) as state:
            assert len(state) == members

    yield start_and_stop


# What is compared with what


def against(reference: Candidate, *candidates: Candidate) -> list[Comparison]:
    return [Comparison(each.name, each, reference) for each in (reference, *candidates)]


def ways(
    raw: Callable[[], AbstractAsyncContextManager[Call]],
    through: Callable[[Run], AbstractAsyncContextManager[Call]],
) -> list[Comparison]:
    """Each way to run the app against asgi-lifespan, and the Timeline against none."""
    made = {name: Candidate(name, partial(through, run)) for name, run in WAYS.items()}
    reference, *others = made.values()
    on, off = made["running, httpx, Timeline"], made["running, httpx"]
    return [
        *against(reference, Candidate("raw ASGI, no client", raw), *others),
        Comparison("the Timeline alone: on against off", on, off),
    ]


def joins(*sizes: int) -> list[Comparison]:
    """`combine` against the hand-written stack, and many members against few."""
    comparisons, made = [], list[tuple[Candidate, Candidate]]()
    for size in sizes:
        hand, ours = (
            Candidate(f"{name} of {size:,}", partial(combined, join, size), parts=size)
            for name, join in (("by hand", by_hand), ("combine", combine))
        )
        made.append((hand, ours))
        comparisons.append(Comparison(f"{ours.name} against by hand", ours, hand))
    growth = [
        Comparison(f"{many.name} against {few.name}", many, few)
        for few, many in zip(*made[-2:], strict=True)
    ]
    return [*comparisons, *growth]


GROUPS: dict[str, list[Comparison]] = {
    "A request": ways(raw_request, request_through),
    "A start and a stop": ways(raw_cycle, cycle_of),
    "A lifespan among many": joins(1, 10, 100, 1000),
}
