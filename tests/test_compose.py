"""combine and as_lifespan: one lifespan out of many, with AsyncExitStack's manners."""

import asyncio
import gc
import sqlite3
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    asynccontextmanager,
    contextmanager,
    nullcontext,
)
from functools import partial, wraps
from itertools import product
from pathlib import Path
from types import FrameType, MappingProxyType
from typing import Any

import anyio
import anyio.lowlevel
import pytest
from fastapi import FastAPI, Request
from starlette.applications import Starlette

from lifespan_course.cast import Database, open_database
from lifespan_lab import running
from lifespan_lab.compose import as_lifespan, combine

pytestmark = pytest.mark.anyio

State = Mapping[str, Any]
Lifespan = Callable[..., AbstractAsyncContextManager[Any]]
APP = object()


class Members:
    """Makes lifespans that write to one log."""

    def __init__(self) -> None:
        self.log: list[str] = []

    def plain(self, name: str, yielded: object = None) -> Lifespan:
        @asynccontextmanager
        async def lifespan(app: object) -> AsyncIterator[object]:
            self.log.append(f"enter {name}")
            await anyio.lowlevel.checkpoint()
            try:
                yield yielded
            finally:
                self.log.append(f"leave {name}")

        lifespan.__qualname__ = name
        return lifespan

    def failing(
        self,
        name: str,
        *,
        enter: Callable[[], BaseException] | None = None,
        leave: Callable[[], BaseException] | None = None,
        suppress: bool = False,
    ) -> Lifespan:
        members = self

        class Manager:
            def __init__(self, app: object) -> None: ...

            async def __aenter__(self) -> None:
                members.log.append(f"enter {name}")
                if enter is not None:
                    raise enter()

            async def __aexit__(self, kind: object, *_: object) -> bool:
                members.log.append(f"leave {name} {kind}")
                if leave is not None:
                    raise leave()
                return suppress

        return Manager


def looking(views: list[State], yielded: State | None = None) -> Lifespan:
    """A lifespan that wants state, and keeps what it gets."""

    @asynccontextmanager
    async def lifespan(app: object, state: State) -> AsyncIterator[State | None]:
        views.append(state)
        yield yielded

    return lifespan


# Order


async def test_enters_in_order_leaves_in_reverse() -> None:
    """Lifespans are entered in order and left in reverse, each once."""
    members = Members()
    lifespan = combine(*(members.plain(name) for name in "abc"))
    async with lifespan(APP):
        members.log.append("serving")
    assert members.log == [
        *("enter a", "enter b", "enter c"),
        "serving",
        *("leave c", "leave b", "leave a"),
    ]


async def test_nothing_runs_before_it_is_entered() -> None:
    """Combining and calling run nothing, so what is never entered needs no leaving."""
    members = Members()
    combine(members.plain("a"))(APP)
    assert members.log == []


async def test_every_lifespan_gets_the_app() -> None:
    """Each lifespan is called with the app."""
    apps = []

    @asynccontextmanager
    async def lifespan(app: object) -> AsyncIterator[None]:
        apps.append(app)
        yield

    async with combine(lifespan, combine(lifespan))(APP):
        assert apps == [APP, APP]


async def test_the_app_may_start_again() -> None:
    """One combined lifespan serves any number of starts, also at once."""
    members = Members()
    lifespan = combine(members.plain("a", {"a": []}))
    async with lifespan(APP) as first, lifespan(APP) as second:
        assert first == second == {"a": []}
        assert first is not second
    assert members.log == ["enter a"] * 2 + ["leave a"] * 2


async def test_a_lifespan_that_owns_a_task_group() -> None:
    """A lifespan may hold a task group open; it is closed in its turn."""
    log = []

    @asynccontextmanager
    async def worker(app: object) -> AsyncIterator[None]:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(anyio.sleep_forever)
            yield
            tasks.cancel_scope.cancel()
        log.append("closed")

    async with combine(worker, worker)(APP):
        assert log == []
    assert log == ["closed"] * 2


# State


async def test_state_is_merged() -> None:
    """The lifespan yields all that was yielded, in order; any mapping will do."""
    members = Members()
    lifespan = combine(
        members.plain("a", MappingProxyType({"one": 1, "two": 2})),
        members.plain("b"),
        combine(members.plain("c", {"three": 3})),
    )
    async with lifespan(APP) as state:
        assert list(state.items()) == [("one", 1), ("two", 2), ("three", 3)]


async def test_nobody_yielded() -> None:
    """Without any state the lifespan yields None; an empty mapping is a state."""
    members = Members()
    async with combine()(APP) as state:
        assert state is None
    async with combine(members.plain("a"), combine())(APP) as state:
        assert state is None
    async with combine(members.plain("a", {}), members.plain("b"))(APP) as state:
        assert state == {}


async def test_a_lifespan_that_wants_state() -> None:
    """It gets what was yielded before it, and not what is yielded after."""
    members, views = Members(), list[State]()
    lifespan = combine(
        looking(views),
        members.plain("a", {"a": 1}),
        looking(views, {"b": 2}),
        members.plain("c", {"c": 3}),
        looking(views),
    )
    async with lifespan(APP) as state:
        assert "c" not in views[1]
        state["late"] = 4
    assert views == [{}, {"a": 1}, {"a": 1, "b": 2, "c": 3}]


async def test_the_view_is_read_only() -> None:
    """A lifespan can't write to the state that it gets, and can read all of it."""
    views: list[State] = []
    async with combine(Members().plain("a", {"a": 1}), looking(views))(APP):
        view = views[0]
        with pytest.raises(TypeError, match="does not support item assignment"):
            view["a"] = 2  # type: ignore[index]
        assert (view["a"], view.get("b"), "b" in view) == (1, None, False)
        assert (list(view), len(view), repr(view)) == (["a"], 1, "{'a': 1}")
        with pytest.raises(KeyError, match="b"):
            view["b"]


@asynccontextmanager
async def repository(app: object, state: State) -> AsyncIterator[State]:
    yield {"repository": state["db"]}


@pytest.mark.parametrize(
    ("before", "so_far"),
    [([], "nothing"), (["url"], "'url'"), (["url", "pool"], "'url', 'pool'")],
)
async def test_the_wrong_order(before: list[str], so_far: str) -> None:
    """A key that isn't there yet is a KeyError: who asks for what, what there is."""
    members = Members()
    first = [members.plain(name, {name: 1}) for name in before]
    lifespan = combine(*first, repository, members.plain("db", {"db": 1}))
    with pytest.raises(KeyError) as caught:
        async with lifespan(APP):
            pytest.fail("the app doesn't serve")
    assert caught.value.args == (
        f"lifespan {len(before) + 1} (repository) asks for 'db', which no lifespan "
        f"before it yields (so far: {so_far})",
    )
    assert caught.value.__suppress_context__


async def test_the_wrong_order_in_a_nested_combine() -> None:
    """The one that asks is named, with all that it could see."""
    members = Members()
    inner = combine(members.plain("b", {"b": 2}), repository)
    with pytest.raises(KeyError, match=r"lifespan 2 \(repository\).+: 'a', 'b'\)"):
        async with combine(members.plain("a", {"a": 1}), inner)(APP):
            pytest.fail("the app doesn't serve")


async def test_state_of_an_outer_combine() -> None:
    """An inner lifespan sees what was yielded before the inner combine, and in it."""
    members, views = Members(), list[State]()
    inner = combine(
        members.plain("b", {"b": 2}), looking(views), combine(looking(views))
    )
    lifespan = combine(
        members.plain("a", {"a": 1}), inner, members.plain("c", {"c": 3})
    )
    async with lifespan(APP) as state:
        assert views == [{"a": 1, "b": 2}] * 2
        assert list(views[0]) == ["a", "b"]
        assert state == {"a": 1, "b": 2, "c": 3}


async def test_the_yielded_mapping_is_left_alone() -> None:
    """What a lifespan yielded may be any mapping, and isn't changed."""
    mine = {"a": 1}
    members = Members()
    lifespan = combine(members.plain("a", mine), members.plain("b", {"b": 2}))
    async with lifespan(APP) as state:
        state["c"] = 3
    assert mine == {"a": 1}


async def test_state_reaches_a_request() -> None:
    """In FastAPI, an endpoint finds the state of all lifespans."""
    members = Members()
    app = FastAPI(
        lifespan=combine(members.plain("a", {"a": 1}), members.plain("b", {"b": 2}))
    )

    @app.get("/")
    async def read(request: Request) -> int:
        return int(request.state.a + request.state.b)

    async with running(app) as client:
        assert (await client.get("/")).json() == 3


# A key given twice


async def test_a_key_given_twice() -> None:
    """It is an error of the startup that says where and what to do; all is left."""
    members = Members()
    lifespan = combine(
        members.plain("database", {"db": 1}),
        members.plain("cache", {"x": 0}),
        members.plain("replica", {"db": 2}),
        members.plain("never"),
    )
    with pytest.raises(ValueError, match="db") as caught:
        async with lifespan(APP):
            pytest.fail("the app doesn't serve")
    assert str(caught.value) == (
        "combine: lifespan 1 (database) and lifespan 3 (replica) both yield the key "
        "'db'. Rename it in one of them, or say whose value is kept: "
        'combine(..., on_conflict="first") or "last".'
    )
    names = ["database", "cache", "replica"]
    assert members.log == [
        *(f"enter {name}" for name in names),
        *(f"leave {name}" for name in reversed(names)),
    ]


@pytest.mark.parametrize(
    ("on_conflict", "value", "seen"),
    [("first", 1, [1, 1]), ("last", 3, [1, 2])],
)
async def test_on_conflict(on_conflict: Any, value: int, seen: list[int]) -> None:
    """The first or the last value is kept, for the app and for those that look."""
    members, views = Members(), list[State]()
    lifespan = combine(
        members.plain("one", {"key": 1}),
        looking(views),
        members.plain("two", {"key": 2}),
        looking(views),
        members.plain("three", {"key": 3}),
        on_conflict=on_conflict,
    )
    async with lifespan(APP) as state:
        assert state == {"key": value}
    assert [view["key"] for view in views] == seen


async def test_a_key_of_an_outer_combine() -> None:
    """A key that inner and outer yield is decided by the outer one."""
    members, views = Members(), list[State]()
    outer, inner = members.plain("outer", {"key": 1}), members.plain("in", {"key": 2})
    nested = combine(inner, looking(views))
    async with combine(outer, nested, on_conflict="first")(APP) as state:
        assert state == {"key": 1}
        assert views == [{"key": 2}]  # the nearest
    with pytest.raises(
        ValueError, match=r"1 \(outer\) and lifespan 2 \(combine of 2\)"
    ):
        await combine(outer, nested)(APP).__aenter__()


@pytest.mark.parametrize("wrong", ["frist", "", None, ["first"]])
def test_a_wrong_on_conflict(wrong: Any) -> None:
    """A wrong value is refused at once."""
    with pytest.raises(ValueError, match=r"isn't in \('error', 'first', 'last'\)"):
        combine(on_conflict=wrong)


# Failures


def chain(error: BaseException | None) -> object:
    """The error with all that hangs on it."""
    if error is None:
        return None
    return (
        repr(error),
        chain(error.__cause__),
        chain(error.__context__),
        error.__suppress_context__,
    )


async def by_hand(members: list[Lifespan], body: Callable[[], None]) -> None:
    async with AsyncExitStack() as stack:
        for lifespan in members:
            await stack.enter_async_context(lifespan(APP))
        body()


async def combined(members: list[Lifespan], body: Callable[[], None]) -> None:
    async with combine(*members)(APP):
        body()


def body_raises(error: BaseException | None) -> None:
    if error is not None:
        raise error


# What the generator of @asynccontextmanager would change, and what it would not.
ERRORS: list[type[BaseException]] = [
    KeyError,
    RuntimeError,
    StopIteration,
    StopAsyncIteration,
    GeneratorExit,
    asyncio.CancelledError,
    KeyboardInterrupt,
]


@pytest.mark.parametrize("kind", ERRORS)
@pytest.mark.parametrize(
    ("where", "suppress"),
    [("enter", False), *product(["body", "leave", "body and leave"], [False, True])],
)
async def test_the_same_as_an_exit_stack(
    where: str, suppress: bool, kind: type[BaseException]
) -> None:
    """What runs, what comes out and its chain are as with AsyncExitStack by hand."""
    outcomes = []
    for run in (by_hand, combined):
        members = Members()
        stack = [
            members.failing("a", suppress=suppress),
            members.failing("b", leave=partial(LookupError, "b")),
            members.failing(
                "c", leave=partial(kind, "c") if "leave" in where else None
            ),
            members.failing(
                "d", enter=partial(kind, "d") if where == "enter" else None
            ),
        ]
        in_body = kind("body") if "body" in where else None
        error: BaseException | None = None
        try:
            await run(stack, partial(body_raises, in_body))
        except BaseException as raised:
            error = raised
        outcomes.append((members.log, chain(error)))
    assert outcomes[0] == outcomes[1]
    assert (outcomes[0][1] is None) == suppress
    assert len(outcomes[0][0]) == (7 if where == "enter" else 8)


async def test_a_startup_error_is_suppressed() -> None:
    """It can't be: the body must not run, so an error with its cause comes out."""
    members = Members()
    error = KeyError("c")
    lifespan = combine(
        members.failing("a"),
        members.failing("b", suppress=True),
        members.failing("c", enter=lambda: error),
    )
    with pytest.raises(RuntimeError, match="combine: the startup failed, and a") as got:
        async with lifespan(APP):
            pytest.fail("the app doesn't serve")
    assert got.value.__cause__ is error
    assert members.log[3:] == ["leave b <class 'KeyError'>", "leave a None"]


async def test_the_same_error() -> None:
    """An error of the body comes out as the same object, without a note."""
    error = ExceptionGroup("mine", [ValueError()])
    with pytest.raises(ExceptionGroup) as caught:
        async with combine(Members().plain("a"))(APP):
            raise error
    assert caught.value is error
    assert error.__context__ is error.__cause__ is None
    assert not hasattr(error, "__notes__")


async def test_several_errors_at_the_end() -> None:
    """The last one comes out; a class that raises loses those before it."""

    @asynccontextmanager
    async def generator(app: object) -> AsyncIterator[None]:
        try:
            yield
        finally:
            raise KeyError("last")

    first = Members().failing("first", leave=partial(KeyError, "first"))
    last = Members().failing("last", leave=partial(KeyError, "last"))
    for lifespan, context in [(generator, "KeyError('first')"), (last, "None")]:
        with pytest.raises(KeyError, match="last") as caught:
            async with combine(lifespan, first)(APP):
                pass
        assert repr(caught.value.__context__) == context


async def test_cancelled() -> None:
    """A cancelled body is left in reverse order, too."""
    members = Members()
    with anyio.CancelScope() as scope:
        async with combine(members.plain("a"), members.plain("b"))(APP):
            scope.cancel()
            await anyio.sleep_forever()
    assert scope.cancelled_caught
    assert members.log[2:] == ["leave b", "leave a"]


async def test_cancelled_at_startup() -> None:
    """Of a startup that is cancelled, what was entered is left."""
    members = Members()

    @asynccontextmanager
    async def hangs(app: object) -> AsyncIterator[None]:
        await anyio.sleep_forever()
        yield

    with anyio.move_on_after(0.01) as scope:
        async with combine(members.plain("a"), hangs, members.plain("b"))(APP):
            pytest.fail("the app doesn't serve")
    assert scope.cancelled_caught
    assert members.log == ["enter a", "leave a"]


# Many


async def test_a_thousand() -> None:
    """A thousand lifespans are no problem, even if each of them fails at the end."""
    members = Members()
    names = [str(number) for number in range(1000)]
    views: list[State] = []
    many = [members.plain(name, {name: name}) for name in names]
    async with combine(*many, looking(views))(APP) as state:
        assert list(state) == list(views[0]) == names
    assert members.log == [
        *(f"enter {name}" for name in names),
        *(f"leave {name}" for name in reversed(names)),
    ]

    fails = [members.failing(name, leave=partial(KeyError, name)) for name in names]
    members.log.clear()
    with pytest.raises(KeyError, match="'0'") as caught:
        async with combine(*fails)(APP):
            raise KeyError("body")
    error: BaseException | None = caught.value
    for name in [*names, "body"]:
        assert error is not None
        assert error.args == (name,)
        error = error.__context__
    assert error is None
    assert len(members.log) == 2000


async def calls_of_a_cycle(lifespan: Lifespan) -> int:
    """How many functions are called, of Python and of C, from start to end."""
    calls = 0

    def count(frame: FrameType, event: str, arg: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    manager = lifespan(APP)
    before = sys.getprofile()
    gc.disable()  # what it finalizes is not ours
    sys.setprofile(count)
    try:
        await manager.__aenter__()
        await manager.__aexit__(None, None, None)
    finally:
        sys.setprofile(before)
        gc.enable()
    return calls


async def test_linear() -> None:
    """Twice the lifespans make twice the work, also if all look at the state."""

    def lifespans(count: int) -> Lifespan:
        return combine(*(looking([], {str(number): number}) for number in range(count)))

    few, more, many = [
        await calls_of_a_cycle(lifespans(count)) for count in (100, 200, 300)
    ]
    assert many - more == more - few > 0


# Mistakes


@asynccontextmanager
async def right(app: object) -> AsyncIterator[None]:
    yield


@contextmanager
def decorated_for_with(app: object) -> Iterator[None]:
    yield


async def not_decorated(app: object) -> AsyncIterator[None]:
    yield


def not_decorated_nor_async(app: object) -> Iterator[None]:
    yield


async def without_yield(app: object) -> None: ...


@asynccontextmanager
async def takes_nothing() -> AsyncIterator[None]:
    yield  # pragma: no cover


def takes_nothing_and_makes_one() -> AbstractAsyncContextManager[None]:
    return right(None)  # pragma: no cover


class Holder:
    """Lifespans as methods."""

    async def coroutine(self, app: object) -> None: ...

    without_yield = asynccontextmanager(coroutine)  # type: ignore[arg-type, var-annotated]
    right = asynccontextmanager(not_decorated)

    @asynccontextmanager
    async def method(self, app: object) -> AsyncIterator[None]:
        yield


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (right(None), r"2 \(<contextlib.+>\) is no function. .* not combine\(one\(app"),
        (nullcontext(), r"2 \(<contextlib.+>\) is no function. .* not combine\(one\("),
        ([right, right], r"2 \(\[<.+>\]\) is no function. Write combine\(one, another"),
        (None, r"2 \(None\) is no function"),
        (not_decorated, r"2 \(not_decorated\) lacks the decorator @asynccontextm"),
        (
            not_decorated_nor_async,
            r"2 \(not_dec.+\) lacks the decorator @asynccontextm",
        ),
        (without_yield, r"2 \(without_yield\) has no yield between startup and shutd"),
        (
            asynccontextmanager(without_yield),  # type: ignore[arg-type]
            r"2 \(without_yield\) has no yield between startup and shutdown",
        ),
        (
            Holder().without_yield,
            r"2 \(Holder.coroutine\) has no yield between startup",
        ),
        (
            takes_nothing,
            r"2 \(takes_nothing\) takes no argument. A lifespan takes the a",
        ),
        (
            takes_nothing_and_makes_one,
            r"2 \(takes_nothing_and.+\) takes no argument. A",
        ),
    ],
)
def test_no_lifespan(wrong: Any, message: str) -> None:
    """What can't be a lifespan is refused at once, by its place and name."""
    with pytest.raises(TypeError, match=f"^combine: lifespan {message}"):
        combine(right, wrong)


@pytest.mark.parametrize(
    "wrong",
    [decorated_for_with, lambda app: without_yield(app), lambda app: 1, nullcontext],
)
async def test_no_async_context_manager(wrong: Any) -> None:
    """What shows at startup only is an error there, by its place and name."""
    members = Members()
    if wrong is nullcontext:  # serves both
        async with combine(wrong)({}):
            return
    message = r"^combine: lifespan 2 \(.+\) made .+, which can't be entered. Is @a"
    with pytest.raises(TypeError, match=message):
        async with combine(members.plain("a"), wrong)(APP):
            pytest.fail("the app doesn't serve")
    assert members.log == ["enter a", "leave a"]


async def test_other_decorators_are_trusted() -> None:
    """What another decorator makes of a function isn't judged by that function."""

    @wraps(without_yield)
    def around_a_coroutine(app: object) -> AbstractAsyncContextManager[None]:
        return right(app)

    @wraps(takes_nothing)
    def with_the_app(app: object) -> AbstractAsyncContextManager[None]:
        return takes_nothing()

    @wraps(takes_nothing)
    def with_anything(*arguments: object) -> AbstractAsyncContextManager[None]:
        return right(*arguments)

    others: list[Any] = [
        partial(right),
        partial(right, None),
        Holder().method,
        Holder().right,
    ]
    async with combine(around_a_coroutine, with_the_app, with_anything)(APP):
        combine(*others)


async def test_a_class_is_a_lifespan() -> None:
    """A class may be a lifespan; that its instances are context managers is right."""
    members = Members()
    async with combine(members.failing("a"))(APP):
        assert members.log == ["enter a"]


@pytest.mark.parametrize("yielded", [1, "state", [("a", 1)], object()])
async def test_no_mapping(yielded: object) -> None:
    """A lifespan that yields no mapping is named; all is left."""
    members = Members()
    lifespan = combine(members.plain("a"), members.plain("b", yielded))
    message = r"combine: lifespan 2 \(b\) yielded .+\. A lifespan yields a mapping"
    with pytest.raises(TypeError, match=message):
        async with lifespan(APP):
            pytest.fail("the app doesn't serve")
    assert members.log == ["enter a", "enter b", "leave b", "leave a"]


# as_lifespan


class Thing:
    """A context manager, sync and async ways of it counted."""

    def __init__(self, log: list[str]) -> None:
        self.log = log

    def __enter__(self) -> "Thing":
        self.log.append("enter")
        return self

    def __exit__(self, *error: object) -> None:
        self.log.append("exit")


class AsyncThing(Thing):
    async def __aenter__(self) -> "AsyncThing":
        self.log.append("aenter")
        return self

    async def __aexit__(self, *error: object) -> None:
        self.log.append("aexit")


@pytest.mark.parametrize(
    ("kind", "calls"),
    [(Thing, ["enter", "exit"]), (AsyncThing, ["aenter", "aexit"])],
)
async def test_as_lifespan(kind: type[Thing], calls: list[str]) -> None:
    """What the context manager gives is yielded by its name; async goes first."""
    log: list[str] = []
    lifespan = as_lifespan("thing", lambda: kind(log))
    for _ in range(2):
        async with lifespan(APP) as state:
            assert list(state) == ["thing"]
            assert isinstance(state["thing"], kind)
        assert log == calls
        log.clear()


async def test_as_lifespan_with_state() -> None:
    """A function with a parameter `state` gets what was yielded before."""
    folder = as_lifespan("folder", lambda: nullcontext("here"))
    file = as_lifespan("file", lambda state: nullcontext(state["folder"] + "/file"))
    async with combine(folder, file)(APP) as state:
        assert state == {"folder": "here", "file": "here/file"}
    empty = as_lifespan("empty", lambda state: nullcontext(dict(state)))
    async with empty(APP) as state:
        assert state == {"empty": {}}


async def test_as_lifespan_of_the_cast(tmp_path: Path) -> None:
    """The database of the cast becomes a lifespan as it is."""
    path = tmp_path / "asked.db"
    database = as_lifespan("database", lambda: open_database(path))
    app = Starlette(lifespan=database)
    async with running(app):
        with Database(path).connection as connection:
            connection.execute("SELECT * FROM asked")
        connection.close()


@pytest.mark.parametrize("kind", [Thing, AsyncThing])
async def test_as_lifespan_body_raises(kind: type[Thing]) -> None:
    """The context manager is left when the body raises, and the error comes out."""
    log: list[str] = []
    error = KeyError("body")
    with pytest.raises(KeyError) as caught:
        async with as_lifespan("thing", lambda: kind(log))(APP):
            raise error
    assert caught.value is error
    assert len(log) == 2


async def test_as_lifespan_of_a_builtin() -> None:
    """A builtin whose signature can't be read is called, without state."""
    lock = as_lifespan("lock", threading.Lock)
    database = as_lifespan("database", partial(sqlite3.connect, ":memory:"))
    async with combine(lock, database)(APP) as state:
        assert state["lock"] is True  # entered
        assert state["database"].execute("SELECT 1").fetchone() == (1,)
    state["database"].close()


async def test_a_builtin_is_called_as_any_other_lifespan() -> None:
    """Its signature can't be read; that it makes no lifespan shows at startup."""
    with pytest.raises(
        TypeError, match=r"^combine: lifespan 1 \(.+int.+\) made 3, which"
    ):
        async with combine(partial(int, "3"), right)(10):
            pytest.fail("the app doesn't serve")


@pytest.mark.parametrize(
    "wrong", [right, Holder().method, Members().failing("a"), lambda app, state: None]
)
def test_as_lifespan_of_a_lifespan(wrong: Any) -> None:
    """What takes the app is a lifespan already, and the error says where it belongs."""
    message = r"lifespan\('a', .+ not <.+ is a lifespan already: pass it to combine\.\)"
    with pytest.raises(TypeError, match=message):
        as_lifespan("a", wrong)


async def test_as_lifespan_of_a_function_with_a_default() -> None:
    """A parameter `app` with a default needs no argument."""
    async with as_lifespan("a", lambda app=APP: nullcontext(app))(None) as state:
        assert state == {"a": APP}


@pytest.mark.parametrize("wrong", [decorated_for_with(None), right(None), None, "x"])
def test_as_lifespan_needs_a_function(wrong: Any) -> None:
    """A context manager instead of a function that makes one is refused at once."""
    with pytest.raises(TypeError, match=r"as_lifespan\('a', \.\.\.\) needs a function"):
        as_lifespan("a", wrong)


@pytest.mark.parametrize(
    "wrong", [lambda: 1, lambda: not_decorated(None), lambda: without_yield(None)]
)
async def test_as_lifespan_makes_no_context_manager(wrong: Any) -> None:
    """A function that makes no context manager is an error of the startup."""
    message = r"^as_lifespan\('a', \.\.\.\): the function made .+ can't be entered"
    with pytest.raises(TypeError, match=message):
        async with as_lifespan("a", wrong)(APP):
            pytest.fail("the app doesn't serve")


async def test_as_lifespan_in_a_conflict() -> None:
    """The error names it as it is written."""
    twice = [as_lifespan("a", nullcontext)] * 2
    message = (
        r"lifespan 1 \(as_lifespan\('a', \.\.\.\)\) and lifespan 2 \(as_lifespan\("
    )
    with pytest.raises(ValueError, match=message):
        async with combine(*twice)(APP):
            pytest.fail("the app doesn't serve")
