"""Checks of the exercises of chapter 6, state and dependencies."""

import asyncio
import inspect
from collections.abc import Callable
from contextlib import suppress
from typing import Annotated, Any

import httpx
from fastapi import Depends, FastAPI
from fastapi.exceptions import FastAPIError

from lifespan_course.exercises.probes import expect_no_parameter_in_url
from lifespan_course.verdicts import async_verdict, expect
from lifespan_lab import running


class EndpointError(Exception):
    """Raised by the check's endpoint."""


async def _ask(client: httpx.AsyncClient) -> Any:
    """Ask in a task of its own, as a server does."""
    response = await asyncio.create_task(client.get("/"))
    return response.json()


async def _answers(app: FastAPI, number: int) -> list[object]:
    async with running(app) as client:
        return [await _ask(client) for _ in range(number)]


@async_verdict
async def count_visits(make_counter: Callable[[], FastAPI]) -> str:
    """Check a counter that belongs to one run of one app."""
    app, other = make_counter(), make_counter()
    first = await _answers(app, 3)
    expect(first != [1, 1, 1], "Each visit is the first one.")
    expect(first == [1, 2, 3], f"Three visits were answered with {first}.")
    again = await _answers(app, 1)
    expect(again == [1], f"After a restart the first visit is number {again[0]}.")
    async with running(app) as client, running(other) as elsewhere:
        await _ask(client)
        answer = await _ask(elsewhere)
    expect(answer == 1, "Two apps that run side by side count together.")
    return "One counter for each run of each app."


class Connection:
    """Writes down what is done with it. It may fail to commit."""

    def __init__(self, broken: bool) -> None:
        self.broken = broken
        self.done: list[str] = []

    def commit(self) -> None:
        """Note a commit."""
        self.done.append("commit")
        if self.broken:
            raise EndpointError

    def rollback(self) -> None:
        """Note a rollback."""
        self.done.append("rollback")

    def close(self) -> None:
        """Note that it was closed."""
        self.done.append("close")


@async_verdict
async def commit_or_roll_back(make_transaction: Callable[..., Any]) -> str:
    """Check a dependency that ends a transaction in the right way."""
    connections: list[Connection] = []
    broken = False

    def connect() -> Connection:
        connections.append(Connection(broken))
        return connections[-1]

    transaction = make_transaction(connect)
    expect(
        inspect.isasyncgenfunction(transaction),
        "Return the function itself: an async def with a yield, not called, and "
        "without @asynccontextmanager.",
    )
    expect(not connections, "The connection is opened before there is a request.")
    app = FastAPI()

    @app.get("/{word}")
    async def endpoint(
        word: str, connection: Annotated[Connection, Depends(transaction)]
    ) -> None:
        if connection is None:
            return
        connection.done.append("use")
        if word == "wrong":
            raise EndpointError

    async with running(app) as client:
        await client.get("/right")
        expect(connections, "No connection is opened for the request.")
        good = connections[-1].done
        expect("use" in good, "The endpoint gets None. Yield the connection.")
        expect("commit" in good, "When all went well, nothing is committed.")
        expect("close" in good, "When all went well, the connection stays open.")
        expect("rollback" not in good, f"When all went well: {', '.join(good)}.")
        expect(good == ["use", "commit", "close"], f"In order: {', '.join(good)}.")
        dropped = True
        try:
            await client.get("/wrong")
        except EndpointError:
            dropped = False
        except FastAPIError:
            pass  # FastAPI misses the answer that the endpoint didn't give
        expect(not dropped, "The endpoint's error is dropped. Raise it again.")
        expect(len(connections) == 2, "Two requests share one connection.")
        bad = connections[-1].done
        expect("commit" not in bad, "The endpoint raised, and yet it was committed.")
        expect("rollback" in bad, "The endpoint raised, and nothing is rolled back.")
        expect("close" in bad, "The endpoint raised, and the connection stays open.")
        expect(bad == ["use", "rollback", "close"], f"In order: {', '.join(bad)}.")
        broken = True
        with suppress(EndpointError):
            await client.get("/right")
        expect(
            "close" in connections[-1].done,
            "When the commit itself fails, the connection stays open.",
        )
    return "Committed or rolled back, and closed in any case."


@async_verdict
async def always_the_default(make_app: Callable[..., FastAPI]) -> str:
    """Check that every request finds what the lifespan found out."""
    calls: list[str] = []

    def find_language() -> str:
        calls.append("call")
        return ["en", "de", "fr", "it"][len(calls) - 1]

    app, other = make_app(find_language), make_app(find_language)
    expect(not calls, "find_language is called before the app is started.")
    async with running(app) as client, running(other) as elsewhere:
        expect(calls, "At the start nobody calls find_language.")
        expect(len(calls) == 2, "At the start find_language is called more than once.")
        answers = [await _ask(client), await _ask(elsewhere)]
    for answer in answers:
        expect_no_parameter_in_url(answer)
    expect(answers != ["unknown"] * 2, 'The answer is still "unknown".')
    expect(
        answers != ["de", "de"],
        "Two apps share one language: it is kept where the whole process sees it.",
    )
    expect(answers == ["en", "de"], f"Two apps answer {answers}.")
    expect(len(calls) == 2, "find_language is called more than once for a start.")
    return "The state crosses from the lifespan to the requests."
