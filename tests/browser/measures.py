"""How long a visitor waits, and how much is sent."""

import gzip
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from playwright.sync_api import Browser

from browser.serving import SUB_PATH
from tests.browser.chromium import visit
from tests.browser.notebook_page import Waited, first_result

MB = 1_000_000
SITE_LIMIT = 45 * MB
FIRST_LOAD_LIMIT = 18 * MB
COLD_LIMIT = 20.0  # seconds to the first result, on two cores
WARM_LIMIT = 10.0
ATTEMPTS = 3
"""A machine that is busy otherwise may be slow once."""

COMPRESSED = (".css", ".html", ".ipynb", ".js", ".json", ".mjs", ".svg", ".wasm")
"""What static hosts compress on the way; wheels and the library are zips already."""


@dataclass(frozen=True)
class Measures:
    """What was measured, in seconds and bytes."""

    cold: Waited
    warm: Waited
    site: int
    first_load: int
    """Compressed, as a static host sends it."""
    requests: int

    def faults(self) -> list[str]:
        """What is over its limit."""
        found = []
        for name, value, limit, unit in (
            ("the first visit's first result", self.cold.result, COLD_LIMIT, "s"),
            ("a warm visit's first result", self.warm.result, WARM_LIMIT, "s"),
            ("the site", self.site / MB, SITE_LIMIT / MB, "MB"),
            ("the first load", self.first_load / MB, FIRST_LOAD_LIMIT / MB, "MB"),
        ):
            if value > limit:
                found.append(f"{name}: {value:.1f} {unit}, more than {limit:g} {unit}")
        return found

    def __str__(self) -> str:
        return (
            f"first visit: text after {self.cold.shown:.1f} s, "
            f"Python after {self.cold.started:.1f} s, "
            f"first result after {self.cold.result:.1f} s; "
            f"warm: {self.warm.shown:.1f}, {self.warm.started:.1f}, "
            f"{self.warm.result:.1f} s; "
            f"first load {self.first_load / MB:.1f} MB compressed "
            f"in {self.requests} requests; site {self.site / MB:.1f} MB"
        )


def measured(browser: Browser, address: str, page: str, site: Path) -> Measures:
    """Visit a chapter for the first time and again, until both fit their limits.

    Args:
        browser: the browser.
        address: of the site.
        page: of the chapter, below the address.
        site: the site's folder.
    """
    for attempt in range(ATTEMPTS):
        with visit(browser) as visitor:
            cold = first_result(visitor, address + page)
            urls = list(visitor.requests)
            warm = first_result(visitor, address + page)
        if cold.result <= COLD_LIMIT and warm.result <= WARM_LIMIT:
            break
        print(f"attempt {attempt + 1} was slow: {cold.result:.1f}, {warm.result:.1f} s")
    files = requested(urls, site)
    size = sum(path.stat().st_size for path in site.rglob("*") if path.is_file())
    return Measures(cold, warm, size, sum(map(sent, files)), len(files))


def requested(urls: list[str], site: Path) -> list[Path]:
    """The site's files that were asked for, each once."""
    paths = {unquote(urlsplit(url).path) for url in urls}
    below = {path.removeprefix(SUB_PATH) for path in paths if path.startswith(SUB_PATH)}
    return sorted(site / path for path in below if (site / path).is_file())


def sent(path: Path) -> int:
    """Bytes that a static host sends for a file."""
    content = path.read_bytes()
    compressed = path.suffix in COMPRESSED
    return len(gzip.compress(content, 6)) if compressed else len(content)
