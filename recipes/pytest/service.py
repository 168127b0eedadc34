"""The app that the recipes test: in your project, this is your own."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Annotated

from fastapi import Depends, FastAPI, Request

Words = dict[str, int]
Opener = Callable[[], AbstractAsyncContextManager[Words]]


@asynccontextmanager
async def open_words() -> AsyncIterator[Words]:
    """Open what the app counts words in: a real one would be a database."""
    yield {}


async def get_words(request: Request) -> Words:
    """Read what the lifespan yielded."""
    words: Words = request.state.words
    return words


def make_app(opener: Opener = open_words) -> FastAPI:
    """Make the app. What opens its resource is handed in, so a test can replace it."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, object]]:
        async with opener() as words:
            # A lock belongs to one event loop: tests in another would find out.
            yield {"words": words, "turn": asyncio.Lock()}

    app = FastAPI(lifespan=lifespan)

    @app.get("/count/{word}")
    async def count(
        word: str, words: Annotated[Words, Depends(get_words)], request: Request
    ) -> int:
        async with request.state.turn:
            await asyncio.sleep(0)
            words[word] = words.get(word, 0) + 1
            return words[word]

    return app
