"""Wrong answers to the exercises of chapter 10, each with a part of its hint."""


# %% outcome | What didn't start isn't stopped
def outcome(failing):
    runs = ["startup", "body", "shutdown"]
    return runs, failing[-1] if failing else None


# %% outcome | nothing after it can fail
def outcome(failing):
    if "startup" in failing:
        return ["startup"], failing[-1]
    return ["startup", "body", "shutdown"], failing[-1] if failing else None


# %% outcome | it is in a finally
def outcome(failing):
    runs = []
    for part in ["startup", "body", "shutdown"]:
        runs.append(part)
        if part in failing:
            return runs, part
    return runs, None


# %% outcome | it is running that lets out the first
def outcome(failing):
    if "startup" in failing:
        return ["startup"], "startup"
    return ["startup", "body", "shutdown"], failing[0] if failing else None


# %% outcome | Return a pair
def outcome(failing):
    if "startup" in failing:
        return ["startup"]
    return ["startup", "body", "shutdown"]


# %% outcome | named by its part
def outcome(failing):
    if "startup" in failing:
        return ["startup"], "startup"
    return ["startup", "body", "shutdown"], ", ".join(failing)


# %% comes_up_late | nobody gives it up after limit seconds
def make_lifespan(connect, attempts, limit):
    @asynccontextmanager
    async def lifespan(app):
        for left in reversed(range(attempts)):
            try:
                connection = await connect()
                break
            except ConnectionError:
                if not left:
                    raise
        try:
            yield {"connection": connection}
        finally:
            await connection.close()

    return lifespan


# %% comes_up_late | each one has a limit of its own
def make_lifespan(connect, attempts, limit):
    @asynccontextmanager
    async def lifespan(app):
        with fail_after(limit):
            for left in reversed(range(attempts)):
                try:
                    connection = await connect()
                    break
                except ConnectionError:
                    if not left:
                        raise
        try:
            yield {"connection": connection}
        finally:
            await connection.close()

    return lifespan


# %% comes_up_late | It never gives up
def make_lifespan(connect, attempts, limit):
    @asynccontextmanager
    async def lifespan(app):
        while True:
            try:
                with fail_after(limit):
                    connection = await connect()
                break
            except (ConnectionError, TimeoutError):
                pass
        try:
            yield {"connection": connection}
        finally:
            await connection.close()

    return lifespan


# %% comes_up_late | is started without a connection
def make_lifespan(connect, attempts, limit):
    @asynccontextmanager
    async def lifespan(app):
        connection = None
        for _ in range(attempts):
            try:
                with fail_after(limit):
                    connection = await connect()
                break
            except (ConnectionError, TimeoutError):
                pass
        try:
            yield {"connection": connection}
        finally:
            if connection:
                await connection.close()

    return lifespan


# %% comes_up_late | connect is called 4 times
def make_lifespan(connect, attempts, limit):
    @asynccontextmanager
    async def lifespan(app):
        for left in range(attempts, -1, -1):
            try:
                with fail_after(limit):
                    connection = await connect()
                break
            except (ConnectionError, TimeoutError):
                if not left:
                    raise
        try:
            yield {"connection": connection}
        finally:
            await connection.close()

    return lifespan


# %% comes_up_late | The error of the last one should come out, not this: RuntimeError
def make_lifespan(connect, attempts, limit):
    @asynccontextmanager
    async def lifespan(app):
        for _ in range(attempts):
            try:
                with fail_after(limit):
                    connection = await connect()
                break
            except (ConnectionError, TimeoutError):
                pass
        else:
            raise RuntimeError("no connection")
        try:
            yield {"connection": connection}
        finally:
            await connection.close()

    return lifespan


# %% comes_up_late | A wrong password is tried again
def make_lifespan(connect, attempts, limit):
    @asynccontextmanager
    async def lifespan(app):
        for left in reversed(range(attempts)):
            try:
                with fail_after(limit):
                    connection = await connect()
                break
            except Exception:
                if not left:
                    raise
        try:
            yield {"connection": connection}
        finally:
            await connection.close()

    return lifespan


# %% comes_up_late | it is taken for a failed attempt
def make_lifespan(connect, attempts, limit):
    @asynccontextmanager
    async def lifespan(app):
        for left in reversed(range(attempts)):
            try:
                with fail_after(limit):
                    connection = await connect()
                try:
                    yield {"connection": connection}
                finally:
                    await connection.close()
                return
            except (ConnectionError, TimeoutError):
                if not left:
                    raise

    return lifespan


# %% comes_up_late | The limit is at work while the app is served
def make_lifespan(connect, attempts, limit):
    @asynccontextmanager
    async def lifespan(app):
        with fail_after(limit):
            connection = await connect()
            try:
                yield {"connection": connection}
            finally:
                await connection.close()

    return lifespan


# %% comes_up_late | When the body raises, the connection stays open
def make_lifespan(connect, attempts, limit):
    @asynccontextmanager
    async def lifespan(app):
        for left in reversed(range(attempts)):
            try:
                with fail_after(limit):
                    connection = await connect()
                break
            except (ConnectionError, TimeoutError):
                if not left:
                    raise
        yield {"connection": connection}
        await connection.close()

    return lifespan


# %% comes_up_late | Leave the loop after a success
def make_lifespan(connect, attempts, limit):
    @asynccontextmanager
    async def lifespan(app):
        for left in reversed(range(attempts)):
            try:
                with fail_after(limit):
                    connection = await connect()
            except (ConnectionError, TimeoutError):
                if not left:
                    raise
        try:
            yield {"connection": connection}
        finally:
            await connection.close()

    return lifespan


# %% comes_up_late | its TimeoutError is taken for a failed attempt
def make_lifespan(connect, attempts, limit):
    @asynccontextmanager
    async def lifespan(app):
        for left in reversed(range(attempts)):
            try:
                with fail_after(limit):
                    connection = await connect()
                    try:
                        yield {"connection": connection}
                    finally:
                        await connection.close()
                return
            except (ConnectionError, TimeoutError):
                if not left:
                    raise

    return lifespan


# %% comes_up_late | Make no pause between two attempts
def make_lifespan(connect, attempts, limit):
    @asynccontextmanager
    async def lifespan(app):
        for left in reversed(range(attempts)):
            try:
                with fail_after(limit):
                    connection = await connect()
                break
            except (ConnectionError, TimeoutError):
                if not left:
                    raise
                await sleep(1)
        try:
            yield {"connection": connection}
        finally:
            await connection.close()

    return lifespan


# %% comes_up_late | A CancelledError comes out
def make_lifespan(connect, attempts, limit):
    @asynccontextmanager
    async def lifespan(app):
        for left in reversed(range(attempts)):
            try:
                task = asyncio.create_task(connect())
                await asyncio.wait([task], timeout=limit)
                task.cancel()
                connection = await task
                break
            except (ConnectionError, TimeoutError):
                if not left:
                    raise
        try:
            yield {"connection": connection}
        finally:
            await connection.close()

    return lifespan


# %% comes_up_late | You call connect(), but nobody awaits it
def make_lifespan(connect, attempts, limit):
    @asynccontextmanager
    async def lifespan(app):
        for left in reversed(range(attempts)):
            try:
                with fail_after(limit):
                    connection = connect()
                break
            except (ConnectionError, TimeoutError):
                if not left:
                    raise
        try:
            yield {"connection": connection}
        finally:
            await connection.close()

    return lifespan


# %% zombie | A CancelledError comes out
def make_lifespan(connection, feed):
    @asynccontextmanager
    async def lifespan(app):
        await connection.open()
        task = asyncio.create_task(feed(connection))
        try:
            yield {"connection": connection}
        finally:
            task.cancel()
            try:
                await task
            finally:
                await connection.close()

    return lifespan


# %% zombie | is closed while the app is still served
def make_lifespan(connection, feed):
    @asynccontextmanager
    async def lifespan(app):
        await connection.open()
        async with create_task_group() as tasks:
            tasks.start_soon(feed, connection)
            try:
                yield {"connection": connection}
            finally:
                tasks.cancel_scope.cancel()
                with CancelScope(shield=True):
                    await sleep(0.01)
                    await connection.close()

    return lifespan


# %% zombie | It is closed while the feed still uses it
def make_lifespan(connection, feed):
    @asynccontextmanager
    async def lifespan(app):
        await connection.open()
        async with create_task_group() as tasks:
            tasks.start_soon(feed, connection)
            try:
                yield {"connection": connection}
            finally:
                await connection.close()
                tasks.cancel_scope.cancel()

    return lifespan


# %% zombie | nobody ever hears of it
def make_lifespan(connection, feed):
    @asynccontextmanager
    async def lifespan(app):
        async def quietly():
            with suppress(Exception):
                await feed(connection)

        await connection.open()
        try:
            async with create_task_group() as tasks:
                tasks.start_soon(quietly)
                try:
                    yield {"connection": connection}
                finally:
                    tasks.cancel_scope.cancel()
        finally:
            await connection.close()

    return lifespan


# %% zombie | yet the feed runs on
def make_lifespan(connection, feed):
    @asynccontextmanager
    async def lifespan(app):
        await connection.open()
        app_feed = asyncio.create_task(feed(connection))
        try:
            yield {"connection": connection, "feed": app_feed}
        finally:
            await connection.close()

    return lifespan


# %% zombie | The lifespan doesn't come to its end
def make_lifespan(connection, feed):
    @asynccontextmanager
    async def lifespan(app):
        await connection.open()
        try:
            async with create_task_group() as tasks:
                tasks.start_soon(feed, connection)
                yield {"connection": connection}
        finally:
            await connection.close()

    return lifespan


# %% zombie | After a crash the connection isn't closed
def make_lifespan(connection, feed):
    @asynccontextmanager
    async def connected(app):
        await connection.open()
        yield {"connection": connection}
        await connection.close()

    async def feeding(app):
        await feed(connection)

    return combine(connected, worker(feeding))


# %% zombie | When the body raises, the feed runs on
def make_lifespan(connection, feed):
    @asynccontextmanager
    async def lifespan(app):
        await connection.open()
        task = asyncio.create_task(feed(connection))
        try:
            yield {"connection": connection}
            task.cancel()
            await asyncio.wait([task])
        finally:
            await connection.close()
        if not task.cancelled():
            task.result()

    return lifespan


# %% zombie | Nobody starts the feed
def make_lifespan(connection, feed):
    @asynccontextmanager
    async def connected(app):
        await connection.open()
        try:
            yield {"connection": connection}
        finally:
            await connection.close()

    return connected


# %% zombie | Your code raised TypeError
def make_lifespan(connection, feed):
    @asynccontextmanager
    async def connected(app):
        await connection.open()
        try:
            yield {"connection": connection}
        finally:
            await connection.close()

    return combine(connected, worker(feed(connection)))
