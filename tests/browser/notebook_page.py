"""One notebook in the browser: opened, run, read, looked at."""

import json
import time
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from playwright.sync_api import Page

from tests.browser.chromium import Visit

OPEN = "lab/index.html?path=notebooks/"
OPEN_LIMIT = 90.0  # seconds until a notebook is there and Python has started
RUN_LIMIT = 120.0  # seconds for all cells
TALL = (1280, 2400)  # pixels; what a picture shows of a page

PANEL = "window.jupyterapp?.shell?.currentWidget"
_SHOWN = f"() => {PANEL}?.content?.model?.cells.length > 0"
_IDLE = f"() => {PANEL}?.sessionContext?.session?.kernel?.status === 'idle'"
_RAN = f"() => {PANEL}.content.model.toJSON().cells.some(c => c.execution_count)"
_SHOW_ALL = f"""() => {{
  const notebook = {PANEL}.content;
  notebook.notebookConfig = {{...notebook.notebookConfig, windowingMode: 'none'}};
}}"""
_RUN_ALL = """limit => Promise.race([
  window.jupyterapp.commands.execute('notebook:run-all-cells').then(() => true),
  new Promise(resolve => setTimeout(() => resolve(false), limit)),
])"""
_SCROLL_TO = """top => {
  document.getElementById('lifespan-starting')?.remove();
  const outer = document.querySelector('.jp-NotebookPanel .jp-WindowedPanel-outer');
  outer.scrollTop = top;
  const {x, y, width, height} = outer.getBoundingClientRect();
  return [outer.clientHeight, outer.scrollHeight, {x, y, width, height}];
}"""


@dataclass
class Opened:
    """A notebook that was opened, and how long that took."""

    page: Page
    shown: float
    """Seconds until there was something to read."""
    started: float
    """Seconds until Python had started."""

    def run_all(self, limit: float = RUN_LIMIT) -> bool:
        """Run all cells. False when they weren't done in time.

        Args:
            limit: seconds.
        """
        return bool(self.page.evaluate(_RUN_ALL, limit * 1000))

    def content(self) -> NotebookNode:
        """The notebook as the page has it, with its outputs."""
        notebook = self.page.evaluate(f"{PANEL}.content.model.toJSON()")
        for cell in notebook["cells"]:
            if cell.get("attachments", {}) is None:
                del cell["attachments"]
        return nbformat.reads(json.dumps(notebook), as_version=4)

    def pictures(self, folder: Path, name: str) -> None:
        """Draw all of it, from top to bottom, in as many pictures as that takes.

        Args:
            folder: where they are kept.
            name: how their names begin; a number follows.
        """
        width, height = TALL
        self.page.set_viewport_size({"width": width, "height": height})
        top = 0
        while True:
            shown, whole, box = self.page.evaluate(_SCROLL_TO, top)
            self.page.wait_for_timeout(300)
            path = folder / f"{name}_{top // shown + 1:02}.png"
            self.page.screenshot(path=path, clip=box)
            top += shown
            if top >= whole:
                break


def opened(visitor: Visit, address: str) -> Opened:
    """Open a notebook and wait until Python has started.

    Args:
        visitor: whose storage and cache are used.
        address: of the page.
    """
    page = visitor.context.new_page()
    start = time.perf_counter()
    page.goto(address, wait_until="commit")
    page.wait_for_function(_SHOWN, timeout=OPEN_LIMIT * 1000)
    page.evaluate(_SHOW_ALL)
    shown = time.perf_counter() - start
    page.wait_for_function(_IDLE, timeout=OPEN_LIMIT * 1000)
    return Opened(page, shown, time.perf_counter() - start)


@dataclass(frozen=True)
class Waited:
    """Seconds that a visitor waited since the address was entered."""

    shown: float
    """Until there was something to read."""
    started: float
    """Until Python had started."""
    result: float
    """Until the first cell had run."""


def first_result(visitor: Visit, address: str) -> Waited:
    """Open a notebook, run it as soon as that is possible, and close it.

    Args:
        visitor: whose storage and cache are used.
        address: of the page.
    """
    page = visitor.context.new_page()
    start = time.perf_counter()
    page.goto(address, wait_until="commit")
    page.wait_for_function(_SHOWN, timeout=OPEN_LIMIT * 1000)
    shown = time.perf_counter() - start
    page.wait_for_function(_IDLE, timeout=OPEN_LIMIT * 1000)
    started = time.perf_counter() - start
    page.evaluate(
        "() => { window.jupyterapp.commands.execute('notebook:run-all-cells') }"
    )
    page.wait_for_function(_RAN, timeout=OPEN_LIMIT * 1000)
    done = time.perf_counter() - start
    page.close()
    return Waited(shown, started, done)
