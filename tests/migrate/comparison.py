"""An application's event log: the same before and after it was rewritten?

The applications under test write `with mark("connect"):` in their handlers. Each such
block leaves a mark for its entry, and one for its exit or its exception; a run can be
told to raise in one of them.
"""

import importlib
import json
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import anyio
import starlette.applications
from fastapi import FastAPI
from starlette.types import ASGIApp

from lifespan_lab import from_handlers, running


@dataclass
class Marks:
    """What happened in one run, in order."""

    failing: str = ""
    log: list[str] = field(default_factory=list)

    @contextmanager
    def mark(self, name: str) -> Iterator[None]:
        """Note that a block is entered, and how it is left."""
        self.log.append(f"{name} >")
        try:
            if name == self.failing:
                raise LookupError(name)
            yield
        except BaseException as error:
            self.log.append(f"{name} ! {error!r}")
            raise
        self.log.append(f"{name} <")


@contextmanager
def imported(folder: Path, marks: Marks) -> Iterator[Callable[[str], Any]]:
    """Import from a folder, and leave no trace of that."""
    known = dict(sys.modules)
    sys.path.insert(0, str(folder))
    module = ModuleType("marks")
    module.mark = marks.mark  # type: ignore[attr-defined]
    sys.modules["marks"] = module
    importlib.invalidate_caches()
    bytecode, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            # FastAPI 0.108 to 0.128.2, where both are given.
            warnings.filterwarnings("ignore", "The `lifespan` parameter cannot be used")
            yield importlib.import_module
    finally:
        sys.dont_write_bytecode = bytecode
        sys.path.remove(str(folder))
        places = {
            name: [getattr(each, "__file__", None), *getattr(each, "__path__", ())]
            for name, each in sys.modules.items()
            if name not in known
        }
        for name, found in places.items():
            if name == "marks" or str(folder) in " ".join(map(str, found)):
                del sys.modules[name]


class OldStarlette(starlette.applications.Starlette):
    """Starlette up to 0.52, as far as startup and shutdown handlers go.

    Starlette 1 removed them, so with it an application can't be run before it is
    rewritten. `from_handlers` does as 0.52.1 did: tests/test_handlers.py compares it.
    """

    def __init__(
        self,
        *args: Any,
        on_startup: Sequence[Any] | None = None,
        on_shutdown: Sequence[Any] | None = None,
        lifespan: Any = None,
        **options: Any,
    ) -> None:
        self.handlers: dict[str, list[Any]] = {
            "startup": list(on_startup or ()),
            "shutdown": list(on_shutdown or ()),
        }
        events = from_handlers(self.handlers["startup"], self.handlers["shutdown"])
        super().__init__(*args, lifespan=lifespan or events, **options)

    def add_event_handler(self, event_type: str, func: Any) -> None:
        self.handlers[event_type].append(func)

    def on_event(self, event_type: str) -> Callable[[Any], Any]:
        def decorator(function: Any) -> Any:
            self.add_event_handler(event_type, function)
            return function

        return decorator


@contextmanager
def starlette_with_events() -> Iterator[None]:
    """Have the applications know for a while what Starlette 1 took away."""
    today = starlette.applications.Starlette
    starlette.applications.Starlette = OldStarlette  # type: ignore[misc]
    if not (knows := hasattr(FastAPI, "add_event_handler")):
        FastAPI.add_event_handler = add_event_handler  # type: ignore[attr-defined]
    try:
        yield
    finally:
        starlette.applications.Starlette = today  # type: ignore[misc]
        if not knows:
            del FastAPI.add_event_handler  # type: ignore[attr-defined]


def add_event_handler(app: FastAPI, event_type: str, func: Any) -> None:
    """What FastAPI inherited from Starlette, before that removed it."""
    app.router.add_event_handler(event_type, func)


def log_of(folder: Path, serve: str, failing: str = "") -> list[str]:
    """Start the application, ask it once, stop it: what was marked, and what came out.

    serve: `module:name`, or `module:function()` for a factory.
    failing: the mark that raises.
    """
    marks = Marks(failing)
    with imported(folder, marks) as import_module, starlette_with_events():
        module, _, name = serve.partition(":")
        try:
            found = getattr(import_module(module), name.removesuffix("()"))
            app = found() if name.endswith("()") else found
        except LookupError as error:
            marks.log.append(f"not made: {error!r}")
        else:
            anyio.run(_run, app, marks)
    return marks.log


async def _run(app: ASGIApp, marks: Marks) -> None:
    try:
        async with running(app) as client:
            response = await client.get("/")
            seen = json.dumps(response.json()) if response.is_success else "nothing"
            marks.log.append(f"a request sees {seen}")
    except LookupError as error:
        marks.log.append(f"raised {error!r}")


def names_in(log: Sequence[str]) -> list[str]:
    """The marks that were entered, each once."""
    return list(dict.fromkeys(line[:-2] for line in log if line.endswith(" >")))


def same(before: Sequence[str], after: Sequence[str]) -> bool:
    """Whether the same ran, in the same order."""
    return list(before) == list(after)


def same_but_once(before: Sequence[str], after: Sequence[str]) -> bool:
    """Whether just repetitions went: of each line the first one is still there."""
    return list(dict.fromkeys(before)) == list(after)
