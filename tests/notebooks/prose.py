"""Rules for what is written in a notebook: its text, and the shape of its code."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from urllib.parse import unquote, urlsplit

from nbformat import NotebookNode

from tests.notebooks.series import notebooks, place, read, tags

LONGEST_CELL = 15
MEDIAN_CELL = 4
CELLS_BEFORE_EXERCISES = 45
CONTENTS = "Contents"
EXERCISES = "## Exercises"

_FENCE = re.compile(r"^(```|~~~).*?^\1\s*$", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`[^`\n]*`")
_HEADING = re.compile(r"^(#{1,6})\s+(.*?)\s*#*$", re.MULTILINE)
_LINK = re.compile(r"(?<!!)\[([^\]]*)\]\(\s*<?([^)\s>]*)>?[^)]*\)")
_HTML_LINK = re.compile(r"<a\b[^>]*\bhref=[\"']([^\"']*)[\"'][^>]*>([^<]*)</a>")
_PICTURE = re.compile(r"!\[([^\]]*)\]\(\s*([^)\s]*)")
_HTML_PICTURE = re.compile(r"<img\b[^>]*>")
_ATTRIBUTE = re.compile(r"\b(alt|src)\s*=\s*([\"'])(.*?)\2", re.DOTALL)
_EMOJI = re.compile(
    r"[\U0001f000-\U0001faff\u2600-\u26ff\u2705\u2728\u274c\u274e\u2753-\u2757\u2b50\ufe0f]"
)
_LIFE_SPAN = re.compile(r"\blife[\s-]spans?\b", re.IGNORECASE)

Rule = Callable[[Path, NotebookNode], Iterator[str]]


def faults(path: Path, rules: list[Rule] | None = None) -> list[str]:
    """All that breaks a rule, each with its place.

    Args:
        path: the notebook; links are followed from its folder.
        rules: those to hold it to; all of them unless given.
    """
    notebook = read(path)
    return [fault for rule in rules or RULES for fault in rule(path, notebook)]


def one_title(path: Path, notebook: NotebookNode) -> Iterator[str]:
    """There is one H1, and it stands in the first cell."""
    titles = [index for index, level, _ in headings(notebook) if level == 1]
    if titles != [0]:
        yield f"H1 headings: {len(titles)}; there must be one, in the first cell"


def no_skipped_level(path: Path, notebook: NotebookNode) -> Iterator[str]:
    """A heading is at most one level below the one before it."""
    above = 0
    for index, level, text in headings(notebook):
        if level > above + 1:
            yield f"{place(notebook, index)}\n  {text!r} skips a heading level"
        above = level


def no_empty_cell(path: Path, notebook: NotebookNode) -> Iterator[str]:
    """Each cell has something in it."""
    for index, cell in enumerate(notebook.cells):
        if not cell.source.strip():
            yield f"{place(notebook, index)}\n  cell {index + 1} is empty"


def alt_texts(path: Path, notebook: NotebookNode) -> Iterator[str]:
    """Each picture says in words what it shows, in text and in outputs."""
    for index, text in _rendered(notebook):
        alts = [alt for alt, _ in _PICTURE.findall(text)]
        for picture in _HTML_PICTURE.findall(text):
            alts.append(_attributes(picture).get("alt", ""))
        if not all(alt.strip() for alt in alts):
            yield f"{place(notebook, index)}\n  a picture has no alt text"


def links_resolve(path: Path, notebook: NotebookNode) -> Iterator[str]:
    """Each link and picture leads to a file or a heading that is there."""
    for index, source in _markdown(notebook):
        text = _CODE.sub("", source)
        targets = [target for _, target in links(text)]
        targets += [target for _, target in _PICTURE.findall(text)]
        for picture in _HTML_PICTURE.findall(text):
            targets.append(_attributes(picture).get("src", ""))
        for target in targets:
            fault = _fault_of_link(path, target)
            if fault:
                yield f"{place(notebook, index)}\n  {fault}"


def navigation(path: Path, notebook: NotebookNode) -> Iterator[str]:
    """The first and the last text lead to the previous chapter, contents and next."""
    series = notebooks(path.parent)
    position = series.index(path)
    neighbours = series[max(position - 1, 0) : position] + series[position + 1 :][:1]
    texts = list(_markdown(notebook))
    if not texts:
        yield "there is no text, so no navigation"
        return
    for end, (_, text) in (("first", texts[0]), ("last", texts[-1])):
        targets = {urlsplit(target).path for _, target in links(text)}
        for neighbour in neighbours:
            if neighbour.name not in targets:
                yield f"the {end} markdown cell doesn't lead to {neighbour.name}"
        if CONTENTS not in {label for label, _ in links(text)}:
            yield f"the {end} markdown cell has no link called {CONTENTS}"


def words(path: Path, notebook: NotebookNode) -> Iterator[str]:
    """No emoji, and the field's own spelling: lifespan."""
    for index, cell in enumerate(notebook.cells):
        outputs = str(cell.get("outputs", ""))
        if _EMOJI.search(cell.source) or _EMOJI.search(outputs):
            yield f"{place(notebook, index)}\n  an emoji"
        if _LIFE_SPAN.search(cell.source):
            yield f"{place(notebook, index)}\n  the term is written lifespan"


def short_code(path: Path, notebook: NotebookNode) -> Iterator[str]:
    """Code comes in small pieces; blank lines, set by the formatter, don't count."""
    sizes = []
    for index, cell in enumerate(notebook.cells):
        if cell.cell_type != "code":
            continue
        size = sum(1 for line in cell.source.splitlines() if line.strip())
        sizes.append(size)
        final_form = any(
            tag.startswith(("same-as:", "copy-alone")) for tag in tags(cell)
        )
        if size > LONGEST_CELL and not final_form:
            yield f"{place(notebook, index)}\n  {size} lines; {LONGEST_CELL} at most"
    if sizes and median(sizes) > MEDIAN_CELL:
        yield f"the median code cell has {median(sizes):g} lines; {MEDIAN_CELL} at most"


def code_between_text(path: Path, notebook: NotebookNode) -> Iterator[str]:
    """Never three code cells in a row."""
    kinds = [cell.cell_type for cell in notebook.cells]
    for index in range(len(kinds) - 2):
        if kinds[index : index + 3] == ["code"] * 3:
            yield f"{place(notebook, index)}\n  three code cells in a row start here"


def not_too_long(path: Path, notebook: NotebookNode) -> Iterator[str]:
    """A chapter has exercises, and not too many code cells before them."""
    cells = 0
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cells += 1
        elif re.search(rf"^{EXERCISES}\s*$", cell.source, re.MULTILINE):
            break
    else:
        yield f"there is no heading {EXERCISES}"
    if cells > CELLS_BEFORE_EXERCISES:
        most = CELLS_BEFORE_EXERCISES
        yield f"{cells} code cells before the exercises; {most} at most"


RULES: list[Rule] = [
    one_title,
    no_skipped_level,
    no_empty_cell,
    alt_texts,
    links_resolve,
    navigation,
    words,
    short_code,
    code_between_text,
    not_too_long,
]


def headings(notebook: NotebookNode) -> list[tuple[int, int, str]]:
    """Index of the cell, level and text of each heading."""
    return [
        (index, len(marks), text)
        for index, source in _markdown(notebook)
        for marks, text in _HEADING.findall(source)
    ]


def links(text: str) -> list[tuple[str, str]]:
    """Label and target of each link in Markdown or HTML."""
    return [
        *_LINK.findall(text),
        *((label, target) for target, label in _HTML_LINK.findall(text)),
    ]


def anchor(heading: str) -> str:
    """What JupyterLab calls a heading in an address."""
    return re.sub(r"[`*]", "", heading).replace(" ", "-")


def _fault_of_link(path: Path, target: str) -> str:
    parts = urlsplit(target)
    if parts.scheme in ("http", "https"):
        return "" if "." in parts.netloc else f"{target} is not an address"
    if parts.scheme or parts.netloc or not target:
        return f"{target or 'an empty link'} is neither http nor a file here"
    file = path.parent / unquote(parts.path) if parts.path else path
    if not file.exists():
        return f"{target}: no such file"
    if parts.fragment and file.suffix == ".ipynb":
        anchors = {anchor(text) for _, _, text in headings(read(file))}
        if unquote(parts.fragment) not in anchors:
            return f"{target}: no such heading in {file.name}"
    return ""


def _markdown(notebook: NotebookNode) -> list[tuple[int, str]]:
    """Index and source of each text cell, without the code that is quoted in it."""
    return [
        (index, _FENCE.sub("", cell.source))
        for index, cell in enumerate(notebook.cells)
        if cell.cell_type == "markdown"
    ]


def _rendered(notebook: NotebookNode) -> list[tuple[int, str]]:
    """What a reader sees as formatted: text, and outputs in HTML."""
    html = [
        (index, output.data["text/html"])
        for index, cell in enumerate(notebook.cells)
        if cell.cell_type == "code"
        for output in cell.outputs
        if "text/html" in output.get("data", {})
    ]
    text = [(index, _CODE.sub("", source)) for index, source in _markdown(notebook)]
    return [*text, *html]


def _attributes(element: str) -> dict[str, str]:
    return {name: value for name, _, value in _ATTRIBUTE.findall(element)}
