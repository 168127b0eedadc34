"""Make a chapter fit for the browser: what can't run there becomes text.

A cell tagged needs-system starts a thread, opens a socket or runs a process. In the
browser it is shown with its code and its stored output. Nothing else is changed.
"""

import json
import re
from pathlib import Path
from typing import Any

NEEDS_SYSTEM = "needs-system"
WHY = (
    "*Shown, not run: in a browser, Python has no threads, no sockets, no processes "
    "and another event loop, and this cell is about one of them. Its output comes from "
    "JupyterLab.*"
)

_EMPTY_LINES = re.compile(r"\n{2,}")

Cell = dict[str, Any]


def for_browser(notebook: dict[str, Any]) -> dict[str, Any]:
    """The notebook with text in place of each cell that can't run in a browser.

    Args:
        notebook: as it is stored, with its outputs; it stays as it is.
    """
    shown = set(needing_system(notebook))
    cells = [
        _as_text(cell) if cell["id"] in shown else cell for cell in notebook["cells"]
    ]
    return notebook | {"cells": cells}


def needing_system(notebook: dict[str, Any]) -> list[str]:
    """The ids of the cells that can't run in a browser.

    Where the first one can't, which imports what all others use, none can.
    """
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    none_can = any(map(_needs_system, code[:1]))
    return [cell["id"] for cell in code if none_can or _needs_system(cell)]


def title(notebook: dict[str, Any]) -> str:
    """The first heading."""
    lines = "".join(notebook["cells"][0]["source"]).splitlines()
    return next(line.removeprefix("# ") for line in lines if line.startswith("# "))


def read(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_text("utf-8")))


def write(notebook: dict[str, Any], path: Path) -> None:
    path.write_text(json.dumps(notebook, ensure_ascii=False, indent=1) + "\n", "utf-8")


def _needs_system(cell: Cell) -> bool:
    return NEEDS_SYSTEM in cell["metadata"].get("tags", ())


def _as_text(cell: Cell) -> Cell:
    shown = [part for output in cell["outputs"] for part in _shown(output)]
    return {
        "id": cell["id"],
        "cell_type": "markdown",
        "metadata": cell["metadata"],
        "source": "\n\n".join([WHY, _fenced("python", cell["source"]), *shown]),
    }


def _shown(output: dict[str, Any]) -> list[str]:
    """An output as Markdown: HTML where there is some, else its text."""
    if output["output_type"] == "stream":
        return [_fenced("text", output["text"])]
    if output["output_type"] == "error":
        return [_fenced("text", f"{output['ename']}: {output['evalue']}")]
    data = output["data"]
    if "text/html" in data:
        return [_EMPTY_LINES.sub(_written_out, "".join(data["text/html"]))]
    return [_fenced("text", data["text/plain"])] if "text/plain" in data else []


def _written_out(newlines: re.Match[str]) -> str:
    """Newlines as characters of the text: an empty line would end the HTML."""
    return "\n" + "&#10;" * (len(newlines[0]) - 1)


def _fenced(language: str, text: str | list[str]) -> str:
    """A block of code, fenced by more backticks than it has in a row."""
    code = "".join(text).rstrip("\n")
    fence = "```"
    while fence in code:
        fence += "`"
    return f"{fence}{language}\n{code}\n{fence}"
