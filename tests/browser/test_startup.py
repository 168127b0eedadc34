"""What stands in for threads in the browser."""

import asyncio
from contextvars import ContextVar
from importlib.util import module_from_spec, spec_from_file_location
from types import ModuleType

import anyio
import pytest

from browser.places import HERE

spec = spec_from_file_location("lifespan_browser", HERE / "startup/lifespan_browser.py")
assert spec
assert spec.loader
lifespan_browser = module_from_spec(spec)
spec.loader.exec_module(lifespan_browser)

word: ContextVar[str] = ContextVar("word", default="first")


@pytest.mark.anyio
async def test_a_function_is_called_with_its_arguments() -> None:
    """The function's value comes back; options about threads are ignored."""
    value = await lifespan_browser.run_here(divmod, 7, 2, abandon_on_cancel=True)
    assert value == (3, 1)


@pytest.mark.anyio
async def test_an_error_comes_out() -> None:
    """The function's error is the caller's."""
    with pytest.raises(ZeroDivisionError):
        await lifespan_browser.run_here(divmod, 1, 0)


@pytest.mark.anyio
async def test_the_context_is_a_copy() -> None:
    """The function sees the caller's context variables and can't change them."""
    word.set("second")
    seen = []

    def change() -> None:
        seen.append(word.get())
        word.set("third")

    await lifespan_browser.run_here(change)
    assert (seen, word.get()) == (["second"], "second")


@pytest.mark.anyio
async def test_a_cancelled_call_does_not_begin() -> None:
    """Where the caller is cancelled already, the function isn't called."""
    called: list[int] = []
    with anyio.CancelScope() as scope:
        scope.cancel()
        await lifespan_browser.run_here(called.append, 1)
    assert scope.cancelled_caught
    assert called == []


async def called_at(cancelled: bool) -> tuple[float, list[int]]:
    """How much later than asked for a call's handle says, and the calls."""
    loop = asyncio.get_running_loop()
    when, calls = loop.time() + 0.01, list[int]()
    handle = lifespan_browser.timer(loop, loop.call_later, when, calls.append, 1)
    if cancelled:
        handle.cancel()
    await asyncio.sleep(0.05)
    return handle.when() - when, calls


@pytest.mark.parametrize(("cancelled", "calls"), [(False, [1]), (True, [])])
def test_a_timer_knows_its_time(cancelled: bool, calls: list[int]) -> None:
    """A timer says when it ends, and calls once, unless it was cancelled."""
    assert asyncio.run(called_at(cancelled)) == (0.0, calls)


def test_a_module_names_its_source() -> None:
    """Bytecode in a zip is called after its source; other files keep their names."""
    names = {"/a.zip/b.pyc": "/a.zip/b.py", "/a/b.pyc": "/a/b.pyc", "": ""}
    modules = [ModuleType("module") for _ in names]
    for module, name in zip(modules, names, strict=True):
        module.__file__ = name
    lifespan_browser.name_sources(modules)
    assert [module.__file__ for module in modules] == list(names.values())
