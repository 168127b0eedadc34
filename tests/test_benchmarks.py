"""The benchmarks run, and their tables say what was measured. No time is judged."""

import gc
import re
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import anyio
import pytest

from tests.benchmarks import __main__, measure, tables
from tests.benchmarks.candidates import GROUPS
from tests.benchmarks.measure import Call, Candidate, Comparison, Row

ROWS = [Row("by hand", 1, 1, 1, 9.96), Row("combine | ours", 1.254, 1.2, 1.3, 1234.5)]


@pytest.mark.pinned  # anyio 4.6 leaves streams of TestClient open
# A benchmark collects garbage first, which may be that of any test before it.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("options", [[], ["--cpu"]], ids=str)
def test_a_tiny_round(options: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """All that is measured runs; each group is a table, each comparison a row."""
    __main__.main(["--rounds", "2", "--seconds", "0", *options])
    *printed, rest = capsys.readouterr().out.split("\n\n")
    assert rest == ""
    assert len(printed) == len(GROUPS) == 3
    for table, (title, comparisons) in zip(printed, GROUPS.items(), strict=True):
        head, *lines = table.splitlines()
        assert re.split(r"  +", head) == [title, "ratio", "middle half", "µs"]
        rows = [re.split(r"  +", line) for line in lines]
        assert [row[0] for row in rows] == [each.label for each in comparisons]
        for _, ratio, spread, microseconds in rows:
            low, high = spread.split(" to ")
            assert 0 < float(low) <= float(ratio) <= float(high)
            assert float(microseconds.replace(",", "")) > 0


def test_what_is_compared() -> None:
    """The groups compare what the README speaks of, under names of their own."""
    labels = [each.label for comparisons in GROUPS.values() for each in comparisons]
    for name in (
        "raw ASGI, no client",
        "asgi-lifespan and httpx",
        "running, httpx",
        "running, httpx2",
        "TestClient",
        "serving, httpx",
        "the Timeline alone: on against off",
    ):
        assert labels.count(name) == 2
    assert labels[-6:] == [
        "combine of 1 against by hand",
        "combine of 10 against by hand",
        "combine of 100 against by hand",
        "combine of 1,000 against by hand",
        "by hand of 1,000 against by hand of 100",
        "combine of 1,000 against combine of 100",
    ]


def test_plain_table() -> None:
    """In a terminal the columns are aligned, and the ratio comes first."""
    assert tables.plain("Lifespans", ROWS).splitlines() == [
        "Lifespans       ratio   middle half     µs",
        "by hand          1.00  1.00 to 1.00   10.0",
        "combine | ours   1.25  1.20 to 1.30  1,234",
    ]


def test_markdown_table() -> None:
    """For the README the same cells, the numbers aligned to the right."""
    assert tables.markdown("Lifespans", ROWS[:1]).splitlines() == [
        "| Lifespans | ratio | middle half | µs |",
        "| --- | ---: | ---: | ---: |",
        "| by hand | 1.00 | 1.00 to 1.00 | 10.0 |",
    ]


class Clock:
    """A clock that goes forward when someone works, and counts who did."""

    def __init__(self) -> None:
        self.now = 0.0
        self.log: list[str] = []

    def __call__(self) -> float:
        return self.now

    @asynccontextmanager
    async def worker(self, name: str, *seconds: float) -> AsyncIterator[Call]:
        async def work() -> None:
            self.now += seconds[self.log.count(name) % len(seconds)]
            self.log.append(name)

        yield work
        self.log.append(f"{name} closed")


@pytest.fixture
def clock() -> Clock:
    return Clock()


def candidate(clock: Clock, name: str, *seconds: float, parts: int = 1) -> Candidate:
    return Candidate(name, partial(clock.worker, name, *seconds), parts)


def test_ratios(clock: Clock) -> None:
    """A row has the ratio of two times, and the time of a part in microseconds."""
    one = candidate(clock, "one", 0.001)
    three = candidate(clock, "three", 0.006, parts=2)
    run = partial(measure.measure, rounds=2, seconds=0.02, clock=clock)
    [row] = anyio.run(run, [Comparison("three to one", three, one)])
    assert row.label == "three to one"
    assert [row.ratio, row.low, row.high] == pytest.approx([3, 3, 3])
    assert row.microseconds == pytest.approx(3000)


def test_median_and_middle_half(clock: Clock) -> None:
    """The median of the rounds counts, and half of them lie in the spread."""
    reference = candidate(clock, "reference", 1)
    # The first call is the warm-up.
    drifting = candidate(clock, "drifting", 7, 1, 2, 3, 4, 100)
    run = partial(measure.measure, rounds=5, seconds=0, clock=clock)
    [row] = anyio.run(run, [Comparison("", drifting, reference)])
    assert (row.low, row.ratio, row.high) == pytest.approx((2, 3, 4))


def test_rounds_are_interleaved(clock: Clock) -> None:
    """In each round every candidate has one pass, and the order differs by round."""
    candidates = [candidate(clock, name, 1) for name in "abc"]
    comparisons = [Comparison("", each, candidates[0]) for each in candidates]
    run = partial(measure.measure, rounds=20, seconds=0, clock=clock)
    rows = anyio.run(run, comparisons)
    assert len(rows) == 3
    passes, closed = clock.log[3:-3], clock.log[-3:]
    assert clock.log[:3] == ["a", "b", "c"]
    assert closed == ["c closed", "b closed", "a closed"]
    rounds = [passes[i : i + 3] for i in range(0, len(passes), 3)]
    assert len(rounds) == 20
    assert all(sorted(each) == ["a", "b", "c"] for each in rounds)
    assert len({*map(tuple, rounds)}) > 1


def test_a_pass_takes_as_long_as_asked(clock: Clock) -> None:
    """Quick calls are repeated more often than slow ones; one too slow is made once."""
    calls = {"quick": 0.001, "slow": 0.004, "too slow": 1.0}
    candidates = [candidate(clock, *each) for each in calls.items()]
    comparisons = [Comparison("", each, candidates[0]) for each in candidates]
    counts: list[Counter[str]] = []
    for rounds in 2, 3:
        clock.log.clear()
        run = partial(measure.measure, rounds=rounds, seconds=0.02, clock=clock)
        anyio.run(run, comparisons)
        counts.append(Counter(clock.log))
    assert counts[1] - counts[0] == {"quick": 20, "slow": 5, "too slow": 1}


def test_garbage_is_collected_between_passes(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each pass begins without garbage, and nothing stays frozen."""
    collect = gc.collect
    monkeypatch.setattr(gc, "collect", lambda: clock.log.append("gc") or collect())
    one, two = candidate(clock, "one", 1), candidate(clock, "two", 1)
    run = partial(measure.measure, rounds=3, seconds=0, clock=clock)
    anyio.run(run, [Comparison("", one, two)])
    passes = clock.log[3:-2]
    assert passes[::2] == ["gc"] * 6
    assert sorted(passes[1::2]) == ["one"] * 3 + ["two"] * 3
    assert gc.get_freeze_count() == 0
