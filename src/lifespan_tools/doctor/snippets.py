"""The lifespans that Lifespan Lab's snippets make, also from copies in a project.

A copy is known by the name of the function that made the lifespan and by having the
same code. One that was changed is a lifespan like any other.
"""

from collections.abc import Callable, Iterator, Mapping
from types import CodeType, FunctionType
from typing import Any, NamedTuple

from lifespan_lab.bounds import bounded
from lifespan_lab.compose import combine
from lifespan_lab.concurrency import concurrently
from lifespan_lab.handlers import from_handlers
from lifespan_lab.mounts import with_mounts
from lifespan_tools.doctor.frameworks import Handler, closure
from lifespan_tools.doctor.places import generator_of


class Lists(NamedTuple):
    startup: list[Handler]
    shutdown: list[Handler]
    stops_all: bool  # each of `shutdown` runs, although another one raised


def handlers_of(lifespan: Any) -> Lists | None:
    """The handlers in the order in which a lifespan of `from_handlers` runs them."""
    inside = _inside(lifespan, from_handlers)
    if inside is None:
        return None
    startup, shutdown = list(inside["on_startup"]), list(inside["on_shutdown"])
    reverse = inside["reverse"]
    return Lists(startup, shutdown[::-1] if reverse else shutdown, reverse)


class Members(NamedTuple):
    """The lifespans that one is made of, in the order in which it enters them."""

    lifespans: list[Any]
    side_by_side: bool = False
    then_mounts: bool = False


def members_of(lifespan: Any) -> Members | None:
    """Those of `combine`, `concurrently`, `bounded` and `with_mounts`.

    That is all that can be called of what such a lifespan refers to.
    """
    for maker in (combine, concurrently, bounded, with_mounts):
        if (inside := _inside(lifespan, maker)) is not None:
            return Members(
                [each for each in _callables(inside) if not _is_nothing(each)],
                side_by_side=maker is concurrently,
                then_mounts=maker is with_mounts,
            )
    return None


def _callables(thing: Any) -> Iterator[Any]:
    if isinstance(thing, Mapping):
        thing = list(thing.values())
    if isinstance(thing, list | tuple):
        for each in thing:
            yield from _callables(each)
    elif callable(thing):
        yield thing


def _is_nothing(function: Any) -> bool:
    """Whether it is the lambda that with_mounts() enters, given nothing."""
    code = getattr(function, "__code__", None)
    return isinstance(code, CodeType) and any(
        _is_same(code, each)
        for each in _codes(with_mounts)
        if each.co_name == "<lambda>"
    )


def _inside(lifespan: Any, maker: Callable[..., Any]) -> dict[str, Any] | None:
    """What the lifespan refers to in its maker; None if another function made it."""
    function = generator_of(lifespan) or lifespan
    if isinstance(function, FunctionType) and any(
        _is_same(function.__code__, code) for code in _codes(maker)
    ):
        return closure(function)
    return None


def _is_same(one: CodeType, another: CodeType) -> bool:
    return all(
        getattr(one, name) == getattr(another, name)
        for name in ("co_name", "co_code", "co_names", "co_freevars")
    )


def _codes(function: Any) -> list[CodeType]:
    constants = function.__code__.co_consts
    return [each for each in constants if isinstance(each, CodeType)]
