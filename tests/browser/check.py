"""Run the chapters of the built site in Chromium: ``python -m tests.browser.check``.

Without arguments all of them; with some, like ``01 03``, those whose names begin so.
"""

import sys
import time
from collections.abc import Sequence
from pathlib import Path

from playwright.sync_api import Browser, Error

from browser.places import REPORT, SITE
from browser.serving import serving
from tests.browser.chromium import browser, visit
from tests.browser.notebook_page import opened
from tests.browser.verdicts import expected, faults, foreign
from tests.notebooks.series import notebooks

OPEN = "lab/index.html?path=notebooks/"


def main(names: Sequence[str]) -> int:
    chosen = [p for p in notebooks() if not names or p.name.startswith(tuple(names))]
    REPORT.mkdir(parents=True, exist_ok=True)
    problems = 0
    with serving(SITE) as address, browser() as chromium:
        for path in chosen:
            start = time.perf_counter()
            found = chapter(chromium, address, path)
            seconds = time.perf_counter() - start
            print(f"{path.stem}: {len(found)} faults, {seconds:.1f} s", flush=True)
            print("\n\n".join(found))
            problems += len(found)
    return int(problems > 0)


def chapter(chromium: Browser, address: str, path: Path) -> list[str]:
    """All that is wrong with one chapter; its picture is kept.

    Args:
        chromium: the browser.
        address: of the site.
        path: the stored notebook.
    """
    with visit(chromium) as visitor:
        try:
            notebook = opened(visitor, f"{address}{OPEN}{path.name}")
            in_time = notebook.run_all()
            seen = notebook.content()
            notebook.picture(REPORT / f"{path.stem}.png")
        except Error as error:
            return [f"{path.stem}: {error.message}", *foreign(visitor.foreign, path.stem)]
        late = [] if in_time else [f"{path.stem}: its cells weren't done in time"]
        return [
            *late,
            *faults(expected(path), seen, path.stem),
            *foreign(visitor.foreign, path.stem),
        ]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
