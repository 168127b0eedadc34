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

The pictures, `as_text`, `as_svg` and `as_html`, are pure functions of a sequence of
events: the same events give the same characters. Time runs down, a row is an event.
A bar is an open span, in the lowest free column to the right of the span it was
opened in; a bar that reaches the edge had begun before, or is open still. A dot is
a mark, on the bar of its span.

Whatever a name or a value holds, it stays in its row: what isn't printable (line
breaks, control characters, bidirectional overrides, lone surrogates) is shown as
its escape, markup is escaped, long text is cut.
"""

import re
import reprlib
from base64 import b64encode
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from html import escape
from threading import RLock
from time import monotonic
from traceback import format_exception_only
from typing import Any, NamedTuple

# A circle as an SVG path, and the columns' colours: those of neighbours are apart in
# every kind of colour vision, and all are dark enough for text on white.
RING, COLOURS = "m0-4a4 4 0 1 0 .1 0z", ("#06b", "#850", "#075", "#84a", "#345")
# The kinds of rows, and for each its glyph in the text and its shape in the drawing.
# The glyphs are of WGL4, the set that monospace fonts have in common.
KINDS, GLYPHS = ("note", "end", "failed", "cancelled", "start", "mark"), " └×○┌●"  # noqa: RUF001
SHAPES = ("", "m-4 0h8", "m-4-4l8 8m0-8-8 8", "m-5 0 5-5 5 5-5 5z", RING, RING)
# For each axis: pixels at the left, pixels that the whole time is given, what is shown.
AXES = {"order": (50, 0, "{0.number}"), "seconds": (80, 320, "{0.seconds:.3f} s")}
PATH = '<path stroke-width="3" stroke-linecap="round" stroke="{}" d="M{} {}'.format
STYLE = """text{font:13px system-ui,'Segoe UI',Roboto,sans-serif;fill:#567}
rect,path{fill:#fff}rect{stroke:#ccd}.dim{stroke:#899;stroke-dasharray:1 3}
.start>*{font-weight:600;fill:inherit}.mark>:last-child{fill:#123}tspan+tspan{fill:#567}
.failed tspan{fill:#b22}.failed path+path{stroke:#b22}.at{fill:#567;font-size:11px;
font-weight:400;text-anchor:end;font-variant-numeric:tabular-nums}.note>.at{fill:none}"""
# What would differ from run to run, or fill a page: a traceback but its last line,
# with the frame that an exception group draws around it, and the addresses of objects.
NOISE = re.compile(r"(?s)\A.*recent call last.*\n[ |]*(?=\w)| at 0x\w+|\n[ |+-]*$")

# Sets sorted, containers cut. Not objects: half an address can't be recognised.
SHORT = reprlib.Repr()
SHORT.maxother = 1000


class Event(NamedTuple):
    """Something that happened. It can't be changed.

    number: its place in the log, from 1; it keeps it when older events are dropped.
    seconds: since the log's first event, by a clock that never goes back.
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


def _text(value: object, limit: int = 200) -> str:
    text = NOISE.sub("", value if isinstance(value, str) else SHORT.repr(value))
    text = "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _why(error: BaseException) -> str:
    # By name: asyncio's and trio's cancellation, without importing either.
    parts = error.exceptions if isinstance(error, BaseExceptionGroup) else ()
    gone = type(error).__name__ in ("CancelledError", "Cancelled")
    said = format_exception_only(error)[0].strip()
    return "cancelled" if gone or {*map(_why, parts)} == {"cancelled"} else said


def _rows(events: Sequence[Event]) -> Iterator[tuple[Event, int, dict[int, int], str]]:
    # Each row: the event, its column, the open spans by column, the label.
    told = list(events) or [Event(0, 0.0, "no events yet", "note")]
    before = f"… {n} earlier events not shown" if (n := told[0].number - 1) > 0 else ""
    early = {e.span for e in told if e.span is not None and e.span < told[0].number}
    lanes: list[int | None] = [*sorted(early), None]
    top = [Event(0, 0.0, before, "note")] if before or early else []
    for event in [*top, *told, Event(0, told[-1].seconds, "", "note")]:
        lane = lanes.index(event.span if event.span in lanes else None)
        if event.kind == "start":
            lane = lanes.index(None, lane)
            lanes[lane:] = [event.number, *(lanes[lane + 1 :] or [None])]
        bars = {i: span for i, span in enumerate(lanes) if span is not None}
        pairs = (f"{k}={v}" if event.kind == "mark" else v for k, v in event.detail)
        yield event, lane, bars, "  ".join(map(_text, (event.name, *pairs)))
        if event.kind in KINDS[1:4]:
            lanes[lane] = None


def as_text(events: Sequence[Event]) -> str:
    """Draw events as text, a line each, without their times."""
    lines = []
    for event, lane, bars, label in _rows(events):
        cells = ["│" if i in bars else " " for i in range(max([lane, *bars]) + 1)]
        cells[lane] = GLYPHS[KINDS.index(event.kind)]
        lines.append(f"{event.number or '':>4} {' '.join(cells)} {label}".rstrip())
    return "\n".join(lines).rstrip()


def as_svg(events: Sequence[Event], axis: str = "order") -> str:
    """Draw events as an SVG picture, up to 900 pixels wide if nesting allows.

    axis: "order" gives every event the same room; "seconds" adds room in proportion
        to the time between events, and shows the seconds.
    Raises ValueError for another axis.
    """
    if axis not in AXES:
        raise ValueError(f"axis must be 'order' or 'seconds', not {axis!r}")
    left, spread, tick = AXES[axis]
    rows, lines, dots, wide = [*_rows(events)], dict[int, str](), "", 0.0
    for index, (event, lane, bars, label) in enumerate(rows):
        y = 24 + 22 * index + round(spread * event.seconds / (rows[-1][0].seconds or 1))
        for i, span in bars.items():
            lines[span] = lines.get(span, PATH(COLOURS[i % 5], 18 * i, y)) + f"V{y}"
        end, shape = 18 * max([lane, *bars]), SHAPES[KINDS.index(event.kind)]
        text = _text(label, max(20, (900 - left - end) // 8))
        wide = max(wide, left + end + 3.7 * (len(text) + len(text.encode())))
        dots += (
            f'<g class="{event.kind}" fill="{COLOURS[lane % 5]}"><path class="dim" d="M'
            f'{18 * lane} {y}H{end}"/>{PATH(COLOURS[lane % 5], 18 * lane, y)}{shape}"/>'
            f'<text class="at" x="-18" y="{y + 4}">{tick.format(event)}</text><text x="'
            f'{end + 16}" y="{y + 4.5}"><tspan>{escape(text)}</tspan></text></g>'
        ).replace("  ", "</tspan><tspan dx='8'>", 1)
    drawn = '"/>'.join((*lines.values(), dots))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{wide + 32:.0f}" height="{y}">'
        f'<style>{STYLE}</style><rect width="100%" height="100%" rx="8"/>'
        f'<g transform="translate({left})">{drawn}</g></svg>'
    )


def as_html(events: Sequence[Event], axis: str = "order") -> str:
    """Draw events as one `<img>` element, the picture in it, its words as `alt`.

    JupyterLab (4.6) shows such an image in a notebook that nobody has trusted yet.
    Raises ValueError as `as_svg` does.
    """
    alt = "; ".join(f"{row[0].kind} {row[3]}" for row in _rows(events) if row[3])
    data = b64encode(as_svg(events, axis).encode()).decode()
    return f'<img src="data:image/svg+xml;base64,{data}" alt="Timeline: {escape(alt)}">'


class Events(deque[Event]):
    """A log of events: a deque of the newest ones, oldest first.

    Any thread and any task may write to it at any time: numbers have no gap, seconds
    never go back. To go through it meanwhile, take `list(log)`. `clear()` lets it
    begin again; spans that are open then still log their end.

    A mark belongs to the innermost span that is open in its context (contextvars): a
    task started in a span is in that span, as is a thread that `anyio.to_thread` or
    `asyncio.to_thread` started; a bare thread is in none by default.

    limit: how many events are kept; of older ones the pictures show the number.
    told: events to begin with.
    axis: what its picture shows, see `as_svg`.
    Raises ValueError for a limit below 1 or an unknown axis.
    """

    def __init__(self, limit: int = 1000, *told: Event, axis: str = "order") -> None:
        if limit < 1 or axis not in AXES:
            raise ValueError(f"need limit >= 1, axis in {[*AXES]}: {limit!r}, {axis!r}")
        super().__init__(told, limit)
        # Reentrant: a signal handler or a destructor may write while we do.
        self.axis, self._lock, self._count, self._origin = axis, RLock(), 0, monotonic()
        self._base = -told[-1].number if told else 0
        # The spans open in this context, each in a list that is emptied at its end: a
        # span may be left in another context than it was entered in, where a
        # ContextVar can't be reset. One variable a log, so that logs don't meet.
        self._path = ContextVar[tuple[list[int], ...]]("path", default=())

    __repr__ = as_text

    def _repr_html_(self) -> str:
        return as_html(self, self.axis)

    def picture(self, axis: str = "order") -> "Events":
        """A copy that shows itself on this axis; ValueError if `as_svg` has no such."""
        return Events(len(self) or 1, *self, axis=axis)

    @property
    def order(self) -> list[str]:
        """The events as short labels: "asked", "model: start", "model: failed"."""
        return [f"{e.name}: {e.kind}".removesuffix(": mark") for e in self]

    def mark(self, name: str, /, **detail: object) -> None:
        """Note that something happened.

        name: what happened.
        detail: what is worth knowing about it. Text is kept as it is, anything else as
            its short repr: sets sorted, without addresses; 200 characters at most.
        """
        self._add("mark", name, **detail)

    @contextmanager
    def span(self, name: str, /) -> Generator[list[int]]:
        """Note that a body starts, and that it ended, failed or was cancelled.

        name: what is going on in it.
        Raises what the body raises. What it yields is for `Timeline`.
        """
        start, kind, why = [self._add("start", name)], "end", dict[str, str]()
        self._path.set((*filter(None, self._path.get()), start))
        try:
            yield start
        except BaseException as error:
            why["error"] = _why(error)
            kind = "cancelled" if why["error"] == "cancelled" else "failed"
            raise
        finally:
            self._add(kind, name, start.pop(), **why)

    def _add(self, kind: str, name: str, span: int = 0, /, **detail: object) -> int:
        pairs = tuple((key, _text(value)) for key, value in detail.items())
        span = span or [0, *(n for start in self._path.get() for n in start)][-1]
        with self._lock:
            now = monotonic()
            # Serial numbers go on over clear(), so that what was open keeps its own.
            if not self:
                self._base, self._origin = self._count, now
            serial = self._count = self._count + 1
            facts = serial - self._base, now - self._origin, _text(name), kind
            self.append(Event(*facts, span - self._base if span else None, pairs))
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
        self._repr_html_ = self.events._repr_html_

    def __repr__(self) -> str:
        return repr(self.events)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        def mark(arrow: str, m: Any) -> Any:
            why = {k: m[k] for k in ("status", "code", "reason", "message") if m.get(k)}
            self.events._add("mark", f"{arrow} {m.get('type')}", *span, **why)
            return m

        async def hear() -> Any:
            return mark("→", await receive())

        verb = scope.get("method", scope["type"].upper())
        name = f"{verb} {scope['path']}" if "path" in scope else scope["type"]
        with self.events.span(name) as span:
            await self.app(scope, hear, lambda message: send(mark("←", message)))
