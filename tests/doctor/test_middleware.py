"""--probe: which middleware keeps the lifespan to itself, asked without a startup."""

import asyncio
import sys
import time
from collections.abc import Callable
from typing import Any

import anyio
import pytest
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.routing import Router
from starlette.types import ASGIApp, Receive, Scope, Send

from lifespan_lab import running
from lifespan_lab.client import LifespanError
from lifespan_tools import diagnose
from lifespan_tools.doctor import Diagnosis, middleware
from tests.doctor.log import Log

pytestmark = pytest.mark.anyio


class Passing:
    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)


class OnlyHttp(Passing):
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self.app(scope, receive, send)


class Answering(Passing):
    """It starts and stops by itself, as some do that have a lifespan of their own."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            for phase in ("startup", "shutdown"):
                await receive()
                await send({"type": f"lifespan.{phase}.complete"})


class Raising(Passing):
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        raise LookupError(scope["type"])


class Hanging(Passing):
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await anyio.sleep_forever()


class Blocking(Passing):
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        time.sleep(0.2)  # noqa: ASYNC251 - that is the fault


class RaisingAfterwards(Passing):
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)
        await send({"type": "lifespan.startup.complete"})
        raise LookupError


class WantsTheApp(Passing):
    """It reads what Starlette puts into the scope before its middleware."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["app"].title
        assert scope["asgi"]["spec_version"]
        await self.app(scope, receive, send)


class Exiting(Passing):
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        sys.exit(3)


class ExitingInATask(Passing):
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.create_task(self.exit())

    async def exit(self) -> None:
        sys.exit(3)


class Inheriting(BaseHTTPMiddleware):
    """Its `__call__` is Starlette's, which passes on all that isn't HTTP."""


def function(app: ASGIApp) -> ASGIApp:
    return OnlyHttp(app)


class Picky(Starlette):
    """An app that overrides its own `__call__`."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await super().__call__(scope, receive, send)


def app_with(log: Log, *kinds: Any) -> FastAPI:
    app = FastAPI(lifespan=log.lifespan("database"))
    for kind in kinds:
        app.add_middleware(kind)
    return app


def notes_of(diagnosis: Diagnosis) -> list[str]:
    """Those that speak of the lifespan's way to the app."""
    return [note for note in diagnosis.notes if "router. What is said" in note]


@pytest.mark.parametrize(
    "make",
    [
        lambda log: app_with(log, OnlyHttp),
        lambda log: app_with(log, Passing, OnlyHttp, CORSMiddleware),
        lambda log: OnlyHttp(app_with(log)),
        lambda log: Passing(OnlyHttp(app_with(log))),
        lambda log: app_with(log, function),
        lambda log: Router(
            lifespan=log.lifespan("database"),
            middleware=[Middleware(Passing), Middleware(OnlyHttp)],
        ),
        lambda log: Picky(lifespan=log.lifespan("database")),
    ],
)
async def test_swallowed(make: Callable[[Log], Any]) -> None:
    """A middleware that swallows the lifespan is found, and nothing runs for real."""
    log = Log()
    app = make(log)
    diagnosis = diagnose(app, probe=True)
    assert [finding.code for finding in diagnosis.findings] == ["swallowed"]
    assert (diagnosis.passed_on, diagnosis.starts) == (False, False)
    assert diagnosis.exit_code == 1
    [place] = diagnosis.findings[0].where
    assert place.name in ("OnlyHttp", "Picky", "function")
    assert place.file == __file__
    with pytest.raises(LifespanError):
        async with running(app):
            pass
    assert log.startup == []


def test_swallowed_comes_first() -> None:
    """It comes before all other findings, and what runs is told with an "if"."""
    app = app_with(Log(), OnlyHttp)
    Log().add(app.router, "connect")
    diagnosis = diagnose(app, probe=True)
    found = [finding.code for finding in diagnosis.findings]
    assert found == ["swallowed", "handlers-dropped"]
    assert "At startup, if the lifespan came through, in this" in str(diagnosis)


@pytest.mark.parametrize(
    "make",
    [
        lambda log: app_with(log, GZipMiddleware, CORSMiddleware, Passing),
        lambda log: Passing(app_with(log)),
        lambda log: app_with(log, WantsTheApp, Inheriting),
        lambda log: app_with(log, RaisingAfterwards),
        lambda log: app_with(log).router,
    ],
)
async def test_passed_on(make: Callable[[Log], Any]) -> None:
    """Middleware that passes the lifespan on gives no finding, and nothing is run."""
    log = Log()
    app = make(log)
    diagnosis = diagnose(app, probe=True)
    assert (diagnosis.findings, diagnosis.unknown) == ((), ())
    assert notes_of(diagnosis) == []
    assert (diagnosis.passed_on, diagnosis.starts) == (True, True)
    assert (log.startup, log.shutdown) == ([], [])


async def test_the_app_stays_as_it_was() -> None:
    """After the probe the app still runs its lifespan, with its middleware."""
    log = Log()
    app = app_with(log, Passing)
    router, user_middleware = app.router, list(app.user_middleware)
    diagnose(app, probe=True)
    assert (app.router, app.user_middleware) == (router, user_middleware)
    assert app.middleware_stack is None
    async with running(app):
        assert log.startup == ["database"]


async def test_an_app_that_has_run() -> None:
    """The probe doesn't start an app that has run before, and finds the same."""
    log = Log()
    app = app_with(log, Passing)
    async with running(app):
        pass
    diagnosis = diagnose(app, probe=True)
    assert (diagnosis.findings, diagnosis.unknown) == ((), ())
    assert log.startup == ["database"]


@pytest.mark.parametrize("kind", [OnlyHttp, Passing, function])
def test_without_the_probe_nothing_is_asked(kind: Any) -> None:
    """Without --probe it isn't said that the app starts, but how to learn that."""
    app = app_with(Log(), kind)
    diagnosis = diagnose(app)
    assert (diagnosis.passed_on, diagnosis.starts) == (None, None)
    assert (diagnosis.findings, diagnosis.exit_code) == ((), 0)
    [note] = notes_of(diagnosis)
    assert f"{kind.__name__} stands before" in note
    assert "--probe tells" in note
    assert "At startup, if the lifespan comes through, in" in str(diagnosis)


def test_an_app_that_overrides_call() -> None:
    """An app with its own `__call__` may swallow the lifespan as a middleware may."""
    app = Picky(lifespan=Log().lifespan("database"))
    app.add_middleware(Passing)
    [note] = notes_of(diagnose(app))
    assert note.startswith("Picky and Passing stand before the app's router.")


def test_middleware_of_the_framework() -> None:
    """Starlette's own middleware passes the lifespan on: that needs no note."""
    diagnosis = diagnose(app_with(Log(), GZipMiddleware, Inheriting))
    assert (diagnosis.passed_on, notes_of(diagnosis)) == (True, [])


@pytest.mark.parametrize(
    ("kind", "doubt"),
    [
        (Answering, "answers the lifespan itself"),
        (Raising, "raised LookupError('lifespan')"),
        (Exiting, "raised SystemExit(3)"),
        (ExitingInATask, "raised SystemExit(3)"),
        (Blocking, "did nothing for 0.05 s"),
        (Hanging, "did nothing for 0.05 s"),
    ],
)
async def test_unclear(kind: type, doubt: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What can't be told is said to be unknown, and no finding."""
    monkeypatch.setattr(middleware, "LIMIT", 0.05)
    monkeypatch.setattr(middleware, "GRACE", 0.1 if kind is Blocking else 5)
    diagnosis = diagnose(app_with(Log(), kind), probe=True)
    assert diagnosis.findings == ()
    assert doubt in diagnosis.unknown[0]
    assert kind.__name__ in diagnosis.unknown[0]
    assert diagnosis.exit_code == 2
    assert (diagnosis.passed_on, diagnosis.starts) == (None, None)
    assert "At startup, if the lifespan comes through, in" in str(diagnosis)


@pytest.mark.parametrize("probe", [False, True])
async def test_a_middleware_that_cannot_be_made(probe: bool) -> None:
    """A middleware whose arguments are wrong is a finding; nothing runs for real."""
    log = Log()
    app = app_with(log)
    app.add_middleware(OnlyHttp, unknown=True)  # type: ignore[call-arg]
    diagnosis = diagnose(app, probe=probe)
    [finding] = diagnosis.findings
    assert finding.code == "not-a-middleware"
    assert notes_of(diagnosis) == []
    assert "OnlyHttp can't be made: got an unexpected" in finding.message
    assert (diagnosis.passed_on, diagnosis.starts) == (False, False)
    async with running(app) as client:
        with pytest.raises(TypeError, match="unknown"):
            await client.get("/")
    assert log.startup == []


def test_a_middleware_without_a_signature() -> None:
    """A middleware that doesn't tell its arguments isn't called a fault."""
    app = app_with(Log())
    app.add_middleware(type)  # type: ignore[arg-type]
    assert diagnose(app).findings == ()
