"""The cast: four resources of a spelling service for Python words.

Each one opens, works, can fail and must be closed, and each does so in its own way:
the model is slow to load, the database is a file, the dictionary is another service
that is asked over HTTP, and the worker is a task that runs beside the requests.
The chapters build each part in front of the reader; a test holds the two together.
"""

import sqlite3
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import anyio
import httpx
from fastapi import FastAPI, HTTPException

WORDS = Path(__file__).with_name("words.txt")


def shorter_forms(word: str) -> set[str]:
    """Return the word itself and the word with each one of its letters left out."""
    return {word} | {word[:i] + word[i + 1 :] for i in range(len(word))}


class Model:
    """Knows how often each word is used and finds the one that was meant.

    Args:
        counts: how often each known word was seen.
    """

    def __init__(self, counts: Mapping[str, int]) -> None:
        self.counts = counts
        self.near: dict[str, set[str]] = defaultdict(set)
        for word in counts:
            for form in shorter_forms(word):
                self.near[form].add(word)

    def correct(self, word: str) -> str:
        """Return the most used known word near to ``word``, or ``word`` itself."""
        if not self.near:
            raise RuntimeError("the model was released")
        if word in self.counts:
            return word
        near = {w for form in shorter_forms(word) for w in self.near.get(form, ())}
        return max(sorted(near), key=self.counts.__getitem__, default=word)

    def release(self) -> None:
        """Empty the model. It can't be asked afterwards."""
        self.near.clear()


def read_counts(path: Path = WORDS) -> dict[str, int]:
    """Read a file of ``word count`` lines."""
    with open(path, encoding="utf-8") as lines:
        return {word: int(count) for word, count in map(str.split, lines)}


def load_model() -> Model:
    """Load the model: slow, since it prepares every answer beforehand."""
    return Model(read_counts())


@contextmanager
def open_model() -> Iterator[Model]:
    """Load the model and release it at the end."""
    model = load_model()
    try:
        yield model
    finally:
        model.release()


class Database:
    """Remembers in an SQLite file how often each word was asked for.

    Args:
        path: the file, created where it is missing.
    """

    def __init__(self, path: Path) -> None:
        self.connection = sqlite3.connect(path, check_same_thread=False)

    def create_table(self) -> None:
        """Create the table where it is missing."""
        self.connection.execute(
            "CREATE TABLE IF NOT EXISTS asked (word TEXT PRIMARY KEY, times INTEGER)"
        )

    def add(self, word: str, times: int = 1) -> None:
        """Note that a word was asked for, once or more often."""
        with self.connection:
            self.connection.execute(
                "INSERT INTO asked VALUES (?, ?) "
                "ON CONFLICT (word) DO UPDATE SET times = times + excluded.times",
                (word, times),
            )

    def times(self, word: str) -> int:
        """Return how often a word was asked for."""
        query = "SELECT times FROM asked WHERE word = ?"
        row = self.connection.execute(query, (word,)).fetchone()
        return row[0] if row else 0

    def close(self) -> None:
        """Close the file. Any later use raises sqlite3.ProgrammingError."""
        self.connection.close()


@contextmanager
def open_database(path: Path) -> Iterator[Database]:
    """Open the database and close it at the end."""
    database = Database(path)
    try:
        database.create_table()
        yield database
    finally:
        database.close()


MEANINGS = {
    "context": "what surrounds a block of code: entered before it, left after it",
    "generator": "a function that pauses at each yield and goes on later",
    "yield": "hands a value out and pauses until the caller goes on",
}

dictionary_app = FastAPI()


@dictionary_app.get("/words/{word}")
async def meaning(word: str) -> dict[str, str]:
    """Answer what a word means, or 404."""
    if word not in MEANINGS:
        raise HTTPException(404, f"no meaning known for {word}")
    return {"word": word, "meaning": MEANINGS[word]}


@asynccontextmanager
async def open_dictionary() -> AsyncIterator[httpx.AsyncClient]:
    """Open a client of the dictionary service, which runs in this process."""
    transport = httpx.ASGITransport(dictionary_app)
    async with httpx.AsyncClient(
        transport=transport, base_url="http://dictionary"
    ) as client:
        yield client


def write_counts(counts: Counter[str], database: Database) -> None:
    """Move all counts from memory into the database."""
    while counts:
        word, times = counts.popitem()
        database.add(word, times)


async def keep_writing(
    counts: Counter[str], database: Database, pause: float = 1.0
) -> None:
    """Write the counts every ``pause`` seconds, and once more when cancelled."""
    try:
        while True:
            await anyio.sleep(pause)
            write_counts(counts, database)
    finally:
        write_counts(counts, database)


@asynccontextmanager
async def start_worker(counts: Counter[str], database: Database) -> AsyncIterator[None]:
    """Run ``keep_writing`` beside the body, and stop it at the end."""
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(keep_writing, counts, database)
        try:
            yield
        finally:
            tasks.cancel_scope.cancel()
