import asyncio
import warnings

from starlette.applications import Starlette

log = []

with warnings.catch_warnings(record=True, action="always") as seen:
    app = Starlette(
        on_startup=[lambda: log.append("start 1")],
        on_shutdown=[lambda: log.append("stop 1")],
    )

    @app.on_event("startup")
    async def start_2():
        log.append("start 2")

    @app.on_event("shutdown")
    async def stop_2():
        log.append("stop 2")

    app.add_event_handler("shutdown", lambda: log.append("stop 3"))


async def main():
    async with app.router.lifespan_context(app):
        log.append("serving")


asyncio.run(main())
print("log:", ", ".join(log))
for warning in seen:
    print(warning.category.__name__, str(warning.message).split(",")[0], sep=": ")
