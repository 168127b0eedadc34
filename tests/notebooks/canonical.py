"""The one form in which notebooks are stored.

Nothing in it depends on the machine, the clock or the number of the run, so a change
in a notebook file is a change of what a reader sees.
"""

import re
from copy import deepcopy

from nbformat import NotebookNode, from_dict

METADATA = {
    "kernelspec": {
        "display_name": "Python 3 (ipykernel)",
        "language": "python",
        "name": "python3",
    },
    "language_info": {"name": "python"},
}
SHOWN = ("text/plain", "text/html")

_ANSI = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]")


def canonical(notebook: NotebookNode) -> NotebookNode:
    """The same notebook in the form in which it is stored; the argument stays as is."""
    cells = []
    for cell in notebook.cells:
        kept = {
            "id": cell.id,
            "cell_type": cell.cell_type,
            "metadata": {"tags": cell.metadata["tags"]}
            if cell.metadata.get("tags")
            else {},
            "source": clean(cell.source).rstrip("\n"),
        }
        if cell.cell_type == "code":
            kept |= {
                "execution_count": None,
                "outputs": canonical_outputs(cell.outputs),
            }
        cells.append(kept)
    stored = {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": METADATA,
        "cells": cells,
    }
    return from_dict(deepcopy(stored))


def canonical_outputs(outputs: list[NotebookNode]) -> list[NotebookNode]:
    """Outputs of a cell without what differs from run to run."""
    kept: list[dict] = []
    for output in outputs:
        if output.output_type == "stream":
            _add_stream(kept, output.name, output.text)
        elif output.output_type == "error":
            kept.append(
                {
                    "output_type": "error",
                    "ename": output.ename,
                    "evalue": output.evalue,
                    "traceback": [],
                }
            )
        else:
            kept.append(_shown(output))
    for output in kept:
        if output["output_type"] == "stream":
            output["text"] = clean(output["text"])
    return [from_dict(output) for output in kept]


def clean(text: str) -> str:
    """Text without terminal colours and without blanks at the ends of lines."""
    lines = _ANSI.sub("", text).replace("\r\n", "\n").split("\n")
    return "\n".join(line.rstrip() for line in lines)


def _add_stream(kept: list[dict], name: str, text: str) -> None:
    if kept and kept[-1]["output_type"] == "stream" and kept[-1]["name"] == name:
        kept[-1]["text"] += text
    else:
        kept.append({"output_type": "stream", "name": name, "text": text})


def _shown(output: NotebookNode) -> dict:
    data = {kind: clean(output.data[kind]) for kind in SHOWN if kind in output.data}
    kept = {"output_type": output.output_type, "metadata": {}, "data": data}
    if output.output_type == "execute_result":
        kept["execution_count"] = None
    return kept
