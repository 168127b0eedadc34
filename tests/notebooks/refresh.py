"""Run the notebooks and store what came out: ``python -m tests.notebooks.refresh``.

Without arguments all of them; with some, like ``01 03``, those whose names begin so.
Notebooks that were saved from JupyterLab come out in canonical form. One that fails
stays as it is, and the exit code is 1.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from tests.notebooks.canonical import canonical
from tests.notebooks.comparison import differences
from tests.notebooks.execution import Run, run_all
from tests.notebooks.series import NOTEBOOKS, notebooks, read, text, write


def main(names: Sequence[str], folder: Path = NOTEBOOKS) -> int:
    chosen = [
        path
        for path in notebooks(folder)
        if not names or path.name.startswith(tuple(names))
    ]
    if not chosen:
        print(f"there is no notebook {' or '.join(names)}".rstrip())
        return 1
    runs = run_all(chosen).values()
    for run in runs:
        print("\n".join(_store(run)))
    return int(any(run.problems for run in runs))


def _store(run: Run) -> list[str]:
    """Store the outputs of a run, if it went well, and say what changed."""
    name = run.path.name
    if run.problems:
        return [f"{name}: failed, and stays as it is", *run.problems]
    fresh = canonical(run.first.notebook)
    if text(fresh) == run.path.read_text(encoding="utf-8"):
        return [f"{name}: as it was"]
    changed = differences(read(run.path), fresh, name)
    write(fresh, run.path)
    return [f"{name}: stored; other outputs in {len(changed)} cells", *changed]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
