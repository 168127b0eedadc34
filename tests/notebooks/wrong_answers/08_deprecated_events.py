"""Wrong answers to the exercises of chapter 8, each with a part of its hint."""

# %% order | You stop them in reverse
log = Events()
app = FastAPI(on_shutdown=[lambda: log.mark("cache closed")])


@app.on_event("startup")
async def open_line():
    log.mark("connected")


app.router.add_event_handler("startup", lambda: log.mark("cache filled"))
app.router.add_event_handler("shutdown", lambda: log.mark("disconnected"))

answer = ["connected", "cache filled", "serving", "disconnected", "cache closed"]


# %% order | Before serving: handlers start in the order
log = Events()
app = FastAPI(on_shutdown=[lambda: log.mark("cache closed")])


@app.on_event("startup")
async def open_line():
    log.mark("connected")


app.router.add_event_handler("startup", lambda: log.mark("cache filled"))
app.router.add_event_handler("shutdown", lambda: log.mark("disconnected"))

answer = ["cache filled", "connected", "serving", "cache closed", "disconnected"]


# %% order | After serving: they stop in the order
log = Events()
app = FastAPI(on_shutdown=[lambda: log.mark("cache closed")])


@app.on_event("startup")
async def open_line():
    log.mark("connected")


app.router.add_event_handler("startup", lambda: log.mark("cache filled"))
app.router.add_event_handler("shutdown", lambda: log.mark("disconnected"))

answer = ["connected", "cache filled", "cache closed", "serving", "disconnected"]


# %% order | A startup handler is missing
log = Events()
app = FastAPI(on_shutdown=[lambda: log.mark("cache closed")])


@app.on_event("startup")
async def open_line():
    log.mark("connected")


app.router.add_event_handler("startup", lambda: log.mark("cache filled"))
app.router.add_event_handler("shutdown", lambda: log.mark("disconnected"))

answer = ["connected", "serving", "cache closed"]


# %% order | A shutdown handler is missing
log = Events()
app = FastAPI(on_shutdown=[lambda: log.mark("cache closed")])


@app.on_event("startup")
async def open_line():
    log.mark("connected")


app.router.add_event_handler("startup", lambda: log.mark("cache filled"))
app.router.add_event_handler("shutdown", lambda: log.mark("disconnected"))

answer = ["connected", "cache filled", "serving", "disconnected"]


# %% order | Nobody marks connect.
log = Events()
app = FastAPI(on_shutdown=[lambda: log.mark("cache closed")])


@app.on_event("startup")
async def open_line():
    log.mark("connected")


app.router.add_event_handler("startup", lambda: log.mark("cache filled"))
app.router.add_event_handler("shutdown", lambda: log.mark("disconnected"))

answer = ["connect", "cache filled", "serving", "cache closed", "disconnected"]


# %% order | disconnected is marked only once
log = Events()
app = FastAPI(on_shutdown=[lambda: log.mark("cache closed")])


@app.on_event("startup")
async def open_line():
    log.mark("connected")


app.router.add_event_handler("startup", lambda: log.mark("cache filled"))
app.router.add_event_handler("shutdown", lambda: log.mark("disconnected"))

answer = ["connected", "cache filled", "serving"] + ["disconnected"] * 2


# %% order | Leave serving in
log = Events()
app = FastAPI(on_shutdown=[lambda: log.mark("cache closed")])


@app.on_event("startup")
async def open_line():
    log.mark("connected")


app.router.add_event_handler("startup", lambda: log.mark("cache filled"))
app.router.add_event_handler("shutdown", lambda: log.mark("disconnected"))

answer = ["connected", "cache filled", "cache closed", "disconnected"]


# %% never | Now the lifespan doesn't run any more
def make_app(log):
    app = FastAPI()

    @app.on_event("startup")
    async def warm_up():
        log.mark("warm up")

    return app


# %% never | It warms up before anything is open
def make_app(log):
    async def warm_up():
        log.mark("warm up")

    @asynccontextmanager
    async def lifespan(app):
        await warm_up()
        log.mark("open")
        yield
        log.mark("close")

    return FastAPI(lifespan=lifespan)


# %% never | It warms up when the app has served already
def make_app(log):
    async def warm_up():
        log.mark("warm up")

    @asynccontextmanager
    async def lifespan(app):
        log.mark("open")
        yield
        await warm_up()
        log.mark("close")

    return FastAPI(lifespan=lifespan)


# %% never | Now nothing closes what was opened
def make_app(log):
    app = FastAPI()

    @app.on_event("startup")
    async def open_all():
        log.mark("open")

    @app.on_event("startup")
    async def warm_up():
        log.mark("warm up")

    return app


# %% never | It warms up more than once
def make_app(log):
    router = APIRouter()

    @router.on_event("startup")
    async def warm_up():
        log.mark("warm up")

    @asynccontextmanager
    async def lifespan(app):
        log.mark("open")
        await warm_up()
        yield
        log.mark("close")

    app = FastAPI(lifespan=lifespan)
    app.include_router(router)
    return app


# %% never | An app is needed, and this is None
def make_app(log):
    async def warm_up():
        log.mark("warm up")

    @asynccontextmanager
    async def lifespan(app):
        log.mark("open")
        await warm_up()
        yield
        log.mark("close")

    FastAPI(lifespan=lifespan)


# %% never | It works with events alone
def make_app(log):
    app = FastAPI()

    @app.on_event("startup")
    async def open_all():
        log.mark("open")

    @app.on_event("startup")
    async def warm_up():
        log.mark("warm up")

    @app.on_event("shutdown")
    async def close_all():
        log.mark("close")

    return app


# %% never | A handler still stands in a list of the app
def make_app(log):
    @asynccontextmanager
    async def lifespan(app):
        log.mark("open")
        await warm_up()
        yield
        log.mark("close")

    app = FastAPI(lifespan=lifespan)

    @app.on_event("startup")
    async def warm_up():
        log.mark("warm up")

    return app


# %% never | waits for something that doesn't come
def make_app(log):
    async def warm_up():
        while True:
            await anyio.sleep(0.01)

    @asynccontextmanager
    async def lifespan(app):
        log.mark("open")
        await warm_up()
        yield
        log.mark("close")

    return FastAPI(lifespan=lifespan)


# %% share | opened when the app is made
def make_app(open_model):
    model = open_model()

    @asynccontextmanager
    async def lifespan(app):
        yield
        model.release()

    app = FastAPI(lifespan=lifespan)

    @app.get("/{word}")
    async def correct(word: str):
        return model.correct(word)

    return app


# %% share | Open it at the start, and not for a request
def make_app(open_model):
    app = FastAPI()

    @app.get("/{word}")
    async def correct(word: str):
        model = open_model()
        try:
            return model.correct(word)
        finally:
            model.release()

    return app


# %% share | Is it written request: Request?
def make_app(open_model):
    @asynccontextmanager
    async def lifespan(app):
        model = open_model()
        try:
            yield {"model": model}
        finally:
            model.release()

    app = FastAPI(lifespan=lifespan)

    @app.get("/{word}")
    async def correct(word: str, request):
        return request.state.model.correct(word)

    return app


# %% share | An app has stopped, and its model isn't released
def make_app(open_model):
    app = FastAPI()

    @app.on_event("startup")
    def start():
        app.state.model = open_model()

    @app.get("/{word}")
    async def correct(word: str):
        return app.state.model.correct(word)

    return app


# %% share | One app stopped, and the other one lost its model
from fastapi import Request

opened = []


def make_app(open_model):
    @asynccontextmanager
    async def lifespan(app):
        opened.append(open_model())
        try:
            yield {"model": opened[-1]}
        finally:
            for model in opened:
                model.release()

    app = FastAPI(lifespan=lifespan)

    @app.get("/{word}")
    async def correct(word: str, request: Request):
        return request.state.model.correct(word)

    return app


# %% share | use try and finally
from fastapi import Request


def make_app(open_model):
    @asynccontextmanager
    async def lifespan(app):
        model = open_model()
        yield {"model": model}
        model.release()

    app = FastAPI(lifespan=lifespan)

    @app.get("/{word}")
    async def correct(word: str, request: Request):
        return request.state.model.correct(word)

    return app


# %% share | A model is opened more than once for one start
from fastapi import Request


def make_app(open_model):
    opened = []

    @asynccontextmanager
    async def lifespan(app):
        opened.extend([open_model(), open_model()])
        try:
            yield {"model": opened[0]}
        finally:
            for model in opened:
                model.release()

    app = FastAPI(lifespan=lifespan)

    @app.get("/{word}")
    async def correct(word: str, request: Request):
        return request.state.model.correct(word)

    return app


# %% share | Your code raised AttributeError
from fastapi import Request


def make_app(open_model):
    @asynccontextmanager
    async def lifespan(app):
        model = open_model()
        try:
            yield
        finally:
            model.release()

    app = FastAPI(lifespan=lifespan)

    @app.get("/{word}")
    async def correct(word: str, request: Request):
        return request.state.model.correct(word)

    return app


# %% twice | Now the app has no route
def make_app(log):
    app = FastAPI()
    app.router.add_event_handler("startup", lambda: log.mark("connect"))
    app.router.add_event_handler("shutdown", lambda: log.mark("disconnect"))
    return app


# %% twice | disconnect is marked 2 times
def make_app(log):
    words = APIRouter()
    words.add_event_handler("shutdown", lambda: log.mark("disconnect"))

    @words.get("/hello")
    async def hello():
        return "hello"

    app = FastAPI()
    app.include_router(words)
    words.add_event_handler("startup", lambda: log.mark("connect"))
    return app


# %% twice | Now connect is never marked
def make_app(log):
    @asynccontextmanager
    async def lifespan(app):
        yield

    words = APIRouter()

    @words.get("/hello")
    async def hello():
        return "hello"

    app = FastAPI(lifespan=lifespan)
    app.include_router(words)
    app.router.add_event_handler("startup", lambda: log.mark("connect"))
    app.router.add_event_handler("shutdown", lambda: log.mark("disconnect"))
    return app


# %% twice | Now disconnect is never marked
def make_app(log):
    words = APIRouter()

    @words.get("/hello")
    async def hello():
        return "hello"

    app = FastAPI(on_startup=[lambda: log.mark("connect")])
    app.include_router(words)
    return app
