"""What never runs, and why."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from starlette.routing import Router

from lifespan_tools.doctor import frameworks
from lifespan_tools.doctor.findings import Finding, listed
from lifespan_tools.doctor.lifespans import Code, handlers, steps
from lifespan_tools.doctor.names import router_name
from lifespan_tools.doctor.schedule import Schedule

Name = Callable[[], str]  # asked only when needed: it looks through all modules


@dataclass(frozen=True)
class Cause:
    """Why code never runs: a finding without its functions.

    `{names}` in the message stands for them.
    """

    code: str
    message: str
    cure: str


@dataclass(frozen=True)
class Loss:
    """Code that the framework never runs, for one cause."""

    cause: Cause
    lost: tuple[Code, ...]

    def finding(self) -> Finding:
        where = tuple(code.place for code in self.lost)
        names = listed([place.name for place in where])
        verb = "runs" if len({place.name for place in where}) == 1 else "run"
        message = f"{names} never {verb}: {self.cause.message}"
        return Finding(self.cause.code, message, self.cause.cure, where)


def losses(app: Any, router: Router, schedule: Schedule) -> list[Loss]:
    """What the app, its routers and its mounts have that isn't in the schedule.

    One for each cause: of a router that is lost, the routers in it are lost, too.
    """
    found: dict[Cause, list[Code]] = defaultdict(list)
    for loss in _losses(app, router, schedule):
        found[loss.cause] += loss.lost
    return [Loss(cause, tuple(lost)) for cause, lost in found.items()]


def _losses(app: Any, router: Router, schedule: Schedule) -> Iterator[Loss]:
    known = set(schedule.scheduled)
    entered = {id(step.lifespan) for step in schedule.steps}
    name = partial(router_name, router) if router is app else partial(str, "the app")
    for loss in _of_router(router, name, frameworks.lifespan_of(router), None, app):
        yield Loss(loss.cause, _unknown(loss.lost, known))
    yield from _of_mounts(app, router, "", entered, known, {id(app)})


def _unknown(codes: tuple[Code, ...], known: set[Any]) -> tuple[Code, ...]:
    """The code that isn't known yet; from now on it is."""
    new = {code.identity: code for code in codes if code.identity not in known}
    known.update(new)
    return tuple(new.values())


def _of_router(
    router: Router, name: Name, running: Any, cause: Cause | None, app: Any
) -> Iterator[Loss]:
    """What of the router and of those that it includes may never run.

    running: the lifespan of the router as the app runs it; it may be an earlier one
    than the router has now. cause: why it isn't what the router has now, if so.

    A handler stands in the lists of all routers above its own. So the innermost ones
    come first.
    """
    included = frameworks.inclusions(router)
    now = frameworks.lifespan_of(router)
    lost = len(included) - len(frameworks.nested(now))  # merged, then overwritten
    alive = frameworks.nested(running)
    for index, inner in enumerate(included):
        inner_name = partial(router_name, inner.router, inner.prefix)
        runs, why = None, cause
        if index < lost:
            why = _replaced_above(inner_name(), name())
        elif index - lost < len(alive):
            runs = alive[index - lost]
            if not any(runs is each for each in frameworks.earlier(inner.lifespan)):
                why = _replaced(inner_name())
        elif cause is None:
            why = _late(inner_name(), name())
        if inner.router is not None:
            yield from _of_router(inner.router, inner_name, runs, why, app)
        elif why is not None:  # pragma: no cover - before FastAPI 0.137
            yield Loss(why, _codes(inner.lifespan, app))
    own = frameworks.base(now)
    if cause is not None:
        yield Loss(cause, _codes(own, app))
    if frameworks.lister(own) is not router and (unheard := _handlers(router)):
        yield Loss(_dropped(name(), _maker(router, app)), unheard)


def _handlers(router: Router) -> tuple[Code, ...]:
    return handlers(
        frameworks.handlers_of(router, "startup")
        + frameworks.handlers_of(router, "shutdown")
    )


def _codes(lifespan: Any, app: Any) -> tuple[Code, ...]:
    return tuple(
        code
        for step in steps(lifespan, app, in_mount=True)
        for code in (*step.startup, *step.shutdown)
    )


def _maker(router: Router, app: Any) -> str:
    """The framework's class that takes the lifespan."""
    made = app if router is frameworks.router_of(app) else router
    return next(c.__name__ for c in type(made).__mro__ if frameworks.is_theirs(c))


def _dropped(name: str, maker: str) -> Cause:
    return Cause(
        "handlers-dropped",
        f"{name} has a lifespan, and then its handlers are ignored.",
        f"Move them into that lifespan, the one given as {maker}(lifespan=...).",
    )


def _replaced_above(name: str, parent: str) -> Cause:
    return Cause(
        "lifespan-replaced",
        f"{parent} was given another lifespan after it had included {name}.",
        "Give it its lifespan when it is made, before include_router.",
    )


def _replaced(name: str) -> Cause:
    return Cause(
        "lifespan-replaced",
        f"{name} was given another lifespan after it had been included. The app still "
        "runs the one before.",
        "Give it its lifespan when it is made, before include_router.",
    )


def _late(name: str, parent: str) -> Cause:
    return Cause(
        "included-late",
        f"{parent} had itself been included already when it included {name}. Routes "
        "may answer all the same (FastAPI since 0.137).",
        "Turn the two include_router calls round: the inner one first.",
    )


def _of_mounts(
    app: Any,
    router: Router,
    path: str,
    entered: set[int],
    known: set[Any],
    seen: set[int],
) -> Iterator[Loss]:
    """What of the mounted apps never runs, and what they in turn lose."""
    for mount in frameworks.mounts(router):
        inner = frameworks.behind_middleware(mount.app)
        inner_router = frameworks.router_of(inner)
        if inner_router is None or id(inner) in seen:
            continue
        seen.add(id(inner))
        where = path + mount.path
        lifespan = frameworks.lifespan_of(inner_router)
        codes = _codes(lifespan, inner) + _handlers(inner_router)
        name = partial(str, f"the app mounted at {where}")
        own = {id(step.lifespan) for step in steps(lifespan, inner, in_mount=True)}
        if not own <= entered:
            yield Loss(_mounted(name()), _unknown(codes, known))
        for loss in _of_router(inner_router, name, lifespan, None, inner):
            yield Loss(loss.cause, _unknown(loss.lost, known))
        yield from _of_mounts(inner, inner_router, where, entered, known, seen)


def _mounted(name: str) -> Cause:
    return Cause(
        "mounted",
        f"{name} is sent no lifespan. (A mount passes requests on only.)",
        "Use with_mounts(lifespan) of Lifespan Lab as the lifespan of the outer app, "
        "or enter the inner one there: inner.router.lifespan_context(inner).",
    )
