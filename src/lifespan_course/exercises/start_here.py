"""Checks of the exercises of chapter 0, start here."""

from fastapi import FastAPI, Request

from lifespan_course.exercises.lifespans import (
    Lifespan,
    expect_lifespan,
    expect_state,
)
from lifespan_course.verdicts import NotYet, async_verdict, expect
from lifespan_lab import Events, running


@async_verdict
async def before_and_after(lifespan: Lifespan, log: Events) -> str:
    """Check that the lifespan marks its start and its end."""
    expect_lifespan(lifespan)
    log.clear()
    async with running(FastAPI(lifespan=lifespan)):
        log.mark("serving")
    order = log.order
    expect(
        order != ["serving"], "The lifespan leaves no mark in log, by log.mark(...)."
    )
    expect("open" in order, 'Nothing marks "open".')
    expect("close" in order, 'Nothing marks "close".')
    expect(
        order.index("open") < order.index("serving"),
        '"open" comes after the app has begun to serve. Move it before the yield.',
    )
    expect(
        order.index("close") > order.index("serving"),
        '"close" comes before the app serves. What stands before yield runs at start.',
    )
    expect(order == ["open", "serving", "close"], f"The marks are: {order}.")
    return "One mark at the start, one at the end."


@async_verdict
async def share(lifespan: Lifespan, app: FastAPI) -> str:
    """Check that the endpoint answers with what the lifespan yields."""
    expect_lifespan(lifespan)
    async with lifespan(app) as state:
        expect_state(state)
    expect(
        not hasattr(app.state, "greeting"),
        "app.state is another place. The endpoint looks into what is yielded.",
    )
    expect(state, "The lifespan yields nothing yet.")
    expect("greeting" in state, f"It yields {list(state)}. What is asked for?")
    async with running(app) as client:
        answer = (await client.get("/")).json()
    expect(answer == "hello", f"The endpoint answers {answer!r}.")
    return "Every request finds the greeting."


@async_verdict
async def too_late(lifespan: Lifespan) -> str:
    """Check that the model can be used by requests and is released afterwards."""
    expect_lifespan(lifespan)
    models = []
    async with lifespan(FastAPI()) as state:
        expect_state(state)
    app = FastAPI(lifespan=lifespan)

    @app.get("/{word}")
    async def correct(word: str, request: Request) -> str:
        models.append(request.state.model)
        return str(request.state.model.correct(word))

    try:
        async with running(app) as client:
            await client.get("/yeild")
    except RuntimeError as error:
        raise NotYet(f"A request found that {error}.") from None
    expect(models, "No request reached the model.")
    expect(not models[0].near, "Now nobody releases the model: keep the with block.")
    return "The model is there while requests come, and released afterwards."
