"""FromState: what the lifespan yielded reaches an endpoint by its name."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

import httpx
import pytest
from asgi_lifespan import LifespanManager
from fastapi import APIRouter, BackgroundTasks, Depends, FastAPI, WebSocket

from lifespan_course.websockets import ask_websocket
from lifespan_lab import running
from lifespan_lab.state import FromState, StateError

pytestmark = pytest.mark.anyio

Number = Annotated[int, FromState("number")]


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, Any]]:
    yield {"word": "yield", "number": 1}


@asynccontextmanager
async def empty_lifespan(app: FastAPI) -> AsyncIterator[None]:
    yield


async def double(number: Number) -> int:
    return number * 2


def sync_double(number: Number) -> int:
    return number * 2


router = APIRouter()


@router.get("/number")
async def read(number: Number) -> int:
    return number


@router.get("/sync")
def read_in_a_thread(number: Number) -> int:
    return number


@router.get("/double")
async def read_double(
    number: Annotated[int, Depends(double)],
    same: Annotated[int, Depends(sync_double)],
) -> list[int]:
    return [number, same]


@router.get("/wrong")
async def read_wrong(number: Annotated[int, FromState("nmuber")]) -> int:
    raise AssertionError("never reached")  # pragma: no cover


@router.websocket("/ws")
async def talk(websocket: WebSocket, number: Number) -> None:
    await websocket.accept()
    await websocket.send_json(number)
    await websocket.close()


@router.websocket("/ws/wrong")
async def talk_wrong(
    websocket: WebSocket, number: Annotated[int, FromState("nmuber")]
) -> None:
    raise AssertionError("never reached")  # pragma: no cover


def make_app(lifespan: Any = lifespan, prefix: str = "") -> FastAPI:
    app = FastAPI(lifespan=lifespan)
    app.include_router(router, prefix=prefix)
    return app


@pytest.mark.parametrize("path", ["/number", "/sync"])
async def test_http(path: str) -> None:
    """An HTTP endpoint gets the value, be it `async def` or `def`."""
    async with running(make_app()) as client:
        assert (await client.get(path)).json() == 1


async def test_dependency_of_a_dependency() -> None:
    """A dependency may ask for it, too."""
    async with running(make_app()) as client:
        assert (await client.get("/double")).json() == [2, 2]


async def test_websocket() -> None:
    """A WebSocket endpoint gets the value, and the error for a wrong name."""
    async with LifespanManager(make_app()) as manager:
        assert await ask_websocket(manager.app, "/ws") == "1"
        with pytest.raises(StateError, match=r"no 'nmuber'\. It has: 'number', 'word'"):
            await ask_websocket(manager.app, "/ws/wrong")


async def test_a_router_with_a_prefix() -> None:
    """An included router's endpoint gets the value."""
    async with running(make_app(prefix="/router")) as client:
        assert (await client.get("/router/number")).json() == 1


async def test_the_state_of_a_router() -> None:
    """What an included router's lifespan yields is found like the app's."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, int]]:
        yield {"number": 2}

    with_lifespan = APIRouter(lifespan=lifespan)
    with_lifespan.add_api_route("/router", read)
    app = make_app(empty_lifespan)
    app.include_router(with_lifespan)
    async with running(app) as client:
        assert (await client.get("/router")).json() == 2
        assert (await client.get("/number")).json() == 2


async def test_a_mounted_app() -> None:
    """In a mounted app, an endpoint gets what the outer app's lifespan yielded."""
    app = make_app()
    app.mount("/mounted", make_app(empty_lifespan))
    async with running(app) as client:
        assert (await client.get("/mounted/number")).json() == 1


async def test_the_lifespan_of_a_mounted_app() -> None:
    """It doesn't run by itself, and the error says so."""

    @asynccontextmanager
    async def outer(app: FastAPI) -> AsyncIterator[dict[str, int]]:
        yield {"outer": 1}

    app = FastAPI(lifespan=outer)
    app.mount("/mounted", make_app())
    async with running(app) as client:
        with pytest.raises(StateError, match=r"It has: 'outer'\..* a mounted app"):
            await client.get("/mounted/number")


async def test_a_background_task() -> None:
    """A background task is handed the value, and can use it after the response."""
    noted: list[int] = []
    app = make_app()

    @app.get("/later")
    async def later(number: Number, tasks: BackgroundTasks) -> None:
        tasks.add_task(noted.append, number)
        assert noted == []

    async with running(app) as client:
        assert (await client.get("/later")).status_code == 200
    assert noted == [1]


async def test_a_false_value() -> None:
    """None, zero and the like are values, and not missing."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, int]]:
        yield {"number": 0}

    async with running(make_app(lifespan)) as client:
        assert (await client.get("/number")).json() == 0


async def test_a_wrong_name() -> None:
    """The error says which names there are and what to do."""
    async with running(make_app()) as client:
        with pytest.raises(StateError) as caught:
            await client.get("/wrong")
    assert str(caught.value).startswith(
        "The lifespan state has no 'nmuber'. It has: 'number', 'word'. "
        "Yield {'nmuber': ...} from the lifespan, or correct the name."
    )


async def test_no_lifespan_ran() -> None:
    """Without a lifespan, the error says so and what to do."""
    transport = httpx.ASGITransport(make_app())
    async with httpx.AsyncClient(transport=transport, base_url="http://app") as client:
        with pytest.raises(StateError, match=r"no lifespan ran.* start the app first"):
            await client.get("/number")


@pytest.mark.parametrize("state", [{}, None])
async def test_an_empty_state(state: dict[str, Any] | None) -> None:
    """A server that ran no lifespan may hand out an empty state: the error is the same.

    uvicorn does so with `--lifespan off`, and TestClient without `with`.
    """

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await make_app()({**scope, "state": state}, receive, send)

    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://app"
    ) as client:
        with pytest.raises(StateError, match="no lifespan ran"):
            await client.get("/number")


async def test_a_lifespan_that_yields_nothing() -> None:
    """A state without any names is told apart from a wrong name."""
    async with running(make_app(empty_lifespan)) as client:
        with pytest.raises(StateError, match=r"take 'number' from.* yielded nothing"):
            await client.get("/number")


async def test_override() -> None:
    """A test replaces the value by the key of an equal FromState."""

    async def fake() -> int:
        return 7

    app = make_app()
    app.dependency_overrides[FromState("number").dependency] = fake
    async with running(app) as client:
        assert (await client.get("/number")).json() == 7
        assert (await client.get("/double")).json() == [14, 14]


async def test_names_of_other_types() -> None:
    """The error can name what isn't text, too."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[dict[Any, int]]:
        yield {"word": 1, 2: 2}

    async with running(make_app(lifespan)) as client:
        with pytest.raises(StateError, match="It has: 'word', 2"):
            await client.get("/number")
