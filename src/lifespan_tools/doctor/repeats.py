"""What runs more than once, and why."""

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterator

from lifespan_tools.doctor import frameworks
from lifespan_tools.doctor.findings import Finding, listed
from lifespan_tools.doctor.lifespans import Code, Kind, Step
from lifespan_tools.doctor.names import router_name
from lifespan_tools.doctor.places import Place
from lifespan_tools.doctor.schedule import Schedule

COPIED = (
    "include_router copies a router's handlers to the app or router above. That one "
    "runs its copies if it has no lifespan, and the router runs its own (FastAPI since "
    "0.112.2)."
)
TO_LIFESPAN = (
    "Move them into a lifespan of the router, APIRouter(lifespan=...), or of the app. "
    "Until then they have to bear being called again."
)
TWICE_AND_COPIED = (
    "Move its handlers into a lifespan of the router, APIRouter(lifespan=...), and "
    "include it once: either alone leaves them running more than once. To serve its "
    "routes in two places, move its startup code to the app's lifespan."
)
ONCE = (
    "Include it once. To serve its routes in two places, move its startup code to the "
    "app's lifespan."
)


def repeats(schedule: Schedule) -> Iterator[Finding]:
    """Findings for what the schedule has more than once, one for each cause."""
    again = {
        identity: times
        for codes in (schedule.startup, schedule.shutdown)
        for identity, times in Counter(code.identity for code in codes).items()
        if times > 1
    }
    causes: dict[tuple[Hashable, int, Kind], list[Code]] = defaultdict(list)
    for code in dict.fromkeys(schedule.codes()):
        if code.identity in again:
            steps = [step for step in schedule.steps if _has(step, code)]
            lifespans = Counter(id(step.lifespan) for step in steps)
            cause = frozenset(lifespans.items()), again[code.identity], code.kind
            causes[cause].append(code)
    for (_, times, kind), codes in causes.items():
        steps = [step for step in schedule.steps if _has(step, codes[0])]
        where = tuple(code.place for code in codes)
        finding, why, cure = _cause(steps, kind, schedule.steps[0])
        yield Finding(finding, f"{_run_again(where, times)}: {why}", cure, where)


def _has(step: Step, code: Code) -> bool:
    return any(code.identity == each.identity for each in step.startup + step.shutdown)


def _run_again(places: tuple[Place, ...], times: int) -> str:
    names = list(dict.fromkeys(place.name for place in places))
    return f"{listed(names)} {'run' if len(names) > 1 else 'runs'} {times} times"


def _cause(steps: list[Step], kind: Kind, first: Step) -> tuple[str, str, str]:
    """The kind of finding, the reason and the cure."""
    entered = Counter(id(step.lifespan) for step in steps)
    twice = next((s for s in steps if entered[id(s.lifespan)] > 1), None)
    router = frameworks.lister(twice.lifespan) if twice is not None else None
    if router is not None:
        why = (
            f"{router_name(router)} is included more than once, and each time all of "
            "it starts once more"
        )
        if len(entered) > 1:
            return "included-twice", f"{why}; and {COPIED}", TWICE_AND_COPIED
        return "included-twice", f"{why}.", ONCE
    if kind == "handler" and len(entered) > 1:
        return "runs-again", COPIED, TO_LIFESPAN
    of_several = len({step.leaf for step in steps}) > 1  # merged by include_router
    if twice is not None and twice.lifespan is not first.lifespan and of_several:
        return (
            "included-twice",
            "a router that has it is included more than once, or it was given to "
            "several.",
            ONCE,
        )
    return (
        "runs-again",
        "registered more than once.",
        "Register it in one place only.",
    )
