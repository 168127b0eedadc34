"""The cast: four real resources that open, work and close."""

import sqlite3
from collections import Counter
from pathlib import Path

import anyio
import anyio.lowlevel
import pytest

from lifespan_course.cast import (
    Database,
    Model,
    keep_writing,
    load_model,
    open_database,
    open_dictionary,
    open_model,
    read_counts,
    start_worker,
    write_counts,
)


@pytest.fixture(scope="module")
def model() -> Model:
    return load_model()


@pytest.mark.parametrize(
    ("slip", "meant"),
    [
        ("contxt", "context"),
        ("genrator", "generator"),
        ("yeild", "yield"),
        ("improrts", "imports"),
        ("asinc", "async"),
        ("yield", "yield"),
        ("zzzzzz", "zzzzzz"),
    ],
)
def test_one_slip_is_corrected(model: Model, slip: str, meant: str) -> None:
    """A letter missing, too many, wrong or swapped is found; the rest stays."""
    assert model.correct(slip) == meant


def test_the_more_used_word_wins() -> None:
    """Among several near words, the one that was counted most often is meant."""
    assert Model({"cat": 1, "car": 2, "cap": 1}).correct("caz") == "car"


def test_equal_counts_are_decided_by_the_alphabet() -> None:
    """The answer doesn't depend on the order of a set."""
    assert Model({"cat": 1, "car": 1}).correct("caz") == "car"


def test_a_released_model_says_so() -> None:
    """After its block the model refuses to answer."""
    with open_model() as model:
        assert model.correct("asnyc") == "async"
    with pytest.raises(RuntimeError, match="released"):
        model.correct("asnyc")


def test_the_words_that_ship() -> None:
    """The file holds lower-case words and how often each was counted."""
    counts = read_counts()
    assert len(counts) > 5000
    assert all(word.isalpha() and word.islower() for word in counts)
    assert min(counts.values()) > 0
    assert list(counts) == sorted(counts)


def test_the_database_remembers(tmp_path: Path) -> None:
    """What was added is there when the file is opened again."""
    with open_database(tmp_path / "asked.db") as database:
        database.add("yield")
        database.add("yield", 2)
    with open_database(tmp_path / "asked.db") as database:
        assert database.times("yield") == 3
        assert database.times("never") == 0


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    """What fails after the opening closes the file."""
    path = tmp_path / "asked.db"
    path.write_text("no database" * 100)
    with pytest.raises(sqlite3.DatabaseError), open_database(path):
        raise AssertionError("the block was entered")


def test_a_closed_database_says_so(tmp_path: Path) -> None:
    """After its block the database refuses to work, also when the block raised."""
    with pytest.raises(KeyError), open_database(tmp_path / "asked.db") as database:
        raise KeyError
    with pytest.raises(sqlite3.ProgrammingError):
        database.add("yield")


def test_write_counts_moves_everything(tmp_path: Path) -> None:
    """The counts are in the database afterwards, and no longer in memory."""
    counts = Counter({"yield": 2, "context": 1})
    with open_database(tmp_path / "asked.db") as database:
        write_counts(counts, database)
        assert (database.times("yield"), database.times("context")) == (2, 1)
    assert not counts


@pytest.mark.anyio
async def test_the_dictionary_answers() -> None:
    """A known word has a meaning, an unknown one is a 404."""
    async with open_dictionary() as client:
        assert "pauses" in (await client.get("/words/yield")).json()["meaning"]
        assert (await client.get("/words/xyz")).status_code == 404
    assert client.is_closed


@pytest.mark.anyio
async def test_the_worker_writes_at_its_end(tmp_path: Path) -> None:
    """What is still in memory when the worker is stopped is written."""
    counts: Counter[str] = Counter()
    with open_database(tmp_path / "asked.db") as database:
        async with start_worker(counts, database):
            await anyio.lowlevel.checkpoint()  # the worker is in its pause by now
            counts["yield"] += 1
        assert database.times("yield") == 1


@pytest.mark.anyio
async def test_the_worker_writes_although_the_body_never_awaits(tmp_path: Path) -> None:
    """A worker that had no turn inside the block writes all the same."""
    with open_database(tmp_path / "asked.db") as database:
        async with start_worker(Counter({"yield": 1}), database):
            pass
        assert database.times("yield") == 1


@pytest.mark.anyio
async def test_the_worker_writes_every_so_often(tmp_path: Path) -> None:
    """The worker doesn't wait for the end to write."""
    written = anyio.Event()

    class Announcing(Database):
        def add(self, word: str, times: int = 1) -> None:
            super().add(word, times)
            written.set()

    database = Announcing(tmp_path / "asked.db")
    database.create_table()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(keep_writing, Counter({"yield": 1}), database, 0.001)
        with anyio.fail_after(5):
            await written.wait()
        tasks.cancel_scope.cancel()
    assert database.times("yield") == 1
    database.close()


def test_database_takes_a_path(tmp_path: Path) -> None:
    """A path that can't be a file is refused at once."""
    with pytest.raises(sqlite3.OperationalError):
        Database(tmp_path)
