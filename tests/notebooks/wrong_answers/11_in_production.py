"""Wrong answers to the exercises of chapter 11, each with a part of its hint."""

# %% choose_the_options | keeps the server from stopping
options = ["--lifespan", "on"]


# %% choose_the_options | comes after 10
options = ["--lifespan=on", "--timeout-graceful-shutdown=10"]


# %% choose_the_options | is served
options = ["--lifespan", "off", "--timeout-graceful-shutdown", "5"]


# %% choose_the_options | doesn't understand
options = ["--lifespan", "always", "--timeout-graceful-shutdown", "5"]


# %% choose_the_options | at the space: it is two strings
options = ["--lifespan on", "--timeout-graceful-shutdown 5"]


# %% choose_the_options | requests are cut off
options = ["--lifespan", "on", "--timeout-graceful-shutdown", "0"]


# %% choose_the_options | a list of strings
options = "--lifespan on"


# %% alive_before_ready | isn't there yet: /ready should answer 503. It answered 200.
def make_app(load) -> FastAPI:
    @asynccontextmanager
    async def lifespan(app: FastAPI):
        task = asyncio.create_task(load())
        yield
        task.cancel()

    app = FastAPI(lifespan=lifespan)

    @app.get("/alive")
    @app.get("/ready")
    async def answer(): ...

    return app


# %% alive_before_ready | KeyError('model'), which a server answers with 500
def make_app(load) -> FastAPI:
    async def fill(box):
        box["model"] = await load()

    @asynccontextmanager
    async def lifespan(app: FastAPI):
        box = {}
        task = asyncio.create_task(fill(box))
        yield {"box": box}
        task.cancel()

    app = FastAPI(lifespan=lifespan)

    @app.get("/alive")
    async def alive(): ...

    @app.get("/ready")
    async def ready(request: Request):
        return str(request.state.box["model"])

    return app


# %% alive_before_ready | Nobody calls load
def make_app(load) -> FastAPI:
    app = FastAPI()

    @app.get("/alive")
    async def alive(): ...

    @app.get("/ready")
    async def ready():
        raise HTTPException(503)

    return app


# %% alive_before_ready | the load is still running
import logging


def make_app(load) -> FastAPI:
    async def fill(box):
        try:
            box["model"] = await load()
        except Exception:
            logging.exception("no model")

    @asynccontextmanager
    async def lifespan(app: FastAPI):
        box = {}
        app.state.task = asyncio.create_task(fill(box))
        yield {"box": box}

    app = FastAPI(lifespan=lifespan)

    @app.get("/alive")
    async def alive(): ...

    @app.get("/ready")
    async def ready(request: Request):
        if "model" not in request.state.box:
            raise HTTPException(503)

    return app


# %% alive_before_ready | takes the app down, or comes out
def make_app(load) -> FastAPI:
    async def fill(box):
        box["model"] = await load()

    @asynccontextmanager
    async def lifespan(app: FastAPI):
        box = {}
        async with asyncio.TaskGroup() as tasks:
            task = tasks.create_task(fill(box))
            yield {"box": box}
            task.cancel()

    app = FastAPI(lifespan=lifespan)

    @app.get("/alive")
    async def alive(): ...

    @app.get("/ready")
    async def ready(request: Request):
        if "model" not in request.state.box:
            raise HTTPException(503)

    return app


# %% alive_before_ready | The shutdown waits
import logging


def make_app(load) -> FastAPI:
    async def fill(box):
        try:
            box["model"] = await load()
        except Exception:
            logging.exception("no model")

    @asynccontextmanager
    async def lifespan(app: FastAPI):
        box = {}
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(fill(box))
            yield {"box": box}

    app = FastAPI(lifespan=lifespan)

    @app.get("/alive")
    async def alive(): ...

    @app.get("/ready")
    async def ready(request: Request):
        if "model" not in request.state.box:
            raise HTTPException(503)

    return app


# %% alive_before_ready | should answer 200. It answered 503.
from contextlib import suppress


def make_app(load) -> FastAPI:
    async def fill():
        with suppress(Exception):
            await load()

    @asynccontextmanager
    async def lifespan(app: FastAPI):
        task = asyncio.create_task(fill())
        yield
        task.cancel()

    app = FastAPI(lifespan=lifespan)

    @app.get("/alive")
    async def alive(): ...

    @app.get("/ready")
    async def ready():
        raise HTTPException(503)

    return app


# %% alive_before_ready | nothing is logged
def make_app(load) -> FastAPI:
    async def fill(box):
        box["model"] = await load()

    @asynccontextmanager
    async def lifespan(app: FastAPI):
        box = {}
        task = asyncio.create_task(fill(box))
        try:
            yield {"box": box}
        finally:
            task.cancel()
            await asyncio.wait([task])

    app = FastAPI(lifespan=lifespan)

    @app.get("/alive")
    async def alive(): ...

    @app.get("/ready")
    async def ready(request: Request):
        if "model" not in request.state.box:
            raise HTTPException(503)

    return app


# %% alive_before_ready | ends with a CancelledError
import logging


def make_app(load) -> FastAPI:
    async def fill(box):
        try:
            box["model"] = await load()
        except Exception:
            logging.exception("no model")

    @asynccontextmanager
    async def lifespan(app: FastAPI):
        box = {}
        task = asyncio.create_task(fill(box))
        try:
            yield {"box": box}
        finally:
            task.cancel()
            await task

    app = FastAPI(lifespan=lifespan)

    @app.get("/alive")
    async def alive(): ...

    @app.get("/ready")
    async def ready(request: Request):
        if "model" not in request.state.box:
            raise HTTPException(503)

    return app


# %% alive_before_ready | doesn't wait until it has ended
import logging


def make_app(load) -> FastAPI:
    async def fill(box):
        try:
            box["model"] = await load()
        except Exception:
            logging.exception("no model")

    @asynccontextmanager
    async def lifespan(app: FastAPI):
        box = {}
        task = asyncio.create_task(fill(box))
        try:
            yield {"box": box}
        finally:
            task.cancel()

    app = FastAPI(lifespan=lifespan)

    @app.get("/alive")
    async def alive(): ...

    @app.get("/ready")
    async def ready(request: Request):
        if "model" not in request.state.box:
            raise HTTPException(503)

    return app


# %% alive_before_ready | cancels the lifespan at its yield
import logging


def make_app(load) -> FastAPI:
    async def fill(box):
        try:
            box["model"] = await load()
        except Exception:
            logging.exception("no model")

    @asynccontextmanager
    async def lifespan(app: FastAPI):
        box = {}
        task = asyncio.create_task(fill(box))
        yield {"box": box}
        task.cancel()
        await asyncio.wait([task])

    app = FastAPI(lifespan=lifespan)

    @app.get("/alive")
    async def alive(): ...

    @app.get("/ready")
    async def ready(request: Request):
        if "model" not in request.state.box:
            raise HTTPException(503)

    return app


# %% once_and_not_twice | the transaction is left open
def do_once(database, name, work):
    database.execute("BEGIN IMMEDIATE")
    database.execute("CREATE TABLE IF NOT EXISTS done (name PRIMARY KEY)")
    query = "SELECT 1 FROM done WHERE name = ?"
    if not database.execute(query, [name]).fetchone():
        work(database)
        database.execute("INSERT INTO done VALUES (?)", [name])
    database.execute("COMMIT")


# %% once_and_not_twice | takes it for done
def do_once(database, name, work):
    database.execute("CREATE TABLE IF NOT EXISTS done (name PRIMARY KEY)")
    query = "INSERT OR IGNORE INTO done VALUES (?)"
    if database.execute(query, [name]).rowcount:
        work(database)


# %% once_and_not_twice | doesn't come out
from contextlib import suppress


def do_once(database, name, work):
    with database:
        database.execute("BEGIN IMMEDIATE")
        database.execute("CREATE TABLE IF NOT EXISTS done (name PRIMARY KEY)")
        query = "SELECT 1 FROM done WHERE name = ?"
        if not database.execute(query, [name]).fetchone():
            with suppress(Exception):
                work(database)
                database.execute("INSERT INTO done VALUES (?)", [name])


# %% once_and_not_twice | It has to end with a COMMIT
def do_once(database, name, work):
    database.execute("BEGIN IMMEDIATE")
    try:
        database.execute("CREATE TABLE IF NOT EXISTS done (name PRIMARY KEY)")
        query = "SELECT 1 FROM done WHERE name = ?"
        if not database.execute(query, [name]).fetchone():
            work(database)
            database.execute("INSERT INTO done VALUES (?)", [name])
            database.execute("COMMIT")
    except Exception:
        database.execute("ROLLBACK")
        raise


# %% once_and_not_twice | Work of another name
def do_once(database, name, work):
    with database:
        database.execute("BEGIN IMMEDIATE")
        database.execute("CREATE TABLE IF NOT EXISTS done (name PRIMARY KEY)")
        if not database.execute("SELECT 1 FROM done").fetchone():
            work(database)
            database.execute("INSERT INTO done VALUES (?)", [name])


# %% once_and_not_twice | Nobody did the work
def do_once(database, name, work):
    pass


# %% once_and_not_twice | A lock of Python's
import threading

lock = threading.Lock()


def do_once(database, name, work):
    with lock:
        database.execute("CREATE TABLE IF NOT EXISTS done (name PRIMARY KEY)")
        query = "SELECT 1 FROM done WHERE name = ?"
        if not database.execute(query, [name]).fetchone():
            work(database)
            database.execute("INSERT INTO done VALUES (?)", [name])


# %% once_and_not_twice | half is kept
def do_once(database, name, work):
    database.execute("BEGIN IMMEDIATE")
    try:
        database.execute("CREATE TABLE IF NOT EXISTS done (name PRIMARY KEY)")
        query = "SELECT 1 FROM done WHERE name = ?"
        if not database.execute(query, [name]).fetchone():
            work(database)
            database.execute("INSERT INTO done VALUES (?)", [name])
    finally:
        database.execute("COMMIT")
