"""What to call a router in a sentence."""

from starlette.routing import Router

from lifespan_tools.doctor.places import name_in_modules


def router_name(router: Router | None, prefix: str = "") -> str:
    """Its name in the project if a module has it, else its prefix if it has one."""
    if router is not None and (name := name_in_modules(router)):
        return name
    prefix += getattr(router, "prefix", "")
    return f"the router with prefix {prefix}" if prefix else "a router"
