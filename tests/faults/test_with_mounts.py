"""with_mounts under faults: one `async with` over all apps, parents before children."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette

from lifespan_lab import with_mounts
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

pytestmark = pytest.mark.parametrize("backend", jumping.BACKENDS)


@given(
    plans=stacks.filter(bool),
    parents=st.lists(st.integers(0, 9), min_size=5, max_size=5),
    body=bodies,
    limit=limits,
)
def test_the_same_as_one_inside_the_other(
    backend: str, plans: list[Plan], parents: list[int], body: Use, limit: float | None
) -> None:
    """What runs and what comes out is as if all lifespans were entered by hand."""
    plans = [plain(plan) for plan in plans]
    parents = [parent % number for number, parent in enumerate(parents, 1)]
    order = list(preorder(0, parents[: len(plans) - 1]))

    async def both() -> None:
        world = World()
        lifespans = world.lifespans(plans)

        async def expected(use: Body) -> None:
            ordered = [lifespans[each] for each in order]
            await by_hand(ordered, [plans[each] for each in order], "first", use)

        one = await outcome(world, expected, body, limit)
        apps = [Starlette(lifespan=with_mounts(lifespans[0]))]
        for number, lifespan in enumerate(lifespans[1:], 1):
            apps.append(Starlette(lifespan=lifespan))
            apps[parents[number - 1]].mount(f"/{number}", apps[number])

        async def mounted(use: Body) -> None:
            async with apps[0].router.lifespan_context(apps[0]) as state:
                await use(state)

        for _ in range(2):
            world.restart()
            seen = await outcome(world, mounted, body, limit)
            check_balance(world.log)
            assert visible(seen) == visible(one)
            assert not any(hasattr(route.app, "states") for route in apps[0].routes)

    jumping.run(backend, both)


def plain(plan: Plan) -> Plan:
    """Without what Starlette doesn't know: state for a lifespan. And a suppressed
    startup can't be entered by hand either."""
    leave = "works" if plan.leave == "suppresses" else plan.leave
    return replace(plan, wants_state=False, leave=leave)


def preorder(number: int, parents: list[int]) -> Iterator[int]:
    yield number
    for child, parent in enumerate(parents, 1):
        if parent == number:
            yield from preorder(child, parents)


def visible(outcome: Outcome) -> object:
    """All but the state, which mounted apps don't share, and the notes on errors."""
    log = [line for line in outcome.log if not line.startswith("state ")]
    error = None if outcome.cancelled else repr(outcome.error)
    return log, error, outcome.cancelled
