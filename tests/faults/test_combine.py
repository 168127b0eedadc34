"""combine under faults: it can't be told from contextlib.AsyncExitStack by hand."""

from contextlib import AsyncExitStack
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lifespan_lab import combine
from tests.faults import jumping
from tests.faults.resources import (
    Body,
    Lifespan,
    Plan,
    Use,
    World,
    bodies,
    check_balance,
    in_lifespan,
    limits,
    outcome,
    stacks,
)

pytestmark = pytest.mark.parametrize("backend", jumping.BACKENDS)
conflicts = st.sampled_from(["error", "first", "last"])


async def by_hand(
    lifespans: list[Lifespan], plans: list[Plan], on_conflict: str, body: Body
) -> None:
    """What combine is for, in plain code."""
    state: dict[str, Any] = {}
    failure: BaseException | None = None
    started = False
    async with AsyncExitStack() as stack:
        try:
            for lifespan, plan in zip(lifespans, plans, strict=True):
                given = {"state": dict(state)} if plan.wants_state else {}
                yielded = await stack.enter_async_context(lifespan(None, **given))
                for key, value in (yielded or {}).items():
                    if key in state and on_conflict == "error":
                        raise ValueError("combine: a key is yielded twice")
                    if key not in state or on_conflict == "last":
                        state[key] = value
            started = True
        except BaseException as error:
            failure = error
            raise
        await body(state or None)
    if not started:
        raise RuntimeError("combine: a suppressed startup") from failure


@given(plans=stacks, on_conflict=conflicts, body=bodies, limit=limits)
def test_an_exit_stack(
    backend: str,
    plans: list[Plan],
    on_conflict: Any,
    body: Use,
    limit: float | None,
) -> None:
    """What runs, what comes out and its chain are an exit stack's, at each start."""

    async def both() -> None:
        world = World()
        lifespans = world.lifespans(plans)

        async def expected(use: Body) -> None:
            await by_hand(lifespans, plans, on_conflict, use)

        one = await outcome(world, expected, body, limit)
        check_balance(one.log)

        combined = in_lifespan(combine(*lifespans, on_conflict=on_conflict))
        for _ in range(2):
            world.restart()
            assert await outcome(world, combined, body, limit) == one

    jumping.run(backend, both)
