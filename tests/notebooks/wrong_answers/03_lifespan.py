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


# %% three_bugs | Nobody closes the model
def make_lifespan(connect, start_worker, load):
    @asynccontextmanager
    async def lifespan(app: FastAPI):
        database = connect()
        try:
            async with start_worker(database):
                yield {"database": database, "model": load()}
        finally:
            database.close()

    return lifespan


# %% three_bugs | When the body raises, the database stays open
def make_lifespan(connect, start_worker, load):
    @asynccontextmanager
    async def lifespan(app: FastAPI):
        database = connect()
        async with start_worker(database):
            model = load()
            yield {"database": database, "model": model}
        database.close()
        model.close()

    return lifespan


# %% three_bugs | When the body raises, the model stays open
def make_lifespan(connect, start_worker, load):
    @asynccontextmanager
    async def lifespan(app: FastAPI):
        database = connect()
        try:
            async with start_worker(database):
                model = load()
                yield {"database": database, "model": model}
                model.close()
        finally:
            database.close()

    return lifespan


# %% three_bugs | The error of the body must go on
def make_lifespan(connect, start_worker, load):
    @asynccontextmanager
    async def lifespan(app: FastAPI):
        database = connect()
        model = load()
        try:
            async with start_worker(database):
                yield {"database": database, "model": model}
        except Exception:
            pass
        database.close()
        model.close()

    return lifespan


# %% once | Enter it to get the model
def make_app(open_model):
    @asynccontextmanager
    async def lifespan(app: FastAPI):
        yield {"model": open_model()}

    app = FastAPI(lifespan=lifespan)

    @app.get("/{word}")
    async def correct(word: str, request: Request):
        return request.state.model.correct(word)

    return app


# %% once | A lifespan yields a dictionary
def make_app(open_model):
    @asynccontextmanager
    async def lifespan(app: FastAPI):
        with open_model() as model:
            yield model

    app = FastAPI(lifespan=lifespan)

    @app.get("/{word}")
    async def correct(word: str, request: Request):
        return request.state.model.correct(word)

    return app


# %% once | It is in app.state
def make_app(open_model):
    @asynccontextmanager
    async def lifespan(app: FastAPI):
        with open_model() as model:
            app.state.model = model
            yield

    app = FastAPI(lifespan=lifespan)

    @app.get("/{word}")
    async def correct(word: str, request: Request):
        return request.state.model.correct(word)

    return app


# %% once | When something raises at the yield
def make_app(open_model):
    @asynccontextmanager
    async def lifespan(app: FastAPI):
        manager = open_model()
        yield {"model": manager.__enter__()}
        manager.__exit__(None, None, None)

    app = FastAPI(lifespan=lifespan)

    @app.get("/{word}")
    async def correct(word: str, request: Request):
        return request.state.model.correct(word)

    return app


# %% say_what_you_need | Is it marked with Depends
async def get_database(request: Request) -> Database:
    return request.state.database


def make_app(lifespan):
    app = FastAPI(lifespan=lifespan)

    @app.get("/{word}")
    async def times(word: str, database: Annotated[Database, get_database]):
        return database.times(word)

    return app


# %% say_what_you_need | A request needs its annotation
async def get_database(request) -> Database:
    return request.state.database


def make_app(lifespan):
    app = FastAPI(lifespan=lifespan)

    @app.get("/{word}")
    async def times(word: str, database: Annotated[Database, Depends(get_database)]):
        return database.times(word)

    return app


# %% three_bugs | When load() fails, the database stays open
def make_lifespan(connect, start_worker, load):
    @asynccontextmanager
    async def lifespan(app: FastAPI):
        database = connect()
        model = load()
        try:
            async with start_worker(database):
                yield {"database": database, "model": model}
        finally:
            model.close()
            database.close()

    return lifespan


# %% three_bugs | When load() fails, another error comes out
def make_lifespan(connect, start_worker, load):
    @asynccontextmanager
    async def lifespan(app: FastAPI):
        database = connect()
        try:
            async with start_worker(database):
                model = load()
                yield {"database": database, "model": model}
        finally:
            model.close()
            database.close()

    return lifespan


# %% once | It is in app.state as well
def make_app(open_model):
    @asynccontextmanager
    async def lifespan(app: FastAPI):
        with open_model() as model:
            app.state.model = model
            yield {"model": model}

    app = FastAPI(lifespan=lifespan)

    @app.get("/{word}")
    async def correct(word: str, request: Request):
        return request.state.model.correct(word)

    return app


# %% once | The open_model that is handed in was never called
def make_app(open_model):
    @asynccontextmanager
    async def lifespan(app: FastAPI):
        model = load_model()
        yield {"model": model}

    app = FastAPI(lifespan=lifespan)

    @app.get("/{word}")
    async def correct(word: str, request: Request):
        return request.state.model.correct(word)

    return app


# %% once | The error of the body must go on
def make_app(open_model):
    @asynccontextmanager
    async def lifespan(app: FastAPI):
        with open_model() as model:
            try:
                yield {"model": model}
            except Exception:
                pass

    app = FastAPI(lifespan=lifespan)

    @app.get("/{word}")
    async def correct(word: str, request: Request):
        return request.state.model.correct(word)

    return app


# %% three_bugs | When the lifespan is cancelled
def make_lifespan(connect, start_worker, load):
    @asynccontextmanager
    async def lifespan(app: FastAPI):
        database = connect()
        model = None
        try:
            async with start_worker(database):
                model = load()
                yield {"database": database, "model": model}
        except Exception:
            if model:
                model.close()
            database.close()
            raise
        else:
            model.close()
            database.close()

    return lifespan


# %% three_bugs | The database is opened 2 times
def make_lifespan(connect, start_worker, load):
    @asynccontextmanager
    async def lifespan(app: FastAPI):
        from contextlib import closing

        with closing(connect()) as database, closing(load()) as model:
            async with start_worker(connect()):
                yield {"database": database, "model": model}

    return lifespan


# %% three_bugs | the app starts all the same
def make_lifespan(connect, start_worker, load):
    @asynccontextmanager
    async def lifespan(app: FastAPI):
        database, model = connect(), None
        try:
            async with start_worker(database):
                try:
                    model = load()
                except Exception:
                    pass
                yield {"database": database, "model": model}
        finally:
            if model:
                model.close()
            database.close()

    return lifespan
