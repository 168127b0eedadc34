"""Compare outputs, and show a difference so that a person can read it."""

import base64
import difflib
import re

from nbformat import NotebookNode

from tests.notebooks.series import place

LONGEST_DIFF = 40  # lines, for one cell

_DATA_URI = re.compile(r"data:([\w/+.-]+);base64,([A-Za-z0-9+/=\s]+)")


def differences(stored: NotebookNode, fresh: NotebookNode, name: str) -> list[str]:
    """A readable diff for each cell whose outputs are not the stored ones.

    Args:
        stored: the notebook as it is kept.
        fresh: the same notebook with the outputs of a run.
        name: what the notebook is called in the heads of the diffs.
    """
    return [
        f"{name}, {place(stored, index)}\n{_diff(before.outputs, after.outputs)}"
        for index, (before, after) in enumerate(
            zip(stored.cells, fresh.cells, strict=True)
        )
        if before.cell_type == "code" and before.outputs != after.outputs
    ]


def legible(outputs: list[NotebookNode], *, pictures: bool = True) -> list[str]:
    """Outputs as lines of text.

    Without pictures, HTML is left out that has a twin in plain text.
    """
    return [line for output in outputs for line in _lines(output, pictures)]


def _diff(before: list[NotebookNode], after: list[NotebookNode]) -> str:
    """What differs in plain text; only if nothing does, what differs in pictures."""
    for pictures in (False, True):
        old, new = (legible(each, pictures=pictures) for each in (before, after))
        lines = list(
            difflib.unified_diff(old, new, "stored", "this run", lineterm="", n=2)
        )
        if len(lines) > LONGEST_DIFF:
            more = len(lines) - LONGEST_DIFF
            lines[LONGEST_DIFF:] = [f"... and {more} more lines"]
        if lines:
            return "\n".join(f"  {line}" for line in lines)
    return "  the same text, in other parts"


def _lines(output: NotebookNode, pictures: bool) -> list[str]:
    if output.output_type == "stream":
        return [f"[{output.name}]", *output.text.splitlines()]
    if output.output_type == "error":
        return ["[error]", f"{output.ename}: {output.evalue}"]
    return [
        line
        for kind, text in sorted(output.data.items(), reverse=True)
        if pictures or kind != "text/html" or "text/plain" not in output.data
        for line in (f"[{kind}]", *_decoded(text).splitlines())
    ]


def _decoded(text: str) -> str:
    """HTML with its pictures as the text they are made of, an element a line."""

    def decode(uri: re.Match[str]) -> str:
        kind, data = uri.groups()
        if not kind.startswith(("image/svg", "text/")):
            return f"{kind}, {len(data)} characters"
        return "\n" + base64.b64decode(data).decode().replace("><", ">\n<") + "\n"

    return _DATA_URI.sub(decode, text)
