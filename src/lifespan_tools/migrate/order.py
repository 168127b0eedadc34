"""In which order a lifespan shuts down: each handler where it first ran.

FastAPI ends the lifespans of included routers first, the last one included before the
others. Then it runs the application's list, with its copies of their handlers. Each of
these runs although one before raised; a list ends where a handler raises.
(`APIRouter.include_router` and `_merge_lifespan_context` in fastapi/routing.py, 0.165)
"""

from collections.abc import Iterator, Mapping

from lifespan_tools.migrate.holdings import registrations_of
from lifespan_tools.migrate.lifespans import Call, Guarded, Step
from lifespan_tools.migrate.objects import Made, Registration


def shutdown_of(holder: Made, calls: Mapping[Registration, Call]) -> list[Step]:
    """The calls in the order of the first runs.

    What ran although a router's handler raised still does.
    """
    return _steps(holder, dict(calls))


def _steps(made: Made, left: dict[Registration, Call]) -> list[Step]:
    """Take out of `left` what isn't called yet, in the order in which it runs."""
    nested = {
        include: _steps(include.router, left)
        for include in reversed(made.includes_in_order)
        if include.router.lifespan is None
    }
    steps: list[Step] = []
    for entry in made.entries:
        if isinstance(entry, Registration):
            steps += _taken(left, entry)
        elif entry not in nested:
            for each in registrations_of(entry.router):
                steps += _taken(left, each)
        elif nested[entry] and steps:
            steps = [Guarded(nested[entry], steps)]
        else:
            steps += nested[entry]
    return steps


def _taken(left: dict[Registration, Call], registration: Registration) -> list[Call]:
    return [left.pop(registration)] if registration in left else []


def too_early(holder: Made) -> tuple[Registration, Made] | None:
    """A shutdown handler that ran before a router's lifespan ended, and that router.

    The holder's own lifespan is around that one: there it would run after it.
    """
    first: Registration | None = None
    for event in _shutdown_events(holder):
        if isinstance(event, Made) and first is not None:
            return first, event
        if isinstance(event, Registration):
            first = first or event
    return None


def _shutdown_events(made: Made) -> Iterator[Registration | Made]:
    """The runs of handlers, and the routers whose own lifespan ends, in order."""
    for include in reversed(made.includes_in_order):
        yield from _shutdown_events(include.router)
    if made.lifespan is not None:
        yield made
        return
    for each in registrations_of(made):
        if each.phase == "shutdown":
            yield each
