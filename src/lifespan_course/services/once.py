"""A service that has something to do once, however many of it start."""

import sqlite3
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, closing

from fastapi import FastAPI

Work = Callable[[sqlite3.Connection], None]
PATIENCE = 600  # seconds to wait for the others; sqlite3 by itself gives up after 5


def do_once(path: str, name: str, work: Work) -> None:
    database = sqlite3.connect(path, timeout=PATIENCE, isolation_level=None)
    with closing(database):
        database.execute("BEGIN IMMEDIATE")  # the others wait here
        with database:  # it ends with COMMIT, or with ROLLBACK after an error
            database.execute("CREATE TABLE IF NOT EXISTS done (name PRIMARY KEY)")
            found = database.execute("SELECT 1 FROM done WHERE name = ?", [name])
            if not found.fetchone():
                work(database)
                database.execute("INSERT INTO done VALUES (?)", [name])


def migrate(database: sqlite3.Connection) -> None:
    database.execute("CREATE TABLE words (word)")
    print("migrate")


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
    do_once("service.db", "words", migrate)
    print("startup")
    yield


app = FastAPI(lifespan=lifespan)
