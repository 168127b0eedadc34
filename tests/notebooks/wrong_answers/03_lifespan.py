"""Wrong answers to the exercises of chapter 3, each with a part of its hint."""


# %% once | opened when the app is made
def make_app(open_model):
    manager = open_model()
    model = manager.__enter__()

    @asynccontextmanager
    async def lifespan(app: FastAPI):
        yield {"model": model}
        manager.__exit__(None, None, None)

    app = FastAPI(lifespan=lifespan)

    @app.get("/{word}")
    async def correct(word: str, request: Request):
        return request.state.model.correct(word)

    return app


# %% once | opened more than once
def make_app(open_model):
    app = FastAPI()

    @app.get("/{word}")
    async def correct(word: str, request: Request):
        with open_model() as model:
            return model.correct(word)

    return app


# %% once | never released
def make_app(open_model):
    @asynccontextmanager
    async def lifespan(app: FastAPI):
        manager = open_model()
        yield {"model": manager.__enter__(), "manager": manager}

    app = FastAPI(lifespan=lifespan)

    @app.get("/{word}")
    async def correct(word: str, request: Request):
        return request.state.model.correct(word)

    return app


# %% once | Yield inside the with block
def make_app(open_model):
    @asynccontextmanager
    async def lifespan(app: FastAPI):
        with open_model() as model:
            pass
        yield {"model": model}

    app = FastAPI(lifespan=lifespan)

    @app.get("/{word}")
    async def correct(word: str, request: Request):
        return request.state.model.correct(word)

    return app


# %% say_what_you_need | Your code raised AttributeError
async def get_database(request: Request) -> Database:
    return request.app.state.database


def make_app(lifespan):
    app = FastAPI(lifespan=lifespan)

    @app.get("/{word}")
    async def times(word: str, database: Annotated[Database, Depends(get_database)]):
        return database.times(word)

    return app


# %% two_bugs | Nobody closes the model
def make_lifespan(open_database, start_worker, open_model):
    @asynccontextmanager
    async def lifespan(app: FastAPI):
        database = open_database()
        try:
            async with start_worker(database):
                yield {"database": database, "model": open_model()}
        finally:
            database.close()

    return lifespan


# %% two_bugs | When the body raises, the database stays open
def make_lifespan(open_database, start_worker, open_model):
    @asynccontextmanager
    async def lifespan(app: FastAPI):
        database = open_database()
        async with start_worker(database):
            model = open_model()
            yield {"database": database, "model": model}
        database.close()
        model.close()

    return lifespan


# %% two_bugs | When the body raises, the model stays open
def make_lifespan(open_database, start_worker, open_model):
    @asynccontextmanager
    async def lifespan(app: FastAPI):
        database = open_database()
        try:
            async with start_worker(database):
                model = open_model()
                yield {"database": database, "model": model}
                model.close()
        finally:
            database.close()

    return lifespan


# %% two_bugs | The error of the body must go on
def make_lifespan(open_database, start_worker, open_model):
    @asynccontextmanager
    async def lifespan(app: FastAPI):
        database = open_database()
        model = open_model()
        try:
            async with start_worker(database):
                yield {"database": database, "model": model}
        except Exception:
            pass
        database.close()
        model.close()

    return lifespan
