"""Run the notebooks and store what came out: ``python -m tests.notebooks.refresh``.

Without arguments all of them; with some, like ``01 03``, those whose names begin so.
A notebook that fails stays as it is, and the exit code is 1. Notebooks that were saved
from JupyterLab come out in canonical form.
"""

import sys
from collections.abc import Sequence

from tests.notebooks.canonical import canonical
from tests.notebooks.execution import Run, run_all
from tests.notebooks.series import notebooks, place, read, write


def main(names: Sequence[str]) -> int:
    chosen = [
        path for path in notebooks() if not names or path.name.startswith(tuple(names))
    ]
    if not chosen:
        print(
            f"no notebook begins with {' or '.join(names)}" if names else "none found"
        )
        return 1
    runs = run_all(chosen).values()
    for run in runs:
        print("\n".join(_store(run)))
    return int(any(run.problems for run in runs))


def _store(run: Run) -> list[str]:
    """Store a run, if it went well, and say what changed."""
    if run.problems:
        return [f"{run.path.name}: failed, the file stays as it is", *run.problems]
    stored, fresh = read(run.path), canonical(run.first.notebook)
    if stored == fresh:
        return [f"{run.path.name}: as it was"]
    write(fresh, run.path)
    changed = [
        f"  {place(fresh, index)}"
        for index, cell in enumerate(fresh.cells)
        if cell.get("outputs") != stored.cells[index].get("outputs")
    ]
    return [f"{run.path.name}: stored, {len(changed)} outputs changed", *changed]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
