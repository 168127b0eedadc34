"""A service that has something to do once, however many of it start."""

import sqlite3
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, closing

from fastapi import FastAPI


def do_once(name: str, work: Callable[[], None]) -> None:
    connection = sqlite3.connect("done.db", isolation_level=None)
    with closing(connection) as database, database:
        database.execute("BEGIN IMMEDIATE")  # the others wait here
        database.execute("CREATE TABLE IF NOT EXISTS done (name PRIMARY KEY)")
        found = database.execute("SELECT 1 FROM done WHERE name = ?", [name])
        if not found.fetchone():
            work()
            database.execute("INSERT INTO done VALUES (?)", [name])


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
    do_once("migrate", lambda: print("migrate"))
    print("startup")
    yield


app = FastAPI(lifespan=lifespan)
