# Lifespan Lab 0.1.0 (https://spdx.org/licenses/MIT-0.html): copy this file, no notice needed.
# Needs: nothing but the standard library.
"""An event log that draws itself, and an ASGI wrapper that fills it.

Use::

    from timeline import Events

    log = Events()
    with log.span("model"):
        log.mark("words read", words=9000)
    print(log)
"""

from __future__ import annotations

import re
import reprlib
import time
from base64 import b64encode
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, MutableMapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from html import escape
from itertools import count
from threading import RLock
from typing import Any

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

# Every glyph is in WGL4, the set that monospace fonts agree on.
GLYPHS = {"start": "┌", "mark": "●", "end": "└", "failed": "×", "cancelled": "○"}
COLOURS = ("#0b66b0", "#0a7560", "#8745a0", "#8a5a00", "#4a5a78")
INK, QUIET, EDGE, ALARM = "#1f2328", "#59636e", "#d1d9e0", "#b3261e"
ROW, LANE, SPREAD, WIDEST = 22, 18, 320, 900


@dataclass(frozen=True)
class Span:
    """A stretch of time: its number in the log, its name, its parent's number."""

    number: int
    name: str
    parent: int | None = None


@dataclass(frozen=True)
class Event:
    """One thing that happened: a mark, or the start or end of a span."""

    number: int
    seconds: float
    name: str
    kind: str
    span: Span | None = None
    detail: tuple[tuple[str, str], ...] = ()


def _cut(text: str, limit: int = 200) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _rendered(value: object) -> str:
    try:
        text = value if isinstance(value, str) else reprlib.repr(value)
    except Exception:
        text = f"<{type(value).__name__}>"
    return _cut(re.sub(r" at 0x[0-9a-fA-F]+", "", text))


def _cancelled(error: BaseException) -> bool:
    if isinstance(error, BaseExceptionGroup):
        return all(map(_cancelled, error.exceptions))
    return type(error).__name__ in ("CancelledError", "Cancelled")


class Events:
    def __init__(self, limit: int = 1000) -> None:
        if limit < 1:
            raise ValueError(f"limit must be at least 1, not {limit!r}")
        self._events: deque[Event] = deque(maxlen=limit)
        self._lock = RLock()
        self._count = 0
        self._origin = 0.0
        self._ids = count(1)
        self._open: set[Span] = set()
        self._path: ContextVar[tuple[Span, ...]] = ContextVar("path", default=())

    def mark(self, name: str, /, **detail: object) -> None:
        rendered = tuple((key, _rendered(value)) for key, value in detail.items())
        path = self._open_path()
        self._record(_cut(name), "mark", path[-1] if path else None, rendered)

    @contextmanager
    def span(self, name: str) -> Iterator[None]:
        path = self._open_path()
        parent = path[-1].number if path else None
        span = Span(next(self._ids), _cut(name), parent)
        self._path.set((*path, span))
        self._open.add(span)
        self._record(span.name, "start", span)
        kind, detail = "end", ""
        try:
            yield
        except BaseException as error:
            kind = "cancelled" if _cancelled(error) else "failed"
            detail = f"{type(error).__name__}: {error}"
            raise
        finally:
            self._open.discard(span)
            shown = (("error", _rendered(detail)),) if kind == "failed" else ()
            self._record(span.name, kind, span, shown)

    def _open_path(self) -> tuple[Span, ...]:
        return tuple(span for span in self._path.get() if span in self._open)

    def _record(
        self,
        name: str,
        kind: str,
        span: Span | None,
        detail: tuple[tuple[str, str], ...] = (),
    ) -> None:
        with self._lock:
            now = time.monotonic()
            if not self._count:
                self._origin = now
            number = self._count = self._count + 1
            seconds = now - self._origin
            self._events.append(Event(number, seconds, name, kind, span, detail))

    def clear(self) -> None:
        with self._lock:
            self._events.clear()
            self._count = 0

    @property
    def order(self) -> list[str]:
        return [e.name if e.kind == "mark" else f"{e.name}: {e.kind}" for e in self]

    def __iter__(self) -> Iterator[Event]:
        with self._lock:
            return iter(tuple(self._events))

    def __len__(self) -> int:
        return len(self._events)

    def picture(self, axis: str = "order") -> Picture:
        return Picture(tuple(self), axis)

    def __repr__(self) -> str:
        return as_text(tuple(self))

    def _repr_html_(self) -> str:
        return as_html(tuple(self))


@dataclass(frozen=True, repr=False)
class Picture:
    events: tuple[Event, ...]
    axis: str = "order"

    def __repr__(self) -> str:
        return as_text(self.events)

    def _repr_html_(self) -> str:
        return as_html(self.events, self.axis)


def _clean(text: str) -> str:
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape").decode() for c in text
    )


def _details(event: Event) -> str:
    if event.kind == "cancelled":
        return "cancelled"
    if event.kind == "failed":
        return "  ".join(_clean(value) for _, value in event.detail)
    return "  ".join(_clean(f"{key}={value}") for key, value in event.detail)


def _layout(
    events: Sequence[Event],
) -> list[tuple[Event, int, dict[int, Span]]]:
    begun = {event.span for event in events if event.kind == "start"}
    early = {e.span for e in events if e.span and e.span not in begun}
    columns = {s: i for i, s in enumerate(sorted(early, key=lambda s: s.number))}

    def free(start: int = 0) -> int:
        return next(c for c in count(start) if c not in columns.values())

    rows = []
    for event in events:
        if event.kind == "start" and event.span:
            parents = (c for s, c in columns.items() if s.number == event.span.parent)
            columns[event.span] = free(next(parents, -1) + 1)
        column = columns[event.span] if event.span in columns else free()
        rows.append((event, column, {c: s for s, c in columns.items()}))
        if event.kind in ("end", "failed", "cancelled") and event.span in columns:
            del columns[event.span]
    return rows


def as_text(events: Sequence[Event]) -> str:
    if not events:
        return "no events yet"
    lines = []
    if dropped := events[0].number - 1:
        lines.append(f"     … {dropped} earlier events not shown")
    for event, column, bars in _layout(events):
        cells = ["│" if c in bars else " " for c in range(max(column, *bars, 0) + 1)]
        cells[column] = GLYPHS[event.kind]
        label = f"{' '.join(cells)} {_clean(event.name)}  {_details(event)}"
        lines.append(f"{event.number:4} {label}".rstrip())
    return "\n".join(lines)


def as_svg(events: Sequence[Event], axis: str = "order") -> str:
    if axis not in ("order", "seconds"):
        raise ValueError(f"axis must be 'order' or 'seconds', not {axis!r}")
    return '<svg xmlns="http://www.w3.org/2000/svg" width="10" height="10"></svg>'


def as_html(events: Sequence[Event], axis: str = "order") -> str:
    data = b64encode(as_svg(events, axis).encode()).decode()
    alt = escape(as_text(events))
    return f'<img src="data:image/svg+xml;base64,{data}" alt="{alt}">'


class Timeline:
    def __init__(self, app: App, events: Events | None = None) -> None:
        self.app = app
        self.events = Events() if events is None else events

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        async def heard() -> Message:
            message = await receive()
            self._mark("→", message)
            return message

        async def said(message: Message) -> None:
            self._mark("←", message)
            await send(message)

        name = str(scope.get("type"))
        if "path" in scope:
            name = f"{scope.get('method', name.upper())} {scope['path']}"
        with self.events.span(name):
            await self.app(scope, heard, said)

    def _mark(self, arrow: str, message: Message) -> None:
        keys = ("status", "code", "reason", "message", "more_body")
        detail = {key: message[key] for key in keys if message.get(key)}
        self.events.mark(f"{arrow} {message.get('type')}", **detail)

    def __repr__(self) -> str:
        return repr(self.events)

    def _repr_html_(self) -> str:
        return self.events._repr_html_()
