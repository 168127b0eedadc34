"""What a function names: what it may call beside what is registered.

A lifespan can run anything. If it names a handler or another lifespan that the
framework never runs, then it may well run it, and "never" can't be said.
"""

from collections import deque
from collections.abc import Hashable, Iterable, Mapping
from functools import partial
from inspect import unwrap
from types import CodeType, FunctionType, MethodType
from typing import Any

from lifespan_tools.doctor.frameworks import closure
from lifespan_tools.doctor.places import identity, is_of_project

# Whoever names one of these runs lifespans, or lists of handlers, by hand.
LIFESPANS_BY_HAND = {"LifespanManager", "lifespan_context"}
LISTS_BY_HAND = {"_shutdown", "_startup", "on_shutdown", "on_startup"}
ROUTERS_LISTS = {"shutdown", "startup"}  # as in app.router.startup()
MOST = 1000


class Mentions:
    """All that the functions name, directly or in the project's functions they name."""

    def __init__(
        self, functions: Iterable[Any], read: Mapping[CodeType, set[str]]
    ) -> None:
        """read: by code, the names in it that leave no doubt (see `literal`)."""
        self.read = read
        self.identities: set[Hashable] = set()
        self.lifespans_by_hand = False
        self.lists_by_hand = False
        waiting = deque(functions)
        while waiting and len(self.identities) < MOST:
            thing = waiting.popleft()
            if (known := identity(thing)) not in self.identities:
                self.identities.add(known)
                waiting.extend(self.named_by(thing))

    def __contains__(self, known: Hashable) -> bool:
        return known in self.identities

    def named_by(self, thing: Any) -> list[Any]:
        if isinstance(thing, partial):
            return [thing.func, *thing.args, *thing.keywords.values()]
        if isinstance(thing, MethodType):
            return [thing.__func__]
        if isinstance(thing, list | tuple | set):
            return list(thing)
        if isinstance(thing, dict):
            return list(thing.values())
        if not isinstance(thing, FunctionType):
            return []
        wrapped = [unwrap(thing), *closure(thing).values()]
        if not is_of_project(thing):
            return wrapped
        names = set(_names(thing.__code__))
        doubtful = names - self.read.get(thing.__code__, set())
        self.lifespans_by_hand |= bool(doubtful & LIFESPANS_BY_HAND)
        self.lists_by_hand |= bool(doubtful & LISTS_BY_HAND) or (
            "router" in names and bool(doubtful & ROUTERS_LISTS)
        )
        return wrapped + [
            thing.__globals__[name] for name in names if name in thing.__globals__
        ]


def _names(code: CodeType) -> Iterable[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)
