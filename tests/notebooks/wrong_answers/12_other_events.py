"""Wrong answers to the exercises of chapter 12, each with a part of its hint."""


# %% hear_every_word | whose name has no word_
def make_listeners(hear) -> LocalHandler:
    listeners = LocalHandler()

    @listeners.register
    async def listen(event):
        hear(event[1]["word"])

    return listeners


# %% hear_every_word | and word_asked wasn't
def make_listeners(hear) -> LocalHandler:
    listeners = LocalHandler()

    @listeners.register(event_name="word_corrected")
    async def listen(event):
        hear(event[1]["word"])

    return listeners


# %% hear_every_word | doesn't begin with word_
def make_listeners(hear) -> LocalHandler:
    listeners = LocalHandler()

    @listeners.register(event_name="*word_*")
    async def listen(event):
        hear(event[1]["word"])

    return listeners


# %% hear_every_word | has to return the LocalHandler
def make_listeners(hear) -> LocalHandler:
    listeners = LocalHandler()

    @listeners.register(event_name="word_*")
    async def listen(event):
        hear(event[1]["word"])


# %% hear_every_word | by the word of its payload
def make_listeners(hear) -> LocalHandler:
    listeners = LocalHandler()

    @listeners.register(event_name="word_*")
    @listeners.register(event_name="word_a*")
    async def listen(event):
        hear(event[1]["word"])

    return listeners


# %% hear_every_word | Your code raised TypeError
def make_listeners(hear) -> LocalHandler:
    listeners = LocalHandler()

    @listeners.register(event_name="word_*")
    async def listen(event):
        hear(event["word"])

    return listeners


# %% announce_the_start | isn't done before the app serves
def make_lifespan(listeners: LocalHandler, open_database):

    @asynccontextmanager
    async def lifespan(app: FastAPI):
        async with open_database() as database:
            task = create_task(listeners.handle(("started", None)))
            yield {"database": database}
            await task
            await listeners.handle(("stopping", None))

    return lifespan


# %% announce_the_start | Heard: started
def make_lifespan(listeners: LocalHandler, open_database):
    @asynccontextmanager
    async def lifespan(app: FastAPI):
        async with open_database() as database:
            await listeners.handle(("started", None))
            yield {"database": database}

    return lifespan


# %% announce_the_start | the database was closed
def make_lifespan(listeners: LocalHandler, open_database):
    @asynccontextmanager
    async def lifespan(app: FastAPI):
        async with open_database() as database:
            await listeners.handle(("started", None))
            yield {"database": database}
        await listeners.handle(("stopping", None))

    return lifespan


# %% announce_the_start | nobody hears of the stop
def make_lifespan(listeners: LocalHandler, open_database):
    @asynccontextmanager
    async def lifespan(app: FastAPI):
        async with open_database() as database:
            await listeners.handle(("started", None))
            yield {"database": database}
            await listeners.handle(("stopping", None))

    return lifespan


# %% announce_the_start | the database closes before the listeners are done
def make_lifespan(listeners: LocalHandler, open_database):
    @asynccontextmanager
    async def lifespan(app: FastAPI):
        async with open_database() as database:
            await listeners.handle(("started", None))
            try:
                yield {"database": database}
            except Exception:
                create_task(listeners.handle(("stopping", None)))
                raise
            else:
                await listeners.handle(("stopping", None))

    return lifespan


# %% announce_the_start | got lost
def make_lifespan(listeners: LocalHandler, open_database):
    @asynccontextmanager
    async def lifespan(app: FastAPI):
        async with open_database() as database:
            await listeners.handle(("started", None))
            with suppress(Exception):
                yield {"database": database}
            await listeners.handle(("stopping", None))

    return lifespan


# %% announce_the_start | no longer yields the database
def make_lifespan(listeners: LocalHandler, open_database):
    @asynccontextmanager
    async def lifespan(app: FastAPI):
        async with open_database():
            await listeners.handle(("started", None))
            try:
                yield
            finally:
                await listeners.handle(("stopping", None))

    return lifespan


# %% one_listener_fails | was not reported
def careful(listener, report):
    async def listen(event):
        with suppress(Exception):
            await listener(event)

    return listen


# %% one_listener_fails | keeps it
def careful(listener, report):
    async def listen(event):
        try:
            await listener(event)
        except BaseException as error:
            report(error)

    return listen


# %% one_listener_fails | has to return an async function
def careful(listener, report):
    def listen(event):
        try:
            listener(event)
        except Exception as error:
            report(error)

    return listen


# %% one_listener_fails | isn't called
def careful(listener, report):
    async def listen(event):
        try:
            listener
        except Exception as error:
            report(error)

    return listen


# %% one_listener_fails | isn't the error itself
def careful(listener, report):
    async def listen(event):
        try:
            await listener(event)
        except Exception as error:
            report(str(error))

    return listen


# %% hear_every_word | wordless
def make_listeners(hear) -> LocalHandler:
    listeners = LocalHandler()

    @listeners.register(event_name="word*")
    async def listen(event):
        hear(event[1]["word"])

    return listeners


# %% announce_the_start | An event is a pair
def make_lifespan(listeners: LocalHandler, open_database):
    @asynccontextmanager
    async def lifespan(app: FastAPI):
        async with open_database() as database:
            await listeners.handle("started")
            try:
                yield {"database": database}
            finally:
                await listeners.handle("stopping")

    return lifespan
