"""What a learner does: type, come back, start afresh, solve exercises, choose dark."""

from collections.abc import Iterator
from pathlib import Path

from nbformat import NotebookNode
from playwright.sync_api import Browser, Page

from tests.browser.chromium import visit
from tests.browser.notebook_page import OPEN, PANEL, opened
from tests.notebooks.exercises import RIGHT, exercises
from tests.notebooks.series import read

TYPED = "# my own words"
SAVE_LIMIT = 30.0  # seconds until what was typed must have been kept

_SAVED = f"() => !{PANEL}.context.model.dirty"
_SOURCES = (
    f"() => {PANEL}.content.model.toJSON().cells.map(c => [c.source].flat().join(''))"
)
_GO_TO = f"""index => {{
  const notebook = {PANEL}.content;
  notebook.activeCellIndex = index;
  notebook.mode = 'edit';
}}"""
_REPLACE = f"""([index, source]) =>
  {PANEL}.content.model.cells.get(index).sharedModel.setSource(source)"""
_PICTURES = """() => [...document.querySelectorAll('.jp-OutputArea-output img')]
  .map(image => image.complete && image.naturalWidth > 0 && image.clientWidth > 0)"""
_LIGHT = "() => document.body.dataset.jpThemeLight"


def typed_text(browser: Browser, address: str, path: Path) -> Iterator[str]:
    """What was typed is there after a reload, and gone after starting afresh."""
    page_address = address + OPEN + path.name
    index = _exercise_cell(path)
    with visit(browser) as visitor:
        notebook = opened(visitor, page_address)
        page = notebook.page
        page.evaluate(_GO_TO, index)
        page.keyboard.press("Control+Home")
        page.keyboard.type(f"{TYPED}\n")
        page.wait_for_timeout(500)
        page.wait_for_function(_SAVED, timeout=SAVE_LIMIT * 1000)
        page.close()
        again = opened(visitor, page_address).page
        if not _source(again, index).startswith(TYPED):
            yield f"{path.stem}: what was typed is lost after a reload"
        again.close()
        afresh = opened(visitor, f"{address}afresh.html?chapter={path.name}").page
        if TYPED in _source(afresh, index):
            yield f"{path.stem}: what was typed is still there after starting afresh"


def solved_exercise(browser: Browser, address: str, path: Path) -> Iterator[str]:
    """Each printed solution, put in the place of its stub, is called right."""
    notebook = read(path)
    solutions = [exercise.solution for exercise in exercises(path)]
    stubs = [i for i, cell in enumerate(notebook.cells) if "exercise" in _tags(cell)]
    with visit(browser) as visitor:
        page = opened(visitor, address + OPEN + path.name)
        for index, solution in zip(stubs, solutions, strict=True):
            page.page.evaluate(_REPLACE, [index, solution])
        page.run_all()
        seen = page.content().cells
        for index in stubs:
            said = str(seen[index + 1].outputs)
            if RIGHT not in said:
                yield f"{path.stem}: a printed solution isn't right there: {said}"


def timelines(
    browser: Browser, address: str, path: Path, folder: Path
) -> Iterator[str]:
    """Each timeline is drawn, in the light and in the dark theme."""
    for theme in ("light", "dark"):
        with visit(browser, dark=theme == "dark") as visitor:
            page = opened(visitor, address + OPEN + path.name)
            page.run_all()
            page.pictures(folder, f"{path.stem}_{theme}")
            if page.page.evaluate(_LIGHT) != str(theme == "light").lower():
                yield f"{path.stem}: the page isn't {theme}"
            drawn = page.page.evaluate(_PICTURES)
            if not drawn or not all(drawn):
                missing = drawn.count(False) or "all"
                yield f"{path.stem}: pictures aren't drawn in {theme}: {missing}"


def _exercise_cell(path: Path) -> int:
    cells = enumerate(read(path).cells)
    return next(index for index, cell in cells if "exercise" in _tags(cell))


def _tags(cell: NotebookNode) -> list[str]:
    return list(cell["metadata"].get("tags", ()))


def _source(page: Page, index: int) -> str:
    return str(page.evaluate(_SOURCES)[index])
