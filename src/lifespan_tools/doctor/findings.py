"""What is wrong: findings, each with its reason and its cure."""

from dataclasses import dataclass

from lifespan_tools.doctor.places import Place


@dataclass(frozen=True)
class Finding:
    """One thing that doesn't do what it seems to do.

    Attributes:
        code: which kind it is, for programs: a key of `CODES`.
        message: what happens, and why.
        cure: what to do.
        where: the functions that it is about.
    """

    code: str
    message: str
    cure: str
    where: tuple[Place, ...] = ()


CODES = {
    "handlers-dropped": "handlers of an app or router that has a lifespan",
    "lifespan-replaced": "lifespans lost because another one took the place later",
    "included-late": "a router included into one that was itself already included",
    "mounted": "lifespans and handlers of a mounted app",
    "runs-again": "handlers or lifespans that run more than once",
    "included-twice": "a router that was included twice, so it starts twice",
    "bare-generator": "a lifespan without @asynccontextmanager",
    "not-a-lifespan": "a lifespan that nothing can enter: the app doesn't start",
    "not-a-handler": "a handler that can't be called, or that runs nothing if called",
    "not-a-middleware": "a middleware that can't be made: the app answers nothing",
    "swallowed": "a middleware that doesn't pass the lifespan on (--probe)",
}


def listed(names: list[str]) -> str:
    """The names as a sentence has them: a, b and c. Each once."""
    *others, last = dict.fromkeys(names)
    return f"{', '.join(others)} and {last}" if others else last
