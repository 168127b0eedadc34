"""from_handlers under faults: two loops, or an exit stack with reverse=True."""

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lifespan_lab import from_handlers
from tests.faults import jumping
from tests.faults.resources import (
    Body,
    Use,
    World,
    act,
    bodies,
    in_lifespan,
    limits,
    outcome,
)

pytestmark = pytest.mark.parametrize("backend", jumping.BACKENDS)
Handlers = list[Callable[[], Awaitable[None]]]

plans = st.lists(st.sampled_from(["works", "works", "fails", "hangs"]), max_size=4)


def handlers(world: World, phase: str, plans: list[str]) -> Handlers:
    def handler(name: str, plan: str) -> Callable[[], Awaitable[None]]:
        async def handle() -> None:
            world.log.append(name)
            await act(plan)
            if plan == "fails":
                raise world.fail(name)

        return handle

    return [handler(f"{phase} {n}", plan) for n, plan in enumerate(plans)]


async def by_hand(first: Handlers, last: Handlers, reverse: bool, body: Body) -> None:
    for handle in first:
        await handle()
    if reverse:
        async with AsyncExitStack() as stack:
            for handle in last:
                stack.push_async_callback(handle)
            await body(None)
        return
    try:
        await body(None)
    finally:
        for handle in last:
            await handle()


@given(first=plans, last=plans, reverse=st.booleans(), body=bodies, limit=limits)
def test_plain_code(
    backend: str,
    first: list[str],
    last: list[str],
    reverse: bool,
    body: Use,
    limit: float | None,
) -> None:
    """What runs and what comes out, with its chain, is that of the plain code."""

    async def both() -> None:
        world = World()
        lists = handlers(world, "start", first), handlers(world, "stop", last)

        async def expected(use: Body) -> None:
            await by_hand(*lists, reverse, use)

        one = await outcome(world, expected, body, limit)
        bridged = in_lifespan(from_handlers(*lists, reverse=reverse))
        for _ in range(2):
            world.restart()
            assert await outcome(world, bridged, body, limit) == one

    jumping.run(backend, both)
