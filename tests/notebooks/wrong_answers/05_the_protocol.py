"""Wrong answers to the exercises of chapter 5, each with a part of its hint."""


# %% app_half | acts before it is told
def make_app(resource):
    async def app(scope, receive, send):
        await resource.open()
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await resource.close()
        await send({"type": "lifespan.shutdown.complete"})

    return app


# %% app_half | A message is a dictionary
def make_app(resource):
    async def app(scope, receive, send):
        await receive()
        await resource.open()
        await send("lifespan.startup.complete")

    return app


# %% app_half | After lifespan.startup your app waits
def make_app(resource):
    async def app(scope, receive, send):
        await receive()
        await resource.open()
        await receive()
        await resource.close()
        await send({"type": "lifespan.shutdown.complete"})

    return app


# %% app_half | your app answers lifespan.startup.failed
def make_app(resource):
    async def app(scope, receive, send):
        await receive()
        try:
            await resource.open()
        finally:
            await send({"type": "lifespan.startup.failed", "message": ""})

    return app


# %% app_half | it opened nothing at all
def make_app(resource):
    async def app(scope, receive, send):
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})

    return app


# %% app_half | call open(), but nobody awaits it
def make_app(resource):
    async def app(scope, receive, send):
        await receive()
        resource.open()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        resource.close()
        await send({"type": "lifespan.shutdown.complete"})

    return app


# %% app_half | opens the resource later
def make_app(resource):
    async def app(scope, receive, send):
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await resource.open()
        await receive()
        await resource.close()
        await send({"type": "lifespan.shutdown.complete"})

    return app


# %% app_half | closed before the app is told to stop
def make_app(resource):
    async def app(scope, receive, send):
        await receive()
        await resource.open()
        await send({"type": "lifespan.startup.complete"})
        await resource.close()
        await send({"type": "lifespan.shutdown.complete"})

    return app


# %% app_half | Who will hear lifespan.shutdown?
def make_app(resource):
    async def app(scope, receive, send):
        message = await receive()
        if message["type"] == "lifespan.startup":
            await resource.open()
            await send({"type": "lifespan.startup.complete"})
        elif message["type"] == "lifespan.shutdown":
            await resource.close()
            await send({"type": "lifespan.shutdown.complete"})

    return app


# %% app_half | told to start, and gives 2 answers
def make_app(resource):
    async def app(scope, receive, send):
        await receive()
        await resource.open()
        await send({"type": "lifespan.startup.complete"})
        await send({"type": "lifespan.shutdown.complete"})
        await receive()
        await resource.close()

    return app


# %% app_half | nothing closes the resource
def make_app(resource):
    async def app(scope, receive, send):
        await receive()
        await resource.open()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})

    return app


# %% app_half | lifespan.shutdown has no answer
def make_app(resource):
    async def app(scope, receive, send):
        await receive()
        await resource.open()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await resource.close()

    return app


# %% app_half | To lifespan.shutdown your app answers lifespan.startup.complete
def make_app(resource):
    async def app(scope, receive, send):
        for act in (resource.open, resource.close):
            await receive()
            await act()
            await send({"type": "lifespan.startup.complete"})

    return app


# %% app_half | You call close(), but nobody awaits it
def make_app(resource):
    async def app(scope, receive, send):
        await receive()
        await resource.open()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        resource.close()
        await send({"type": "lifespan.shutdown.complete"})

    return app


# %% app_half | closes the resource then
def make_app(resource):
    async def app(scope, receive, send):
        await receive()
        await resource.open()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})
        await resource.close()

    return app


# %% app_half | takes your app for one that has no lifespan
def make_app(resource):
    async def app(scope, receive, send):
        await receive()
        await resource.open()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await resource.close()
        await send({"type": "lifespan.shutdown.complete"})

    return app


# %% app_half | open() raised, and your app answers
def make_app(resource):
    async def app(scope, receive, send):
        await receive()
        try:
            await resource.open()
        except Exception:
            pass
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await resource.close()
        await send({"type": "lifespan.shutdown.complete"})

    return app


# %% app_half | but not why
def make_app(resource):
    async def app(scope, receive, send):
        await receive()
        try:
            await resource.open()
        except Exception:
            await send({"type": "lifespan.startup.failed"})
            return
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await resource.close()
        await send({"type": "lifespan.shutdown.complete"})

    return app


# %% app_half | is not to be closed
def make_app(resource):
    async def app(scope, receive, send):
        await receive()
        try:
            await resource.open()
            await send({"type": "lifespan.startup.complete"})
        except Exception as error:
            await send({"type": "lifespan.startup.failed", "message": str(error)})
        await receive()
        try:
            await resource.close()
        finally:
            await send({"type": "lifespan.shutdown.complete"})

    return app


# %% app_half | A server expects a text
def make_app(resource):
    async def app(scope, receive, send):
        await receive()
        try:
            await resource.open()
        except Exception as error:
            await send({"type": "lifespan.startup.failed", "message": error})
            raise
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await resource.close()
        await send({"type": "lifespan.shutdown.complete"})

    return app


# %% app_half | nothing more to answer
def make_app(resource):
    async def app(scope, receive, send):
        await receive()
        try:
            await resource.open()
        except Exception as error:
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            await send({"type": "lifespan.shutdown.complete"})
            raise
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await resource.close()
        await send({"type": "lifespan.shutdown.complete"})

    return app


# %% app_half | let it out
def make_app(resource):
    async def app(scope, receive, send):
        await receive()
        try:
            await resource.open()
        except Exception as error:
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            return
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await resource.close()
        await send({"type": "lifespan.shutdown.complete"})

    return app


# %% app_half | an app is an async def
def make_app(resource):
    def app(scope, receive, send):
        receive()
        resource.open()
        send({"type": "lifespan.startup.complete"})

    return app


# %% app_half | make_app returns nothing
def make_app(resource):
    async def app(scope, receive, send):
        await receive()
        await resource.open()
        await send({"type": "lifespan.startup.complete"})


# %% app_half | Your code raised TypeError
def make_app(resource):
    async def app(scope, receive, send):
        await receive()
        await resource.open()
        await send(type="lifespan.startup.complete")

    return app


# %% server_half | The app isn't told anything
async def stop(tell, hear):
    pass


# %% server_half | the app waits until it is told to stop
async def stop(tell, hear):
    answer = await hear()
    await tell({"type": "lifespan.shutdown"})
    if answer["type"] == "lifespan.shutdown.failed":
        raise RuntimeError(answer.get("message", ""))


# %% server_half | one of its values
async def stop(tell, hear):
    await tell({"type": "lifespan.shutdown"})
    answer = await hear()
    if answer["type"] == "lifespan.shutdown.failed":
        raise RuntimeError(answer)


# %% server_half | A message is a dictionary
async def stop(tell, hear):
    await tell("lifespan.shutdown")
    await hear()


# %% server_half | What you tell the app is lifespan.startup, lifespan.shutdown
async def stop(tell, hear):
    await tell({"type": "lifespan.startup"})
    await tell({"type": "lifespan.shutdown"})
    await hear()


# %% server_half | and you raise.
async def stop(tell, hear):
    await tell({"type": "lifespan.shutdown"})
    answer = await hear()
    if answer["type"] != "lifespan.startup.complete":
        raise RuntimeError(answer.get("message", ""))


# %% server_half | and nobody is told
async def stop(tell, hear):
    await tell({"type": "lifespan.shutdown"})
    await hear()


# %% server_half | without the reason
async def stop(tell, hear):
    await tell({"type": "lifespan.shutdown"})
    answer = await hear()
    if answer["type"] == "lifespan.shutdown.failed":
        raise RuntimeError("the shutdown failed")


# %% server_half | you raise a KeyError
async def stop(tell, hear):
    await tell({"type": "lifespan.shutdown"})
    answer = await hear()
    if answer["type"] == "lifespan.shutdown.failed":
        raise RuntimeError(answer["message"])


# %% server_half | has failed, too
async def stop(tell, hear):
    await tell({"type": "lifespan.shutdown"})
    answer = await hear()
    if "message" in answer:
        raise RuntimeError(answer["message"])


# %% server_half | nobody to stop
async def stop(tell, hear):
    await tell({"type": "lifespan.shutdown"})
    answer = await hear()
    if answer["type"] != "lifespan.shutdown.complete":
        raise RuntimeError(answer.get("message", ""))


# %% server_half | last message was lifespan.shutdown.failed, and stop doesn't return
async def stop(tell, hear):
    await tell({"type": "lifespan.shutdown"})
    while (await hear())["type"] != "lifespan.shutdown.complete":
        pass


# %% server_half | Your code raised ValueError
async def stop(tell, hear):
    await tell({"type": "lifespan.shutdown"})
    answer = await hear()
    if answer["type"] == "lifespan.shutdown.failed":
        raise ValueError(answer.get("message", ""))


# %% middleware | doesn't hear of its lifespan
class Closed:
    def __init__(self, app):
        self.app = app
        self.closed = True

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http":
            return
        if self.closed:
            await send({"type": "http.response.start", "status": 503, "headers": []})
            await send({"type": "http.response.body", "body": b"back soon"})
        else:
            await self.app(scope, receive, send)


# %% middleware | On the scope lifespan your middleware raises AssertionError
class Closed:
    def __init__(self, app):
        self.app = app
        self.closed = True

    async def __call__(self, scope, receive, send):
        assert scope["type"] == "http"
        if self.closed:
            await send({"type": "http.response.start", "status": 503, "headers": []})
            await send({"type": "http.response.body", "body": b"back soon"})
        else:
            await self.app(scope, receive, send)


# %% middleware | A WebSocket isn't a request
class Closed:
    def __init__(self, app):
        self.app = app
        self.closed = True

    async def __call__(self, scope, receive, send):
        if self.closed and scope["type"] != "lifespan":
            await send({"type": "http.response.start", "status": 503, "headers": []})
            await send({"type": "http.response.body", "body": b"back soon"})
        else:
            await self.app(scope, receive, send)


# %% middleware | must get the answer 503
class Closed:
    def __init__(self, app):
        self.app = app
        self.closed = False

    async def __call__(self, scope, receive, send):
        await self.app(scope, receive, send)


# %% middleware | the app is asked as well
class Closed:
    def __init__(self, app):
        self.app = app
        self.closed = True

    async def __call__(self, scope, receive, send):
        if self.closed and scope["type"] == "http":
            await send({"type": "http.response.start", "status": 503, "headers": []})
            await send({"type": "http.response.body", "body": b"back soon"})
        await self.app(scope, receive, send)


# %% middleware | When closed is False
class Closed:
    def __init__(self, app):
        self.app = app
        self.closed = True

    async def __call__(self, scope, receive, send):
        if scope["type"] == "http":
            await send({"type": "http.response.start", "status": 503, "headers": []})
            await send({"type": "http.response.body", "body": b"back soon"})
        else:
            await self.app(scope, receive, send)


# %% too_early | releases the model then
def make_app(open_model):
    async def app(scope, receive, send):
        await receive()
        with open_model() as model:
            scope["state"]["model"] = model
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await send({"type": "lifespan.shutdown.complete"})

    return app


# %% too_early | opened before the app is told to start
def make_app(open_model):
    async def app(scope, receive, send):
        with open_model() as model:
            await receive()
            scope["state"]["model"] = model
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})

    return app


# %% too_early | isn't in the state yet
def make_app(open_model):
    async def app(scope, receive, send):
        await receive()
        with open_model() as model:
            await send({"type": "lifespan.startup.complete"})
            scope["state"]["model"] = model
            await receive()
        await send({"type": "lifespan.shutdown.complete"})

    return app


# %% too_early | You put a new dictionary into the scope
def make_app(open_model):
    async def app(scope, receive, send):
        await receive()
        with open_model() as model:
            scope["state"] = {"model": model}
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})

    return app


# %% too_early | released before the app is told to stop
def make_app(open_model):
    async def app(scope, receive, send):
        await receive()
        with open_model() as model:
            scope["state"]["model"] = model
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})

    return app


# %% too_early | The answer to lifespan.startup is missing
def make_app(open_model):
    async def app(scope, receive, send):
        await receive()
        with open_model() as model:
            scope["state"]["model"] = model

    return app


# %% too_early | After lifespan.startup your app waits
def make_app(open_model):
    async def app(scope, receive, send):
        await receive()
        with open_model() as model:
            scope["state"]["model"] = model
            await receive()
            await send({"type": "lifespan.startup.complete"})
        await send({"type": "lifespan.shutdown.complete"})

    return app


# %% too_early | The answer to lifespan.shutdown is lifespan.startup.complete
def make_app(open_model):
    async def app(scope, receive, send):
        await receive()
        with open_model() as model:
            scope["state"]["model"] = model
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.startup.complete"})

    return app
