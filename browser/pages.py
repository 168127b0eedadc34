"""What the site adds to JupyterLite's pages: chapters, progress, starting afresh."""

import shutil
from html import escape
from pathlib import Path

from browser import chapters
from browser.places import HERE, NOTEBOOKS

UNUSED = (
    "build/fa-*.eot",
    "build/fa-*.svg",
    "build/fa-*.ttf",
    "build/fa-*.woff",
    "rspack.config*.js",
)
"""Fonts for browsers that can run no Python (all others take woff2), and leftovers."""

STARTING = '<script type="module" src="../starting.js"></script>'
PAGES = HERE / "pages"
LOADING = '<div class="jupyterlite-loading-indicator-text">Loading JupyterLite...</div>'
TO_READ = """\
<div class="jupyterlite-loading-indicator-text" style="width: 80%; text-align: center">
A notebook is opening. Its text comes first, then Python starts, which takes some
seconds. All of it runs on this device. The first visit takes longest.
</div>"""


class UnexpectedPageError(Exception):
    """JupyterLite's pages aren't as they were when this was written."""


def add(site: Path) -> None:
    """Add them to a site that JupyterLite has built.

    Args:
        site: its folder.

    Raises:
        UnexpectedPageError: there is no place for them.
    """
    for name in ("afresh.html", "storage.js", "starting.js"):
        shutil.copy(PAGES / name, site)
    front = (PAGES / "index.html").read_text("utf-8")
    front = put(front, "<!-- chapters -->", "\n".join(map(_entry, _series())))
    (site / "index.html").write_text(front, "utf-8")
    page = site / "lab" / "index.html"
    lab = page.read_text("utf-8")
    lab = put(lab, LOADING, TO_READ)
    lab = put(lab, "</body>", f"{STARTING}</body>")
    lab = put(lab, "<title>JupyterLite</title>", "<title>Lifespan Lab</title>")
    page.write_text(lab, "utf-8")


def put(page: str, place: str, text: str) -> str:
    if page.count(place) != 1:
        raise UnexpectedPageError(
            f"expected {place!r} once: this JupyterLite has other pages; "
            f"see {HERE.name}/pages.py"
        )
    return page.replace(place, text)


def _series() -> list[Path]:
    return sorted(NOTEBOOKS.glob("*.ipynb"))


def _entry(path: Path) -> str:
    title = escape(chapters.title(chapters.read(path)))
    return (
        f'<li><a href="lab/index.html?path=notebooks/{path.name}">{title}</a>'
        f'<a class="afresh" href="afresh.html?chapter={path.name}">Start afresh</a>'
        "</li>"
    )
