"""What is known of servers beside a notebook's cells, on the pinned uvicorn.

Each runs in a process of its own: the event loop there stands for a kernel's.
"""

import pytest

from lifespan_course.processes import script_lines

pytestmark = pytest.mark.pinned

APP = """
import asyncio, httpx, uvicorn

async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        await receive()
        await send({"type": "lifespan.startup." + OUTCOME, "message": "no model"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})
        return
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"hello"})

def server():
    config = uvicorn.Config(app, port=0, lifespan="on", log_config=None)
    return uvicorn.Server(config)
"""


def lines(outcome: str, cell: str) -> list[str]:
    """What the cell prints, and how the process ends if not well."""
    body = "\n".join(f"    {line}" for line in cell.strip().splitlines())
    source = f"OUTCOME = {outcome!r}\n{APP}\nasync def main():\n{body}\n"
    return script_lines(f"{source}\nasyncio.run(main())")


def test_a_blocking_client_beside_a_server_waits_for_itself() -> None:
    """A server in a task of this loop can't answer while a sync client blocks it."""
    cell = """
served = server()
task = asyncio.create_task(served.serve())
while not served.started:
    await asyncio.sleep(0.01)
port = served.servers[0].sockets[0].getsockname()[1]
try:
    httpx.get(f"http://127.0.0.1:{port}", timeout=0.2)
except httpx.ReadTimeout:
    print("ReadTimeout")
async with httpx.AsyncClient() as client:
    print((await client.get(f"http://127.0.0.1:{port}")).text)
served.should_exit = True
await task
"""
    assert lines("complete", cell) == ["ReadTimeout", "hello"]


def test_run_fails_where_a_loop_runs() -> None:
    """uvicorn.run starts a loop of its own, which a running one forbids."""
    cell = """
try:
    uvicorn.run(app, port=0, log_config=None)
except RuntimeError as error:
    print(type(error).__name__)
"""
    assert lines("complete", cell) == ["RuntimeError"]


def test_awaiting_serve_can_be_survived() -> None:
    """`await serve()` raises SystemExit where it stands, and may be caught there."""
    cell = """
try:
    await server().serve()
except SystemExit as stop:
    print("SystemExit", stop.code)
print("the next line")
"""
    said = [line for line in lines("failed", cell) if "startup" not in line]
    assert said == ["SystemExit 3", "the next line"]


def test_a_task_of_serve_ends_the_loop() -> None:
    """In a task of its own, the same SystemExit leaves the loop, and the process."""
    cell = """
asyncio.create_task(server().serve())
await asyncio.sleep(5)
print("the next line")
"""
    assert lines("failed", cell)[-1] == "exit code 3"
