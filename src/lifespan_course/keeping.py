"""Keep something open over several cells, and make such a cell safe to run twice."""

from contextlib import AbstractAsyncContextManager, AbstractContextManager
from typing import Any, TypeVar

T = TypeVar("T")
Manager = AbstractAsyncContextManager[T] | AbstractContextManager[T]

_kept: dict[str, Manager[Any]] = {}


async def keep(name: str, manager: Manager[T]) -> T:
    """Enter a context manager, sync or async, and leave it open.

    What was kept under the same name is closed first. So a cell that is run twice
    leaves one thing open, not two.

    Args:
        name: what to call it when it is let go.
        manager: the context manager to enter.

    Returns:
        What the context manager yields, as ``as`` would give it.
    """
    await let_go(name)
    if isinstance(manager, AbstractAsyncContextManager):
        value = await manager.__aenter__()
    else:
        value = manager.__enter__()
    _kept[name] = manager
    return value


async def let_go(name: str | None = None) -> None:
    """Close what is kept under a name; without a name, all of it, the last first.

    Nothing happens where nothing is kept.
    """
    for kept in [name] if name else list(reversed(_kept)):
        manager = _kept.pop(kept, None)
        if isinstance(manager, AbstractAsyncContextManager):
            await manager.__aexit__(None, None, None)
        elif manager:
            manager.__exit__(None, None, None)
