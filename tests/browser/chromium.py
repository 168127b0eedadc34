"""A real Chromium that can reach nothing but loopback."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from playwright.sync_api import Browser, BrowserContext, Request, sync_playwright

from tests.browser.verdicts import LOOPBACK

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
NO_HOST = f"--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE {LOOPBACK}"
LARGE = (1280, 900)


class MissingError(Exception):
    """There is no browser, in words that say what to do."""


@dataclass
class Visit:
    """One visitor with storage and a cache of its own, and what it asked for."""

    context: BrowserContext
    requests: list[str] = field(default_factory=list)


def executable() -> str:
    """Where the browser is: CHROMIUM names it, else it is looked for.

    Raises:
        MissingError: there is none.
    """
    named = os.environ.get("CHROMIUM")
    found = [named] if named else list(filter(None, map(shutil.which, NAMES)))
    if not found:
        raise MissingError(
            "Chromium isn't installed (Debian: apt-get install chromium)"
        )
    return found[0]


@contextmanager
def browser() -> Iterator[Browser]:
    """Start the browser and stop it at the end."""
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=executable(), args=["--no-sandbox", NO_HOST]
        )
        try:
            yield started
        finally:
            started.close()


@contextmanager
def visit(browser: Browser, *, dark: bool = False) -> Iterator[Visit]:
    """A new visitor, as in a private window.

    Args:
        browser: the browser.
        dark: whether the visitor's system prefers the dark theme.
    """
    width, height = LARGE
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if dark else "light",
    )
    visitor = Visit(context)

    def note(request: Request) -> None:
        visitor.requests.append(request.url)

    context.on("request", note)
    try:
        yield visitor
    finally:
        context.close()
