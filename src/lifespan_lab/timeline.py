# Lifespan Lab 0.1.0, licence MIT-0: copy this file, no notice needed.
# Needs: the standard library
"""A log of events that draws itself, and an ASGI wrapper that writes one.

`Events` keeps what a program tells it, in order: marks (something happened) and
spans (something started, and ended, failed or was cancelled). Shown in Jupyter it
is a picture, printed it is text; `order` is for assertions. `Timeline` wraps an
ASGI app and marks every message between the app and its server.

Use::

    from timeline import Events

    log = Events()
    with log.span("model"):
        log.mark("words read", words=9000)
    print(log)

The pictures, `as_text` and `as_svg`, are pure functions of events: the same events
give the same characters. Time runs down, a row is an event. A bar is an open span, in
the lowest free column to the right of the span it was opened in; a bar that reaches
the lower edge is open still. A dot is a mark, on the bar of its span.

Whatever a name or a value holds, it stays in its row: what isn't printable (line
breaks, control characters, bidirectional overrides, lone surrogates) is shown as
its escape, markup is escaped, long text is cut.
"""

import re
import reprlib
from base64 import b64encode
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from html import escape
from threading import RLock
from time import monotonic
from traceback import format_exception_only
from typing import Any, NamedTuple

# The kinds of rows, and for each its glyph in the text and its shape in the drawing.
# The glyphs are of WGL4, the set that monospace fonts have in common.
KINDS, GLYPHS = ("note", "start", "mark", "end", "failed", "cancelled"), " ┌●└×○"  # noqa: RUF001
CIRCLE = "m0-4a4 4 0 1 0 .1 0z"
SHAPES = ("", CIRCLE, CIRCLE, "m-4 0h8", "m-4-4l8 8m0-8-8 8", "m-5 0 5-5 5 5-5 5z")
# The columns' colours: those of neighbours are apart in every kind of colour vision,
# and all are dark enough for text on white.
COLOURS = ("#06b", "#850", "#075", "#84a", "#345")
STYLE = """text{font:13px system-ui,'Segoe UI',Roboto,sans-serif;fill:#567}
rect,path{fill:#fff}rect{stroke:#ccd}.dim{stroke:#899;stroke-dasharray:1 3}
.start>*{font-weight:600;fill:inherit}.mark>:last-child{fill:#123}tspan+tspan{fill:#567}
.failed tspan{fill:#b22}.failed path+path{stroke:#b22}.at{fill:#567;font-size:11px;
font-weight:400;text-anchor:end;font-variant-numeric:tabular-nums}.note>.at{fill:none}"""

# What would differ from run to run, or fill a page: a traceback but its last line,
# with the frame that an exception group draws around it, and the addresses of objects.
NOISE = re.compile(r"(?s)\A(?>.*?recent call last).*\n[ |]*(?=\w)| at 0x\w+|\n[ |+-]*$")
# Sets sorted, containers cut. Not objects: half an address can't be recognised.
SHORT = reprlib.Repr()
SHORT.maxother = 1000


class Event(NamedTuple):
    """Something that happened. It can't be changed.

    number: its place in the log, from 1; it keeps it when older events are dropped.
    seconds: since the log was made, by a clock that never goes back.
    name: of what happened, or of the span.
    kind: "mark", "start", "end", "failed" or "cancelled".
    span: the number of the "start" of the span it stands in (an end stands in the span
        that it ends); None outside any; below 1 when `clear` removed that start.
    detail: keys and values, the values as text. Of a failure: the error.
    """

    number: int
    seconds: float
    name: str
    kind: str
    span: int | None = None
    detail: tuple[tuple[str, str], ...] = ()


def as_text(events: Iterable[Event]) -> str:
    """Draw events as text, a line each, without their times."""
    lines = []
    for event, label, column, bars in _rows(events):
        cells = ["│" if i in bars else " " for i in range(max([column, *bars]) + 1)]
        cells[column] = GLYPHS[KINDS.index(event.kind)]
        lines.append(f"{event.number or '':>4} {' '.join(cells)} {label}".rstrip())
    return "\n".join(lines).rstrip()


def as_svg(events: Iterable[Event]) -> str:
    """Draw events as an SVG picture, up to 900 pixels wide if nesting allows."""
    bars, dots, width = dict[tuple[int, int], str](), "", 0.0
    for index, (event, label, column, spans) in enumerate(_rows(events)):
        y = 24 + 22 * index
        for bar in spans.items():
            bars[bar] = bars.get(bar, f"{y}") + f"V{y}"
        end = 18 * max([column, *spans])
        label = _text(label, max(20, (850 - end) // 8))
        width = max(width, 50 + end + 3.7 * (len(label) + len(label.encode())))
        dots += _dot(event, column, end, y, label)
    lines = "".join(_line(column, path) for (column, _), path in bars.items())
    size = f'width="{width + 32:.0f}" height="{y}"'
    card = f'<style>{STYLE}</style><rect width="100%" height="100%" rx="8"/>'
    drawn = f'<g transform="translate(50)">{lines}{dots}</g>'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size}>{card}{drawn}</svg>'


def _line(column: int, path: str) -> str:
    style = f'stroke-width="3" stroke-linecap="round" stroke="{COLOURS[column % 5]}"'
    return f'<path {style} d="M{18 * column} {path}"/>'


def _dot(event: Event, column: int, end: int, y: int, label: str) -> str:
    leader = f'<path class="dim" d="M{18 * column} {y}H{end}"/>'
    shape = _line(column, f"{y}{SHAPES[KINDS.index(event.kind)]}")
    number = f'<text class="at" x="-18" y="{y + 4}">{event.number}</text>'
    words = "</tspan><tspan dx='8'>".join(escape(label).split("  ", 1))
    text = f'<text x="{end + 16}" y="{y + 4.5}"><tspan>{words}</tspan></text>'
    group = f'<g class="{event.kind}" fill="{COLOURS[column % 5]}">'
    return f"{group}{leader}{shape}{number}{text}</g>"


def _rows(events: Iterable[Event]) -> Iterator[tuple[Event, str, int, dict[int, int]]]:
    # Each row: the event, its label, its column, the open spans by column.
    told = list(events) or [Event(0, 0.0, "no events yet", "note")]
    # What each column holds: the number of an open span, or None. The last is free.
    columns: list[int | None] = [None] * (len(told) + 1)
    for event in [*told, Event(0, told[-1].seconds, "", "note")]:
        column = columns.index(event.span if event.span in columns else None)
        if event.kind == "start":
            column = columns.index(None, column)
            columns[column] = event.number
        pairs = (f"{k}={v}" if event.kind == "mark" else v for k, v in event.detail)
        label = "  ".join(_text(part) for part in (event.name, *pairs))
        yield event, label, column, {i: n for i, n in enumerate(columns) if n}
        if event.kind in ("end", "failed", "cancelled"):
            columns[column] = None


def _text(value: object, limit: int = 200) -> str:
    text = str.__str__(value) if isinstance(value, str) else SHORT.repr(value)
    if " at 0x" in text or not text.isprintable():
        text = NOISE.sub("", text)
        text = "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _failure(error: BaseException) -> tuple[str, str]:
    # By name: asyncio's and trio's cancellation, without importing either.
    parts = error.exceptions if isinstance(error, BaseExceptionGroup) else ()
    cancelled = type(error).__name__ in ("CancelledError", "Cancelled")
    if cancelled or {_failure(part)[0] for part in parts} == {"cancelled"}:
        return "cancelled", "cancelled"
    return "failed", format_exception_only(error)[0].strip()


class Events:
    """A log of events: it keeps the newest, and gives them oldest first.

    Any thread and any task may write to it at any time: numbers have no gap, seconds
    never go back. Any may read it meanwhile: iteration goes through a copy.

    A mark belongs to the innermost span that is open in its context (contextvars): a
    task started in a span is in that span, as is a thread that `anyio.to_thread` or
    `asyncio.to_thread` started; a bare thread is in none by default.

    limit: how many events are kept. The numbers tell that older ones are gone.
    """

    def __init__(self, limit: int = 1000) -> None:
        self._events = deque[Event](maxlen=limit)
        # Reentrant: a signal handler or a destructor may write while we do.
        self._lock = RLock()
        self._count, self._cleared, self._origin = 0, 0, monotonic()
        # Of the spans that were entered in a context, those that are open count: a span
        # may end in another context, where the variable of this one can't be reset.
        self._open: set[int] = set()
        self._entered = ContextVar("entered", default=frozenset[int]())

    __repr__ = as_text

    def _repr_html_(self) -> str:
        # JupyterLab (4.6) shows an image in a notebook that nobody has trusted yet.
        alt = escape("; ".join(f"{r[0].kind} {r[1]}" for r in _rows(self) if r[1]))
        data = b64encode(as_svg(self).encode()).decode()
        return f'<img src="data:image/svg+xml;base64,{data}" alt="Timeline: {alt}">'

    def __len__(self) -> int:
        return len(self._events)

    def __iter__(self) -> Iterator[Event]:
        return iter(self._events.copy())

    @property
    def order(self) -> list[str]:
        """The events as short labels: "asked", "model: start", "model: failed"."""
        return [f"{e.name}: {e.kind}".removesuffix(": mark") for e in self]

    def clear(self) -> None:
        """Begin again, with number 1. Spans that are open still log their end."""
        self._cleared = self._count
        self._events.clear()

    def mark(self, name: str, /, **detail: object) -> None:
        """Note that something happened.

        name: what happened.
        detail: what is worth knowing about it. Text is kept as it is, anything else as
            its short repr: sets sorted, without addresses; 200 characters at most.
        """
        self._add("mark", name, detail)

    @contextmanager
    def span(self, name: str, /) -> Generator[int]:
        """Note that a body starts, and that it ended, failed or was cancelled.

        name: what is going on in it.
        Raises what the body raises. What it yields is for `Timeline`.
        """
        start = self._add("start", name, {})
        self._open.add(start)
        self._entered.set((self._entered.get() & self._open) | {start})
        kind, why = "end", ""
        try:
            yield start
        except BaseException as error:
            kind, why = _failure(error)
            raise
        finally:
            self._open.discard(start)
            self._add(kind, name, {"error": why} if why else {}, start)

    def _add(self, kind: str, name: str, detail: dict[str, Any], span: int = 0) -> int:
        span = span or max(self._entered.get() & self._open, default=0)
        name, texts = _text(name), tuple([(k, _text(v)) for k, v in detail.items()])
        with self._lock:
            # Serial numbers go on over clear(), so that what was open keeps its own.
            serial = self._count = self._count + 1
            number, seconds = serial - self._cleared, monotonic() - self._origin
            within = span - self._cleared if span else None
            self._events.append(Event(number, seconds, name, kind, within, texts))
            return serial


class Timeline:
    """An ASGI app around an ASGI app, that logs what passes and changes nothing.

    Each scope is a span ("lifespan", "GET /path", "WEBSOCKET /path"), each message a
    mark in it: "→ type" to the app, "← type" from it, with status, code, reason and
    message if it has them (of a traceback, which Starlette sends as the message of
    lifespan.startup.failed, its last line), never with a body or a header.

    app: the ASGI 3 application.
    events: the log to write to, for instance one that the app writes to as well.
    """

    def __init__(self, app: Callable[..., Any], events: Events | None = None) -> None:
        self.app, self.events = app, Events() if events is None else events

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        def mark(arrow: str, m: Any) -> Any:
            why = {k: m[k] for k in ("status", "code", "reason", "message") if m.get(k)}
            self.events._add("mark", f"{arrow} {m.get('type')}", why, span)
            return m

        async def hear() -> Any:
            return mark("→", await receive())

        verb = scope.get("method", scope["type"].upper())
        name = f"{verb} {scope['path']}" if "path" in scope else scope["type"]
        with self.events.span(name) as span:
            await self.app(scope, hear, lambda message: send(mark("←", message)))
