"""worker under faults: it never ends the lifespan, and its error is never lost."""

from typing import Literal

import anyio
import anyio.lowlevel
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lifespan_lab import worker
from tests.faults import jumping
from tests.faults.resources import (
    Body,
    Outcome,
    Use,
    World,
    act,
    bodies,
    check_balance,
    check_none_is_lost,
    in_lifespan,
    limits,
    logged_errors,
    outcome,
)

pytestmark = pytest.mark.parametrize("backend", jumping.BACKENDS)

Work = Literal["returns", "crashes", "crashes later", "crashes at the end", "works"]
works = st.sampled_from(Work.__args__)


@given(work=works, tidies=st.booleans(), body=bodies, limit=limits)
def test_the_body_goes_on(
    backend: str, work: Work, tidies: bool, body: Use, limit: float | None
) -> None:
    """The body ends as without it; the worker is waited for; no error is lost."""

    async def twice() -> None:
        world = World()

        async def function(app: object) -> None:
            world.log.append("entered worker")
            try:
                await act("hangs" if work == "crashes later" else "works")
                if work in ("crashes", "crashes later"):
                    raise world.fail("worker")
                if work != "returns":
                    await anyio.sleep_forever()
            finally:
                try:
                    # After a crash, a cancellation here would hide it: as in any task.
                    if tidies and not work.startswith("crashes"):
                        with anyio.CancelScope(shield=True):
                            await anyio.sleep(1)
                finally:
                    world.log.append("leave worker")
                if work == "crashes at the end":
                    raise world.fail("worker")

        run = in_lifespan(worker(function))
        for _ in range(2):
            world.restart()
            with logged_errors() as logged:
                seen = await outcome(world, run, body, limit)
            check_balance(world.log)
            check(world, seen, logged)
            expected = await alone(body, limit)
            ran = [line for line in world.log if line in ("serving", "served")]
            assert ran == [line for line in expected.log if not line.startswith("st")]
            assert seen.cancelled == expected.cancelled

    jumping.run(backend, twice)


async def alone(body: Use, limit: float | None) -> Outcome:
    """The body without a worker."""

    async def run(use: Body) -> None:
        await use(None)

    return await outcome(World(), run, body, limit)


def check(world: World, seen: Outcome, logged: list[BaseException]) -> None:
    check_none_is_lost(world.raised, seen.error, logged)
    errors = {str(error): error for error in world.raised}
    if "worker" in errors:
        assert errors["worker"] in logged
    if {"body", "worker"} <= set(errors):
        assert repr(errors["worker"]) in "".join(errors["body"].__notes__)
    if not seen.cancelled:
        assert seen.error is errors.get("body", errors.get("worker"))
