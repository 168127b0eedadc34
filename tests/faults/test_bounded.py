"""bounded under faults: nothing changes until a limit passes, and then it holds."""

from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
from hypothesis import given

from lifespan_lab import bounded
from tests.faults import jumping
from tests.faults.resources import (
    HANG,
    Body,
    Lifespan,
    Outcome,
    Plan,
    Use,
    World,
    bodies,
    check_balance,
    check_none_is_lost,
    limits,
    logged_errors,
    outcome,
    plans,
)

pytestmark = pytest.mark.parametrize("backend", jumping.BACKENDS)
APP = object()
SHORT, GRACE = HANG / 60, 1.0


async def entered(
    world: World, lifespan: Lifespan, body: Use, limit: float | None = None
) -> Outcome:
    """What comes of one start, with the state that a combine would give."""
    world.restart()

    async def run(use: Body) -> None:
        async with enter(lifespan) as state:
            await use(state)

    return await outcome(world, run, body, limit)


def enter(lifespan: Lifespan) -> AbstractAsyncContextManager[Any]:
    try:
        return lifespan(APP, state={"given": 1})
    except TypeError:
        return lifespan(APP)


@given(plan=plans, body=bodies, limit=limits)
def test_limits_that_do_not_pass(
    backend: str, plan: Plan, body: Use, limit: float | None
) -> None:
    """Within its limits, all is as without them, but for the chain of an error."""

    async def both() -> None:
        world = World()
        [lifespan] = world.lifespans([plan])
        expected = await entered(world, lifespan, body, limit)
        limited = bounded(lifespan, startup=HANG * 3, shutdown=HANG * 3)
        for _ in range(2):
            seen = await entered(world, limited, body, limit)
            assert seen.without_chain == expected.without_chain
            check_balance(world.log)

    jumping.run(backend, both)


@given(plan=plans, body=bodies)
def test_limits_that_pass(backend: str, plan: Plan, body: Use) -> None:
    """What hangs is cancelled at its limit; the first error comes out, none is lost."""

    async def both() -> None:
        world = World()
        [lifespan] = world.lifespans([plan])
        expected = await entered(world, lifespan, body)
        late = next((phase for phase in SLOW if SLOW[phase](plan, expected.log)), None)
        limited = bounded(lifespan, startup=SHORT, shutdown=SHORT, grace=GRACE)
        with logged_errors() as logged:
            seen = await entered(world, limited, body)
        check_balance(world.log)
        check_none_is_lost(world.raised, seen.error, logged)
        if late is None:
            assert seen.without_chain == expected.without_chain
            return
        message = f"The {late} of r1 took longer than {SHORT:g} s"
        if world.raised:
            assert seen.error is world.raised[0]
            assert message in str(getattr(seen.error, "__notes__", []))
        else:
            assert isinstance(seen.error, TimeoutError)
            assert message in str(seen.error)

    jumping.run(backend, both)


SLOW = {
    "startup": lambda plan, log: plan.enter == "hangs" and "entered r1" in log,
    "shutdown": lambda plan, log: plan.leave == "hangs" and "left r1" in log,
}
