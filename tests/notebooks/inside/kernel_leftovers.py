"""What a notebook leaves behind inside its kernel; the kernel is asked for it."""

import asyncio
import gc
import inspect
import os
import sys
import threading
from types import AsyncGeneratorType, CoroutineType

_OWN_TASKS = ("ipykernel", "IPython", "tornado", "zmq")
# The event loop's own threads, and the functions in which they wait for work.
_POOLS = ("asyncio_", "AnyIO worker thread")
_LOOPS = {("thread.py", "_worker"), ("_asyncio.py", "run")}

_threads = set()


def remember():
    """Take the threads that run now as the kernel's own."""
    _threads.update(threading.enumerate())


def found():
    """Describe what is left, in a line for each thing."""
    # What nothing refers to goes now, and says so on stderr if it should.
    gc.collect()
    tasks = [task for task in asyncio.all_tasks() if not _of_kernel(task)]
    threads = [thread for thread in threading.enumerate() if thread not in _threads]
    return sorted(
        [
            *(f"a pending task: {_name(task.get_coro())}" for task in tasks),
            *(f"a thread: {thread.name}" for thread in threads if not _at_rest(thread)),
            *(f"kept and never let go: {name}" for name in _kept()),
            *_unfinished(gc.get_objects()),
        ]
    )


def _unfinished(objects):
    """Coroutines that were never awaited, and ``async def`` that stopped at a yield.

    The second is an async context manager that was entered and not left.
    """
    for thing in objects:
        if isinstance(thing, CoroutineType) and _is_new(thing):
            yield f"a coroutine that was never awaited: {_name(thing)}"
        if isinstance(thing, AsyncGeneratorType) and _is_begun(thing):
            yield f"an async generator that was not ended: {_name(thing)}"


def _is_new(coroutine):
    return inspect.getcoroutinestate(coroutine) == inspect.CORO_CREATED


def _is_begun(generator):
    return generator.ag_frame is not None and generator.ag_frame.f_lasti > 0


def _of_kernel(task):
    code = getattr(task.get_coro(), "cr_code", None)
    path = code.co_filename.split(os.sep) if code else []
    return any(package in path for package in _OWN_TASKS)


def _name(coroutine):
    return getattr(coroutine, "__qualname__", repr(coroutine))


def _at_rest(thread):
    """Tell whether a thread waits in the event loop's own pool for its next use."""
    if not thread.name.startswith(_POOLS):
        return False
    called, frame = None, sys._current_frames().get(thread.ident)
    while frame and (_file(frame), frame.f_code.co_name) not in _LOOPS:
        called, frame = frame, frame.f_back
    if called is None or frame is None:
        # Waiting in a queue that is written in C, as one of the two pools does.
        return frame is not None and _file(frame) == "thread.py"
    return _file(called) == "queue.py"


def _file(frame):
    return os.path.basename(frame.f_code.co_filename)


def _kept():
    keeping = sys.modules.get("lifespan_course.keeping")
    return list(keeping._kept) if keeping else []
