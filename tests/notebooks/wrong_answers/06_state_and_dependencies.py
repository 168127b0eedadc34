"""Wrong answers to the exercises of chapter 6, each with a part of its hint."""


# %% count_visits | After a restart the first visit is number 4
def make_counter() -> FastAPI:
    app = FastAPI()

    @app.get("/")
    async def visit(request: Request):
        app.state.visits = getattr(app.state, "visits", 0) + 1
        return app.state.visits

    return app


# %% count_visits | count together
from collections import Counter

visits = Counter()


def make_counter() -> FastAPI:
    @asynccontextmanager
    async def lifespan(app: FastAPI):
        visits.clear()
        yield

    app = FastAPI(lifespan=lifespan)

    @app.get("/")
    async def visit(request: Request):
        visits["number"] += 1
        return visits["number"]

    return app


# %% count_visits | Your code raised AttributeError
def make_counter() -> FastAPI:
    app = FastAPI()

    @app.get("/")
    async def visit(request: Request):
        request.state.visits += 1
        return request.state.visits

    return app


# %% commit_or_roll_back | and yet it was committed
def make_transaction(connect):
    async def transaction():
        connection = connect()
        try:
            yield connection
        finally:
            connection.commit()
            connection.close()

    return transaction


# %% commit_or_roll_back | The endpoint's error is dropped
def make_transaction(connect):
    async def transaction():
        connection = connect()
        try:
            yield connection
            connection.commit()
        except Exception:
            connection.rollback()
        finally:
            connection.close()

    return transaction


# %% commit_or_roll_back | The endpoint raised, and nothing is rolled back
def make_transaction(connect):
    async def transaction():
        connection = connect()
        try:
            yield connection
            connection.commit()
        finally:
            connection.close()

    return transaction


# %% commit_or_roll_back | The endpoint raised, and the connection stays open
def make_transaction(connect):
    async def transaction():
        connection = connect()
        try:
            yield connection
        except Exception:
            connection.rollback()
            raise
        connection.commit()
        connection.close()

    return transaction


# %% commit_or_roll_back | When the commit itself fails
def make_transaction(connect):
    async def transaction():
        connection = connect()
        try:
            yield connection
        except Exception:
            connection.rollback()
            connection.close()
            raise
        connection.commit()
        connection.close()

    return transaction


# %% commit_or_roll_back | Return the function itself
def make_transaction(connect):
    async def transaction():
        return connect()

    return transaction


# %% commit_or_roll_back | before there is a request
def make_transaction(connect):
    connection = connect()

    async def transaction():
        yield connection

    return transaction


# %% always_the_default | Two apps share one language
language = {"name": "unknown"}


def make_app(find_language) -> FastAPI:
    @asynccontextmanager
    async def lifespan(app: FastAPI):
        language["name"] = find_language()
        yield

    app = FastAPI(lifespan=lifespan)

    @app.get("/")
    async def answer() -> str:
        return language["name"]

    return app


# %% always_the_default | before the app is started
def make_app(find_language) -> FastAPI:
    language = find_language()
    app = FastAPI()

    @app.get("/")
    async def answer() -> str:
        return language

    return app


# %% always_the_default | At the start nobody calls find_language
def make_app(find_language) -> FastAPI:
    @asynccontextmanager
    async def lifespan(app: FastAPI):
        yield

    app = FastAPI(lifespan=lifespan)

    @app.get("/")
    async def answer() -> str:
        return find_language()

    return app


# %% always_the_default | A request needs its annotation
def make_app(find_language) -> FastAPI:
    @asynccontextmanager
    async def lifespan(app: FastAPI):
        yield {"language": find_language()}

    app = FastAPI(lifespan=lifespan)

    @app.get("/")
    async def answer(request):
        return request.state.language

    return app


# %% commit_or_roll_back | The endpoint gets None
def make_transaction(connect):
    async def transaction():
        connection = connect()
        try:
            yield
        except Exception:
            connection.rollback()
            raise
        else:
            connection.commit()
        finally:
            connection.close()

    return transaction


# %% always_the_default | is called more than once
def make_app(find_language) -> FastAPI:
    @asynccontextmanager
    async def lifespan(app: FastAPI):
        find_language()
        yield {"language": find_language()}

    app = FastAPI(lifespan=lifespan)

    @app.get("/")
    async def answer(request: Request) -> str:
        return request.state.language

    return app
