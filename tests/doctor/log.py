"""Startup and shutdown code that notes what runs, under the names doctor tells."""

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

Lifespan = Callable[[Any], AbstractAsyncContextManager[Any]]


class Log:
    """What ran at startup and at shutdown, in order."""

    def __init__(self) -> None:
        self.startup: list[str] = []
        self.shutdown: list[str] = []

    def lifespan(self, name: str) -> Lifespan:
        return asynccontextmanager(self.generator(name))

    def with_state(self, name: str) -> Callable[..., Any]:
        """A lifespan that wants the state, as `combine` gives it."""

        @asynccontextmanager
        async def lifespan(app: Any, state: Any) -> AsyncIterator[None]:
            self.startup.append(name)
            try:
                yield
            finally:
                self.shutdown.append(name)

        inner: Any = lifespan
        inner.__wrapped__.__qualname__ = inner.__qualname__ = name
        return inner

    def generator(self, name: str) -> Callable[[Any], AsyncIterator[None]]:
        async def lifespan(app: Any) -> AsyncIterator[None]:
            self.startup.append(name)
            try:
                yield
            finally:
                self.shutdown.append(name)

        lifespan.__qualname__ = name
        return lifespan

    def starts(self, name: str) -> Callable[[], Any]:
        async def handler() -> None:
            self.startup.append(name)

        handler.__qualname__ = name
        return handler

    def stops(self, name: str) -> Callable[[], Any]:
        def handler() -> None:
            self.shutdown.append(name)

        handler.__qualname__ = name
        return handler

    def add(self, router: Any, *names: str) -> Any:
        """Give the router handlers, one for startup and one for shutdown each."""
        for name in names:
            router.add_event_handler("startup", self.starts(name))
            router.add_event_handler("shutdown", self.stops(name))
        return router

    def lists(self, names: Iterable[str]) -> dict[str, list[Callable[[], Any]]]:
        names = list(names)
        return {
            "on_startup": [self.starts(name) for name in names],
            "on_shutdown": [self.stops(name) for name in names],
        }
