# Lifespan Lab 0.1.0, licence MIT-0: copy this file, no notice needed.
# Needs: starlette>=0.37.2
"""Build one lifespan out of many, and a lifespan out of a context manager.

Use::

    import tempfile
    from compose import as_lifespan, combine
    from starlette.applications import Starlette

    folder = as_lifespan("folder", tempfile.TemporaryDirectory)
    notes = as_lifespan("notes", lambda state: open(state["folder"] + "/notes", "w"))
    app = Starlette(lifespan=combine(folder, notes))
"""

import inspect
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal, get_args

from starlette.types import Lifespan

__all__ = ["as_lifespan", "combine"]

OnConflict = Literal["error", "first", "last"]
State = Mapping[str, Any]
Member = Callable[..., AbstractAsyncContextManager[State | None]]

Yielded = dict[str, tuple[Any, int]]  # a value and the place of its lifespan

EMPTY: State = MappingProxyType({})


def combine(*lifespans: Member, on_conflict: OnConflict = "error") -> Lifespan[Any]:
    """Make one lifespan out of many: entered in order, left in reverse.

    It is a `contextlib.AsyncExitStack` around the app: what was entered is left
    exactly once, also if a later one fails to start, and errors, their chain and
    their suppression are that stack's.

    A lifespan with a second parameter `state` is called with `state=`, a read-only
    mapping of what the lifespans before it yielded. In a nested `combine` that
    includes what was yielded before the inner one. What isn't there is a KeyError that
    names the lifespan and the key; `in` and `get` answer as those of a dict.

    Arguments:
        lifespans: functions that take the app and return an async context manager,
            which yields a mapping or None. With none at all, nothing happens.
        on_conflict: what happens to a key that two lifespans yield. "error": the
            startup fails. "first" or "last": the value of that one is kept.

    The lifespan yields all that was yielded, merged, or None if nobody yielded.

    Errors: ValueError and TypeError at once for a wrong argument. At startup, after
    which those already entered are left, as after any error:
        TypeError: a lifespan returned no async context manager, or yielded something
            else than a mapping or None.
        ValueError: a key was yielded twice, with `on_conflict="error"`.

    Several errors at the end: the last one comes out, those before it stand in its
    `__context__`. They don't if the body raised nothing and the last one comes from a
    class with an `__aexit__` of its own (AsyncExitStack on Python 3.11 to 3.13).

    A startup can't be suppressed, since the app would be served without it: if an
    earlier lifespan does, RuntimeError comes out, with the error as its `__cause__`.

    Source: the ASGI lifespan specification, "Lifespan State".
    """
    if on_conflict not in get_args(OnConflict):
        raise ValueError(f"on_conflict={on_conflict!r} isn't in {get_args(OnConflict)}")
    members = [_member(each, place) for place, each in enumerate(lifespans, 1)]

    def lifespan(app: Any, state: State = EMPTY) -> AbstractAsyncContextManager[Any]:
        return _Combined(app, state, members, on_conflict)

    lifespan.__qualname__ = f"combine of {len(members)}"
    return lifespan


def as_lifespan(name: str, make: Callable[..., Any]) -> Lifespan[Any]:
    """Make a lifespan out of a context manager; it yields `{name: value}`.

    Arguments:
        name: the key under which the app finds what the context manager gives.
        make: called at each startup, returns a context manager, sync or async. If it
            has a parameter `state`, it gets what was yielded before (see `combine`).
            A builtin whose signature can't be read has none.

    A sync one is entered and left on the event loop's thread, and blocks it.

    Errors: TypeError at once if `make` can't be called, needs an argument `app`, or is
    a context manager, which could be entered once only; at startup if it returns none.
    """
    parameters = _parameters(make) if callable(make) else {}
    app = parameters.get("app")
    if not callable(make) or _is_manager(make) or (app and app.default is app.empty):
        raise TypeError(
            f"as_lifespan({name!r}, ...) needs a function that makes a context manager "
            f"at each startup, not {make!r}. Write: lambda: ... "
            "(What takes the app is a lifespan already: pass it to combine.)"
        )

    @asynccontextmanager
    async def lifespan(app: Any, state: State = EMPTY) -> AsyncIterator[State]:
        manager = make(state=state) if "state" in parameters else make()
        if hasattr(type(manager), "__aexit__"):
            async with manager as value:
                yield {name: value}
        elif hasattr(type(manager), "__exit__"):
            with manager as value:
                yield {name: value}
        else:
            raise _no_manager(f"as_lifespan({name!r}, ...): the function", manager)

    lifespan.__qualname__ = f"as_lifespan({name!r}, ...)"
    return lifespan


@dataclass(slots=True, eq=False, repr=False)
class _Before(Mapping[str, Any]):
    """What was yielded before a place, and not later: what starts later stops earlier.

    No copy, so that a thousand of them cost little.
    """

    run: "_Combined"
    yielded: Yielded
    place: int

    def __getitem__(self, key: str) -> Any:
        value, place = self.yielded.get(key, (None, self.place))
        try:
            return value if place < self.place else self.run.given[key]
        except KeyError:
            raise KeyError(
                f"{self.run.name(self.place)} asks for {key!r}, which no lifespan "
                f"before it yields (so far: {', '.join(map(repr, self)) or 'nothing'})"
            ) from None

    def __iter__(self) -> Iterator[str]:
        own = [key for key, (_, place) in self.yielded.items() if place < self.place]
        return iter(dict.fromkeys([*self.run.given, *own]))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __repr__(self) -> str:
        return repr(dict(self))


@dataclass(slots=True, eq=False)
class _Combined(AbstractAsyncContextManager[State | None]):
    """The context manager that the combined lifespan returns.

    A class, since a generator would turn a StopIteration into a RuntimeError.
    """

    app: Any
    given: State
    members: list[tuple[str, Member, bool]]
    on_conflict: OnConflict
    yielded: Yielded = field(default_factory=dict)
    stack: AsyncExitStack = field(init=False)

    async def __aenter__(self) -> State | None:
        async with AsyncExitStack() as stack:
            try:
                state = await self.enter_all(stack)
            except BaseException as error:
                failure = error
                raise
            self.stack = stack.pop_all()
            return state
        raise RuntimeError(
            "combine: the startup failed, and a lifespan entered before suppressed the "
            "error. The app can't be served: let it suppress only errors that it knows."
        ) from failure

    async def __aexit__(self, *error: Any) -> bool | None:
        return await self.stack.__aexit__(*error)

    async def enter_all(self, stack: AsyncExitStack) -> State | None:
        nobody_yielded = True
        for place, (name, lifespan, wants_state) in enumerate(self.members, 1):
            state = {"state": _Before(self, self.yielded, place)} if wants_state else {}
            manager = lifespan(self.app, **state)
            if not hasattr(type(manager), "__aexit__"):
                raise _no_manager(f"combine: {name}", manager)
            yielded = await stack.enter_async_context(manager)
            if yielded is not None:
                nobody_yielded = False
                self.merge(yielded, place)
        if nobody_yielded:
            return None
        return {key: value for key, (value, _) in self.yielded.items()}

    def merge(self, yielded: Any, place: int) -> None:
        if not isinstance(yielded, (dict, Mapping)):  # dict is the faster question
            raise TypeError(
                f"combine: {self.name(place)} yielded {yielded!r}. A lifespan yields "
                "a mapping of names to values, or nothing."
            )
        for key, value in yielded.items():
            if key not in self.yielded:
                self.yielded[key] = value, place
            elif self.on_conflict == "last":
                # A new dict: who looked before sees what was there before.
                self.yielded = {**self.yielded, key: (value, place)}
            elif self.on_conflict == "error":
                first = self.name(self.yielded[key][1])
                raise ValueError(
                    f"combine: {first} and {self.name(place)} both yield the key "
                    f"{key!r}. Rename it in one of them, or say whose value is kept: "
                    'combine(..., on_conflict="first") or "last".'
                )

    def name(self, place: int) -> str:
        return self.members[place - 1][0]


def _is_manager(thing: object) -> bool:
    """Whether it can be entered. (Those of contextlib can be called, too.)"""
    return hasattr(type(thing), "__aexit__") or hasattr(type(thing), "__exit__")


def _parameters(function: Callable[..., Any]) -> Mapping[str, inspect.Parameter]:
    """Those that its signature tells. Some builtins have none that can be read."""
    try:
        return inspect.signature(function).parameters
    except ValueError:
        return {}


def _member(lifespan: Any, place: int) -> tuple[str, Member, bool]:
    """Its name and whether it wants state.

    What can't be a lifespan is refused, as far as it shows before it is called.
    """
    name = getattr(lifespan, "__qualname__", repr(lifespan))
    name = f"lifespan {place} ({name.replace('<locals>.', '')})"
    hidden = getattr(lifespan, "__globals__", 0) is asynccontextmanager.__globals__
    function = lifespan.__wrapped__ if hidden else lifespan  # by contextlib's decorator
    if _is_manager(lifespan) or not callable(lifespan):
        problem = "is no function. Write combine(one, another), not combine(one(app))"
    elif inspect.isasyncgenfunction(lifespan) or inspect.isgeneratorfunction(lifespan):
        problem = "lacks the decorator @asynccontextmanager"
    elif inspect.iscoroutinefunction(function):
        problem = "has no yield between startup and shutdown"
    elif inspect.isfunction(function) and not any(inspect.getfullargspec(function)[:2]):
        problem = "takes no argument. A lifespan takes the app"
    else:
        return name, lifespan, "state" in _parameters(lifespan)
    raise TypeError(f"combine: {name} {problem}.")


def _no_manager(name: str, thing: object) -> TypeError:
    """The error for something that can't be entered."""
    if inspect.iscoroutine(thing):
        thing.close()  # else Python warns that it was never awaited
    return TypeError(
        f"{name} made {thing!r}, which can't be entered. Is @asynccontextmanager there?"
    )
