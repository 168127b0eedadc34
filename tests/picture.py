"""The picture in the README: a timeline of the spelling service, from a real run.

Run ``python -m tests.picture`` to draw it again.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
from fastapi import FastAPI, Request

from lifespan_course.cast import Model, open_dictionary
from lifespan_lab import Events, Timeline, running
from lifespan_lab.timeline import as_svg

FILE = Path(__file__).parents[1] / "notebooks" / "images" / "timeline.svg"


async def draw() -> str:
    """Run the service for two requests and return its timeline as SVG."""
    log = Events()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, object]]:
        with log.span("model"):
            model = Model({"context": 2, "yield": 1})
            with log.span("dictionary"):
                async with open_dictionary() as dictionary:
                    yield {"model": model, "dictionary": dictionary}

    app = FastAPI(lifespan=lifespan)

    @app.get("/correct/{word}")
    async def correct(word: str, request: Request) -> str:
        corrected = str(request.state.model.correct(word))
        log.mark("corrected", word=corrected)
        return corrected

    async with running(Timeline(app, events=log)) as client:
        await client.get("/correct/contxt")
        await client.get("/correct/yeild")
    return as_svg(list(log))


def main() -> None:
    """Draw the picture and store it."""
    FILE.parent.mkdir(exist_ok=True)
    FILE.write_text(anyio.run(draw), encoding="utf-8")


if __name__ == "__main__":
    main()
