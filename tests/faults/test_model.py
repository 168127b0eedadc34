"""The machinery of the fault injection itself: what it makes up and what it sees."""

import asyncio
from collections import Counter
from collections.abc import Iterator

import anyio
import anyio.lowlevel
import pytest
import trio
from hypothesis import Phase, given, settings

from tests.faults import jumping
from tests.faults.resources import (
    Body,
    Outcome,
    Plan,
    Use,
    World,
    bodies,
    check_balance,
    limits,
    outcome,
    stacks,
)
from tests.faults.test_combine import by_hand

backends = pytest.mark.parametrize("backend", jumping.BACKENDS)


@backends
def test_waiting_takes_no_time(backend: str) -> None:
    """The clock jumps: to wake up after a year is a matter of milliseconds."""

    async def wait() -> float:
        start = anyio.current_time()
        with anyio.move_on_after(60 * 60 * 24 * 3):
            await anyio.sleep_forever()
        return anyio.current_time() - start

    assert jumping.run(backend, wait) == pytest.approx(60 * 60 * 24 * 3)


@backends
def test_a_deadlock_is_seen(backend: str) -> None:
    """Tasks that no one will ever wake are an error, and don't hang the tests."""
    with pytest.raises(TimeoutError):
        jumping.run(backend, anyio.sleep_forever)


@backends
def test_a_task_left_is_seen(backend: str) -> None:
    """A task that outlives what started it is an error."""

    async def leave_a_task() -> None:
        if backend == "trio":
            trio.lowlevel.spawn_system_task(trio.sleep_forever)
        else:
            tasks.add(asyncio.get_running_loop().create_task(asyncio.sleep(1)))

    tasks: set[object] = set()
    with pytest.raises(AssertionError, match="a task is left"):
        jumping.run(backend, leave_a_task)


@backends
def test_a_scope_left_is_seen(backend: str) -> None:
    """A cancel scope that is entered and not left is an error."""

    async def leave_a_scope() -> None:
        scope = anyio.CancelScope(deadline=anyio.current_time() + 1)
        scopes.append(scope)
        scope.__enter__()

    scopes: list[object] = []
    with pytest.raises((AssertionError, RuntimeError)):
        jumping.run(backend, leave_a_scope)


@pytest.mark.parametrize(
    "lines",
    [
        ["entered r1"],
        ["entered r1", "leave r1 None", "leave r1 None"],
        ["leave r1 None"],
        ["entered r1", "entered r2", "leave r1 None", "leave r2 None"],
    ],
    ids=["not left", "left twice", "never entered", "not reversed"],
)
def test_an_imbalance_is_seen(lines: list[str]) -> None:
    """What isn't left exactly once, or not in reverse, is an error."""
    with pytest.raises(AssertionError):
        check_balance(lines)


SITUATIONS = {
    "all works",
    "fails at enter",
    "fails at leave",
    "fails more than once",
    "the body fails",
    "a task crashes",
    "an error is suppressed",
    "an error is replaced",
    "cancelled before serving",
    "cancelled while serving",
    "cancelled after serving",
    "a key is given twice",
    "state is seen",
}


def situations(world: World, seen: Outcome) -> Iterator[str]:
    """What an example is about."""
    log, planted = "\n".join(world.log), " ".join(map(str, world.planted))
    if not world.planted and "served" in world.log:
        yield "all works"
    for sign, situation in {
        "enter r": "fails at enter",
        "leave r": "fails at leave",
        "body": "the body fails",
        "crash": "a task crashes",
        "replaced": "an error is replaced",
    }.items():
        if sign in planted:
            yield situation
    if len(world.planted) > 1:
        yield "fails more than once"
    if world.suppressed and seen.error is None:
        yield "an error is suppressed"
    if seen.cancelled:
        before = "served" not in log and "serving" not in log
        yield f"cancelled {'before' if before else 'while'} serving"
        if "served" in log:
            yield "cancelled after serving"
    if "combine" in str(seen.described):
        yield "a key is given twice"
    if "sees {'" in log:
        yield "state is seen"


@pytest.mark.pinned  # other releases of Hypothesis draw other examples
def test_the_examples_are_about_something() -> None:
    """The ordinary examples reach every situation."""
    found: Counter[str] = Counter()

    @settings(settings.get_profile("ordinary"), phases=[Phase.generate])
    @given(plans=stacks, body=bodies, limit=limits)
    def look(plans: list[Plan], body: Use, limit: float | None) -> None:
        async def once() -> None:
            world = World()

            async def run(use: Body) -> None:
                await by_hand(world.lifespans(plans), plans, "error", use)

            found.update(situations(world, await outcome(world, run, body, limit)))

        jumping.run("asyncio", once)

    look()
    assert set(found) == SITUATIONS
