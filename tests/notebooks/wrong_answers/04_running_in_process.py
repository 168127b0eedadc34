"""Wrong answers to the exercises of chapter 4, each with a part of its hint."""


# %% ask | a transport alone runs no lifespan
async def ask(app, path):
    transport = httpx.ASGITransport(app)
    url = "http://testserver"
    async with httpx.AsyncClient(transport=transport, base_url=url) as client:
        return (await client.get(path)).json()


# %% ask | the request has no state
async def ask(app, path):
    async with LifespanManager(app):
        transport = httpx.ASGITransport(app)
        url = "http://testserver"
        async with httpx.AsyncClient(transport=transport, base_url=url) as client:
            return (await client.get(path)).json()


# %% ask | Now build it without running
async def ask(app, path):
    async with running(app) as client:
        return (await client.get(path)).json()


# %% ask | in an event loop of its own
async def ask(app, path):
    from starlette.testclient import TestClient

    with TestClient(app) as client:
        return client.get(path).json()


# %% ask | An await is missing
async def ask(app, path):
    async with LifespanManager(app) as manager:
        transport = httpx.ASGITransport(manager.app)
        url = "http://testserver"
        async with httpx.AsyncClient(transport=transport, base_url=url) as client:
            return client.get(path).json()


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


# %% fresh | In memory is a good place
@asynccontextmanager
async def fresh(make_app):
    async with running(make_app(Path(":memory:"))) as client:
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


# %% green | its text has quotes around it
async def test_correct(app):
    async with running(app) as client:
        answer = await client.get("/correct/yeild")
    assert answer.text == "yield"


# %% green | The app was started, but the request has no state
async def test_correct(app):
    async with LifespanManager(app):
        transport = httpx.ASGITransport(app)
        url = "http://testserver"
        async with httpx.AsyncClient(transport=transport, base_url=url) as client:
            answer = await client.get("/correct/yeild")
    assert answer.json() == "yield"


# %% green | with 'yields' passes
async def test_correct(app):
    async with running(app) as client:
        answer = await client.get("/correct/yeild")
    assert "yield" in answer.text


# %% fresh | must come from make_app
@asynccontextmanager
async def fresh(make_app):
    with TemporaryDirectory():
        async with running(make_app) as client:
            yield client


# %% client_with | All went well, and the override stays
@asynccontextmanager
async def client_with(app, get_database, database):
    async def get_test_database():
        return database

    app.dependency_overrides[get_database] = get_test_database
    async with running(app) as client:
        yield client


# %% client_with | The endpoint gets 'the real database'
@asynccontextmanager
async def client_with(app, get_database, database):
    async with running(app) as client:
        yield client


# %% client_with | drops the error of a red test
@asynccontextmanager
async def client_with(app, get_database, database):
    async def get_test_database():
        return database

    app.dependency_overrides[get_database] = get_test_database
    async with running(app) as client:
        try:
            yield client
        except Exception:
            pass
    app.dependency_overrides.clear()


# %% client_with | The app failed at startup, and the override stays
@asynccontextmanager
async def client_with(app, get_database, database):
    async def get_test_database():
        return database

    app.dependency_overrides[get_database] = get_test_database
    async with running(app) as client:
        try:
            yield client
        finally:
            app.dependency_overrides.clear()


# %% client_with | The app failed at shutdown, and the override stays
@asynccontextmanager
async def client_with(app, get_database, database):
    async def get_test_database():
        return database

    async with running(app) as client:
        app.dependency_overrides[get_database] = get_test_database
        try:
            yield client
        except Exception:
            app.dependency_overrides.clear()
            raise
    app.dependency_overrides.clear()


# %% client_with | a transport alone runs no lifespan
@asynccontextmanager
async def client_with(app, get_database, database):
    async def get_test_database():
        return database

    app.dependency_overrides[get_database] = get_test_database
    transport = httpx.ASGITransport(app)
    url = "http://testserver"
    async with httpx.AsyncClient(transport=transport, base_url=url) as client:
        yield client
