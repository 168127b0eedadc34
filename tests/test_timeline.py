"""The event log, its pictures, and the ASGI wrapper that writes one."""

import asyncio
import base64
import contextvars
import math
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import AsyncGenerator, Iterable, Iterator
from contextlib import asynccontextmanager
from enum import Enum
from html.parser import HTMLParser
from itertools import pairwise
from operator import mul
from types import FrameType
from typing import Any
from xml.etree import ElementTree

import anyio
import anyio.to_thread
import httpx
import pytest
import trio
from asgi_lifespan import LifespanManager
from fastapi import FastAPI
from hypothesis import given, settings
from hypothesis import strategies as st
from IPython.core.formatters import HTMLFormatter, PlainTextFormatter
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lifespan_lab.timeline import (
    COLOURS,
    KINDS,
    STYLE,
    Event,
    Events,
    Timeline,
    as_svg,
    as_text,
)

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</text></svg><script>alert(1)</script>",
    "]]>",
    "<!-- <![CDATA[ &lt; &amp; &#0; <?xml",
    "' onload='alert(1)",
    "javascript:alert(1)",
    "a\n  99 ● forged\r\n 100 └ lifespan",
    "\x00\x07\x1b[31m\x85\u2028\u2029",
    "\u202egnp.exe\u202c \u2066\u200f",
    "\ud800 \udfff \uffff",
    "  two  spaces  ",
]


# Helpers


def fail(error: BaseException) -> None:
    raise error


def texts(svg: str) -> list[tuple[str, str]]:
    """The number and the label of each row of the drawing, empty rows left out."""
    rows = [
        [" ".join(text.itertext()) for text in row.iter(f"{SVG}text")]
        for row in ElementTree.fromstring(svg).iter(f"{SVG}g")
        if row.get("class")
    ]
    return [(number, label.strip()) for number, label in rows if label.strip()]


def heights(svg: str) -> list[float]:
    """How far down each row of the drawing is, in pixels."""
    rows = ElementTree.fromstring(svg).findall(f"{SVG}g/{SVG}g")
    return [float(row.findall(f"{SVG}text")[0].get("y", "")) for row in rows]


def shapes(svg: str) -> dict[str, str]:
    """For each kind of row the shape that is drawn for it."""
    return {
        row.get("class", ""): re.sub(r"^M\S+ \S+?(?=m|$)", "", path.get("d", ""))
        for row in ElementTree.fromstring(svg).findall(f"{SVG}g/{SVG}g")
        for path in row.findall(f"{SVG}path")
    }


class Word(str, Enum):  # noqa: UP042 - its str() is not its value
    CONTEXT = "context"


class Elements(HTMLParser):
    """The elements of a piece of HTML, with their attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        raise AssertionError(f"text outside of an element: {data!r}")


def as_html(events: Iterable[Event]) -> str:
    """What Jupyter shows of a log of these events."""
    log = Events()
    log._events.extend(events)
    return log._repr_html_()


def image(html: str) -> tuple[str, str]:
    """The picture's source and its alternative text, of HTML that is one image."""
    [(tag, attributes)] = Elements(html).found
    assert tag == "img"
    assert attributes.keys() == {"src", "alt"}
    kind, _, data = (attributes["src"] or "").partition(",")
    assert kind == "data:image/svg+xml;base64"
    return base64.b64decode(data, validate=True).decode(), attributes["alt"] or ""


def check_harmless(events: list[Event]) -> None:
    """Every picture of these events is well formed, and no text left its row."""
    text = as_text(events)
    assert len(text.split("\n")) == len(text.splitlines())
    assert len(events) <= len(text.splitlines()) <= len(events) + 1 or not events
    assert all(line.isprintable() for line in text.splitlines())
    assert not any(line.endswith(" ") for line in text.splitlines())
    svg, alt = image(as_html(events))
    assert svg == as_svg(events)
    assert alt.isprintable()
    for element in ElementTree.fromstring(svg).iter():
        name = element.tag.removeprefix(SVG)
        assert name in {"svg", "style", "rect", "g", "path", "text", "tspan"}
        assert not any(key.startswith("on") for key in element.attrib)
        assert "href" not in " ".join(element.attrib)
        assert name != "style" or element.text == STYLE


@pytest.fixture
def log() -> Events:
    return Events()


# The log


def test_order(log: Events) -> None:
    """The order is what was marked, and where each span started and ended."""
    with log.span("model"):
        log.mark("words read", words=9000)
    log.mark("ready")
    assert log.order == ["model: start", "words read", "model: end", "ready"]


def test_events(log: Events) -> None:
    """An event knows its number, its span, its kind and its detail."""
    log.mark("first")
    with log.span("outer"):
        log.mark("in outer")
        with log.span("inner"):
            log.mark("in inner", words=9000, word="contxt")
    facts = [(e.number, e.name, e.kind, e.span, dict(e.detail)) for e in log]
    assert facts == [
        (1, "first", "mark", None, {}),
        (2, "outer", "start", None, {}),
        (3, "in outer", "mark", 2, {}),
        (4, "inner", "start", 2, {}),
        (5, "in inner", "mark", 4, {"words": "9000", "word": "contxt"}),
        (6, "inner", "end", 4, {}),
        (7, "outer", "end", 2, {}),
    ]


def test_seconds() -> None:
    """Seconds count from when the log was made, and never go back."""
    before = time.monotonic()
    log = Events()
    for _ in range(20):
        log.mark("tick")
    seconds = [event.seconds for event in log]
    assert 0 <= seconds[0] < seconds[-1] <= time.monotonic() - before
    assert seconds == sorted(seconds)


def test_frozen(log: Events) -> None:
    """An event can't be changed."""
    log.mark("asked", word="contxt")
    with pytest.raises(AttributeError):
        next(iter(log)).__setattr__("name", "answered")
    assert hash(next(iter(log)))


@pytest.mark.parametrize("key", ["self", "name", "kind", "span", "detail"])
def test_any_key(log: Events, key: str) -> None:
    """A detail may have any name, those of our own parameters too."""
    log.mark("asked", **{key: "contxt"})
    assert next(iter(log)).detail == ((key, "contxt"),)


def test_is_a_collection(log: Events) -> None:
    """A log has a length, can be iterated over, and is true if it has events."""
    assert not log
    log.mark("a")
    log.mark("b")
    assert len(log) == 2
    assert [event.name for event in log] == ["a", "b"]
    assert log


def test_iteration_goes_through_a_copy(log: Events) -> None:
    """A log may be written to by whoever goes through it."""
    log.mark("a")
    for event in log:
        log.mark(f"after {event.name}")
    assert log.order == ["a", "after a"]


# How a span ends


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ValueError("boom"), "ValueError: boom"),
        (ValueError(), "ValueError"),
        (KeyError("word"), "KeyError: 'word'"),
        (SystemExit(3), "SystemExit: 3"),
        (KeyboardInterrupt(), "KeyboardInterrupt"),
        (StopIteration(), "StopIteration"),
        (
            ExceptionGroup("two", [ValueError()]),
            "ExceptionGroup: two (1 sub-exception)",
        ),
    ],
    ids=lambda value: type(value).__name__,
)
def test_failed(log: Events, error: BaseException, said: str) -> None:
    """A body that raises fails its span, with type and message, and raises the same."""
    with pytest.raises(type(error)) as raised, log.span("model"):
        fail(error)
    assert raised.value is error
    assert log.order == ["model: start", "model: failed"]
    assert list(log)[-1].detail == (("error", said),)
    assert str(log).splitlines()[-1] == f"   2 × model  {said}"  # noqa: RUF001


def test_a_note_is_no_message(log: Events) -> None:
    """What was added to an error as a note doesn't take its message's place."""
    error = ValueError("boom")
    error.add_note("while reading")
    with pytest.raises(ValueError, match="boom"), log.span("model"):
        fail(error)
    assert list(log)[-1].detail == (("error", "ValueError: boom"),)


def test_an_error_without_words(log: Events) -> None:
    """An error that can't say what it is comes out all the same."""

    class SpeechlessError(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    error = SpeechlessError()
    with pytest.raises(SpeechlessError) as raised, log.span("model"):
        fail(error)
    assert raised.value is error
    assert "SpeechlessError" in list(log)[-1].detail[0][1]


@pytest.mark.anyio
async def test_cancelled(log: Events) -> None:
    """A cancelled body ends as cancelled, and the cancellation goes on."""
    with anyio.CancelScope() as scope:
        with log.span("worker"):
            scope.cancel()
            await anyio.sleep_forever()
        log.mark("not reached")
    assert log.order == ["worker: start", "worker: cancelled"]
    assert str(log).splitlines()[-1] == "   2 ○ worker  cancelled"


@pytest.mark.anyio
async def test_cancelled_group(log: Events) -> None:
    """A body with a task group of its own is cancelled like any other."""
    with anyio.CancelScope() as scope, log.span("worker"):
        async with anyio.create_task_group() as group:
            group.start_soon(anyio.sleep_forever)
            scope.cancel()
    assert log.order[-1] == "worker: cancelled"


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["trio"])
async def test_cancelled_nursery(log: Events) -> None:
    """Trio's groups of nothing but cancellations are a cancellation."""
    with trio.CancelScope() as scope, log.span("worker"):
        async with trio.open_nursery() as outer, trio.open_nursery() as inner:
            outer.start_soon(trio.sleep_forever)
            inner.start_soon(trio.sleep_forever)
            scope.cancel()
    assert log.order[-1] == "worker: cancelled"


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["trio"])
async def test_failed_among_cancelled(log: Events) -> None:
    """A failure that cancels the others is a failure."""

    async def crash() -> None:
        raise ValueError("boom")

    async def work() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(trio.sleep_forever)
            nursery.start_soon(crash)

    with pytest.raises(ExceptionGroup), log.span("worker"):
        await work()
    assert log.order[-1] == "worker: failed"


@pytest.mark.parametrize(
    "parts",
    [[KeyboardInterrupt()], [asyncio.CancelledError(), ValueError()]],
    ids=["other", "mixed"],
)
def test_failed_group(log: Events, parts: list[BaseException]) -> None:
    """A group with anything but cancellations in it is a failure."""
    with pytest.raises(BaseExceptionGroup), log.span("worker"):
        fail(BaseExceptionGroup("several", parts))
    assert log.order[-1] == "worker: failed"


# Memory


def test_limit() -> None:
    """The oldest events go, the others keep their number."""
    log = Events(limit=3)
    for number in range(1, 11):
        log.mark("tick", of=number)
    assert [event.number for event in log] == [8, 9, 10]
    assert len(log) == 3
    assert str(log).splitlines()[0] == "   8 ● tick  of=8"
    assert texts(as_svg(log))[0] == ("8", "tick of=8")


def test_spans_outlive_the_limit() -> None:
    """What stands in a span whose start is gone is drawn as if in none."""
    log = Events(limit=5)
    with log.span("lifespan"):
        with log.span("model"):
            log.mark("tick")
        with log.span("request"):
            log.mark("tock")
    assert [event.span for event in log] == [2, 1, 5, 5, 1]
    assert str(log).splitlines() == [
        "   4 └ model",
        "   5 ┌ request",
        "   6 ● tock",
        "   7 └ request",
        "   8 └ lifespan",
    ]


def test_no_more_than_needed() -> None:
    """What a log remembers doesn't grow with what a caller says or how long it runs."""
    log = Events(limit=5)
    for _ in range(20):
        with log.span("n" * 10_000):
            log.mark("m" * 10_000, value="v" * 10_000, values=["w" * 10_000] * 10)
    with pytest.raises(ValueError, match="eee"), log.span("s"):
        fail(ValueError("e" * 10_000))
    longest = max(len(part) for e in log for part in (e.name, *dict(e.detail).values()))
    assert longest == 200
    assert list(log)[-1].detail[0][1].endswith("e…")
    assert len(log) == 5
    assert len(log._entered.get()) == 1
    assert not log._open


def test_bad_limit() -> None:
    """A negative limit is refused."""
    with pytest.raises(ValueError, match="negative"):
        Events(-1)


def test_clear(log: Events) -> None:
    """A cleared log is empty, and begins again with number 1."""
    log.mark("a")
    log.mark("b")
    log.clear()
    assert list(log) == []
    log.mark("c")
    assert [(event.number, event.name) for event in log] == [(1, "c")]


def test_clear_with_an_open_span(log: Events) -> None:
    """A span that is open when the log is cleared goes on, and logs its end."""
    with log.span("lifespan"):
        log.clear()
        with log.span("request"):
            log.mark("asked")
        log.mark("idle")
    assert [event.span for event in log] == [0, 1, 1, 0, 0]
    assert str(log).splitlines() == [
        "   1 ┌ request",
        "   2 ● asked",
        "   3 └ request",
        "   4 ● idle",
        "   5 └ lifespan",
    ]


# In which span


@pytest.mark.anyio
async def test_concurrent_tasks(log: Events) -> None:
    """Marks of tasks that run side by side belong each to its own span."""
    turns = [anyio.Event() for _ in range(3)]

    async def first() -> None:
        with log.span("first"):
            turns[0].set()
            await turns[1].wait()
            log.mark("by first")
            turns[2].set()

    async def second() -> None:
        await turns[0].wait()
        with log.span("second"):
            turns[1].set()
            await turns[2].wait()
            log.mark("by second")

    with log.span("both"):
        async with anyio.create_task_group() as group:
            group.start_soon(first)
            group.start_soon(second)
    starts = {event.name: event for event in log if event.kind == "start"}
    spans = {event.name: event.span for event in log if event.kind == "mark"}
    assert spans["by first"] == starts["first"].number
    assert spans["by second"] == starts["second"].number
    assert starts["first"].span == starts["second"].span == starts["both"].number


@pytest.mark.anyio
async def test_left_in_another_task(log: Events) -> None:
    """A span may be entered in one task and left in another, as cells do it."""
    span = log.span("app")

    async def enter() -> None:
        span.__enter__()
        log.mark("where it was entered")

    async def leave() -> None:
        log.mark("elsewhere")
        span.__exit__(None, None, None)
        log.mark("after")

    for step in enter, leave:
        async with anyio.create_task_group() as group:
            group.start_soon(step)
    assert [(event.name, event.span) for event in log] == [
        ("app", None),
        ("where it was entered", 1),
        ("elsewhere", None),
        ("app", 1),
        ("after", None),
    ]


def test_a_span_that_ended_elsewhere_holds_nothing(log: Events) -> None:
    """Where a span was entered, marks go to the span around it once it has ended."""
    with log.span("outer"):
        inner = log.span("inner")
        inner.__enter__()
        log.mark("before")
        contextvars.Context().run(inner.__exit__, None, None, None)
        log.mark("after")
        with log.span("next"):
            pass
    spans = {event.name: event.span for event in log if event.kind != "end"}
    assert spans == {"outer": None, "inner": 1, "before": 2, "after": 1, "next": 1}


def test_spans_that_overlap(log: Events) -> None:
    """Spans need not be left in the order in which they were entered."""
    first, second = log.span("first"), log.span("second")
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    log.mark("one left")
    second.__exit__(None, None, None)
    log.mark("none left")
    assert [event.span for event in log if event.kind == "mark"] == [2, None]


def test_logs_side_by_side(log: Events) -> None:
    """Each log knows its own spans only."""
    other = Events()
    with log.span("outer"), other.span("elsewhere"):
        log.mark("here")
        with log.span("inner"):
            other.mark("there")
    assert [event.span for event in log] == [None, 1, 1, 3, 1]
    assert [event.span for event in other] == [None, 1, 1]


def test_a_long_chain(log: Events) -> None:
    """Spans that each start the next before they end don't pile up."""
    current = log.span("0")
    current.__enter__()
    for number in range(1, 50):
        following = log.span(str(number))
        following.__enter__()
        current.__exit__(None, None, None)
        current = following
    assert len(log._entered.get()) == 2
    current.__exit__(None, None, None)


# Threads


@pytest.mark.anyio
async def test_worker_thread(log: Events) -> None:
    """A thread that was asked to help marks in the span of who asked."""
    with log.span("model"):
        await anyio.to_thread.run_sync(log.mark, "in a worker thread")
    assert list(log)[1].span == 1


def test_bare_thread(log: Events) -> None:
    """A thread of its own has no span, and takes no harm."""
    with log.span("model"):
        context = contextvars.Context()
        thread = threading.Thread(target=context.run, args=(log.mark, "in a thread"))
        thread.start()
        thread.join()
    assert list(log)[1].span is None


@pytest.fixture
def _hasty_threads() -> Iterator[None]:
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


@pytest.mark.usefixtures("_hasty_threads")
def test_many_threads() -> None:
    """Numbers have no gap and seconds don't go back, however many threads write."""
    log = Events(limit=10_000)

    together = threading.Barrier(4)

    def write() -> None:
        together.wait(5)
        for _ in range(100):
            with log.span("work " * 200):
                log.mark("tick " * 200)

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [event.number for event in log] == list(range(1, 1201))
    seconds = [event.seconds for event in log]
    assert seconds == sorted(seconds)
    starts = {event.number for event in log if event.kind == "start"}
    assert {event.span for event in log} == {*starts, None}
    assert len(starts) == 400


def test_a_mark_in_a_mark() -> None:
    """What interrupts a writer (a signal handler, a destructor) may write as well."""
    log = Events()

    def interrupt(frame: FrameType, event: str, _: object) -> Any:
        if frame.f_code is not Events._add.__code__:
            return None
        if event == "line":
            log.mark("between two lines")
        return interrupt

    def write() -> None:
        sys.settrace(interrupt)
        with log.span("tick"):
            log.mark("inside")
        sys.settrace(None)
        log.mark("after")

    thread = threading.Thread(target=write, daemon=True)
    thread.start()
    thread.join(5)
    assert not thread.is_alive()
    events = {event.name: event for event in log if event.kind != "end"}
    assert len(log) > 20
    assert sorted(event.number for event in log) == list(range(1, len(log) + 1))
    assert events["inside"].span == events["tick"].number
    assert {e.span for e in log if e.kind == "end"} == {events["tick"].number}


# Text


def test_text(log: Events) -> None:
    """The text has a row an event, and nesting reads as indentation."""
    with log.span("lifespan"):
        log.mark("→ lifespan.startup")
        with log.span("model"):
            log.mark("words read", words=9000)
        log.mark("← lifespan.startup.complete")
        with log.span("GET /spell/contxt"):
            log.mark("asked", word="contxt", by="Ada")
    assert str(log).splitlines() == [
        "   1 ┌ lifespan",
        "   2 ● → lifespan.startup",
        "   3 │ ┌ model",
        "   4 │ ● words read  words=9000",
        "   5 │ └ model",
        "   6 ● ← lifespan.startup.complete",
        "   7 │ ┌ GET /spell/contxt",
        "   8 │ ● asked  word=contxt  by=Ada",
        "   9 │ └ GET /spell/contxt",
        "  10 └ lifespan",
    ]


def test_columns(log: Events) -> None:
    """A span takes the lowest free column to the right of the span it started in."""
    a, b, c, d = (log.span(name) for name in "abcd")
    in_b = contextvars.Context()
    contextvars.Context().run(a.__enter__)
    in_b.run(b.__enter__)
    a.__exit__(None, None, None)
    log.mark("free")
    in_b.run(c.__enter__)
    contextvars.Context().run(d.__enter__)
    assert str(log).splitlines() == [
        "   1 ┌ a",
        "   2 │ ┌ b",
        "   3 └ │ a",
        "   4 ● │ free",
        "   5   │ ┌ c",
        "   6 ┌ │ │ d",
        "     │ │ │",
    ]


def test_open_at_the_end(log: Events) -> None:
    """A span that is still open runs on below the last event."""
    with log.span("lifespan"), log.span("model"):
        assert str(log).splitlines()[-1] == "     │ │"
        svg = as_svg(log)
    height = int(ElementTree.fromstring(svg).get("height", ""))
    assert len(re.findall(rf"V{height}\"", svg)) == 2
    assert int(ElementTree.fromstring(as_svg(log)).get("height", "")) > height
    assert not re.findall(rf"V{height + 44}\"", as_svg(log))


def test_nothing() -> None:
    """A log without events says so, in every picture."""
    assert as_text([]).strip() == "no events yet"
    assert texts(as_svg([])) == [("0", "no events yet")]
    assert image(as_html([]))[1] == "Timeline: note no events yet"


def test_no_times(log: Events) -> None:
    """The pictures depend on the order of the events, not on when they were."""
    with log.span("model"):
        log.mark("read")
    later = [event._replace(seconds=7 * event.seconds + 3) for event in log]
    assert as_text(later) == as_text(list(log))
    assert as_svg(later) == as_svg(list(log))


# What is shown in Jupyter


def test_shown(log: Events) -> None:
    """A log is its own text, and in Jupyter its picture too."""
    log.mark("asked")
    assert str(log) == repr(log) == as_text(list(log))
    assert PlainTextFormatter()(log) == as_text(list(log))
    assert HTMLFormatter()(log) == as_html(list(log))


# Drawings


@pytest.fixture
def told(log: Events) -> list[Event]:
    """Events of every kind."""
    with log.span("lifespan"):
        log.mark("asked", word="contxt")
        with pytest.raises(ValueError, match="boom"), log.span("model"):
            fail(ValueError("boom"))
        with pytest.raises(asyncio.CancelledError), log.span("worker"):
            fail(asyncio.CancelledError())
    return list(log)


def test_rows(told: list[Event]) -> None:
    """The drawing has the rows of the text: number, label, detail."""
    assert texts(as_svg(told)) == [
        ("1", "lifespan"),
        ("2", "asked word=contxt"),
        ("3", "model"),
        ("4", "model ValueError: boom"),
        ("5", "worker"),
        ("6", "worker cancelled"),
        ("7", "lifespan"),
    ]


def test_one_row_per_event_at_equal_distance(told: list[Event]) -> None:
    """The rows are equally far from each other, whenever they happened."""
    later = [event._replace(seconds=event.number**3) for event in told]
    assert {b - a for a, b in pairwise(heights(as_svg(later)))} == {22}


def test_shapes_and_colours(told: list[Event]) -> None:
    """Every kind of end has its own shape, and a failure its own colour too."""
    drawn = shapes(as_svg(told))
    ends = [drawn[kind] for kind in ("end", "failed", "cancelled", "mark")]
    assert len(set(ends)) == 4
    assert re.search(r"\.failed path\+path\{stroke:(#\w+)\}", STYLE)
    assert "#b22" not in COLOURS


def linear(colour: str) -> list[float]:
    """The red, green and blue light of a colour."""
    parts = [int(digit * 2, 16) / 255 for digit in colour.removeprefix("#")]
    return [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]


def luminance(colour: str) -> float:
    """How light a colour is, as the Web Content Accessibility Guidelines define it."""
    red, green, blue = linear(colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_legible(told: list[Event]) -> None:
    """Every text stands out from the card, and the card covers what is behind it."""
    svg = ElementTree.fromstring(as_svg(told))
    card = next(element for element in svg if element.tag == f"{SVG}rect")
    assert (card.get("width"), card.get("height")) == ("100%", "100%")
    assert "rect,path{fill:#fff}" in STYLE
    inks = {*re.findall(r"fill:(#\w+)", STYLE)} - {"#fff"}
    assert len(inks) >= 3
    for ink in {*inks, *COLOURS}:
        assert 1.05 / (luminance(ink) + 0.05) >= 4.5


# How colours look without one kind of cones (Machado, Oliveira, Fernandes, 2009).
MISSING = {
    "none": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "long": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "middle": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
    "short": (
        (1.255528, -0.076749, -0.178779),
        (-0.078411, 0.930809, 0.147602),
        (0.004733, 0.691367, 0.303900),
    ),
}
XYZ = ((0.4339, 0.3762, 0.1899), (0.2126, 0.7152, 0.0722), (0.0177, 0.1095, 0.8728))


def seen(colour: str, missing: str) -> tuple[float, float, float]:
    """The place of a colour in CIELAB, as an eye without these cones sees it."""
    light = linear(colour)
    for matrix in MISSING[missing], XYZ:
        light = [max(0.0, sum(map(mul, row, light))) for row in matrix]
    x, y, z = (part ** (1 / 3) for part in light)
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


@pytest.mark.parametrize("missing", MISSING)
def test_neighbours_are_told_apart(missing: str) -> None:
    """The colours of columns side by side differ for every kind of eye."""
    for one, other in pairwise([*COLOURS, COLOURS[0]]):
        assert math.dist(seen(one, missing), seen(other, missing)) > 20


def test_a_long_label_is_shortened(log: Events) -> None:
    """A drawing stays below some 900 pixels, and its words are whole in the text."""
    log.mark("n" * 150, value="v" * 150)
    svg = as_svg(log)
    [(_, label)] = texts(svg)
    assert label.endswith("…")
    assert int(ElementTree.fromstring(svg).get("width", "")) <= 900
    assert "v" * 150 in str(log)
    assert "v" * 150 in image(as_html(log))[1]


def test_width_follows_the_labels(log: Events) -> None:
    """A drawing is as wide as its longest label needs, wide letters counted as such."""
    widths = []
    for name in "short", "a good deal longer than that", "日本語" * 10:
        log.mark(name)
        widths.append(int(ElementTree.fromstring(as_svg(log)).get("width", "")))
    assert widths == sorted(set(widths))
    assert widths[-1] > 30 * 13


def test_deep_nesting(log: Events) -> None:
    """A hundred spans in each other are drawn, and their names can be read."""
    for depth in range(100):
        path = log.span(f"span number {depth}")
        path.__enter__()
        kept.append(path)
    assert texts(as_svg(log))[-1] == ("100", "span number 99")
    assert int(ElementTree.fromstring(as_svg(log)).get("width", "")) > 1800


kept: list[object] = []  # spans that a test leaves open on purpose


def test_stable(told: list[Event]) -> None:
    """The same events give the same characters."""
    assert as_svg(told) == as_svg(list(told))
    assert as_html(told) == as_html(list(told))


PROGRAM = """
from lifespan_lab.timeline import Events, as_svg

class Thing: pass

log = Events()
words = {"context", "yield", "generator", "async", "await"}
with log.span("model"):
    log.mark("read", words=words, more={"a": words, "b": [words]}, thing=Thing())
    log.mark("call", function=print, method=Thing().__init__, it=iter([]))
    log.mark("queue", of=[Thing(), Thing()], text=f"{Thing()} and {Thing()}")
try:
    with log.span(f"{Thing()}"):
        raise TypeError(f"{Thing()} is no {Thing()}")
except TypeError:
    pass
for shown in log, as_svg(log), log._repr_html_(), log.order:
    print(shown)
"""


def test_stable_across_processes() -> None:
    """Another process, with another seed for hashes, draws the same characters."""
    runs = [
        subprocess.run(
            [sys.executable, "-X", "utf8", "-c", PROGRAM],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
            timeout=60,
        ).stdout
        for seed in ("1", "2")
    ]
    assert runs[0] == runs[1]
    assert b" 0x" not in runs[0]
    assert b"words={'async', 'await', 'context', 'generator', 'yield'}" in runs[0]


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("contxt", "contxt"),
        (Word.CONTEXT, "context"),
        (9000, "9000"),
        (0.5, "0.5"),
        (None, "None"),
        (["contxt", 1], "['contxt', 1]"),
        ({3, 1, 2}, "{1, 2, 3}"),
        ({"b": 1, "a": {2, 1}}, "{'a': {1, 2}, 'b': 1}"),
        (list(range(100)), "[0, 1, 2, 3, 4, 5, ...]"),
        (object(), "<object object>"),
        ("<Lock object at 0x7f3a> is bound", "<Lock object> is bound"),
        ("a\nb", "a\\nb"),
        (ValueError("boom"), "ValueError('boom')"),
    ],
    ids=str,
)
def test_values(log: Events, value: object, shown: str) -> None:
    """A value is shown as it is if it is text, else in short, without address."""
    log.mark("value", of=value)
    assert next(iter(log)).detail == (("of", shown),)
    assert str(log) == f"   1 ● value  of={shown}"


def test_a_value_is_shown_as_it_was(log: Events) -> None:
    """What changes after it was marked is shown as it was then."""
    words = ["contxt"]
    log.mark("value", of=words)
    words.append("yeild")
    assert str(log) == "   1 ● value  of=['contxt']"


def test_a_value_without_words(log: Events) -> None:
    """A value that can't be shown doesn't stop the program that marks it."""

    class Speechless:
        def __repr__(self) -> str:
            raise RuntimeError

    log.mark("value", of=Speechless())
    assert next(iter(log)).detail == (("of", "<Speechless instance>"),)


def test_no_half_address(log: Events) -> None:
    """No part of an address is left where a long value is cut."""
    log.mark("queue", of=asyncio.Queue(maxsize=10), task=[asyncio.Queue()] * 3)
    assert dict(next(iter(log)).detail) == {
        "of": "<Queue maxsize=10>",
        "task": "[<Queue maxsize=0>, <Queue maxsize=0>, <Queue maxsize=0>]",
    }


def test_long_text_takes_no_longer() -> None:
    """What is cut from a text takes time in proportion to its length, at worst."""
    log = Events()
    start = time.thread_time()  # of this thread alone, however busy the machine is
    for part in "\n", " at 0x", "recent call last", "recent call last\n", " |+-\n":
        log.mark("x", text=part * (1_000_000 // len(part)) + "\x00")
    assert time.thread_time() - start < 5


# HTML


def test_html(told: list[Event]) -> None:
    """The HTML is one image whose alternative text says, alone, what happened."""
    svg, alt = image(as_html(told))
    assert svg == as_svg(told)
    assert alt == (
        "Timeline: start lifespan; mark asked  word=contxt; start model; "
        "failed model  ValueError: boom; start worker; cancelled worker  cancelled; "
        "end lifespan"
    )


# Text from strangers


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_text(log: Events, text: str) -> None:
    """Text of any kind stays text, in its row, wherever it comes from."""
    log.mark(text, **{text: text, "values": [text], "error": ValueError(text)})
    with pytest.raises(ValueError, match=re.escape(text)), log.span(text):
        fail(ValueError(text))
    check_harmless(list(log))


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_events(text: str) -> None:
    """The pictures trust no event, one that was made by hand neither."""
    detail = ((text, text),)
    kinds = [kind for kind in KINDS if kind != "note"]
    log = [Event(i, i, text, kind, None, detail) for i, kind in enumerate(kinds, 1)]
    check_harmless(log)


@given(
    text=st.text(), key=st.text(), value=st.text() | st.binary() | st.lists(st.text())
)
@settings(deadline=None)
def test_any_text(text: str, key: str, value: object) -> None:
    """No text breaks a picture or leaves its row."""
    log = Events()
    with log.span(text):
        log.mark(text, **{key: value})
    check_harmless(list(log))


NUMBERS = st.integers(min_value=-3, max_value=12)


@given(
    st.lists(
        st.builds(
            Event,
            number=st.integers(min_value=1, max_value=12),
            seconds=st.integers(0, 10**9).map(lambda microseconds: microseconds / 1e6),
            name=st.text(max_size=5),
            kind=st.sampled_from(["start", "mark", "end", "failed", "cancelled"]),
            span=st.none() | NUMBERS,
        ),
        max_size=12,
    )
)
@settings(deadline=None)
def test_any_events(events: list[Event]) -> None:
    """Any events can be drawn: picked, reordered, or with some of them left out."""
    check_harmless(events)


# The wrapper


@pytest.fixture
def app(log: Events) -> FastAPI:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[dict[str, object]]:
        with log.span("model"):
            log.mark("words read", words=9000)
        yield {"model": {"contxt": "context"}}
        log.mark("closed")

    app = FastAPI(lifespan=lifespan)

    @app.get("/spell/{word}")
    async def spell(word: str) -> str:
        log.mark("asked", word=word)
        return "context"

    return app


@pytest.mark.anyio
async def test_lifespan_and_request(log: Events, app: FastAPI) -> None:
    """Every message is a mark in the span of its scope, beside what the app marks."""
    timeline = Timeline(app, log)
    async with LifespanManager(timeline) as manager:
        transport = httpx.ASGITransport(manager.app)
        async with httpx.AsyncClient(
            transport=transport, base_url="http://a"
        ) as client:
            assert (await client.get("/spell/contxt")).json() == "context"
    assert timeline.events is log
    assert str(log).splitlines() == [
        "   1 ┌ lifespan",
        "   2 ● → lifespan.startup",
        "   3 │ ┌ model",
        "   4 │ ● words read  words=9000",
        "   5 │ └ model",
        "   6 ● ← lifespan.startup.complete",
        "   7 │ ┌ GET /spell/contxt",
        "   8 │ ● asked  word=contxt",
        "   9 │ ● ← http.response.start  status=200",
        "  10 │ ● ← http.response.body",
        "  11 │ └ GET /spell/contxt",
        "  12 ● → lifespan.shutdown",
        "  13 ● closed",
        "  14 ● ← lifespan.shutdown.complete",
        "  15 └ lifespan",
    ]


def test_timeline_makes_a_log() -> None:
    """A timeline without a log makes one; an empty one that it is given, it takes."""
    first, second = Timeline(Application()), Timeline(Application())
    assert isinstance(first.events, Events)
    assert first.events is not second.events
    assert Timeline(Application(), empty := Events()).events is empty


class Application:
    """An ASGI app that keeps what it gets, receives once, and sends what it is told."""

    def __init__(self, *messages: Message) -> None:
        self.messages = messages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scope, self.send = scope, send
        self.received = await receive()
        for message in self.messages:
            await send(message)


async def call(app: ASGIApp, scope: Scope, message: Message) -> list[Message]:
    """Call an app with one message to receive; return those that it sends."""
    sent: list[Message] = []

    async def receive() -> Message:
        return message

    async def send(message: Message) -> None:
        sent.append(message)

    await app(scope, receive, send)
    return sent


@pytest.mark.anyio
async def test_transparent() -> None:
    """Scope and messages pass as the very objects they are, and unchanged."""
    answer = {"type": "http.response.start", "status": 200, "headers": [(b"a", b"b")]}
    body = {"type": "http.response.body", "body": b"context", "more_body": False}
    state: dict[str, object] = {}
    extensions: dict[str, object] = {"http.response.debug": {}}
    scope: Scope = {"type": "http", "method": "GET", "path": "/", "state": state}
    scope["extensions"] = extensions
    request = {"type": "http.request", "body": b"contxt"}
    before = dict(scope), dict(answer), dict(body), dict(request)
    app = Application(answer, body)
    sent = await call(Timeline(app), scope, request)
    assert app.scope is scope
    assert scope["state"] is state
    assert scope["extensions"] is extensions
    assert app.received is request
    assert len(sent) == 2
    assert sent[0] is answer
    assert sent[1] is body
    assert before == (scope, answer, body, request)


@pytest.mark.anyio
async def test_websocket(log: Events) -> None:
    """A WebSocket has a span too, with what explains its end."""
    app = Application(
        {"type": "websocket.accept"},
        {"type": "websocket.send", "text": "a secret"},
        {"type": "websocket.close", "code": 1011, "reason": "no such word"},
    )
    scope = {"type": "websocket", "path": "/ws", "headers": [(b"cookie", b"secret")]}
    connect = {"type": "websocket.connect", "code": 0, "reason": None, "message": ""}
    await call(Timeline(app, log), scope, connect)
    assert str(log).splitlines() == [
        "   1 ┌ WEBSOCKET /ws",
        "   2 ● → websocket.connect",
        "   3 ● ← websocket.accept",
        "   4 ● ← websocket.send",
        "   5 ● ← websocket.close  code=1011  reason=no such word",
        "   6 └ WEBSOCKET /ws",
    ]


@pytest.mark.anyio
async def test_nothing_private(log: Events) -> None:
    """Bodies, headers and query strings don't get into the log."""
    app = Application(
        {"type": "http.response.start", "status": 200, "headers": [(b"a", b"secret")]},
        {"type": "http.response.body", "body": b"secret"},
    )
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/spell",
        "query_string": b"token=secret",
        "headers": [(b"authorization", b"secret")],
    }
    await call(Timeline(app, log), scope, {"type": "http.request", "body": b"secret"})
    assert log.order[0] == "POST /spell: start"
    assert "secret" not in repr(list(log))


@pytest.mark.anyio
@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
async def test_hostile_requests(log: Events, text: str) -> None:
    """A client that asks for a strange path changes nothing but that row's text."""
    app = Application({"type": text, "status": text, "message": text, "reason": text})
    scope = {"type": "http", "method": text, "path": text}
    await call(Timeline(app, log), scope, {"type": text, "code": text})
    assert [event.kind for event in log] == ["start", "mark", "mark", "end"]
    check_harmless(list(log))


@pytest.mark.anyio
@pytest.mark.parametrize("place", ["app", "receive", "send"])
async def test_errors_pass(log: Events, place: str) -> None:
    """An error of the app or of its server comes out as the same object."""
    error = ValueError(place)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        fail(error)

    async def receive() -> Message:
        return {"type": "lifespan.startup"} if place != "receive" else raised()

    async def send(message: Message) -> None:
        if place == "send":
            raised()

    def raised() -> Message:
        raise error

    with pytest.raises(ValueError, match=place) as caught:
        await Timeline(app, log)({"type": "lifespan"}, receive, send)
    assert caught.value is error
    assert log.order[-1] == "lifespan: failed"


@pytest.mark.anyio
async def test_startup_failed(log: Events) -> None:
    """A failing startup shows its error; of its traceback only the last line."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
        with log.span("model"):
            raise FileNotFoundError("no words")
        yield

    with pytest.raises((FileNotFoundError, ExceptionGroup)):
        async with LifespanManager(Timeline(FastAPI(lifespan=lifespan), log)):
            raise AssertionError
    assert str(log).splitlines() == [
        "   1 ┌ lifespan",
        "   2 ● → lifespan.startup",
        "   3 │ ┌ model",
        "   4 │ × model  FileNotFoundError: no words",  # noqa: RUF001
        "   5 ● ← lifespan.startup.failed  message=FileNotFoundError: no words",
        "   6 × lifespan  FileNotFoundError: no words",  # noqa: RUF001
    ]


@pytest.mark.anyio
async def test_startup_failed_in_a_group(log: Events) -> None:
    """Of a group's traceback the last error stands for it, without its frame."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
        async with anyio.create_task_group():
            raise FileNotFoundError("no words")
        yield

    with pytest.raises(ExceptionGroup):
        async with LifespanManager(Timeline(FastAPI(lifespan=lifespan), log)):
            raise AssertionError
    assert list(log)[2].detail == (("message", "FileNotFoundError: no words"),)


@pytest.mark.anyio
async def test_startup_failed_with_a_message(log: Events) -> None:
    """A startup that only reports its failure shows what it reported."""
    app = Application({"type": "lifespan.startup.failed", "message": "no - words -"})
    await call(Timeline(app, log), {"type": "lifespan"}, {"type": "lifespan.startup"})
    assert list(log)[2].detail == (("message", "no - words -"),)


@pytest.mark.anyio
async def test_concurrent_requests(log: Events) -> None:
    """Messages and marks of requests that overlap are each in their request's span."""
    both = anyio.Event()
    waiting: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        waiting.append(scope["path"])
        if len(waiting) == 2:
            both.set()
        await both.wait()
        log.mark("asked", path=scope["path"])
        await send({"type": "http.response.start", "status": int(scope["path"][1:])})

    timeline = Timeline(app, log)
    async with anyio.create_task_group() as group:
        for path in "/200", "/404":
            scope = {"type": "http", "method": "GET", "path": path}
            group.start_soon(call, timeline, scope, {"type": "http.request"})
    names = {event.number: event.name for event in log if event.kind == "start"}
    facts = [(names[e.span or 0], dict(e.detail)) for e in log if e.kind == "mark"]
    assert sorted(facts, key=repr) == [
        ("GET /200", {"path": "/200"}),
        ("GET /200", {"status": "200"}),
        ("GET /404", {"path": "/404"}),
        ("GET /404", {"status": "404"}),
    ]


@pytest.mark.anyio
async def test_messages_stay_in_their_scope(log: Events) -> None:
    """A message is in its scope's span, though the app is in one of its own."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        with log.span("model"):
            await receive()
            await send({"type": "lifespan.startup.complete"})

    await call(Timeline(app, log), {"type": "lifespan"}, {"type": "lifespan.startup"})
    assert [event.span for event in log] == [None, 1, 1, 1, 2, 1]


@pytest.mark.anyio
async def test_late_messages(log: Events) -> None:
    """What an app sends after it has returned passes too, and stands in its span."""
    app = Application()
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {"type": "http.request"}

    scope = {"type": "http", "method": "GET", "path": "/"}
    await Timeline(app, log)(scope, receive, send)
    await app.send({"type": "http.response.start", "status": 200})
    assert sent == [{"type": "http.response.start", "status": 200}]
    assert list(log)[-1].name == "← http.response.start"
    assert list(log)[-1].span == 1
    assert str(log).splitlines()[-1] == "   4 ● ← http.response.start  status=200"


@pytest.mark.anyio
async def test_strange_scopes_and_messages(log: Events) -> None:
    """Scopes and messages that no specification knows pass as well."""
    app = Application({"not a type": 1})
    assert await call(Timeline(app, log), {"type": "http"}, {}) == [{"not a type": 1}]
    await call(Timeline(app, log), {"type": "tomorrow"}, {})
    assert log.order[0] == "http: start"
    assert log.order[4] == "tomorrow: start"


@pytest.mark.anyio
async def test_as_middleware(log: Events) -> None:
    """A timeline can be given to Starlette or FastAPI as a middleware."""
    app = FastAPI(middleware=[Middleware(Timeline, events=log)])
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://a") as client:
        assert (await client.get("/")).status_code == 404
    assert log.order[0] == "GET /: start"
    assert dict(list(log)[1].detail) == {"status": "404"}
