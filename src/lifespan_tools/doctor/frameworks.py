"""How FastAPI and Starlette keep lifespans, handlers, routers and mounts.

All that doctor knows of their private names stands here, and the releases for which
that was tested. The names are those of FastAPI's `routing.py` (`_DefaultLifespan`,
`_merge_lifespan_context`, `_IncludedRouter`) and of Starlette's (`_DefaultLifespan`,
`Mount._base_app`).
"""

import copy
import re
from collections.abc import Callable, Iterator
from types import FunctionType
from typing import Any, NamedTuple

import fastapi
import starlette
from starlette.applications import Starlette
from starlette.routing import Host, Mount, Router
from starlette.types import ASGIApp

Handler = Callable[[], Any]
Version = tuple[int, ...]

# From the first that was tested to the first that wasn't.
FASTAPI: tuple[Version, Version] = ((0, 115), (0, 166))
STARLETTE: tuple[Version, Version] = ((0, 37, 2), (1, 11))

FORGETFUL = ((0, 128, 3), (0, 128, 6))


def versions() -> dict[str, str]:
    """The installed releases, by name."""
    return {"FastAPI": fastapi.__version__, "Starlette": starlette.__version__}


def untested() -> list[str]:
    """What makes the answer unknown for the installed releases; nothing if tested."""
    return [
        f"{name} {version} is outside of what doctor was tested with "
        f"({_text(first)} to before {_text(end)}). What it says may not hold."
        for (name, version), (first, end) in zip(
            versions().items(), (FASTAPI, STARLETTE), strict=True
        )
        if not first <= _numbers(version) < end
    ]


def forgotten() -> list[str]:
    """What these releases lose before anybody can see it."""
    first, end = FORGETFUL
    if first <= _numbers(fastapi.__version__) < end and _own_lists():
        return [
            f"FastAPI {fastapi.__version__} forgets what is given as on_startup= and "
            "on_shutdown=. It never runs, and doctor can't see it. Update FastAPI."
        ]
    return []


def traceless(lifespan: Any) -> list[str]:
    """What may have been lost in an app with this lifespan without a trace."""
    if _keeps_routers() or lister(base(lifespan)) is not None:
        return []
    return [  # pragma: no cover - before FastAPI 0.137
        "If this lifespan was put in place after include_router, those of the included "
        "routers are lost. With FastAPI before 0.137 nothing shows that."
    ]


def _numbers(version: str) -> Version:
    return tuple(int(number) for number in re.findall(r"\d+", version)[:3])


def _text(version: Version) -> str:
    return ".".join(map(str, version))


def _own_lists() -> bool:
    """Whether Starlette's router still has lists of handlers (before 1.0)."""
    return hasattr(Router, "on_event")  # pragma: no cover - asked with FORGETFUL only


def router_of(app: object) -> Router | None:
    """The router of an app, or the app itself if it is one."""
    if isinstance(app, Starlette):
        return app.router
    return app if isinstance(app, Router) else None


def behind_middleware(app: Any) -> Any:
    """The app behind its middleware, as far as they keep it as their `app`."""
    seen: list[Any] = []
    while router_of(app) is None and hasattr(app, "app") and app not in seen:
        seen.append(app)
        app = app.app
    return app


def lifespan_of(router: Router) -> Any:
    """What the router enters at startup and leaves at shutdown."""
    return router.lifespan_context


def handlers_of(router: Router, event: str) -> list[Handler]:
    """The router's own handlers, and copies of those of the routers it includes."""
    return list(getattr(router, f"on_{event}", ()))


def merged(lifespan: Any) -> tuple[Any, Any] | None:
    """The two lifespans that `include_router` made one of: the router's, then the
    included one's. None for any other lifespan."""
    function: Any = getattr(lifespan, "__wrapped__", None)
    if not _is_named(function, "fastapi.routing", "_merge_lifespan_context"):
        return None
    cells = closure(function)
    return cells["original_context"], cells["nested_context"]


def lister(lifespan: Any) -> Router | None:
    """The router whose handlers this lifespan runs: each router's, if given none."""
    kind = type(lifespan)
    if kind.__name__ != "_DefaultLifespan" or kind.__module__ not in {
        "fastapi.routing",
        "starlette.routing",
    }:
        return None
    router: Router = lifespan._router
    return router


def lifted(lifespan: Any) -> FunctionType | None:
    """The generator function (`def`) that the framework made a lifespan of."""
    if not any(
        _is_named(lifespan, f"{framework}.routing", "_wrap_gen_lifespan_context")
        for framework in ("fastapi", "starlette")
    ):
        return None
    function: FunctionType = lifespan.__wrapped__.__wrapped__
    return function


def _is_named(function: Any, module: str, maker: str) -> bool:
    """Whether the function was made in the module by the function of that name.

    By its code: `functools.wraps` gives it the names of what it wraps.
    """
    return (
        isinstance(function, FunctionType)
        and function.__globals__.get("__name__") == module
        and function.__code__.co_qualname.startswith(f"{maker}.<locals>.")
    )


def closure(function: FunctionType) -> dict[str, Any]:
    """What the function refers to in the functions around it, by name."""
    cells = zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
    found = {}
    for name, cell in cells:
        try:
            found[name] = cell.cell_contents
        except ValueError:  # not yet bound
            continue
    return found


class Inclusion(NamedTuple):
    """A router in another one, as `include_router` put it there."""

    router: Router | None
    lifespan: Any  # that of the router today
    prefix: str


def inclusions(router: Router) -> list[Inclusion]:
    """The included routers in order. Before FastAPI 0.137 nothing keeps them but the
    merged lifespan: there a router with a lifespan of its own is None here."""
    if _keeps_routers():
        return [
            Inclusion(each.original_router, each.original_router.lifespan_context, path)
            for each, path in _included(router)
        ]
    return [  # pragma: no cover - before FastAPI 0.137
        Inclusion(owner, lifespan if owner is None else owner.lifespan_context, "")
        for lifespan in nested(lifespan_of(router))
        for owner in [lister(base(lifespan))]
    ]


def _keeps_routers() -> bool:
    return hasattr(fastapi.routing, "_IncludedRouter")


def _included(router: Router) -> Iterator[tuple[Any, str]]:
    for route in router.routes:
        if type(route).__name__ == "_IncludedRouter":
            route_: Any = route
            yield route_, route_.include_context.prefix


def nested(lifespan: Any) -> list[Any]:
    """The lifespans that were merged into this one, in order."""
    found = []
    while (pair := merged(lifespan)) is not None:
        lifespan, inner = pair
        found.append(inner)
    return found[::-1]


def base(lifespan: Any) -> Any:
    """The lifespan that the others were merged into."""
    return earlier(lifespan)[-1]


def earlier(lifespan: Any) -> list[Any]:
    """The lifespan, and what it was before each router was included, back to first."""
    found = [lifespan]
    while (pair := merged(found[-1])) is not None:
        found.append(pair[0])
    return found


def leaves(lifespan: Any) -> Iterator[Any]:
    """What merged lifespans consist of, in the order of startup.

    Without recursion: each included router nests them once more.
    """
    waiting = [lifespan]
    while waiting:
        pair = merged(first := waiting.pop())
        if pair is None:
            yield first
        else:
            waiting.extend(pair[::-1])


class Mounted(NamedTuple):
    """An app under a path or a host of another one."""

    path: str
    app: Any


def mounts(router: Router) -> Iterator[Mounted]:
    """The mounted apps in order, also those of included routers."""
    for route in router.routes:
        if isinstance(route, Mount):
            yield Mounted(route.path or "/", route._base_app)
        elif isinstance(route, Host):
            yield Mounted(route.host, route.app)
        elif _keeps_routers() and type(route).__name__ == "_IncludedRouter":
            included: Any = route
            prefix = included.include_context.prefix
            for path, app in mounts(included.original_router):
                yield Mounted(prefix + path if path.startswith("/") else path, app)


def runs_its_lists(router: Router) -> bool:
    """Whether the router runs its lists as the framework does, or in its own way."""
    kind = type(router)
    return all(
        getattr(kind, name, None) in _framework_methods(name)
        for name in ("startup", "shutdown", "_startup", "_shutdown")
    )


def _framework_methods(name: str) -> list[Any]:
    return [getattr(kind, name, None) for kind in (Router, fastapi.APIRouter)]


def middleware_of_router(router: Router | None) -> Iterator[Any]:
    """What a router's own `middleware=` has made, from outside in."""
    layer: Any = getattr(router, "middleware_stack", None)
    while hasattr(layer, "app"):
        yield layer
        layer = layer.app


def is_theirs(function: Any) -> bool:
    """Whether the function or class is the frameworks' own code."""
    module = str(getattr(function, "__module__", ""))
    return module.partition(".")[0] in {"fastapi", "starlette"}


def copy_without_middleware(app: Starlette, inside: Any) -> ASGIApp:
    """The app with something else in the place of its router. The app stays as it is.

    What the framework itself puts around the router is there, and an app's own
    `__call__`; the middleware that was added to it isn't.
    """
    copied: Any = copy.copy(app)
    copied.router = inside
    copied.user_middleware = []
    copied.middleware_stack = None
    around: ASGIApp = copied
    return around
