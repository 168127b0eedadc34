"""Fixtures for pytest-asyncio.

Beside it: a copy of `client.py`. All fixtures run in the loop of the session: that is
what lets an app live as long. A test that uses them has to run there, too:
`@pytest.mark.asyncio(loop_scope="session")`.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import httpx
import pytest
import pytest_asyncio
from client import running
from service import Words, make_app
from starlette.testclient import TestClient


@pytest_asyncio.fixture(loop_scope="session")
async def client() -> AsyncIterator[httpx.AsyncClient]:
    """A client of an app that is started and stopped for this test."""
    async with running(make_app()) as client:
        yield client


@pytest_asyncio.fixture(loop_scope="session", scope="session")
async def shared_client() -> AsyncIterator[httpx.AsyncClient]:
    """A client of an app that is started once, for what takes long to start."""
    async with running(make_app()) as client:
        yield client


@asynccontextmanager
async def open_known_words() -> AsyncIterator[Words]:
    """Open a resource that stands for the real one."""
    yield {"context": 41}


@pytest_asyncio.fixture(loop_scope="session")
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
