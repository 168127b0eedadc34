"""Tests that use each fixture of conftest.py."""

import asyncio

import httpx
import pytest
from starlette.testclient import TestClient

in_the_sessions_loop = pytest.mark.asyncio(loop_scope="session")


@in_the_sessions_loop
@pytest.mark.parametrize("time", ["first", "second"])
async def test_each_test_has_an_app_of_its_own(
    client: httpx.AsyncClient, time: str
) -> None:
    assert (await client.get("/count/context")).json() == 1


@in_the_sessions_loop
@pytest.mark.parametrize("counted", [{1, 2}, {3, 4}])
async def test_all_tests_share_an_app(
    shared_client: httpx.AsyncClient, counted: set[int]
) -> None:
    answers = await asyncio.gather(
        shared_client.get("/count/context"), shared_client.get("/count/context")
    )
    assert {answer.json() for answer in answers} == counted


@in_the_sessions_loop
async def test_the_resource_is_replaced(client_with_words: httpx.AsyncClient) -> None:
    assert (await client_with_words.get("/count/context")).json() == 42


@pytest.mark.parametrize("time", ["first", "second"])
def test_without_async(sync_client: TestClient, time: str) -> None:
    assert sync_client.get("/count/context").json() == 1


@pytest.mark.parametrize("counted", [1, 2])
def test_without_async_shared(shared_sync_client: TestClient, counted: int) -> None:
    assert shared_sync_client.get("/count/context").json() == counted
