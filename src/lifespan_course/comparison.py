"""Write down what an app does in one run, and compare two such runs.

A handler writes a span to `log`: its start, and how it ended. A request adds what it
was answered, since the values that handlers share show in nothing else.
"""

import warnings
from collections import Counter
from collections.abc import AsyncIterator, Generator, Iterator, Sequence
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    AsyncExitStack,
    asynccontextmanager,
    contextmanager,
)
from dataclasses import dataclass
from textwrap import fill
from typing import TypeVar

from starlette.types import ASGIApp

from lifespan_lab import Events, running
from lifespan_lab.timeline import Event, as_text

T = TypeVar("T")

WIDTH = 88
TIMES = {1: "once", 2: "twice", 3: "three times"}
PLACES = ["first", "second", "third"]
RAISES = "the app raises"
NEVER_AWAITED = r"coroutine '(.*)' was never awaited"


class PlannedError(Exception):
    """Raised in a handler because the caller of `record` asked for it."""


class Log(Events):
    """An event log in which a span or a mark can be told to fail."""

    failing: str | None = None

    def mark(self, name: str, /, **detail: object) -> None:
        """Note that something happened; fail if that was asked for."""
        super().mark(name, **detail)
        self._fail_if_told(name)

    @contextmanager
    def span(self, name: str, /) -> Generator[int]:
        """Note that a body starts, and how it ended; fail if that was asked for."""
        with super().span(name) as start:
            self._fail_if_told(name)
            yield start

    def _fail_if_told(self, name: str) -> None:
        if name == self.failing:
            raise PlannedError(f"{name} was told to fail")


log = Log()


@asynccontextmanager
async def marked(
    start: str,
    manager: AbstractAsyncContextManager[T] | AbstractContextManager[T],
    end: str,
) -> AsyncIterator[T]:
    """Enter a context manager, sync or async, in one span, and leave it in another.

    Args:
        start: the name of the handler that opened it once.
        manager: what it has become.
        end: the name of the handler that closed it once.
    """
    async with AsyncExitStack() as stack:
        with log.span(start):
            if isinstance(manager, AbstractAsyncContextManager):
                value = await stack.enter_async_context(manager)
            else:
                value = stack.enter_context(manager)
        try:
            yield value
        except BaseException as error:
            with log.span(end):
                handled = await stack.__aexit__(type(error), error, error.__traceback__)
            if not handled:
                raise
        else:
            with log.span(end):
                await stack.aclose()


@dataclass(frozen=True)
class Record:
    """What an app did in one run.

    Attributes:
        events: its marks, in order, and an answer for each request.
        unawaited: the functions whose coroutine nobody awaited.
    """

    events: tuple[Event, ...]
    unawaited: tuple[str, ...] = ()

    @property
    def labels(self) -> list[str]:
        """The marks as short labels: "connect: start", "serving"."""
        return [f"{e.name}: {e.kind}".removesuffix(": mark") for e in self.events]

    @property
    def times(self) -> Counter[str]:
        """How often each name begins."""
        return Counter(e.name for e in self.events if e.kind in ("start", "mark"))

    def told(self, name: str) -> list[str]:
        """What the marks of a name say, and how its spans ended; one for each run."""
        return [
            "; ".join(value for _, value in event.detail) or event.kind
            for event in self.events
            if event.name == name and event.kind != "start"
        ]

    def with_one(self, name: str, place: int) -> list[str]:
        """The labels, but of all runs of a name only the one at that place, from 0."""
        seen: Counter[bool] = Counter()
        kept = []
        for event, label in zip(self.events, self.labels, strict=True):
            begins = event.kind == "start"
            if event.name != name or seen[begins] == place:
                kept.append(label)
            seen[begins] += event.name == name
        return kept

    def is_mark(self, name: str) -> bool:
        """Whether it is a mark, and no span."""
        return any(e.name == name and e.kind == "mark" for e in self.events)

    def __repr__(self) -> str:
        return as_text(self.events)


async def record(
    app: ASGIApp, *paths: str, failing: str | None = None, limit: float = 5.0
) -> Record:
    """Run the app once, ask it for the paths, and return what was written to `log`.

    Nothing that the app raises comes out: it is a mark.

    Args:
        app: the app. Its handlers and lifespans write to `log`.
        paths: what to ask it for, in order.
        failing: the name of a span or a mark that is to fail.
        limit: seconds for the startup, and for the shutdown.
    """
    log.clear()
    log.failing = failing
    try:
        with warnings.catch_warnings(record=True, action="ignore") as caught:
            warnings.filterwarnings("always", NEVER_AWAITED, RuntimeWarning)
            await _run(app, paths, limit)
    finally:
        log.failing = None
    messages = [str(warning.message) for warning in caught]
    unawaited = [message.split("'")[1].rpartition(".")[2] for message in messages]
    return Record(tuple(log), tuple(unawaited))


async def _run(app: ASGIApp, paths: Sequence[str], limit: float) -> None:
    try:
        async with running(
            app, startup_timeout=limit, shutdown_timeout=limit
        ) as client:
            log.mark("serving")
            for path in paths:
                try:
                    answer = (await client.get(path)).text
                except Exception as error:
                    answer = f"raises {error!r}"
                log.mark(f"GET {path}", answer=answer)
    except Exception as error:
        log.mark(RAISES, error=repr(error))


class Comparison:
    """How a run differs from an earlier one, in a line for each difference.

    Args:
        differences: all that were found.
        on_purpose: those that somebody expected, word for word; white space is no
            matter.
    """

    def __init__(self, differences: Sequence[str], on_purpose: Sequence[str]) -> None:
        differences = [_in_one_line(each) for each in differences]
        on_purpose = [_in_one_line(each) for each in on_purpose]
        self.found = [each for each in differences if each not in on_purpose]
        self.absent = [each for each in on_purpose if each not in differences]
        self.expected = len(on_purpose) - len(self.absent)

    @property
    def same(self) -> bool:
        """Whether there is no difference but those on purpose, and all of these."""
        return not self.found and not self.absent

    def __repr__(self) -> str:
        changes = f"{self.expected} change{'s' * (self.expected != 1)} on purpose"
        if self.same:
            return f"The same, but for {changes}." if self.expected else "The same."
        lines = [f"  {each}" for each in self.found]
        lines += [f"  told in advance, not found: {each}" for each in self.absent]
        return "\n".join(["NOT THE SAME:", *map(_wrapped, lines)])


def _in_one_line(text: str) -> str:
    """Without the line breaks that a copy from a wrapped line has."""
    return " ".join(text.split())


def _wrapped(line: str) -> str:
    return fill(line, WIDTH, subsequent_indent=" " * 6, break_on_hyphens=False)


def compare(
    before: Record, after: Record, on_purpose: Sequence[str] = ()
) -> Comparison:
    """Say whether two runs are the same, and in what they differ.

    What runs once instead of several times may stand in any of the old places. Which
    one it is gets said, if the order tells. Where a run stands that is new isn't
    compared. Nor is what a handler does, but in the answers of the requests.

    Args:
        before: the run to compare with.
        after: the run in question.
        on_purpose: the differences that are meant, as the comparison words them.
    """
    differences = [
        *_numbers(before, after),
        *(f"not awaited: {name}" for name in after.unawaited),
        *_endings(before, after),
        *_order(before.labels, after.labels),
    ]
    return Comparison(differences, on_purpose)


def _numbers(before: Record, after: Record) -> Iterator[str]:
    for name in dict.fromkeys([RAISES, *before.times, *after.times]):
        was, now = before.times[name], after.times[name]
        if was == now or (now < was and name in after.unawaited):
            continue
        if now == 0:
            yield f"missing: {name}"
        elif was == 0:
            yield ", ".join([f"new: {name}", *after.told(name)[: after.is_mark(name)]])
        else:
            kind = "doubled" if now > was else "fewer"
            which = _which_is_left(name, before, after) if now == 1 else ""
            yield f"{kind}: {name}, {_often(now)}{which}; before: {_often(was)}"


def _often(times: int) -> str:
    return TIMES.get(times, f"{times} times")


def _which_is_left(name: str, before: Record, after: Record) -> str:
    """Which of several runs is left: the one whose place fits, if only one does."""
    fits = [
        len(_longest_common(before.with_one(name, place), after.labels))
        for place in range(before.times[name])
    ]
    best = [place for place, fit in enumerate(fits) if fit == max(fits)]
    places = [PLACES[place] if place < 3 else f"{place + 1}th" for place in best]
    return f" (the {places[0]})" if len(places) == 1 else ""


def _endings(before: Record, after: Record) -> Iterator[str]:
    for name in before.times:
        kind = "value" if before.is_mark(name) else "end"
        pairs = zip(before.told(name), after.told(name), strict=False)
        for was, now in dict.fromkeys(pairs):
            if was != now:
                yield f"another {kind}: {name}, {now}; before: {was}"


def _order(before: list[str], after: list[str]) -> Iterator[str]:
    """What stands elsewhere, among what both runs have."""
    pairs = _longest_common(before, after)
    common = Counter(before) & Counter(after)
    if len(pairs) == common.total():
        return
    was = _kept(before, {first for first, _ in pairs}, common)
    now = _kept(after, {second for _, second in pairs}, common)
    while was[0] == now[0]:
        del was[0], now[0]
    while was[-1] == now[-1]:
        del was[-1], now[-1]
    yield f"out of order: {_listed(now)}; before: {_listed(was)}"


def _longest_common(one: list[str], other: list[str]) -> list[tuple[int, int]]:
    """The places of the longest common subsequence in both."""
    lengths = [[0] * (len(other) + 1) for _ in range(len(one) + 1)]
    for i in range(len(one) - 1, -1, -1):
        for j in range(len(other) - 1, -1, -1):
            longer = max(lengths[i + 1][j], lengths[i][j + 1])
            both = lengths[i + 1][j + 1] + 1 if one[i] == other[j] else 0
            lengths[i][j] = max(longer, both)
    pairs, i, j = [], 0, 0
    while i < len(one) and j < len(other):
        if one[i] == other[j] and lengths[i][j] == lengths[i + 1][j + 1] + 1:
            pairs.append((i, j))
            i, j = i + 1, j + 1
        elif lengths[i + 1][j] >= lengths[i][j + 1]:
            i += 1
        else:
            j += 1
    return pairs


def _kept(labels: list[str], chosen: set[int], common: Counter[str]) -> list[str]:
    """As many of each label as both have: those that were chosen, then the first."""
    left = common - Counter(labels[place] for place in chosen)
    for place, label in enumerate(labels):
        if place not in chosen and left[label] > 0:
            left[label] -= 1
            chosen.add(place)
    return [labels[place] for place in sorted(chosen)]


def _listed(labels: list[str]) -> str:
    """The labels as one reads them: a span that does nothing else is one word."""
    words: list[str] = []
    for label in labels:
        name = label.removesuffix(": end")
        if label.endswith(": end") and words and words[-1] == f"{name}: start":
            words[-1] = name
        else:
            words.append(label)
    return ", ".join(words)
