"""Resources that fail where they are told to, and what is seen of them.

A `Plan` is data that Hypothesis makes up: what a resource is, and what it does when it
is entered, while it is in use and when it is left. `World` makes a lifespan of each
plan and notes all that happens.
"""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import (
    AbstractAsyncContextManager,
    asynccontextmanager,
    contextmanager,
)
from dataclasses import dataclass, field
from typing import Any, Literal

import anyio
import anyio.lowlevel
from hypothesis import strategies as st

State = Mapping[str, Any]
Lifespan = Callable[..., AbstractAsyncContextManager[Any]]

HANG = 3600.0  # seconds of a clock that jumps
KINDS = ("class", "generator", "task group")

Kind = Literal["class", "generator", "task group"]
Enter = Literal["works", "fails", "hangs"]
Use = Literal["works", "crashes", "hangs", "is cancelled"]
Leave = Literal["works", "fails", "hangs", "suppresses", "replaces"]


class PlantedError(Exception):
    """An error that a plan asked for, and when it was raised."""

    def __init__(self, where: str) -> None:
        super().__init__(where)
        self.time = anyio.current_time()


@dataclass(frozen=True)
class Plan:
    """What a resource does. A task in its task group may crash while it is in use."""

    kind: Kind = "generator"
    enter: Enter = "works"
    use: Use = "works"
    leave: Leave = "works"
    key: str | None = None  # of the state that it yields
    wants_state: bool = False


@dataclass
class World:
    """The log of one run, and the errors that were raised in it."""

    log: list[str] = field(default_factory=list)
    planted: list[PlantedError] = field(default_factory=list)
    suppressed: list[BaseException] = field(default_factory=list)
    crashing: anyio.Event = field(default_factory=anyio.Event)

    def fail(self, where: str) -> PlantedError:
        error = PlantedError(where)
        self.planted.append(error)
        return error

    def restart(self) -> None:
        self.log, self.planted, self.suppressed = [], [], []
        self.crashing = anyio.Event()

    @property
    def raised(self) -> list[PlantedError]:
        """The errors that no resource suppressed."""
        return [error for error in self.planted if error not in self.suppressed]

    def lifespans(self, plans: "list[Plan]") -> list[Lifespan]:
        return [self.lifespan(f"r{n}", plan) for n, plan in enumerate(plans, 1)]

    def lifespan(self, name: str, plan: Plan) -> Lifespan:
        """A lifespan with the parameter `state`, if the plan wants one."""
        make = _MAKERS[plan.kind]

        def lifespan(app: object) -> AbstractAsyncContextManager[Any]:
            return make(self, name, plan)

        def with_state(app: object, state: State) -> AbstractAsyncContextManager[Any]:
            self.log.append(f"{name} sees {dict(state)}")
            return make(self, name, plan)

        made = with_state if plan.wants_state else lifespan
        made.__qualname__ = name
        return made

    async def enter(self, name: str, plan: Plan) -> State | None:
        self.log.append(f"enter {name}")
        await act(plan.enter)
        if plan.enter == "fails":
            raise self.fail(f"enter {name}")
        self.log.append(f"entered {name}")
        return None if plan.key is None else {plan.key: name}

    async def leave(self, name: str, plan: Plan, error: BaseException | None) -> bool:
        """Whether the error is suppressed; that of a cancellation never is."""
        self.log.append(f"leave {name} {type(error).__name__}")
        await act(plan.leave)
        if plan.leave == "fails":
            raise self.fail(f"leave {name}")
        if plan.leave == "replaces" and error is not None:
            raise self.fail(f"replaced by {name}") from error
        self.log.append(f"left {name}")
        if plan.leave != "suppresses" or not isinstance(error, Exception):
            return False
        self.suppressed += everything_in(error)
        return True

    async def crash(self, name: str) -> None:
        await self.crashing.wait()
        await anyio.sleep(int(name[1:]) / 100)  # one after the other, on trio too
        raise self.fail(f"crash of {name}")

    async def use(self, plan: Use) -> None:
        """The body, in which also the tasks of the resources crash."""
        self.log.append("serving")
        if plan == "crashes":
            await anyio.lowlevel.checkpoint()
            raise self.fail("body")
        self.crashing.set()
        await act(plan)
        await anyio.sleep(1)
        self.log.append("served")


async def act(how: str) -> None:
    await anyio.lowlevel.checkpoint()
    if how == "hangs":
        await anyio.sleep(HANG)


class _Class:
    """A resource that handles no error, and so sees no chain of them."""

    def __init__(self, world: World, name: str, plan: Plan) -> None:
        self.arguments = world, name, plan

    async def __aenter__(self) -> State | None:
        world, name, plan = self.arguments
        return await world.enter(name, plan)

    async def __aexit__(self, kind: object, error: Any, traceback: object) -> bool:
        world, name, plan = self.arguments
        return await world.leave(name, plan, error)


@asynccontextmanager
async def _generator(
    world: World, name: str, plan: Plan
) -> AsyncIterator[State | None]:
    state = await world.enter(name, plan)
    try:
        yield state
    except BaseException as error:
        if not await world.leave(name, plan, error):
            raise
    else:
        await world.leave(name, plan, None)


@asynccontextmanager
async def _task_group(
    world: World, name: str, plan: Plan
) -> AsyncIterator[State | None]:
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(anyio.sleep, HANG * 10)
        if plan.use == "crashes":
            tasks.start_soon(world.crash, name)
        async with _generator(world, name, plan) as state:
            yield state
        tasks.cancel_scope.cancel()


_MAKERS: dict[str, Callable[..., AbstractAsyncContextManager[Any]]] = {
    "class": _Class,
    "generator": _generator,
    "task group": _task_group,
}


# What Hypothesis makes up

plans = st.builds(
    Plan,
    kind=st.sampled_from(KINDS),
    # Most work: else all stacks would end at their first resource.
    enter=st.sampled_from(["works", "works", "works", "works", "fails", "hangs"]),
    use=st.sampled_from(["works", "works", "works", "crashes"]),
    leave=st.sampled_from(
        ["works", "works", "fails", "hangs", "suppresses", "replaces"]
    ),
    key=st.sampled_from([None, None, "a", "b", "c", "d"]),
    wants_state=st.booleans(),
)
stacks = st.lists(plans, max_size=5)
bodies = st.sampled_from(["works", "works", "crashes", "hangs", "is cancelled"])
# When the whole is cancelled from outside: never, while the first hangs, the second...
limits = st.sampled_from([None, HANG / 2, HANG * 1.5, HANG * 2.5])


# What is seen

Body = Callable[[State | None], Awaitable[None]]
Run = Callable[[Body], Awaitable[None]]  # enters something, and the body in it


def in_lifespan(lifespan: Lifespan) -> Run:
    """Run the body in the lifespan of an app that isn't looked at."""

    async def run(use: Body) -> None:
        async with lifespan(None) as state:
            await use(state)

    return run


@dataclass
class Outcome:
    """What one run came to. Two outcomes are equal if nobody could tell them apart."""

    log: list[str]
    described: object
    cancelled: bool
    error: BaseException | None = field(compare=False)

    @property
    def without_chain(self) -> object:
        """What remains of it for those who don't look what stands behind an error."""
        return self.log, described(self.error, chain=False), self.cancelled


async def outcome(world: World, run: Run, body: Use, limit: float | None) -> Outcome:
    """Run the body in what is to be entered; note what it comes to."""
    caught: BaseException | None = None
    with anyio.CancelScope() as scope:
        if limit is not None:
            scope.deadline = anyio.current_time() + limit

        async def use(state: State | None) -> None:
            world.log.append(f"state {state}")
            if body == "is cancelled":
                scope.cancel()
            await world.use(body)

        try:
            await run(use)
        except BaseException as error:
            caught = error
            if not isinstance(error, Exception):
                raise
    return Outcome(world.log, described(caught), scope.cancelled_caught, caught)


def described(error: BaseException | None, *, chain: bool = True) -> object:
    """The error with its chain, its notes and its parts, as far as they don't vary."""
    if error is None:
        return None
    words = "" if isinstance(error, anyio.get_cancelled_exc_class()) else str(error)
    if words.startswith("combine: "):
        words = "combine"
    parts = error.exceptions if isinstance(error, BaseExceptionGroup) else ()
    here = (
        type(error).__name__,
        words,
        getattr(error, "__notes__", []),
        # In no order, for trio shuffles tasks.
        sorted((described(part, chain=chain) for part in parts), key=repr),
    )
    if not chain:
        return here
    behind = described(error.__cause__), described(error.__context__)
    return here, behind, error.__suppress_context__


def everything_in(error: BaseException | None) -> list[BaseException]:
    """The error, its parts, and all that stands in their chains."""
    found: list[BaseException] = []
    waiting = [error]
    while waiting:
        each = waiting.pop()
        if each is None or any(each is one for one in found):
            continue
        found.append(each)
        waiting += [each.__cause__, each.__context__]
        waiting += each.exceptions if isinstance(each, BaseExceptionGroup) else []
    return found


def check_balance(log: list[str], *, nested: bool = True) -> None:
    """What was entered is left, exactly once; in reverse order, where it is nested."""
    entered = [line.split()[1] for line in log if line.startswith("entered ")]
    left = [line.split()[1] for line in log if line.startswith("leave ")]
    assert len(set(entered)) == len(entered)
    if nested:
        assert left == entered[::-1]
    else:
        assert sorted(left) == sorted(entered)


@contextmanager
def logged_errors() -> Iterator[list[BaseException]]:
    """The errors that the snippets log meanwhile."""
    errors: list[BaseException] = []

    class Collector(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.exc_info and record.exc_info[1] is not None:
                errors.append(record.exc_info[1])

    collector, logger = Collector(), logging.getLogger("lifespan_lab")
    logger.addHandler(collector)
    logger.propagate = False  # pytest needn't keep thousands of them
    try:
        yield errors
    finally:
        logger.propagate = True
        logger.removeHandler(collector)


def check_none_is_lost(
    planted: list[PlantedError], error: BaseException | None, logged: list[Any]
) -> None:
    """Each error that was raised came out, or is noted on what did, or was logged."""
    found = [each for one in [error, *logged] for each in everything_in(one)]
    notes = [note for each in found for note in getattr(each, "__notes__", [])]
    for one in planted:
        assert any(each is one for each in found) or repr(one) in " ".join(notes), one
