"""Try the built site in Chromium: ``python -m tests.browser.check``.

Every chapter is run and compared, then habits, measures and planted faults follow. With
arguments, like ``01 03``, only the chapters whose names begin so are run. Pictures and
what was measured are kept in build/browser/report.
"""

import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from playwright.sync_api import Browser, Error

from browser.places import REPORT, SITE
from browser.serving import serving
from browser.wheels import emptied
from tests.browser import habits, planting
from tests.browser.chromium import MissingError, browser, visit
from tests.browser.measures import measured
from tests.browser.notebook_page import OPEN, opened
from tests.browser.verdicts import expected, faults, foreign
from tests.notebooks.series import notebooks


def main(names: Sequence[str]) -> int:
    if not (SITE / "index.html").exists():
        print("There is no site yet: make browser", file=sys.stderr)
        return 1
    chosen = [p for p in notebooks() if not names or p.name.startswith(tuple(names))]
    emptied(REPORT)
    try:
        with serving(SITE) as address, browser() as chromium:
            steps = _chapters(chromium, address, chosen)
            found = sum(_told(*each) for each in steps)
            if not names:
                found += sum(_told(*each) for each in _others(chromium, address))
    except MissingError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{found} faults; the pictures are in {REPORT}" if found else "All is well.")
    return int(found > 0)


def chapter(chromium: Browser, address: str, path: Path) -> Iterator[str]:
    """All that is wrong with one chapter; its picture is kept.

    Args:
        chromium: the browser.
        address: of the site.
        path: the stored notebook.
    """
    with visit(chromium) as visitor:
        notebook = opened(visitor, f"{address}{OPEN}{path.name}")
        if not notebook.run_all():
            yield f"{path.stem}: its cells weren't done in time"
        seen = notebook.content()
        notebook.pictures(REPORT, path.stem)
        yield from faults(expected(path), seen, path.stem)
        yield from foreign(visitor.requests, path.stem)


def _chapters(
    chromium: Browser, address: str, paths: Iterable[Path]
) -> Iterator[tuple[str, Iterable[str]]]:
    for path in paths:
        yield path.stem, chapter(chromium, address, path)


def _others(chromium: Browser, address: str) -> Iterator[tuple[str, Iterable[str]]]:
    """What holds for the site, tried with its first chapter."""
    first = notebooks()[0]
    given = (chromium, address, first)
    yield "typed text", habits.typed_text(*given)
    yield "exercises", habits.solved_exercise(*given)
    yield "timelines", habits.timelines(*given, REPORT)
    yield "planted faults", planting.overlooked(chromium, address)
    yield "measures", _measures(chromium, address, first)


def _measures(chromium: Browser, address: str, first: Path) -> Iterator[str]:
    found = measured(chromium, address, f"{OPEN}{first.name}", SITE)
    (REPORT / "measures.txt").write_text(f"{found}\n", "utf-8")
    print(found)
    yield from found.faults()


def _told(name: str, found: Iterable[str]) -> int:
    """Say what was found, and how long it took; count it."""
    start = time.perf_counter()
    try:
        problems = list(found)
    except Error as error:  # such as a page that doesn't come
        problems = [f"{name}: {error.message}"]
    said = "ok" if not problems else f"{len(problems)} faults"
    print(f"{name}: {said} ({time.perf_counter() - start:.0f} s)", flush=True)
    if problems:
        print("\n\n".join(["", *problems, ""]), flush=True)
    return len(problems)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
