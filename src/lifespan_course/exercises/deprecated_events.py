"""Checks of the exercises of chapter 8, startup and shutdown events."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import anyio
import httpx
from fastapi import FastAPI

from lifespan_course.cast import Model
from lifespan_course.exercises.probes import break_off
from lifespan_course.verdicts import NotYet, async_verdict, expect
from lifespan_lab import Events, running

LIMIT = 1.0  # seconds for an app to start or to stop; one that is right takes none


@asynccontextmanager
async def up(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """Run the learner's app, and give up one that waits for ever."""
    expect(isinstance(app, FastAPI), f"An app is needed, and this is {app!r}.")
    try:
        with anyio.fail_after(3 * LIMIT):
            async with running(
                app, startup_timeout=LIMIT, shutdown_timeout=LIMIT
            ) as client:
                yield client
    except TimeoutError:
        raise NotYet("Your app waits for something that doesn't come.") from None


async def run_of(app: FastAPI, log: Events) -> list[str]:
    """What an app marks in one run, and ``serving`` in the midst of it."""
    log.clear()
    async with up(app):
        log.mark("serving")
    return log.order


@async_verdict
async def order(app: FastAPI, log: Events, answer: Sequence[str]) -> str:
    """Check that the answer names what the app marks, in order."""
    seen = await run_of(app, log)
    said = list(answer)
    expect("serving" in said, "Leave serving in, where the app serves.")
    expect(said != ["serving"], "Write down what is marked before and after serving.")
    if unknown := [name for name in said if name not in seen]:
        raise NotYet(f"Nobody marks {unknown[0]}.")
    before, after = seen[: seen.index("serving")], seen[seen.index("serving") + 1 :]
    for name in seen:
        expect(said.count(name) <= 1, f"{name} is marked only once.")
    missing = [name for name in seen if name not in said]
    expect(
        not set(missing) & set(before),
        "A startup handler is missing. Did you see all three ways to register one?",
    )
    expect(not missing, "A shutdown handler is missing.")
    expect(
        said != [*before, "serving", *reversed(after)],
        "You stop them in reverse, as with blocks do. Handlers don't.",
    )
    expect(
        said[: len(before)] == before,
        "Before serving: handlers start in the order in which they were registered.",
    )
    expect(said == seen, "After serving: they stop in the order of registration, too.")
    return "That is what runs, in the order in which it was registered."


@async_verdict
async def never(make_app: Callable[[Events], FastAPI]) -> str:
    """Check that the app warms up once, between its opening and its serving."""
    log = Events()
    seen = await run_of(make_app(log), log)
    expect("open" in seen, "Now the lifespan doesn't run any more: keep it.")
    expect("close" in seen, "Now nothing closes what was opened.")
    expect("warm up" in seen, "The app starts, and warm up is never marked.")
    expect(seen.count("warm up") == 1, "It warms up more than once.")
    place = seen.index("warm up")
    expect(
        place > seen.index("open"),
        "It warms up before anything is open. What would it warm up with?",
    )
    expect(
        place < seen.index("serving"),
        "It warms up when the app has served already.",
    )
    expect(seen[-1] == "close", f"The marks are: {', '.join(seen)}.")
    await _no_handler_is_left(make_app, seen)
    return "It warms up once, when all is open and nobody is served yet."


async def _no_handler_is_left(
    make_app: Callable[[Events], FastAPI], seen: list[str]
) -> None:
    log = Events()
    app = make_app(log)
    lists = app.router.on_startup, app.router.on_shutdown
    if not any(lists):
        return
    for handlers in lists:
        handlers.clear()
    if await run_of(app, log) != seen:
        raise NotYet("It works with events alone. Keep the lifespan, and use that.")
    raise NotYet("A handler still stands in a list of the app that nobody reads.")


class Opener:
    """Opens models, and remembers them.

    Args:
        word: the one word that its models know.
    """

    def __init__(self, word: str) -> None:
        self.word = word
        self.opened: list[Model] = []

    def __call__(self) -> Model:
        self.opened.append(Model({self.word: 1}))
        return self.opened[-1]

    @property
    def released(self) -> bool:
        """Whether all models that were opened are released."""
        return not any(model.near for model in self.opened)


@async_verdict
async def share(make_app: Callable[[Opener], FastAPI]) -> str:
    """Check that two apps in one process don't get in each other's way."""
    python, german = Opener("yield"), Opener("geld")
    apps = [make_app(python), make_app(german)]
    expect(
        not python.opened,
        "The model is opened when the app is made, before it starts.",
    )
    async with up(apps[0]) as first:
        async with up(apps[1]) as second:
            expect(
                python.opened and german.opened,
                "The apps have started, and a model isn't open yet. "
                "Open it at the start, and not for a request.",
            )
            answers = [await _answer(ask) for ask in (first, second)]
        expect(
            answers != ["geld", "geld"],
            "Two apps run, and the first one answers with the second one's model.",
        )
        expect(answers == ["yield", "geld"], f"The two apps answer {answers}.")
        expect(german.released, "An app has stopped, and its model isn't released.")
        expect(
            not python.released, "One app stopped, and the other one lost its model."
        )
        answer = await _answer(first)
        expect(answer == "yield", f"When one app has stopped, the other says {answer}.")
    expect(python.released, "The last app has stopped, and its model isn't released.")
    expect(
        len(python.opened) == len(german.opened) == 1,
        "A model is opened more than once for one start.",
    )
    await _share_when_the_body_raises(make_app)
    return "Each app has a model of its own, from its start to its end."


async def _answer(client: httpx.AsyncClient) -> object:
    answer = await client.get("/yeld")
    expect(
        answer.status_code != httpx.codes.UNPROCESSABLE_ENTITY,
        "FastAPI takes a parameter of the endpoint for a part of the question. "
        "Is it written request: Request?",
    )
    expect(answer.is_success, f"The endpoint answers with {answer.status_code}.")
    return answer.json()


async def _share_when_the_body_raises(make_app: Callable[[Opener], FastAPI]) -> None:
    opener = Opener("yield")
    app = make_app(opener)
    await break_off(app)
    expect(
        opener.released,
        "When an error comes to the yield, the model isn't released: "
        "use try and finally.",
    )


@async_verdict
async def twice(make_app: Callable[[Events], FastAPI]) -> str:
    """Check that the router's resource is opened once and closed once."""
    log = Events()
    app = make_app(log)
    log.clear()
    async with up(app) as client:
        log.mark("serving")
        answer = await client.get("/hello")
    expect(answer.status_code == 200, "Now the app has no route /hello any more.")
    for name in ("connect", "disconnect"):
        expect(log.order.count(name) != 0, f"Now {name} is never marked.")
        expect(
            log.order.count(name) == 1,
            f"{name} is marked {log.order.count(name)} times.",
        )
    expect(
        log.order == ["connect", "serving", "disconnect"],
        f"The marks are: {', '.join(log.order)}.",
    )
    return "One start, one stop, and the route is still there."
