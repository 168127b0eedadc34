"""running under faults: a normal shutdown whatever the body does, and no error lost."""

import asyncio
import math
from dataclasses import replace

import pytest
import trio
from hypothesis import given
from starlette.applications import Starlette

from lifespan_lab import combine, running
from tests.faults import jumping
from tests.faults.resources import (
    HANG,
    Body,
    Kind,
    Outcome,
    Plan,
    Run,
    Use,
    World,
    bodies,
    check_balance,
    check_none_is_lost,
    everything_in,
    limits,
    logged_errors,
    outcome,
    plans,
    stacks,
)

KINDS_WITH_CHAIN: dict[Kind, Kind] = {
    "class": "generator",
    "generator": "generator",
    "task group": "task group",
}
NO_FAULT = (type(None), TimeoutError, asyncio.CancelledError, trio.Cancelled)
SHORT = HANG / 60

pytestmark = pytest.mark.parametrize("backend", jumping.BACKENDS)


@given(plans=stacks, body=bodies, limit=limits)
def test_a_normal_shutdown(
    backend: str, plans: list[Plan], body: Use, limit: float | None
) -> None:
    """No resource sees what the body did; the body's error comes out as itself."""
    # With a class, combine loses errors just as AsyncExitStack does.
    plans = [replace(plan, kind=KINDS_WITH_CHAIN[plan.kind]) for plan in plans]

    async def twice() -> None:
        world = World()
        app = Starlette(lifespan=combine(*world.lifespans(plans), on_conflict="first"))
        for _ in range(2):
            world.restart()
            with logged_errors() as logged:
                seen = await outcome(world, in_app(app, math.inf), body, limit)
            check_balance(world.log)
            if not (seen.cancelled and any(plan.leave == "hangs" for plan in plans)):
                # Else it may end the clean-up that an error was waiting for, and
                # takes its place, as in any task.
                check_none_is_lost(world.raised, seen.error, logged)
            check_the_first(world, seen)
            if body != "works" and seen.cancelled is False:
                check_a_normal_shutdown(world)

    jumping.run(backend, twice)


@given(plan=plans, body=bodies)
def test_limits(backend: str, plan: Plan, body: Use) -> None:
    """What hangs is cancelled at the limit, and TimeoutError names the phase."""

    async def once() -> None:
        world = World()
        app = Starlette(lifespan=combine(*world.lifespans([plan])))
        with logged_errors() as logged:
            seen = await outcome(world, in_app(app, SHORT), body, None)
        check_balance(world.log)
        check_none_is_lost(world.raised, seen.error, logged)
        check_the_first(world, seen)
        late = plan.enter == "hangs" or ("serving" in world.log and slow(plan, world))
        errors = [error for error in [seen.error, *logged] if error is not None]
        assert late == any(isinstance(error, TimeoutError) for error in errors)

    jumping.run(backend, once)


def slow(plan: Plan, world: World) -> bool:
    """Whether it takes long to leave. A task group that crashed is cancelled."""
    crashed = any(str(error).startswith("crash") for error in world.planted)
    return plan.leave == "hangs" and not crashed


def in_app(app: Starlette, seconds: float) -> Run:
    async def run(use: Body) -> None:
        async with running(app, startup_timeout=seconds, shutdown_timeout=seconds):
            await use(None)

    return run


def check_the_first(world: World, seen: Outcome) -> None:
    in_body = [error for error in world.raised if str(error) == "body"]
    if in_body:
        assert seen.error is in_body[0]
    elif world.raised and not seen.cancelled:
        assert world.raised[-1] in everything_in(seen.error)
    elif not world.raised:
        suppressed = str(seen.error).startswith("combine: the startup failed")
        assert suppressed or isinstance(seen.error, NO_FAULT)


def check_a_normal_shutdown(world: World) -> None:
    leaves = [line for line in world.log if line.startswith("leave ")]
    crashed = any(str(error).startswith("crash") for error in world.planted)
    if "serving" in world.log and not crashed:
        assert not leaves or leaves[0].endswith(" NoneType")
