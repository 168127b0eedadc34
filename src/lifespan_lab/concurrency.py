# Lifespan Lab 0.1.0, licence MIT-0: copy this file, no notice needed.
# Needs: anyio>=4.6, starlette>=0.37.2
"""Start lifespans that don't need each other at the same time, and stop them so.

Use::

    from contextlib import asynccontextmanager
    from concurrency import concurrently
    from starlette.applications import Starlette

    @asynccontextmanager
    async def database(app): yield {"database": "open"}
    @asynccontextmanager
    async def model(app): yield {"model": "loaded"}

    app = Starlette(lifespan=concurrently(database, model))
"""

import logging
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from inspect import signature
from types import MappingProxyType
from typing import Any

from anyio import CancelScope, Event, create_task_group, get_cancelled_exc_class
from starlette.types import Lifespan

__all__ = ["concurrently"]

logger = logging.getLogger(__name__)

State = Mapping[str, Any]
AnyLifespan = Callable[..., AbstractAsyncContextManager[Mapping[str, object] | None]]
NO_STATE: State = MappingProxyType({})


def concurrently(*lifespans: AnyLifespan) -> Lifespan[Any]:
    """Make one lifespan of several that start at the same time, and stop so.

    Each member is entered and left in a task of its own: so it may hold a task group
    open across its yield, which it may not under `asyncio.gather`. ContextVars that it
    sets are therefore seen by nobody else.

    It behaves like the members in one `async with`, as far as there is no order:

    - A member that fails to start cancels those that still start, as in any task group
      of anyio: what their clean-ups await is cancelled, too, unless it is shielded.
      Those that have started are closed.
    - The error of the block, or the first failure of a member, is raised in each other
      member at its yield. A member can't suppress or replace it.
    - A member that breaks off while the app serves, since its own task group crashed,
      cancels the block; the others are closed, and its error comes out.

    Arguments:
        lifespans: lifespans, `app -> async context manager`, that don't need each
            other. One with a parameter `state` is given that of `concurrently`, with
            nothing from its neighbours.

    The new lifespan yields all that they yield in one mapping, or None if none of them
    yields anything. It has to be left in the task that entered it.

    Errors: the error of the block comes out, as the same object, else the first failure
    of a member, as itself. Those after it are logged, and attached to it as notes.
        ValueError: two members yield the same key.
        TypeError: a member yields what is no mapping.
    """
    names = [_name(lifespan) for lifespan in lifespans]

    @asynccontextmanager
    async def side_by_side(app: Any, state: State = NO_STATE) -> AsyncIterator[Any]:
        members = [
            _Member(name, partial(_enter, lifespan, app, state))
            for name, lifespan in zip(names, lifespans, strict=True)
        ]
        group = _Group(members)
        try:
            async with create_task_group() as tasks:
                for member in members:
                    tasks.start_soon(group.run, member)
                try:
                    if await group.started():
                        with group.block:
                            yield _merged(members)
                except BaseException as error:
                    group.block_error = error
                group.stop()
        except get_cancelled_exc_class() as cancelled:  # while it stopped
            group.failures.append(("", cancelled))
        group.raise_first()

    side_by_side.__name__ = f"concurrently({', '.join(names)})"
    side_by_side.__qualname__ = side_by_side.__name__
    return side_by_side


class _Member:
    """A lifespan, and how far it got."""

    def __init__(
        self, name: str, enter: Callable[[], AbstractAsyncContextManager[Any]]
    ) -> None:
        self.name = name
        self.enter = enter
        self.starting = CancelScope()
        self.has_started = False
        self.value: Any = None


class _Group:
    """The members that run side by side, and what went wrong with them."""

    def __init__(self, members: list[_Member]) -> None:
        self.members = members
        self.settled = Event()  # all have started, or one failed to
        self.stopping = Event()
        self.block = CancelScope()
        self.block_error: BaseException | None = None
        self.told: BaseException | None = None
        self.failures: list[tuple[str, BaseException]] = []

    async def run(self, member: _Member) -> None:
        try:
            with member.starting:
                async with member.enter() as member.value:
                    member.has_started = True
                    self.settle()
                    await self.stopping.wait()
                    if self.told is not None:
                        raise self.told
        except BaseException as error:  # cancelled as well: then the block is, too
            if (failure := _without(error, self.told)) is not None:
                self.failures.append((member.name, failure))
        member.has_started = True
        self.settle()
        self.block.cancel()

    def settle(self) -> None:
        if self.failures or all(member.has_started for member in self.members):
            self.settled.set()

    async def started(self) -> bool:
        """Whether all members have started, when that is known."""
        if self.members:
            await self.settled.wait()
        return not self.failures

    def stop(self) -> None:
        self.told = self.first_error()
        self.stopping.set()
        for member in self.members:
            if not member.has_started:
                member.starting.cancel()

    def first_error(self) -> BaseException | None:
        if self.block_error is not None:
            return self.block_error
        cancelled = get_cancelled_exc_class()
        errors = [error for _, error in self.failures]
        ordinary = [error for error in errors if not isinstance(error, cancelled)]
        return next(iter(ordinary + errors), None)

    def raise_first(self) -> None:
        first = self.first_error()
        if first is None:
            return
        quiet = get_cancelled_exc_class()
        for name, error in self.failures:
            if error is not first and not isinstance(error, quiet):
                first.add_note(f"{name} failed, too: {error!r}")
                logger.error("%s failed, too", name, exc_info=error)
        raise first


def _enter(
    lifespan: AnyLifespan, app: Any, state: State
) -> AbstractAsyncContextManager[Any]:
    if "state" in signature(lifespan).parameters:
        return lifespan(app, state=state)
    return lifespan(app)


def _merged(members: list[_Member]) -> dict[str, Any] | None:
    """What the members yielded, in one mapping; None if none yielded anything."""
    owners: dict[str, str] = {}
    merged: dict[str, Any] = {}
    yielding = [member for member in members if member.value is not None]
    for member in yielding:
        if not isinstance(member.value, Mapping):
            raise TypeError(
                f"{member.name} yields {member.value!r}: a lifespan yields a mapping, "
                "such as a dict, or nothing."
            )
        for key in member.value:
            if key in owners:
                raise ValueError(
                    f"{owners[key]} and {member.name} both yield the key {key!r}. "
                    "Rename it in one of them."
                )
            owners[key] = member.name
        merged |= member.value
    return merged if yielding else None


def _without(error: BaseException, told: BaseException | None) -> BaseException | None:
    """What is left of an error without the one that its raiser was told of.

    A task group wraps that one in a group, and may take apart one that is a group.
    """
    if not isinstance(error, BaseExceptionGroup) or told is None:
        return None if error is told else error
    parts = list(_parts(told))
    return error.split(lambda leaf: any(leaf is part for part in parts))[1]


def _parts(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for part in error.exceptions:
            yield from _parts(part)
    else:
        yield error


def _name(lifespan: AnyLifespan) -> str:
    function = lifespan
    while isinstance(function, partial):
        function = function.func
    name = getattr(function, "__qualname__", type(function).__qualname__)
    return str(name).rpartition("<locals>.")[2]
