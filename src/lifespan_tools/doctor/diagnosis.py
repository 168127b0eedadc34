"""The doctor's answer: what runs, what is wrong, and what couldn't be seen."""

import inspect
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from lifespan_tools.doctor import frameworks, lifespans, middleware
from lifespan_tools.doctor.findings import Finding, listed
from lifespan_tools.doctor.lifespans import Code
from lifespan_tools.doctor.losses import Loss, losses
from lifespan_tools.doctor.places import Place, place_of
from lifespan_tools.doctor.repeats import repeats
from lifespan_tools.doctor.schedule import Run, Schedule, runs

__all__ = ["Diagnosis", "Finding", "Place", "Run", "UnreadableError", "diagnose"]

# Merged lifespans nest. Python's limit of 1,000 frames ends the startup with a
# RecursionError at about 485 included routers (FastAPI 0.165).
SAFELY_NESTED = 400


class UnreadableError(TypeError):
    """This is no app that doctor can read."""


@dataclass(frozen=True)
class Diagnosis:
    """What an app does at startup and at shutdown, as far as its objects tell.

    Attributes:
        startup: what runs at startup, in order, one entry for each run; provided that
            the lifespan reaches the app (see `passed_on`).
        shutdown: the same for shutdown, if the app stops after it has started.
        fails: whether something is known to stop the startup. Then `startup` ends
            there, and `shutdown` is what runs of the things that had started. (Of a
            lifespan: what stands in its `finally`.)
        passed_on: whether the lifespan reaches the app: False if a middleware was found
            to keep it, None if there is one that may, and nobody has looked (`probe`)
            or looking didn't tell.
        findings: what is wrong.
        unknown: what couldn't be seen, in sentences.
        notes: what is no fault, but good to know, in sentences.
        versions: the releases that this holds for, by name.
        tested: whether doctor was tested with these. If not, all is unknown.
    """

    startup: tuple[Run, ...]
    shutdown: tuple[Run, ...]
    fails: bool
    passed_on: bool | None
    findings: tuple[Finding, ...]
    unknown: tuple[str, ...]
    notes: tuple[str, ...]
    versions: Mapping[str, str]
    tested: bool

    @property
    def starts(self) -> bool | None:
        """Whether nothing is known to stop the startup; None if it may not begin."""
        return False if self.fails else self.passed_on

    @property
    def exit_code(self) -> int:
        """1 with a finding, 0 without; 2 where doctor couldn't look."""
        if self.findings and self.tested:
            return 1
        return 2 if self.unknown else 0

    def __str__(self) -> str:
        from lifespan_tools.doctor.report import as_text

        return as_text(self)


def diagnose(app: Any, *, probe: bool = False) -> Diagnosis:
    """Tell which startup and shutdown code of the app runs, and which never will.

    Objects are read, and none of the app's handlers or lifespans is run.

    Arguments:
        app: a Starlette or FastAPI app, or a router. Middleware around it is looked
            through, as far as it keeps the app as its attribute `app`.
        probe: also ask each middleware whether it passes a lifespan on. For
            that each is made anew, around a stand-in for the app, and called with the
            scope of a lifespan. It gets no message, and neither the app nor its
            lifespan is called.

    The answer holds for the installed releases of FastAPI and Starlette. Outside of
    those that doctor was tested with it is marked as unknown.

    What can't be seen by reading: code that is run by a lifespan, beyond the names in
    it; what a lifespan yields (if that is no mapping, the startup fails); before
    FastAPI 0.137, routers whose merged lifespan was overwritten.

    Errors: UnreadableError, a TypeError, if there is no Starlette app or router.
    """
    inner = frameworks.behind_middleware(app)
    router = frameworks.router_of(inner)
    if router is None:
        raise UnreadableError(
            f"This is {_described(app)}, and doctor reads apps of Starlette and "
            "FastAPI. If there is one inside, name that."
        )
    lifespan = frameworks.lifespan_of(router)
    schedule = Schedule(list(lifespans.steps(lifespan, inner)))
    findings = [*_faults(schedule), *repeats(schedule), *_bare(schedule)]
    untested = frameworks.untested()
    unknown = [*untested, *frameworks.forgotten(), *_unreadable(lifespan, schedule)]
    notes: list[str] = []
    for loss in losses(inner, router, schedule):
        parts = _split(loss, schedule)
        findings += [parts.certain.finding()] if parts.certain.lost else []
        unknown += [_doubt(parts.doubtful)] if parts.doubtful.lost else []
        notes += _by_hand(parts.by_hand, schedule)
    passed_on, kept, silent = _passing(app, probe)
    findings = kept + findings
    unknown += silent
    notes += _notes(router, schedule)
    if passed_on is None and not probe:
        notes.append(_before_the_router(app))
    return Diagnosis(
        runs(schedule.startup),
        runs(schedule.shutdown),
        schedule.fails,
        passed_on,
        tuple(findings),
        tuple(unknown),
        tuple(notes),
        frameworks.versions(),
        not untested,
    )


def _passing(app: Any, probe: bool) -> tuple[bool | None, list[Finding], list[str]]:
    """Whether the lifespan reaches the app; findings and doubts about that."""
    layers = list(middleware.layers(app))
    unmade = [found for layer in layers if (found := middleware.unmade(layer))]
    if unmade:
        return False, unmade, []
    own = [layer for layer in layers if middleware.is_own(layer)]
    if not probe:
        return (None if own else True), [], []
    swallowed, silent = middleware.ask(own)
    if swallowed:
        return False, swallowed, silent
    return (None if silent else True), [], silent


def _before_the_router(app: Any) -> str:
    kinds = [each.kind for each in middleware.layers(app) if middleware.is_own(each)]
    stands, passes = ("stands", "passes") if len(kinds) == 1 else ("stand", "pass")
    return (
        f"{listed([place_of(kind).name for kind in kinds])} {stands} before the app's "
        f"router. What is said here holds if that {passes} the lifespan on; --probe "
        "tells."
    )


def _described(thing: Any) -> str:
    if isinstance(thing, type):
        return f"the class {thing.__name__}"
    if inspect.isroutine(thing):
        return f"the function {place_of(thing).name}"
    return f"an object of the class {type(thing).__name__}"


def _faults(schedule: Schedule) -> Iterator[Finding]:
    if (step := schedule.broken) is not None:
        lifespan = getattr(step.lifespan, "func", step.lifespan)
        where = (place_of(lifespan),) if callable(lifespan) else ()
        name = where[0].name if where else "The lifespan"
        yield Finding(
            "not-a-lifespan",
            f"{name} {step.fault}. The startup fails there with a TypeError.",
            step.cure,
            where,
        )
    for phase in ("startup", "shutdown"):
        codes = [code for step in schedule.steps for code in getattr(step, phase)]
        for code in dict.fromkeys(code for code in codes if code.fault):
            yield _not_a_handler(code, phase)


def _not_a_handler(code: Code, phase: str) -> Finding:
    assert code.fault is not None
    where = (code.place,) if callable(code.function) else ()
    message = f"{where[0].name if where else 'A handler'} {code.fault.message}."
    if code.fault.raises:
        message += f" The {phase} fails there with a TypeError."
    return Finding("not-a-handler", message, code.fault.cure, where)


def _bare(schedule: Schedule) -> Iterator[Finding]:
    bare = [step for step in schedule.steps if lifespans.is_bare(step.lifespan)]
    for code in dict.fromkeys(code for step in bare for code in step.startup):
        yield Finding(
            "bare-generator",
            f"{code.place.name} lacks @asynccontextmanager. It is added silently, "
            "which Starlette calls deprecated, and nothing else that takes a lifespan "
            "adds it.",
            "Put @asynccontextmanager (from contextlib) on an `async def`.",
            (code.place,),
        )


def _unreadable(lifespan: Any, schedule: Schedule) -> Iterator[str]:
    if len(frameworks.nested(lifespan)) > SAFELY_NESTED:
        yield (
            "So many routers are included that their merged lifespans may end the "
            "startup with a RecursionError."
        )
    for step in schedule.steps:
        router = frameworks.lister(step.lifespan)
        if router is not None and not frameworks.runs_its_lists(router):
            yield (
                f"{type(router).__name__} runs its handlers in its own way: which of "
                "them run, and in which order, can't be read."
            )


@dataclass(frozen=True)
class _Parts:
    """What the framework never runs: three parts of one loss."""

    certain: Loss
    doubtful: Loss  # it may be run by code that names it
    by_hand: Loss  # it is run by code that says so


def _split(loss: Loss, schedule: Schedule) -> _Parts:
    mentions = schedule.mentions
    certain, doubtful, by_hand = [], [], []
    for code in loss.lost:
        if code.identity in schedule.literal.by:
            by_hand.append(code)
        elif (
            code.identity in mentions
            or (mentions.lists_by_hand and code.kind == "handler")
            or (mentions.lifespans_by_hand and code.kind == "lifespan")
            or (mentions.lifespans_by_hand and loss.cause.code == "mounted")
        ):
            doubtful.append(code)
        else:
            certain.append(code)
    return _Parts(
        *(Loss(loss.cause, tuple(part)) for part in (certain, doubtful, by_hand))
    )


def _doubt(loss: Loss) -> str:
    names = listed([str(code.place) for code in loss.lost])
    return (
        f"{names}: the framework doesn't run this ({loss.cause.code}). But a lifespan "
        "or handler that runs names it, or starts such things by hand, and may do so."
    )


def _by_hand(loss: Loss, schedule: Schedule) -> Iterator[str]:
    runners: dict[str, list[str]] = {}
    for code in loss.lost:
        runner = place_of(schedule.literal.by[code.identity])
        runners.setdefault(str(runner), []).append(code.place.name)
    for by, names in runners.items():
        yield (
            f"{listed(names)}: the framework doesn't run this ({loss.cause.code}), "
            f"but {by} calls it. Whether it gets there, and how often, isn't told here."
        )


def _notes(router: Any, schedule: Schedule) -> Iterator[str]:
    yield from frameworks.traceless(frameworks.lifespan_of(router))
    codes = [c for step in schedule.steps if step.side_by_side for c in step.startup]
    if codes:
        names = listed([code.place.name for code in codes])
        yield f"{names} start and stop side by side, so their order may differ."
    for mount in frameworks.mounts(router):
        mounted = frameworks.behind_middleware(mount.app)
        module = type(mounted).__module__.partition(".")[0]
        if frameworks.router_of(mounted) is None and module != "starlette":
            yield (
                f"What is mounted at {mount.path} is no Starlette app. If it has a "
                "lifespan, the mount doesn't run it."
            )
