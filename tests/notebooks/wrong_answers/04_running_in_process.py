"""Wrong answers to the exercises of chapter 4, each with a part of its hint."""


# %% ask | a transport alone runs no lifespan
async def ask(app, path):
    transport = httpx.ASGITransport(app)
    url = "http://testserver"
    async with httpx.AsyncClient(transport=transport, base_url=url) as client:
        return (await client.get(path)).json()


# %% ask | your request goes past the manager
async def ask(app, path):
    async with LifespanManager(app):
        transport = httpx.ASGITransport(app)
        url = "http://testserver"
        async with httpx.AsyncClient(transport=transport, base_url=url) as client:
            return (await client.get(path)).json()


# %% ask | needs a base_url
async def ask(app, path):
    async with LifespanManager(app) as manager:
        transport = httpx.ASGITransport(manager.app)
        async with httpx.AsyncClient(transport=transport) as client:
            return (await client.get(path)).json()


# %% ask | unexpected keyword argument 'app'
async def ask(app, path):
    async with LifespanManager(app) as manager:
        url = "http://testserver"
        async with httpx.AsyncClient(app=manager.app, base_url=url) as client:
            return (await client.get(path)).json()


# %% ask | it is still running
async def ask(app, path):
    manager = LifespanManager(app)
    await manager.__aenter__()
    transport = httpx.ASGITransport(manager.app)
    url = "http://testserver"
    async with httpx.AsyncClient(transport=transport, base_url=url) as client:
        return (await client.get(path)).json()


# %% ask | The answer should be 'yield'
async def ask(app, path):
    async with LifespanManager(app) as manager:
        transport = httpx.ASGITransport(manager.app)
        url = "http://testserver"
        async with httpx.AsyncClient(transport=transport, base_url=url) as client:
            return await client.get(path)


# %% ask | waits for something that doesn't come
async def ask(app, path):
    async with LifespanManager(app):
        await anyio.sleep_forever()


# %% fresh | their files are still there
@asynccontextmanager
async def fresh(make_app):
    from tempfile import mkdtemp

    async with running(make_app(Path(mkdtemp()) / "test.db")) as client:
        yield client


# %% fresh | Is the folder still there when the app starts
@asynccontextmanager
async def fresh(make_app):
    with TemporaryDirectory() as place:
        app = make_app(Path(place) / "test.db")
    async with running(app) as client:
        yield client


# %% fresh | Then its file stays
@asynccontextmanager
async def fresh(make_app):
    path = folder / "fresh.db"
    async with running(make_app(path)) as client:
        yield client
    path.unlink()


# %% fresh | its error doesn't come out
@asynccontextmanager
async def fresh(make_app):
    with TemporaryDirectory() as place:
        async with running(make_app(Path(place) / "test.db")) as client:
            try:
                yield client
            except Exception:
                pass


# %% fresh | a transport alone runs no lifespan
@asynccontextmanager
async def fresh(make_app):
    with TemporaryDirectory() as place:
        transport = httpx.ASGITransport(make_app(Path(place) / "test.db"))
        async with httpx.AsyncClient(
            transport=transport, base_url="http://t"
        ) as client:
            yield client


# %% fresh | the app is still running
@asynccontextmanager
async def fresh(make_app):
    with TemporaryDirectory() as place:
        manager = LifespanManager(make_app(Path(place) / "test.db"))
        await manager.__aenter__()
        transport = httpx.ASGITransport(manager.app)
        async with httpx.AsyncClient(
            transport=transport, base_url="http://t"
        ) as client:
            yield client


# %% green | a transport alone runs no lifespan
async def test_correct(app):
    transport = httpx.ASGITransport(app)
    url = "http://testserver"
    async with httpx.AsyncClient(transport=transport, base_url=url) as client:
        answer = await client.get("/correct/yeild")
    assert answer.json() == "yield"


# %% green | An app whose startup fails passes
async def test_correct(app):
    try:
        async with running(app) as client:
            answer = await client.get("/correct/yeild")
    except Exception:
        return
    assert answer.json() == "yield"


# %% green | An app whose lifespan yields no model passes
async def test_correct(app):
    async with LifespanManager(app) as manager:
        transport = httpx.ASGITransport(manager.app, raise_app_exceptions=False)
        url = "http://testserver"
        async with httpx.AsyncClient(transport=transport, base_url=url) as client:
            answer = await client.get("/correct/yeild")
    assert answer.status_code != 404


# %% green | that answers every word with itself passes
async def test_correct(app):
    async with running(app) as client:
        answer = await client.get("/correct/yeild")
    assert answer.status_code == 200


# %% green | fails your test with AssertionError
async def test_correct(app):
    async with running(app) as client:
        answer = await client.get("/correct/yeild")
    assert answer == "yield"


# %% client_for | All went well, and the client is still open
@asynccontextmanager
async def client_for(app):
    async with LifespanManager(app) as manager:
        transport = httpx.ASGITransport(manager.app)
        yield httpx.AsyncClient(transport=transport, base_url="http://testserver")


# %% client_for | drops the error of the body
@asynccontextmanager
async def client_for(app):
    manager = LifespanManager(app)
    await manager.__aenter__()
    transport = httpx.ASGITransport(manager.app)
    client = httpx.AsyncClient(transport=transport, base_url="http://testserver")
    try:
        yield client
    except Exception:
        pass
    await manager.__aexit__(None, None, None)
    await client.aclose()


# %% client_for | The shutdown raised, and the client is still open
@asynccontextmanager
async def client_for(app):
    manager = LifespanManager(app)
    await manager.__aenter__()
    transport = httpx.ASGITransport(manager.app)
    client = httpx.AsyncClient(transport=transport, base_url="http://testserver")
    try:
        yield client
    finally:
        await manager.__aexit__(None, None, None)
        await client.aclose()


# %% client_for | your request goes past the manager
@asynccontextmanager
async def client_for(app):
    async with LifespanManager(app):
        transport = httpx.ASGITransport(app)
        url = "http://testserver"
        async with httpx.AsyncClient(transport=transport, base_url=url) as client:
            yield client


# %% fresh | must come from make_app
@asynccontextmanager
async def fresh(make_app):
    with TemporaryDirectory():
        async with running(make_app) as client:
            yield client
