"""Wrong answers to the exercises of chapter 0, each with a part of its hint."""

# %% before_and_after | "open" comes after the app has begun to serve
from contextlib import asynccontextmanager
from lifespan_course.exercises import start_here as check
from lifespan_lab import Events

log = Events()


@asynccontextmanager
async def lifespan(app):
    yield
    log.mark("open")
    log.mark("close")


# %% before_and_after | "close" comes before the app serves
from contextlib import asynccontextmanager
from lifespan_course.exercises import start_here as check
from lifespan_lab import Events

log = Events()


@asynccontextmanager
async def lifespan(app):
    log.mark("open")
    log.mark("close")
    yield


# %% before_and_after | Nothing marks "close"
from contextlib import asynccontextmanager
from lifespan_course.exercises import start_here as check
from lifespan_lab import Events

log = Events()


@asynccontextmanager
async def lifespan(app):
    log.mark("open")
    yield


# %% share | A lifespan yields a dictionary
from contextlib import asynccontextmanager
from fastapi import FastAPI, Request
from lifespan_course.exercises import start_here as check


@asynccontextmanager
async def lifespan(app):
    yield 1


app = FastAPI(lifespan=lifespan)


@app.get("/")
async def greet(request: Request):
    return request.state.greeting


# %% share | The endpoint answers 'hallo'
from contextlib import asynccontextmanager
from fastapi import FastAPI, Request
from lifespan_course.exercises import start_here as check


@asynccontextmanager
async def lifespan(app):
    yield {"greeting": "hallo"}


app = FastAPI(lifespan=lifespan)


@app.get("/")
async def greet(request: Request):
    return request.state.greeting


# %% too_late | Now nobody releases the model
from contextlib import asynccontextmanager
from lifespan_course.cast import load_model
from lifespan_course.exercises import start_here as check


@asynccontextmanager
async def lifespan(app):
    yield {"model": load_model()}


# %% before_and_after | @asynccontextmanager is missing
from lifespan_course.exercises import start_here as check
from lifespan_lab import Events

log = Events()


async def lifespan(app):
    log.mark("open")
    yield
    log.mark("close")


# %% before_and_after | The lifespan has no yield
from contextlib import asynccontextmanager
from lifespan_course.exercises import start_here as check
from lifespan_lab import Events

log = Events()


@asynccontextmanager
async def lifespan(app):
    log.mark("open")
    return


# %% share | app.state is another place
from contextlib import asynccontextmanager
from fastapi import FastAPI, Request
from lifespan_course.exercises import start_here as check


@asynccontextmanager
async def lifespan(app):
    app.state.greeting = "hello"
    yield


app = FastAPI(lifespan=lifespan)


@app.get("/")
async def greet(request: Request):
    return request.state.greeting


# %% share | It yields ['hello']
from contextlib import asynccontextmanager
from fastapi import FastAPI, Request
from lifespan_course.exercises import start_here as check


@asynccontextmanager
async def lifespan(app):
    yield {"hello": "hello"}


app = FastAPI(lifespan=lifespan)


@app.get("/")
async def greet(request: Request):
    return request.state.greeting


# %% too_late | Your code raised RuntimeError: generator didn't stop
from contextlib import asynccontextmanager
from lifespan_course.cast import open_model
from lifespan_course.exercises import start_here as check


@asynccontextmanager
async def lifespan(app):
    with open_model() as model:
        yield {"model": model}
    yield {"model": model}
