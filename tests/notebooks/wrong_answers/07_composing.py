"""Wrong answers to the exercises of chapter 7, each with a part of its hint."""


# %% two_and_a_worker | start one after the other
def make_lifespan(database, cache, refresh):
    return combine(database, cache, worker(refresh))


# %% two_and_a_worker | finds the database only
def make_lifespan(database, cache, refresh):
    return combine(database, worker(refresh), cache)


# %% two_and_a_worker | joined and concurrently hand nothing on
def joined(*lifespans):
    @asynccontextmanager
    async def lifespan(app):
        state = {}
        async with AsyncExitStack() as stack:
            for each in lifespans:
                yielded = await stack.enter_async_context(each(app))
                state.update(yielded or {})
            yield state

    return lifespan


def make_lifespan(database, cache, refresh):
    return joined(concurrently(database, cache), worker(refresh))


# %% two_and_a_worker | has to return a lifespan
def make_lifespan(database, cache, refresh):
    combine(concurrently(database, cache), worker(refresh))


# %% two_and_a_worker | which has started, stays open
def make_lifespan(database, cache, refresh):
    @asynccontextmanager
    async def both(app):
        entered = database(app), cache(app)
        first, second = await gather(*[each.__aenter__() for each in entered])
        yield {**first, **second}
        for each in entered:
            await each.__aexit__(None, None, None)

    return combine(both, worker(refresh))


# %% two_and_a_worker | and the app starts all the same
def make_lifespan(database, cache, refresh):
    @asynccontextmanager
    async def both(app):
        async with AsyncExitStack() as stack:
            entering = map(stack.enter_async_context, [database(app), cache(app)])
            yielded = await gather(*entering, return_exceptions=True)
            yield {
                k: v
                for each in yielded
                if isinstance(each, dict)
                for k, v in each.items()
            }

    return combine(both, worker(refresh))


# %% two_and_a_worker | has no yield between startup and shutdown
def make_lifespan(database, cache, refresh):
    return combine(concurrently(database, cache), refresh)


# %% two_and_a_worker | The cache isn't opened
def make_lifespan(database, cache, refresh):
    return combine(database, worker(refresh))


# %% two_and_a_worker | started more than once
def make_lifespan(database, cache, refresh):
    both = concurrently(database, cache)
    return combine(both, worker(refresh), worker(refresh))


# %% two_and_a_worker | before the app has served
def make_lifespan(database, cache, refresh):
    @asynccontextmanager
    async def lifespan(app):
        async with combine(concurrently(database, cache), worker(refresh))(
            app
        ) as state:
            await asyncio.sleep(0.01)
        yield state

    import asyncio

    return lifespan


# %% refuse_to_lose | yield 'url', and the earlier value wins silently
def joined(*lifespans):
    @asynccontextmanager
    async def lifespan(app):
        state = {}
        async with AsyncExitStack() as stack:
            for each in lifespans:
                yielded = await stack.enter_async_context(each(app))
                state = {**(yielded or {}), **state}
            yield state

    return lifespan


# %% refuse_to_lose | and it raises KeyError
def joined(*lifespans):
    @asynccontextmanager
    async def lifespan(app):
        state = {}
        async with AsyncExitStack() as stack:
            for each in lifespans:
                yielded = await stack.enter_async_context(each(app))
                for key in yielded or {}:
                    if key in state:
                        raise KeyError(key)
                state.update(yielded or {})
            yield state

    return lifespan


# %% refuse_to_lose | There was no conflict
def joined(*lifespans):
    @asynccontextmanager
    async def lifespan(app):
        state = {}
        async with AsyncExitStack() as stack:
            for each in lifespans:
                yielded = await stack.enter_async_context(each(app))
                state.update(yielded or {})
                for key in yielded or {}:
                    if key in state:
                        raise ValueError(f"{key} was given twice")
            yield state

    return lifespan


# %% refuse_to_lose | joined has to return a lifespan
def joined(*lifespans):
    @asynccontextmanager
    async def lifespan(app):
        yield {}


# %% refuse_to_lose | comes at shutdown
def joined(*lifespans):
    @asynccontextmanager
    async def lifespan(app):
        state, twice = {}, []
        async with AsyncExitStack() as stack:
            for each in lifespans:
                yielded = await stack.enter_async_context(each(app)) or {}
                twice += [key for key in yielded if key in state]
                state.update(yielded)
            yield state
            if twice:
                raise ValueError(f"given twice: {twice}")

    return lifespan


# %% refuse_to_lose | but not one after the other, and the later value wins
def joined(*lifespans):
    @asynccontextmanager
    async def lifespan(app):
        state, before = {}, {}
        async with AsyncExitStack() as stack:
            for each in lifespans:
                yielded = await stack.enter_async_context(each(app)) or {}
                for key in yielded:
                    if key in before:
                        raise ValueError(f"{key} was given twice")
                state.update(yielded)
                before = yielded
            yield state

    return lifespan


# %% refuse_to_lose | with equal values, and the earlier
def joined(*lifespans):
    @asynccontextmanager
    async def lifespan(app):
        state = {}
        async with AsyncExitStack() as stack:
            for each in lifespans:
                yielded = await stack.enter_async_context(each(app)) or {}
                for key, value in yielded.items():
                    if key in state and state[key] != value:
                        raise ValueError(f"{key} was given twice")
                state.update(yielded)
            yield state

    return lifespan


# %% refuse_to_lose | doesn't name the key
def joined(*lifespans):
    @asynccontextmanager
    async def lifespan(app):
        state = {}
        async with AsyncExitStack() as stack:
            for each in lifespans:
                yielded = await stack.enter_async_context(each(app)) or {}
                if state.keys() & yielded.keys():
                    raise ValueError("a key was given twice")
                state |= yielded
            yield state

    return lifespan


# %% refuse_to_lose | knew what to do: yielded or {}
def joined(*lifespans):
    @asynccontextmanager
    async def lifespan(app):
        state = {}
        async with AsyncExitStack() as stack:
            for each in lifespans:
                yielded = await stack.enter_async_context(each(app))
                for key in yielded:
                    if key in state:
                        raise ValueError(f"{key} was given twice")
                    state[key] = yielded[key]
            yield state

    return lifespan


# %% refuse_to_lose | two: end, quiet: end, one: end, served
def joined(*lifespans):
    @asynccontextmanager
    async def lifespan(app):
        state = {}
        async with AsyncExitStack() as stack:
            for each in lifespans:
                yielded = await stack.enter_async_context(each(app)) or {}
                for key in yielded:
                    if key in state:
                        raise ValueError(f"{key} was given twice")
                state |= yielded
        yield state

    return lifespan


# %% refuse_to_lose | Together they yield {'a': 1}
def joined(*lifespans):
    @asynccontextmanager
    async def lifespan(app):
        state = {}
        async with AsyncExitStack() as stack:
            for each in lifespans:
                yielded = await stack.enter_async_context(each(app)) or {}
                for key, value in yielded.items():
                    if state.get(key):
                        raise ValueError(f"{key} was given twice")
                    if value:
                        state[key] = value
            yield state

    return lifespan


# %% refuse_to_lose | After the ValueError the lifespan 'one' is still open
def joined(*lifespans):
    @asynccontextmanager
    async def lifespan(app):
        state, entered = {}, []
        for each in lifespans:
            manager = each(app)
            yielded = await manager.__aenter__() or {}
            for key in yielded:
                if key in state:
                    raise ValueError(f"{key} was given twice")
            entered.append(manager)
            state |= yielded
        yield state
        for manager in reversed(entered):
            await manager.__aexit__(None, None, None)

    return lifespan


# %% refuse_to_lose | After the ValueError the lifespan 'again' is still open
def joined(*lifespans):
    @asynccontextmanager
    async def lifespan(app):
        state = {}
        async with AsyncExitStack() as stack:
            for each in lifespans:
                manager = each(app)
                yielded = await manager.__aenter__() or {}
                for key in yielded:
                    if key in state:
                        raise ValueError(f"{key} was given twice")
                stack.push_async_exit(manager)
                state |= yielded
            yield state

    return lifespan


# %% refuse_to_lose | never comes
def joined(*lifespans):
    @asynccontextmanager
    async def lifespan(app):
        import asyncio

        await asyncio.Event().wait()
        yield {}

    return lifespan


# %% each_once | with_mounts takes one lifespan
def make_app(stock, search, admin, answer) -> FastAPI:
    app = FastAPI(lifespan=with_mounts(stock, search))
    app.mount("/office", FastAPI(lifespan=admin))
    return app


# %% each_once | /v2/products answers 404
def make_app(stock, search, admin, answer) -> FastAPI:
    app, office = FastAPI(), FastAPI(lifespan=admin)
    products, finder = APIRouter(lifespan=stock), APIRouter(lifespan=search)
    products.add_api_route("/products", answer)
    finder.add_api_route("/find", answer)
    office.add_api_route("/", answer)
    products.include_router(finder)
    app.include_router(products, prefix="/v1")
    app.mount("/office", office)
    return app


# %% each_once | The lifespan search runs 2 times
def make_app(stock, search, admin, answer) -> FastAPI:
    app, office = FastAPI(lifespan=stock), FastAPI(lifespan=admin)
    products, finder = APIRouter(), APIRouter(lifespan=search)
    products.add_api_route("/products", answer)
    finder.add_api_route("/find", answer)
    office.add_api_route("/", answer)
    products.include_router(finder)
    app.include_router(products, prefix="/v1")
    app.include_router(products, prefix="/v2")
    app.mount("/office", office)
    return app


# %% each_once | The lifespan search never runs
def make_app(stock, search, admin, answer) -> FastAPI:
    app, office = FastAPI(lifespan=stock), FastAPI(lifespan=admin)
    products, finder = APIRouter(), APIRouter(lifespan=search)
    products.add_api_route("/products", answer)
    finder.add_api_route("/find", answer)
    office.add_api_route("/", answer)
    app.include_router(products, prefix="/v1")
    app.include_router(products, prefix="/v2")
    products.include_router(finder)
    app.mount("/office", office)
    return app


# %% each_once | The lifespan admin never runs
def make_app(stock, search, admin, answer) -> FastAPI:
    app = FastAPI(lifespan=combine(stock, search))
    office = FastAPI(lifespan=admin)
    products, finder = APIRouter(), APIRouter()
    products.add_api_route("/products", answer)
    finder.add_api_route("/find", answer)
    office.add_api_route("/", answer)
    products.include_router(finder)
    app.include_router(products, prefix="/v1")
    app.include_router(products, prefix="/v2")
    app.mount("/office", office)
    return app


# %% each_once | admin is given the outer app
def make_app(stock, search, admin, answer) -> FastAPI:
    app = FastAPI(lifespan=combine(stock, search, admin))
    office = FastAPI()
    products, finder = APIRouter(), APIRouter()
    products.add_api_route("/products", answer)
    finder.add_api_route("/find", answer)
    office.add_api_route("/", answer)
    products.include_router(finder)
    app.include_router(products, prefix="/v1")
    app.include_router(products, prefix="/v2")
    app.mount("/office", office)
    return app


# %% each_once | has to return the app
def make_app(stock, search, admin, answer) -> FastAPI:
    app = FastAPI(lifespan=with_mounts(combine(stock, search)))
    app.mount("/office", FastAPI(lifespan=admin))


# %% two_and_a_worker | Nobody starts refresh
def make_lifespan(database, cache, refresh):
    return concurrently(database, cache)


# %% refuse_to_lose | The error of the body must go on
from contextlib import suppress


def joined(*lifespans):
    @asynccontextmanager
    async def lifespan(app):
        state = {}
        async with AsyncExitStack() as stack:
            for each in lifespans:
                yielded = await stack.enter_async_context(each(app)) or {}
                for key in yielded:
                    if key in state:
                        raise ValueError(f"{key} was given twice")
                state |= yielded
            with suppress(Exception):
                yield state

    return lifespan


# %% refuse_to_lose | reaches none of them
def joined(*lifespans):
    @asynccontextmanager
    async def lifespan(app):
        state, entered = {}, []
        try:
            for each in lifespans:
                entered.append(each(app))
                for key, value in (await entered[-1].__aenter__() or {}).items():
                    if key in state:
                        raise ValueError(f"{key} was given twice")
                    state[key] = value
            yield state
        finally:
            for manager in reversed(entered):
                await manager.__aexit__(None, None, None)

    return lifespan
