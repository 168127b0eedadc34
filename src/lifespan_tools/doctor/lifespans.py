"""What a lifespan runs, read and not called: its steps in the order of startup."""

import inspect
from collections.abc import Hashable, Iterator
from contextlib import AsyncContextDecorator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Literal

from lifespan_tools.doctor import frameworks, snippets
from lifespan_tools.doctor.places import (
    Place,
    generator_of,
    identity,
    made_by,
    place_of,
)

Kind = Literal["lifespan", "handler"]


@dataclass(frozen=True)
class Fault:
    """Why a handler never runs, although it is called."""

    message: str
    cure: str
    raises: bool = True  # a TypeError, when it is called


@dataclass(frozen=True)
class Code:
    """A handler, or one half of a lifespan: what stands before or after its yield."""

    kind: Kind
    identity: Hashable
    function: Any = field(compare=False)  # it may be without a hash
    fault: Fault | None = None
    wrapped: Any = field(default=None, compare=False)  # the function as it was given

    @property
    def place(self) -> Place:
        return place_of(self.function if self.wrapped is None else self.wrapped)


@dataclass(frozen=True)
class Step:
    """What starts together and stops together: a lifespan, or a router's handlers."""

    lifespan: Any
    startup: tuple[Code, ...]
    shutdown: tuple[Code, ...]
    app: Any = None  # what a lifespan is called with
    fault: str | None = None
    cure: str = ""
    side_by_side: bool = False  # with others, in no order
    leaf: tuple[int, ...] = ()  # its place in what the framework has merged, by level
    stops_all: bool = False  # at shutdown one that raises doesn't stop the others


def steps(
    lifespan: Any, app: object, in_mount: bool = False, given_state: bool = False
) -> Iterator[Step]:
    """Each step in the order of startup; they stop in reverse.

    app: what the lifespan is called with. in_mount: whether a `with_mounts` around it
    enters the mounted apps already. given_state: whether it is called with `state=`,
    too, if it has that parameter.
    """
    leaves = list(frameworks.leaves(lifespan))
    for number, leaf in enumerate(leaves):
        # FastAPI calls what it has merged with the app alone.
        given = given_state and leaf is lifespan
        for step in _steps_of_leaf(leaf, app, in_mount, given):
            yield replace(step, leaf=(number, *step.leaf)) if leaves[1:] else step


def _steps_of_leaf(
    leaf: Any, app: object, in_mount: bool, given_state: bool
) -> Iterator[Step]:
    """Those of a lifespan that isn't merged from others by the framework."""
    router = frameworks.lister(leaf)
    if router is not None:
        startup, shutdown = (
            handlers(frameworks.handlers_of(router, event))
            for event in ("startup", "shutdown")
        )
        yield Step(leaf, startup, shutdown)
    elif (lists := snippets.handlers_of(leaf)) is not None:
        startup, shutdown = handlers(lists.startup), handlers(lists.shutdown)
        yield Step(leaf, startup, shutdown, stops_all=lists.stops_all)
    elif (members := snippets.members_of(leaf)) is not None:
        for member in members.lifespans:
            for step in steps(member, app, in_mount, given_state=True):
                side_by_side = members.side_by_side or step.side_by_side
                yield replace(step, side_by_side=side_by_side)
        if members.then_mounts and not in_mount:
            yield from _steps_of_mounts(app, {id(app)})
    else:
        fault, cure = fault_of(leaf, given_state) or (None, "")
        code = () if fault else (code_of(leaf),)
        yield Step(leaf, code, code, app, fault, cure)


def _steps_of_mounts(app: object, entered: set[int]) -> Iterator[Step]:
    """Those of the mounted apps, each app once."""
    router = frameworks.router_of(app)
    for mount in frameworks.mounts(router) if router else ():
        inner = frameworks.behind_middleware(mount.app)
        if id(inner) not in entered:
            entered.add(id(inner))
            inner_router = frameworks.router_of(inner)
            if inner_router is not None:
                lifespan = frameworks.lifespan_of(inner_router)
                yield from steps(lifespan, inner, in_mount=True)
            yield from _steps_of_mounts(inner, entered)


def handlers(functions: list[Any]) -> tuple[Code, ...]:
    return tuple(
        Code("handler", identity(each), each, fault_of_handler(each))
        for each in functions
    )


NO_YIELD = (
    "Take the yield out and move what stands after it to a shutdown handler, or make "
    "it a lifespan."
)


def fault_of_handler(handler: Any) -> Fault | None:
    """Why nothing of it runs when it is called without arguments, as handlers are."""
    if not callable(handler):
        return Fault(f"is {_a(handler)}, and can't be called", "Register a function.")
    try:
        inspect.signature(handler).bind()
    except TypeError:
        cure = "Give it no parameters."
        if made_by(handler):
            cure = "Hand it over as the lifespan: FastAPI(lifespan=...)."
        return Fault("has a parameter, and handlers are called without", cure)
    except ValueError:  # written in C
        return None
    if made_by(handler):
        return Fault(
            "is made with contextlib: called, it gives a context manager, which nobody "
            "enters. Nothing of it runs",
            "Give it one parameter, the app, and hand it over as the lifespan: "
            "FastAPI(lifespan=...).",
            raises=False,
        )
    function = _called(handler)
    if inspect.isasyncgenfunction(function) or inspect.isgeneratorfunction(function):
        return Fault(
            "has a yield: called, it gives a generator, and nothing of it runs",
            NO_YIELD,
            raises=False,
        )
    return None


def _called(handler: Any) -> Any:
    """The function that is called when it is called."""
    while isinstance(handler, partial):
        handler = handler.func
    return handler if inspect.isroutine(handler) else type(handler).__call__


def code_of(lifespan: Any) -> Code:
    inner = frameworks.lifted(lifespan) or generator_of(lifespan)
    function = lifespan if inner is None else inner
    return Code("lifespan", identity(function), function, wrapped=lifespan)


MANAGED = "Put @asynccontextmanager (from contextlib) on it."


def fault_of(lifespan: Any, given_state: bool = False) -> tuple[str, str] | None:
    """Why this can't be a lifespan, and the cure; None if nothing speaks against it.

    Each of these is a TypeError when the app starts, and not before.
    """
    if isinstance(lifespan, AsyncContextDecorator):
        return (
            "is the result of a call, where the function is needed",
            "Hand over the function itself: lifespan=lifespan, not lifespan(app).",
        )
    if not callable(lifespan):
        return (
            f"is {_a(lifespan)}, where a function is needed",
            "Hand over a function that takes the app.",
        )
    if inspect.isasyncgenfunction(lifespan) or inspect.isgeneratorfunction(lifespan):
        return "is a bare generator, which nothing can enter", MANAGED
    if inspect.iscoroutinefunction(lifespan):
        return "has no yield, so it can't be entered", f"Give it a yield. {MANAGED}"
    if made_by(lifespan) == "contextmanager":
        return "has @contextmanager, which is for `with`", MANAGED.replace("Put", "Use")
    inner = generator_of(lifespan)
    if inner is not None and inspect.isgeneratorfunction(inner):
        return "is a `def`, and @asynccontextmanager needs `async def`", (
            "Write `async def`."
        )
    if inner is not None and inspect.iscoroutinefunction(inner):
        return "has no yield, so it can't be entered", "Give it a yield."
    return _fault_of_parameters(lifespan, given_state)


def _a(thing: object) -> str:
    name = type(thing).__name__
    return f"{'an' if name[0].lower() in 'aeiou' else 'a'} {name}"


def _fault_of_parameters(lifespan: Any, given_state: bool) -> tuple[str, str] | None:
    try:
        signature = inspect.signature(lifespan)
    except (TypeError, ValueError):  # written in C, or says nothing
        return None
    wants_state = "state" in signature.parameters
    try:
        signature.bind(
            object(), **({"state": {}} if given_state and wants_state else {})
        )
    except TypeError:
        wanted = len(signature.parameters)
        cure = "Give it one parameter, the app."
        if wants_state:
            cure += " (Lifespan Lab's combine(...) hands over a `state`, too.)"
        return f"takes {wanted} parameters, but is called with the app alone", cure
    return None


def is_bare(lifespan: Any) -> bool:
    """Whether the framework had to make a lifespan of a generator function.

    With an async one the object doesn't tell: the framework uses asynccontextmanager,
    as a decorator does. So the source is asked. Where the function has no decorator,
    and its file calls asynccontextmanager(...) nowhere, it was the framework.
    """
    if frameworks.lifted(lifespan) is not None:
        return True
    inner: Any = generator_of(lifespan)
    inner = getattr(inner, "__func__", inner)  # of a bound method
    if not (inspect.isasyncgenfunction(inner) and inspect.isfunction(inner)):
        return False
    try:
        lines, number = inspect.findsource(inner)
    except OSError:
        return False
    decorated = lines[number].lstrip().startswith("@")
    return not decorated and not any("contextmanager(" in line for line in lines)
