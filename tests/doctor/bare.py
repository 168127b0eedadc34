"""Apps with bare generators. Nothing in this file is made a lifespan by hand."""

from collections.abc import AsyncIterator, Iterator

from fastapi import APIRouter, FastAPI

from tests.doctor.apps import case
from tests.doctor.log import Log


@case("bare-generator")
def a_bare_generator(log: Log) -> FastAPI:
    async def bare(app: FastAPI) -> AsyncIterator[None]:
        log.startup.append("bare")
        yield
        log.shutdown.append("bare")

    return FastAPI(lifespan=bare)


@case("bare-generator")
def a_bare_method(log: Log) -> FastAPI:
    class Database:
        async def bare(self, app: FastAPI) -> AsyncIterator[None]:
            log.startup.append("Database.bare")
            yield
            log.shutdown.append("Database.bare")

    Database.bare.__qualname__ = "Database.bare"
    return FastAPI(lifespan=Database().bare)


@case("bare-generator")
def a_bare_generator_without_async(log: Log) -> FastAPI:
    def bare(app: FastAPI) -> Iterator[None]:
        log.startup.append("bare")
        yield
        log.shutdown.append("bare")

    app = FastAPI()
    app.include_router(APIRouter(lifespan=bare))
    return app


@case("runs-again", "bare-generator")
def a_bare_generator_in_two_places(log: Log) -> FastAPI:
    """FastAPI wraps it anew for each router."""

    async def bare(app: FastAPI) -> AsyncIterator[None]:
        log.startup.append("bare")
        yield
        log.shutdown.append("bare")

    app = FastAPI()
    app.include_router(APIRouter(lifespan=bare))
    app.include_router(APIRouter(lifespan=bare))
    return app
