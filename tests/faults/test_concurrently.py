"""concurrently under faults: no order, but nothing is lost and nothing is left."""

from dataclasses import replace

import anyio
import pytest
from hypothesis import given

from lifespan_lab import concurrently
from tests.faults import jumping
from tests.faults.resources import (
    Outcome,
    Plan,
    Use,
    World,
    bodies,
    check_balance,
    check_none_is_lost,
    everything_in,
    in_lifespan,
    limits,
    logged_errors,
    outcome,
    stacks,
)

pytestmark = pytest.mark.parametrize("backend", jumping.BACKENDS)


@given(plans=stacks, body=bodies, limit=limits)
def test_each_is_left_and_no_error_is_lost(
    backend: str, plans: list[Plan], body: Use, limit: float | None
) -> None:
    """All start at once, each is left once, and the first error comes out as itself."""
    plans = [
        replace(plan, key=plan.key and f"{plan.key}{number}")
        for number, plan in enumerate(plans)
    ]

    async def twice() -> None:
        world = World()
        run = in_lifespan(concurrently(*world.lifespans(plans)))
        for _ in range(2):
            world.restart()
            with logged_errors() as logged:
                seen = await outcome(world, run, body, limit)
            check(world, seen, plans, logged)

    jumping.run(backend, twice)


def check(
    world: World, seen: Outcome, plans: list[Plan], logged: list[BaseException]
) -> None:
    check_balance(world.log, nested=False)
    check_none_is_lost(world.planted, seen.error, logged)
    starting = [line for line in world.log if " sees " not in line][: len(plans)]
    assert all(line.startswith("enter ") for line in starting)
    if "serving" in world.log:
        entered = sum(line.startswith("entered ") for line in world.log)
        assert entered == len(plans)
        keys = [plan.key for plan in plans if plan.key]
        state = next(line for line in world.log if line.startswith("state "))
        assert all(key in state for key in keys)
    check_the_first(world, seen, plans)


def check_the_first(world: World, seen: Outcome, plans: list[Plan]) -> None:
    """The body's error comes out, else the first failure, in no group of ours.

    What a member suppressed is among them: it was the neighbours' error, too.
    """
    in_body = [error for error in world.planted if str(error) == "body"]
    if in_body:
        assert seen.error is in_body[0]
    elif world.planted and not seen.cancelled:
        first = min(error.time for error in world.planted)
        firsts = [error for error in world.planted if error.time == first]
        group = seen.error if isinstance(seen.error, ExceptionGroup) else None
        assert group is None or any(plan.kind == "task group" for plan in plans)
        assert any(error in everything_in(group or seen.error) for error in firsts)
    elif not world.planted:
        assert seen.error is None or isinstance(
            seen.error, anyio.get_cancelled_exc_class()
        )
