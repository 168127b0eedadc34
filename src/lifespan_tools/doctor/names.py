"""What to call a router in a sentence."""

from starlette.applications import Starlette
from starlette.routing import Router

from lifespan_tools.doctor.places import name_in_modules


def router_name(router: Router | None, prefix: str = "") -> str:
    """Its name in the project if a module has it, else its prefix if it has one."""
    if router is not None and (name := name_in_modules(router)):
        return name
    prefix += getattr(router, "prefix", "")
    return f"the router with prefix {prefix}" if prefix else "a router"


def app_name(app: object) -> str:
    return "the app" if isinstance(app, Starlette) else router_name_of(app)


def router_name_of(app: object) -> str:
    return router_name(app) if isinstance(app, Router) else "an app"
