"""Wrong answers to the exercises of chapter 9, each with a part of its hint."""

# %% carry_over | announce belongs to the router
on_startup = [glossary.read, glossary.open_history, glossary.announce]
on_shutdown = [glossary.sum_up, glossary.close_history, glossary.forget]
on_purpose = []


# %% carry_over | What is left is meant
on_startup = [glossary.read, glossary.open_history]
on_shutdown = [glossary.sum_up, glossary.close_history, glossary.forget]
on_purpose = ["fewer: announce, once; before: twice"]


# %% carry_over | All handlers of the shutdown are there
on_startup = [glossary.read, glossary.open_history]
on_shutdown = [glossary.forget, glossary.close_history, glossary.sum_up]
on_purpose = check.MEANT


# %% carry_over | missing: forget
on_startup = [glossary.read, glossary.open_history]
on_shutdown = [glossary.sum_up, glossary.close_history]
on_purpose = check.MEANT


# %% carry_over | this is meant: missing: sum_up
on_startup = [glossary.read, glossary.open_history]
on_shutdown = [glossary.close_history, glossary.forget]
on_purpose = [*check.MEANT, "missing: sum_up"]


# %% carry_over | not awaited: close_history
on_startup = [glossary.read, glossary.open_history]
on_shutdown = [
    glossary.sum_up,
    lambda: glossary.close_history(),
    glossary.forget,
]
on_purpose = check.MEANT


# %% carry_over | All handlers of the startup are there
on_startup = [glossary.open_history, glossary.read]
on_shutdown = [glossary.sum_up, glossary.close_history, glossary.forget]
on_purpose = check.MEANT


# %% carry_over | something that it doesn't find: fewer: announce. Take
on_startup = [glossary.read, glossary.open_history]
on_shutdown = [glossary.sum_up, glossary.close_history, glossary.forget]
on_purpose = ["fewer: announce", *check.MEANT]


# %% carry_over | it doesn't find: announce runs once
on_startup = [glossary.read, glossary.open_history]
on_shutdown = [glossary.sum_up, glossary.close_history, glossary.forget]
on_purpose = ["announce runs once", *check.MEANT]


# %% carry_over | on_purpose is a string
on_startup = [glossary.read, glossary.open_history]
on_shutdown = [glossary.sum_up, glossary.close_history, glossary.forget]
on_purpose = check.MEANT[0]


# %% carry_over | name them without parentheses
on_startup = [glossary.read(), glossary.open_history()]
on_shutdown = [glossary.sum_up, glossary.close_history, glossary.forget]
on_purpose = check.MEANT


# %% one_lifespan | request.state.meanings, and there is none
@asynccontextmanager
async def lifespan(app):
    with log.span("read"):
        meanings = dict(cast.MEANINGS)
    async with marked(
        "open_history", cast.open_database(MEMORY), "close_history"
    ) as history:
        yield {"history": history}


# %% one_lifespan | missing: announce
@asynccontextmanager
async def lifespan(app):
    with log.span("read"):
        meanings = dict(cast.MEANINGS)
    async with marked(
        "open_history", cast.open_database(MEMORY), "close_history"
    ) as history:
        yield {"meanings": meanings, "history": history}
        log.mark("sum_up", asked=sum(map(history.times, meanings)))
    with log.span("forget"):
        meanings.clear()


# %% one_lifespan | missing: sum_up
@asynccontextmanager
async def lifespan(app):
    with log.span("read"):
        meanings = dict(cast.MEANINGS)
    async with marked(
        "open_history", cast.open_database(MEMORY), "close_history"
    ) as history:
        with log.span("announce"):
            history.add("hello")
        yield {"meanings": meanings, "history": history}
    with log.span("forget"):
        meanings.clear()


# %% one_lifespan | still the global of the old module
@asynccontextmanager
async def lifespan(app):
    glossary.read()
    try:
        await glossary.open_history()
        try:
            await glossary.announce()
            yield {"meanings": dict(cast.MEANINGS), "history": glossary.history}
            glossary.sum_up()
        finally:
            await glossary.close_history()
    finally:
        glossary.forget()


# %% one_lifespan | both have the same history
shared = cast.Database(MEMORY)


@asynccontextmanager
async def lifespan(app):
    with log.span("read"):
        meanings = dict(cast.MEANINGS)
    with log.span("open_history"):
        shared.create_table()
    try:
        with log.span("announce"):
            shared.add("hello")
        try:
            yield {"meanings": meanings, "history": shared}
        finally:
            log.mark("sum_up", asked=sum(map(shared.times, meanings)))
    finally:
        with log.span("close_history"):
            pass
        with log.span("forget"):
            meanings.clear()


# %% one_lifespan | both have the same meanings
meanings = {}


@asynccontextmanager
async def lifespan(app):
    with log.span("read"):
        meanings.update(cast.MEANINGS)
    try:
        database = cast.open_database(MEMORY)
        async with marked("open_history", database, "close_history") as history:
            with log.span("announce"):
                history.add("hello")
            yield {"meanings": meanings, "history": history}
            log.mark("sum_up", asked=sum(map(history.times, meanings)))
    finally:
        with log.span("forget"):
            meanings.clear()


# %% one_lifespan | A global is assigned: meanings
@asynccontextmanager
async def lifespan(app):
    global meanings
    with log.span("read"):
        meanings = dict(cast.MEANINGS)
    try:
        database = cast.open_database(MEMORY)
        async with marked("open_history", database, "close_history") as history:
            with log.span("announce"):
                history.add("hello")
            yield {"meanings": meanings, "history": history}
            log.mark("sum_up", asked=sum(map(history.times, meanings)))
    finally:
        with log.span("forget"):
            meanings.clear()


# %% one_lifespan | the other has lost what it reads
opened = []


@asynccontextmanager
async def lifespan(app):
    with log.span("read"):
        meanings = dict(cast.MEANINGS)
    try:
        with log.span("open_history"):
            history = cast.Database(MEMORY)
            history.create_table()
            opened.append(history)
        with log.span("announce"):
            history.add("hello")
        yield {"meanings": meanings, "history": history}
        log.mark("sum_up", asked=sum(map(history.times, meanings)))
    finally:
        with log.span("close_history"):
            for each in opened:
                each.close()
        with log.span("forget"):
            meanings.clear()


# %% one_lifespan | one of the histories was never closed
@asynccontextmanager
async def lifespan(app):
    with log.span("read"):
        meanings = dict(cast.MEANINGS)
    with log.span("open_history"):
        history = cast.Database(MEMORY)
        history.create_table()
    with log.span("announce"):
        history.add("hello")
    yield {"meanings": meanings, "history": history}
    log.mark("sum_up", asked=sum(map(history.times, meanings)))
    with log.span("close_history"):
        pass
    with log.span("forget"):
        meanings.clear()


# %% one_lifespan | sum_up is a mark, and no span
@asynccontextmanager
async def lifespan(app):
    with log.span("read"):
        meanings = dict(cast.MEANINGS)
    try:
        database = cast.open_database(MEMORY)
        async with marked("open_history", database, "close_history") as history:
            with log.span("announce"):
                history.add("hello")
            yield {"meanings": meanings, "history": history}
            with log.span("sum_up"):
                sum(map(history.times, meanings))
    finally:
        with log.span("forget"):
            meanings.clear()


# %% one_lifespan | open_history fails, and this is skipped: forget
@asynccontextmanager
async def lifespan(app):
    with log.span("read"):
        meanings = dict(cast.MEANINGS)
    with log.span("open_history"):
        history = cast.Database(MEMORY)
        history.create_table()
    with log.span("announce"):
        history.add("hello")
    try:
        yield {"meanings": meanings, "history": history}
    finally:
        log.mark("sum_up", asked=sum(map(history.times, meanings)))
        with log.span("close_history"):
            history.close()
        with log.span("forget"):
            meanings.clear()


# %% one_lifespan | announce fails, and this is skipped: close_history
@asynccontextmanager
async def lifespan(app):
    with log.span("read"):
        meanings = dict(cast.MEANINGS)
    try:
        with log.span("open_history"):
            history = cast.Database(MEMORY)
            history.create_table()
        with log.span("announce"):
            history.add("hello")
        yield {"meanings": meanings, "history": history}
        log.mark("sum_up", asked=sum(map(history.times, meanings)))
        with log.span("close_history"):
            history.close()
    finally:
        with log.span("forget"):
            meanings.clear()


# %% one_lifespan | sum_up fails, and this is skipped: close_history, forget
@asynccontextmanager
async def lifespan(app):
    with log.span("read"):
        meanings = dict(cast.MEANINGS)
    try:
        with log.span("open_history"):
            history = cast.Database(MEMORY)
            history.create_table()
        with log.span("announce"):
            history.add("hello")
        yield {"meanings": meanings, "history": history}
    finally:
        if "announce: end" in log.order:
            log.mark("sum_up", asked=sum(map(history.times, meanings)))
        if "open_history: end" in log.order:
            with log.span("close_history"):
                history.close()
        with log.span("forget"):
            meanings.clear()


# %% one_lifespan | close_history fails, and this is skipped: forget
@asynccontextmanager
async def lifespan(app):
    with log.span("read"):
        meanings = dict(cast.MEANINGS)
    history = None
    try:
        with log.span("open_history"):
            history = cast.Database(MEMORY)
            history.create_table()
        with log.span("announce"):
            history.add("hello")
        try:
            yield {"meanings": meanings, "history": history}
        finally:
            log.mark("sum_up", asked=sum(map(history.times, meanings)))
    finally:
        if history:
            with log.span("close_history"):
                history.close()
        with log.span("forget"):
            meanings.clear()


# %% one_lifespan | when an error comes to the yield
from contextlib import ExitStack


@asynccontextmanager
async def lifespan(app):
    stack = ExitStack()

    def forget():
        with log.span("forget"):
            meanings.clear()

    def close():
        with log.span("close_history"):
            history.close()

    with log.span("read"):
        meanings = dict(cast.MEANINGS)
    stack.callback(forget)
    try:
        with log.span("open_history"):
            history = cast.Database(MEMORY)
            history.create_table()
        stack.callback(close)
        with log.span("announce"):
            history.add("hello")
    except Exception:
        stack.close()
        raise
    yield {"meanings": meanings, "history": history}
    with stack:
        log.mark("sum_up", asked=sum(map(history.times, meanings)))


# %% one_lifespan | TimeoutError
import anyio


@asynccontextmanager
async def lifespan(app):
    await anyio.sleep(60)
    yield


# %% find_the_bugs | it doesn't find: not awaited: close_history
def make_app():
    app = FastAPI(lifespan=from_handlers([glossary.read, glossary.open_history]))
    app.include_router(glossary.asking)
    return app


on_purpose = [*check.MEANT, "not awaited: close_history"]


# %% find_the_bugs | The comparison says: NOT THE SAME
def make_app():
    @asynccontextmanager
    async def lifespan(app):
        glossary.read()
        await glossary.open_history()
        try:
            yield
        finally:
            glossary.sum_up()
            await glossary.close_history()

    app = FastAPI(lifespan=lifespan)
    app.include_router(glossary.asking)
    return app


on_purpose = check.MEANT


# %% find_the_bugs | Cannot operate on a closed database
def make_app():
    @asynccontextmanager
    async def lifespan(app):
        async with AsyncExitStack() as stack:
            glossary.read()
            stack.callback(glossary.forget)
            await glossary.open_history()
            stack.callback(glossary.sum_up)
            stack.push_async_callback(glossary.close_history)
            yield

    app = FastAPI(lifespan=lifespan)
    app.include_router(glossary.asking)
    return app


on_purpose = check.MEANT


# %% find_the_bugs | The runs are the same now
def make_app():
    @asynccontextmanager
    async def lifespan(app):
        glossary.read()
        await glossary.open_history()
        yield
        glossary.sum_up()
        await glossary.close_history()
        glossary.forget()

    app = FastAPI(lifespan=lifespan)
    app.include_router(glossary.asking)
    return app


on_purpose = check.MEANT
