"""Wrong answers to the exercises of chapter 2, each with a part of its hint."""


# %% connected | You call open(), but nobody awaits it
@asynccontextmanager
async def connected(connection, limit):
    connection.open()
    try:
        yield connection
    finally:
        await connection.close()


# %% connected | You call close(), but nobody awaits it
@asynccontextmanager
async def connected(connection, limit):
    await connection.open()
    try:
        yield connection
    finally:
        connection.close()


# %% connected | After the block the connection is still open
@asynccontextmanager
async def connected(connection, limit):
    await connection.open()
    yield connection


# %% connected | the line after your yield isn't reached
@asynccontextmanager
async def connected(connection, limit):
    await connection.open()
    yield connection
    await connection.close()


# %% connected | close() was called all the same
@asynccontextmanager
async def connected(connection, limit):
    try:
        await connection.open()
        yield connection
    finally:
        await connection.close()


# %% connected | drops the error of the body
@asynccontextmanager
async def connected(connection, limit):
    await connection.open()
    try:
        yield connection
    except Exception:
        pass
    finally:
        await connection.close()


# %% connected | The name after as must stand for
@asynccontextmanager
async def connected(connection, limit):
    await connection.open()
    try:
        yield
    finally:
        await connection.close()


# %% connected | Which decorator makes an async context manager?
from contextlib import contextmanager


@contextmanager
async def connected(connection, limit):
    await connection.open()
    try:
        yield connection
    finally:
        await connection.close()


# %% connected | when anyio cancels the block, close() is cut
@asynccontextmanager
async def connected(connection, limit):
    await connection.open()
    try:
        yield connection
    finally:
        await connection.close()


# %% connected | close() is awaited longer than limit
@asynccontextmanager
async def connected(connection, limit):
    await connection.open()
    try:
        yield connection
    finally:
        with anyio.CancelScope(shield=True):
            await connection.close()


# %% connected | Your shield stands around the yield
@asynccontextmanager
async def connected(connection, limit):
    await connection.open()
    with anyio.move_on_after(limit, shield=True):
        try:
            yield connection
        finally:
            await connection.close()


# %% working | create_task wants work()
@asynccontextmanager
async def working(work):
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


# %% working | Your manager swallows that as if it were the work's own
from contextlib import suppress


@asynccontextmanager
async def working(work):
    task = asyncio.create_task(work())
    try:
        yield
    finally:
        task.cancel()
        with anyio.CancelScope(shield=True), suppress(asyncio.CancelledError):
            await task


# %% working | When anyio cancels the block, the await for the work is cut
@asynccontextmanager
async def working(work):
    task = asyncio.create_task(work())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


# %% working | the work begins after the block, and goes on
@asynccontextmanager
async def working(work):
    begun = asyncio.Event()

    async def noted():
        begun.set()
        await work()

    task = asyncio.create_task(noted())
    try:
        yield
    finally:
        if begun.is_set():
            task.cancel()
            with anyio.CancelScope(shield=True):
                await asyncio.wait([task])


# %% working | After the block the work still goes on
@asynccontextmanager
async def working(work):
    task = asyncio.create_task(work())
    yield task


# %% working | nobody told the work to stop
@asynccontextmanager
async def working(work):
    task = asyncio.create_task(work())
    try:
        yield
    finally:
        await task


# %% working | doesn't wait until it has stopped
@asynccontextmanager
async def working(work):
    task = asyncio.create_task(work())
    try:
        yield
    finally:
        task.cancel()


# %% working | whoever awaits a cancelled task
@asynccontextmanager
async def working(work):
    task = asyncio.create_task(work())
    try:
        yield
    finally:
        task.cancel()
        await task


# %% working | the lines after your yield aren't reached
@asynccontextmanager
async def working(work):
    task = asyncio.create_task(work())
    yield
    task.cancel()
    await asyncio.wait([task])


# %% working | it is lost on the way out
from contextlib import suppress


@asynccontextmanager
async def working(work):
    task = asyncio.create_task(work())
    with suppress(asyncio.CancelledError):
        try:
            yield
        finally:
            task.cancel()
            await task


# %% working | When the block itself is cancelled, your manager swallows that
@asynccontextmanager
async def working(work):
    task = asyncio.create_task(work())
    try:
        yield
    except asyncio.CancelledError:
        pass
    finally:
        task.cancel()
        await asyncio.wait([task])


# %% working | When the block itself is cancelled, the work goes on
@asynccontextmanager
async def working(work):
    task = asyncio.create_task(work())
    try:
        yield
    except Exception:
        task.cancel()
        await asyncio.wait([task])
        raise
    else:
        task.cancel()
        await asyncio.wait([task])


# %% working | doesn't reach its yield
@asynccontextmanager
async def working(work):
    await work()
    yield


# %% talking | the goodbye is still cut
@asynccontextmanager
async def talking(connection, limit):
    try:
        yield
    finally:
        try:
            await connection.say("goodbye")
        finally:
            connection.close()


# %% talking | the teardown waits longer than limit
@asynccontextmanager
async def talking(connection, limit):
    try:
        yield
    finally:
        with anyio.CancelScope(shield=True):
            await connection.say("goodbye")
        connection.close()


# %% talking | Nobody answers, the limit passes, and close()
@asynccontextmanager
async def talking(connection, limit):
    try:
        yield
    finally:
        with anyio.move_on_after(limit, shield=True):
            await connection.say("goodbye")
            connection.close()


# %% talking | still nothing is said before close()
@asynccontextmanager
async def talking(connection, limit):
    try:
        yield
    finally:
        connection.close()


# %% talking | drops the error of the body
@asynccontextmanager
async def talking(connection, limit):
    try:
        yield
    except Exception:
        pass
    finally:
        with anyio.move_on_after(limit, shield=True):
            await connection.say("goodbye")
        connection.close()


# %% talking | asyncio.shield protects the goodbye, not the waiting
@asynccontextmanager
async def talking(connection, limit):
    try:
        yield
    finally:
        try:
            await asyncio.wait_for(asyncio.shield(connection.say("goodbye")), limit)
        finally:
            connection.close()


# %% talking | a limit alone keeps no cancellation away
@asynccontextmanager
async def talking(connection, limit):
    try:
        yield
    finally:
        with anyio.move_on_after(limit):
            await connection.say("goodbye")
        connection.close()


# %% talking | Only the teardown is to be shielded
@asynccontextmanager
async def talking(connection, limit):
    with anyio.move_on_after(limit, shield=True):
        try:
            yield
        finally:
            await connection.say("goodbye")
            connection.close()
