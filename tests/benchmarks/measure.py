"""Measure candidates side by side: ratios that hold when the machine's speed doesn't.

A pass repeats a candidate's call for some milliseconds. A round has one pass of each
candidate, in an order of its own, and gives one ratio for each comparison: both sides
were measured within the same fraction of a second. The median of the rounds counts.
"""

import gc
import random
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass
from statistics import median, quantiles
from time import perf_counter

Call = Callable[[], Awaitable[object]]
Clock = Callable[[], float]


@dataclass(frozen=True)
class Candidate:
    """Something that costs time.

    name: what the table calls it.
    open: makes a context manager that gives the call that is timed.
    parts: by how many the time of a call is divided.
    """

    name: str
    open: Callable[[], AbstractAsyncContextManager[Call]]
    parts: int = 1


@dataclass(frozen=True)
class Comparison:
    """A candidate, the one that it is compared with, and what the table calls that."""

    label: str
    candidate: Candidate
    reference: Candidate


@dataclass(frozen=True)
class Row:
    """A line of a table.

    ratio: the median of the rounds' ratios.
    low, high: the middle half of those ratios lies between them.
    microseconds: the median time of a call, or of a part of it.
    """

    label: str
    ratio: float
    low: float
    high: float
    microseconds: float


async def measure(
    comparisons: Sequence[Comparison],
    *,
    rounds: int,
    seconds: float,
    clock: Clock = perf_counter,
) -> list[Row]:
    """Measure what the comparisons need, and give a row for each.

    rounds: how many; at least 2.
    seconds: how long a pass takes, about; a call that takes longer is made once.
    clock: tells seconds.
    """
    candidates = list(
        dict.fromkeys(
            side for each in comparisons for side in (each.candidate, each.reference)
        )
    )
    times: dict[Candidate, list[float]] = {each: [] for each in candidates}
    async with AsyncExitStack() as stack:
        calls = {
            each: await stack.enter_async_context(each.open()) for each in candidates
        }
        repeats = {
            each: await _repeats(calls[each], seconds, clock) for each in candidates
        }
        # What is there by now isn't looked at again, so that collecting is quick.
        gc.collect()
        gc.freeze()
        stack.callback(gc.unfreeze)
        for _ in range(rounds):
            for each in random.sample(candidates, len(candidates)):
                gc.collect()  # nobody pays for another one's garbage
                time = await _pass(calls[each], repeats[each], clock)
                times[each].append(time / repeats[each] / each.parts)
    return [_row(each, times) for each in comparisons]


async def _repeats(call: Call, seconds: float, clock: Clock) -> int:
    """How many calls make a pass. It warms up, too."""
    repeats = 1
    while (time := await _pass(call, repeats, clock)) < seconds / 2:
        repeats *= 2
    return max(1, round(repeats * seconds / time))


async def _pass(call: Call, repeats: int, clock: Clock) -> float:
    start = clock()
    for _ in range(repeats):
        await call()
    return clock() - start


def _row(comparison: Comparison, times: dict[Candidate, list[float]]) -> Row:
    own, reference = times[comparison.candidate], times[comparison.reference]
    ratios = [a / b for a, b in zip(own, reference, strict=True)]
    low, middle, high = quantiles(ratios, n=4, method="inclusive")
    return Row(comparison.label, middle, low, high, median(own) * 1e6)
