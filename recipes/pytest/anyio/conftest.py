"""Fixtures for anyio's plugin of pytest, which is there wherever Starlette is.

Beside it: a copy of `client.py`. An async test or fixture is run by the plugin if the
test has the mark `anyio`; a plain `def` test needs no mark.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import httpx
import pytest
from client import running
from service import Words, make_app
from starlette.testclient import TestClient


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Run on asyncio alone, and in one loop for the session.

    A fixture that lasts for the session needs a loop that does.
    """
    return "asyncio"


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    """A client of an app that is started and stopped for this test."""
    async with running(make_app()) as client:
        yield client


@pytest.fixture(scope="session")
async def shared_client() -> AsyncIterator[httpx.AsyncClient]:
    """A client of an app that is started once, for what takes long to start."""
    async with running(make_app()) as client:
        yield client


@asynccontextmanager
async def open_known_words() -> AsyncIterator[Words]:
    """Open a resource that stands for the real one."""
    yield {"context": 41}


@pytest.fixture
async def client_with_words() -> AsyncIterator[httpx.AsyncClient]:
    """A client of an app whose resource is replaced."""
    async with running(make_app(open_known_words)) as client:
        yield client


@pytest.fixture
def sync_client() -> Iterator[TestClient]:
    """A client for tests without `async`; the `with` is what runs the lifespan."""
    with TestClient(make_app()) as client:
        yield client


@pytest.fixture(scope="session")
def shared_sync_client() -> Iterator[TestClient]:
    """The same, of an app that is started once."""
    with TestClient(make_app()) as client:
        yield client
