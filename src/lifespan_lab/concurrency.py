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
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from inspect import isasyncgenfunction, iscoroutinefunction, signature
from types import MappingProxyType
from typing import Any

from anyio import CancelScope, Event, create_task_group, get_cancelled_exc_class
from starlette.types import Lifespan

__all__ = ["concurrently"]

logger = logging.getLogger(__name__)

State = Mapping[str, Any]
Member = Callable[..., AbstractAsyncContextManager[Mapping[str, object] | None]]
EMPTY: State = MappingProxyType({})


def concurrently(*lifespans: Member) -> Lifespan[Any]:
    """Make one lifespan of several that start at the same time, and stop so.

    Each member is entered and left in a task of its own, and so it may hold a task
    group open across its yield. (Under `asyncio.gather` it may not: a cancel scope has
    to be left in the task that entered it.) For the rest they behave as in one
    `async with`, as far as that has no order:

    - A member that fails to start cancels those that still start, as in any task group
      of anyio: what their clean-ups await is cancelled, too, unless it is shielded.
      Those that have started are closed.
    - The error of the block, or the first failure of a member, is raised in the others
      at their yields. No member can suppress or replace it, since none is the last.
    - A member that breaks off while the app serves, because its own task group crashed
      or was cancelled, cancels the block, and is closed when the block is over. Then
      the others are closed. If others still start, they are cancelled.
    - ContextVars that a member sets are seen by itself only.

    Arguments:
        lifespans: lifespans, `app -> async context manager`, that don't need each
            other. One with a parameter `state` is given that of `concurrently`, and
            nothing of its neighbours.

    The new lifespan yields all that they yield in one mapping, or None if none of them
    yields anything. It has to be left in the task that entered it.

    Errors: the error of the block comes out, as the same object, else the first failure
    of a member, as itself and in no group. Those after it are logged, and attached to
    it as notes.
        ValueError: two members yield the same key.
        TypeError: a member yields what is no mapping; at once, for what is no lifespan,
            as far as it shows.

    Source: anyio, "Cancellation and timeouts", on cancel scopes and tasks.
    """
    for each in lifespans:
        undecorated = isasyncgenfunction(each) or iscoroutinefunction(each)
        if undecorated or not callable(each) or hasattr(type(each), "__aexit__"):
            raise TypeError(
                f"concurrently: {each!r} is no lifespan. Decorate it, and don't call it"
            )

    @asynccontextmanager
    async def side_by_side(app: Any, state: State = EMPTY) -> AsyncIterator[Any]:
        group = _Group([_Member(_name(each), each, app, state) for each in lifespans])
        try:
            async with create_task_group() as tasks:
                for member in group.members:
                    tasks.start_soon(group.run, member)
                try:
                    if await group.started():
                        with group.block:
                            yield _merged(group.members)
                except BaseException as error:
                    group.block_error = error
                group.block_over.set()
                if not group.block.cancel_called:  # else who broke off ends first
                    group.stop()
        except get_cancelled_exc_class() as cancelled:  # while it stopped
            group.failures.insert(0, ("", cancelled))
        group.raise_first()

    names = ", ".join(map(_name, lifespans))
    side_by_side.__name__ = side_by_side.__qualname__ = f"concurrently({names})"
    return side_by_side


@dataclass(eq=False)
class _Member:
    """A lifespan, and how far it got."""

    name: str
    lifespan: Member
    app: Any
    state: State
    value: Any = None
    has_started: bool = False
    starting: CancelScope = field(default_factory=CancelScope)

    def enter(self) -> AbstractAsyncContextManager[Any]:
        wants_state = "state" in signature(self.lifespan).parameters
        return self.lifespan(self.app, **({"state": self.state} if wants_state else {}))


@dataclass(eq=False)
class _Group:
    """The members that run side by side, and what went wrong with them."""

    members: list[_Member]
    settled: Event = field(default_factory=Event)  # all have started, or one won't
    block: CancelScope = field(default_factory=CancelScope)
    block_over: Event = field(default_factory=Event)
    block_error: BaseException | None = None
    stopping: Event = field(default_factory=Event)
    told: BaseException | None = None
    failures: list[tuple[str, BaseException]] = field(default_factory=list)

    async def run(self, member: _Member) -> None:
        try:
            with member.starting:
                async with member.enter() as member.value:
                    await self.serve(member)
                    self.tell()
        except BaseException as error:  # cancelled as well: then the block is, too
            if (failure := _without(error, self.told)) is not None:
                self.failures.append((member.name, failure))
        self.settled.set()
        self.stop()

    async def serve(self, member: _Member) -> None:
        member.has_started = True
        if all(each.has_started for each in self.members):
            self.settled.set()
        try:
            await self.stopping.wait()
        except get_cancelled_exc_class():  # by its own task group, or all are
            self.settled.set()
            self.block.cancel()
            with CancelScope(shield=True):  # it isn't closed while it is in use
                await self.block_over.wait()
            raise

    def tell(self) -> None:
        """Not in `serve`, for a coroutine makes a StopIteration a RuntimeError."""
        if self.told is not None:
            raise self.told

    async def started(self) -> bool:
        """Whether all members have started, when that is known."""
        if self.members:
            await self.settled.wait()
        return all(each.has_started for each in self.members)

    def stop(self) -> None:
        if self.stopping.is_set():  # what fails from now on, nobody is told of
            return
        self.told = self.first_error()
        self.traceback = getattr(self.told, "__traceback__", None)
        self.stopping.set()
        for member in self.members:
            if not member.has_started:
                member.starting.cancel()

    def first_error(self) -> BaseException | None:
        errors = [error for _, error in self.failures]
        failure = min(errors, key=_is_cancellation, default=None)  # the first of equals
        return failure if self.block_error is None else self.block_error

    def raise_first(self) -> None:
        first = self.first_error()
        if first is None:
            return
        for name, error in self.failures:
            if error is not first and not _is_cancellation(error):
                first.add_note(f"{name} failed, too: {error!r}")
                logger.error("%s failed, too", name, exc_info=error)
        if first is self.told:
            first.__traceback__ = self.traceback  # without the members' lines
        raise first


def _merged(members: list[_Member]) -> dict[str, Any] | None:
    """What the members yielded, in one mapping; None if none yielded anything."""
    owners: dict[str, str] = {}
    merged: dict[str, Any] = {}
    yielding = [member for member in members if member.value is not None]
    for member in yielding:
        if not isinstance(member.value, Mapping):
            raise TypeError(f"{member.name} yielded {member.value!r}, not a mapping.")
        for key in member.value:
            if key in owners:
                raise ValueError(
                    f"{owners[key]} and {member.name} both yield the key "
                    f"{key!r}. Rename it in one of them."
                )
            owners[key] = member.name
        merged |= member.value
    return merged if yielding else None


def _is_cancellation(error: BaseException) -> bool:
    return isinstance(error, get_cancelled_exc_class())


def _without(error: BaseException, told: BaseException | None) -> BaseException | None:
    """What is left of an error without the one that its raiser was told of.

    A task group wraps that one in a group, and may take apart one that is a group.
    """
    if not isinstance(error, BaseExceptionGroup) or told is None:
        return error
    parts = _leaves(told)
    return error.split(lambda leaf: any(leaf is part for part in parts))[1]


def _leaves(error: BaseException) -> list[BaseException]:
    if not isinstance(error, BaseExceptionGroup):
        return [error]
    return [leaf for part in error.exceptions for leaf in _leaves(part)]


def _name(lifespan: Member) -> str:
    function = getattr(lifespan, "func", lifespan)  # of a partial
    name = getattr(function, "__qualname__", type(function).__qualname__)
    return str(name).rpartition("<locals>.")[2]
