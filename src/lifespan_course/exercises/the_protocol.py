"""Checks of the exercises of chapter 5, the protocol."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from types import TracebackType
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lifespan_course.exercises.probes import Call
from lifespan_course.verdicts import NotYet, async_verdict, expect
from lifespan_lab import Events

LIMIT = 1.0  # seconds for an answer; one that is right takes a thousandth of it

STARTUP = "lifespan.startup"
SHUTDOWN = "lifespan.shutdown"


class OpeningError(Exception):
    """Raised by a resource that can't be opened."""


class Server:
    """Speaks with an app, and never waits for it longer than the limit.

    Args:
        app: the learner's app.
        log: where each message of the app is marked, by its type.
        scope: what is added to the scope of the call.
    """

    def __init__(self, app: ASGIApp, log: Events, **scope: Any) -> None:
        self.app, self.log = app, log
        self.state: dict[str, Any] = {}
        self.scope: Scope = {"type": "lifespan", "state": self.state, **scope}
        self.to_app: asyncio.Queue[Message] = asyncio.Queue()
        self.from_app: asyncio.Queue[Any] = asyncio.Queue()
        self.error: Exception | None = None
        self.over = False
        self.states: list[set[str]] = []  # names in the state, message by message

    async def __aenter__(self) -> "Server":
        self.call = asyncio.create_task(self._run())
        await _some_turns()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.call.cancel()
        await asyncio.wait([self.call], timeout=LIMIT)

    async def ask(self, question: str) -> str:
        """Send a message to the app, and return the type of its next one.

        Returns:
            The type; "" when the call is over, and the app's error is in ``error``.
        """
        self.to_app.put_nowait({"type": question})
        return _type(await self.hear(question))

    async def hear(self, question: str) -> Message:
        """Return the app's next message; the type is "" when the call is over."""
        if self.over and self.from_app.empty():
            return {"type": ""}
        try:
            async with asyncio.timeout(LIMIT):
                message = await self.from_app.get()
        except TimeoutError:
            raise NotYet(
                f"After {question} your app waits, and the server waits for its answer."
            ) from None
        _type(message)
        return message  # type: ignore[no-any-return]

    async def ended(self) -> bool:
        """Tell whether the call is over once the app had time to go on."""
        await _some_turns()
        return self.over

    async def _run(self) -> None:
        try:
            _expect_async(self.app)
            await self.app(self.scope, self.to_app.get, self._send)
        except Exception as error:
            self.error = error
        finally:
            self.over = True
            self.from_app.put_nowait({"type": ""})

    async def _send(self, message: Any) -> None:
        await asyncio.sleep(0)  # an app that sends without end can be broken off here
        self.log.mark(str(message["type"]) if _is_message(message) else "?")
        self.states.append(set(self.state))
        self.from_app.put_nowait(message)


def _expect_async(app: Any) -> None:
    call = app if inspect.isroutine(app) else getattr(app, "__call__", None)  # noqa: B004
    expect(app is not None, "make_app returns nothing. It has to return the app.")
    expect(
        inspect.iscoroutinefunction(call),
        "A server awaits the app, so an app is an async def, without a yield.",
    )


def _is_message(thing: Any) -> bool:
    return isinstance(thing, dict) and "type" in thing


def _type(message: Any) -> str:
    expect(
        _is_message(message),
        f"A message is a dictionary with a type, and yours is {message!r}.",
    )
    return str(message["type"])


async def _some_turns() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


class Resource:
    """Is opened and closed with an await, and marks in a log what was done.

    Args:
        log: where it is marked.
        error: what ``open`` raises, if it is to fail.
    """

    def __init__(self, log: Events, error: Exception | None = None) -> None:
        self.log, self.error = log, error
        self.called: list[str] = []

    def open(self) -> Call:
        """Open it: the mark "open", or the error."""
        return self._call("open")

    def close(self) -> Call:
        """Close it: the mark "close"."""
        return self._call("close")

    def _call(self, name: str) -> Call:
        async def run() -> None:
            await asyncio.sleep(0)
            if self.error:
                raise self.error
            self.log.mark(name)

        self.called.append(name)
        return Call(run)


@async_verdict
async def app_half(make_app: Callable[[Resource], ASGIApp]) -> str:
    """Check an app that opens a resource at startup and closes it at shutdown."""
    log = Events()
    resource = Resource(log)
    async with Server(make_app(resource), log) as server:
        expect(
            not resource.called and not log.order,
            "Your app acts before it is told to start.",
        )
        _raise_own(server)
        answer = await server.ask(STARTUP)
        _raise_own(server)
        expect(answer, "Your app returns, and lifespan.startup has no answer.")
        expect(
            answer == f"{STARTUP}.complete",
            f"All went well, and to lifespan.startup your app answers {answer}.",
        )
        over = await server.ended()
        expect(
            "open" in resource.called,
            "It says complete, and it opened nothing at all.",
        )
        expect(
            "open" in log.order,
            "You call open(), but nobody awaits it, so nothing is opened.",
        )
        expect(
            log.order[0] == "open",
            "It says complete first, and opens the resource later.",
        )
        expect(
            "close" not in resource.called,
            "The resource is closed before the app is told to stop.",
        )
        expect(
            not over,
            "After its first answer your app returns. Who will hear lifespan.shutdown?",
        )
        expect(
            server.from_app.empty(),
            f"It was told to start, and gives {len(server.states)} answers.",
        )
        answer = await server.ask(SHUTDOWN)
        _raise_own(server)
        expect("close" in resource.called, "At the end nothing closes the resource.")
        expect(answer, "Your app returns, and lifespan.shutdown has no answer.")
        expect(
            answer == f"{SHUTDOWN}.complete",
            f"To lifespan.shutdown your app answers {answer}.",
        )
        await _some_turns()
        expect("close" in log.order, "You call close(), but nobody awaits it.")
        expect(
            log.order.index("close") < log.order.index(f"{SHUTDOWN}.complete"),
            "It says that the shutdown is complete, and closes the resource then.",
        )
    await _failing_startup(make_app)
    return "Each answer comes when it is true."


async def _failing_startup(make_app: Callable[[Resource], ASGIApp]) -> None:
    log = Events()
    resource = Resource(log, OpeningError("no space left"))
    async with Server(make_app(resource), log) as server:
        server.to_app.put_nowait({"type": STARTUP})
        message = await server.hear(STARTUP)
        expect(
            message["type"],
            "It works while open() works. When open() raises, the server hears "
            "nothing, and takes your app for one that has no lifespan.",
        )
        expect(
            message["type"] == f"{STARTUP}.failed",
            f"open() raised, and your app answers {message['type']}.",
        )
        reason = message.get("message")
        expect(
            "no space left" in str(reason),
            "It says that the startup failed, but not why: the text of the error "
            "belongs into the message.",
        )
        expect(
            isinstance(reason, str),
            "The message is the error itself. A server expects a text: str(error).",
        )
        if not await server.ended():
            await server.ask(SHUTDOWN)
        expect(
            "close" not in resource.called,
            "What could not be opened is not to be closed.",
        )
        expect(
            log.order == [f"{STARTUP}.failed"],
            "After lifespan.startup.failed there is nothing more to answer.",
        )
        expect(
            server.error,
            "It says that the startup failed, and returns. Some servers look for the "
            "error: let it out.",
        )


def _raise_own(server: Server) -> None:
    if server.error:
        raise server.error


Tell = Callable[[Message], Awaitable[None]]
Hear = Callable[[], Awaitable[Message]]


@async_verdict
async def server_half(stop: Callable[[Tell, Hear], Awaitable[Any]]) -> str:
    """Check the part of a server that stops an app."""
    told, error, heard = await _stopped(stop, {"type": f"{SHUTDOWN}.complete"})
    _raise_other(error, RuntimeError)
    expect(told, "The app isn't told anything.")
    said = [_type(message) for message in told]
    expect(said == [SHUTDOWN], f"What you tell the app is {', '.join(said)}.")
    expect(heard, "You tell the app to stop, and don't wait until it has stopped.")
    expect(not error, "The app says that its shutdown is complete, and you raise.")
    failed = {"type": f"{SHUTDOWN}.failed", "message": "no space left"}
    _, error, _ = await _stopped(stop, failed)
    expect(error, "The app says that its shutdown failed, and nobody is told.")
    _raise_other(error, RuntimeError)
    expect(
        "no space left" in str(error), "You raise, but without the reason that came."
    )
    expect(
        "{" not in str(error),
        "You raise with the whole dictionary. The reason is one of its values.",
    )
    _, error, _ = await _stopped(stop, {"type": f"{SHUTDOWN}.failed"})
    expect(
        not isinstance(error, KeyError),
        "The specification lets an app leave out the message, and then you raise a "
        "KeyError.",
    )
    expect(error, "An app that fails without giving a reason has failed, too.")
    _raise_other(error, RuntimeError)
    _, error, _ = await _stopped(stop, {"type": "over"})
    expect(
        not error,
        "An app that has left without a word is no failure: there is nobody to stop.",
    )
    return "It waits, it passes on a failure, and it lets go who has left."


async def _stopped(
    stop: Callable[[Tell, Hear], Awaitable[Any]], answer: Message
) -> tuple[list[Any], Exception | None, bool]:
    """Let the learner's code stop an app: what it said, raised, whether it listened."""
    told: list[Any] = []
    from_app: asyncio.Queue[Message] = asyncio.Queue()
    heard: list[Message] = []
    left = answer["type"] == "over"  # it is over already, whatever it is told
    if left:
        from_app.put_nowait(answer)

    async def tell(message: Message) -> None:
        await asyncio.sleep(0)
        told.append(message)
        if not left and len(told) == 1:
            from_app.put_nowait(answer)
            from_app.put_nowait({"type": "over"})

    async def hear() -> Message:
        heard.append(await from_app.get())
        return heard[-1]

    error: Exception | None = None
    try:
        async with asyncio.timeout(LIMIT) as limit:
            await stop(tell, hear)
    except Exception as raised:
        expect(
            told or not limit.expired(),
            "You wait for an answer, and the app waits until it is told to stop.",
        )
        expect(
            not limit.expired(),
            f"The app's last message was {answer['type']}, and stop doesn't return.",
        )
        error = raised
    return told, error, bool(heard)


def _raise_other(error: Exception | None, expected: type[Exception]) -> None:
    """Raise an outcome that is neither the expected error nor none at all."""
    if error is not None and type(error) is not expected:
        raise error


@async_verdict
async def middleware(closed: Callable[..., Any]) -> str:
    """Check a middleware that answers requests itself, and nothing else."""
    log = Events()
    said = await _passed(closed, log, "lifespan")
    expect(
        not [kind for kind in said if kind.startswith("http.")],
        "The server says lifespan.startup, and your middleware answers "
        f"{', '.join(said)}. That is an answer to a request.",
    )
    expect(
        log.order[:1] == ["lifespan"],
        "No HTTP answer any more, but the app doesn't hear of its lifespan either.",
    )
    said = await _passed(closed, log, "http")
    expect(said[:1] == ["http.response.start"], "A request must get the answer 503.")
    expect("http" not in log.order, "A request gets 503, and the app is asked as well.")
    said = await _passed(closed, log, "websocket")
    expect(
        said == ["websocket.close"],
        "A WebSocket isn't a request. Pass on whatever you don't handle.",
    )
    said = await _passed(closed, log, "http", opened=True)
    expect(
        said == ["http.response.body"],
        "When closed is False, requests must reach the app.",
    )
    return "Requests are answered, all else is passed on."


async def _passed(
    closed: Callable[..., Any], log: Events, kind: str, *, opened: bool = False
) -> list[str]:
    """Call the learner's middleware once; the types of the messages that come out."""
    log.clear()
    answers = {
        "lifespan": "lifespan.startup.complete",
        "http": "http.response.body",
        "websocket": "websocket.close",
    }

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        log.mark(scope["type"])
        await send({"type": answers[scope["type"]]})

    wrapped = closed(app)
    if opened:
        wrapped.closed = False
    said = Events()
    async with Server(wrapped, said, type=kind, path="/") as server:
        await server.ask(STARTUP)
        await server.ended()
        if server.error:
            raise NotYet(
                f"On the scope {kind} your middleware raises "
                f"{type(server.error).__name__}. Pass on whatever you don't handle."
            )
    return said.order


@async_verdict
async def too_early(
    make_app: Callable[[Callable[[], AbstractContextManager[Any]]], ASGIApp],
) -> str:
    """Check that an app gives no answer before it is true."""
    log = Events()

    @contextmanager
    def open_model() -> Iterator[str]:
        with log.span("model"):
            yield "a model"

    async with Server(make_app(open_model), log) as server:
        _raise_own(server)
        expect(not log.order, "The model is opened before the app is told to start.")
        answer = await server.ask(STARTUP)
        _raise_own(server)
        expect(
            answer == f"{STARTUP}.complete",
            f"The answer to lifespan.startup is {answer or 'missing'}.",
        )
        expect(
            log.order[0] == "model: start",
            "It says that the startup is complete, and opens the model after that.",
        )
        expect(
            server.scope["state"] is server.state,
            "You put a new dictionary into the scope. The server keeps the one that "
            "it brought along, and that one is still empty.",
        )
        expect(
            server.states == [{"model"}],
            "The model is open when it says so, but it isn't in the state yet.",
        )
        over = await server.ended()
        expect(
            "model: end" not in log.order and not over,
            "The model is released before the app is told to stop.",
        )
        answer = await server.ask(SHUTDOWN)
        _raise_own(server)
        expect(
            answer == f"{SHUTDOWN}.complete",
            f"The answer to lifespan.shutdown is {answer or 'missing'}.",
        )
        await _some_turns()
        expect("model: end" in log.order, "At the end the model isn't released.")
        expect(
            log.order[-1] == f"{SHUTDOWN}.complete",
            "The startup is right now. But it says that the shutdown is complete, "
            "and releases the model then.",
        )
    return "Who hears complete can rely on it, at both ends."
