"""The learner's workbench: copies of the chapters that are safe to edit.

The chapters in ``notebooks/`` belong to git. A learner works in ``my/``, which git
ignores, so that a solved exercise breaks neither a test nor a ``git pull``.

Use::

    python -m lifespan_course.workbench lab
    python -m lifespan_course.workbench fresh 03
"""

import argparse
import os
import shutil
import sys
from collections.abc import Sequence
from itertools import count
from pathlib import Path

FIRST = "00_start_here.ipynb"
SETTINGS = Path(__file__).with_name("jupyterlab")


class WorkbenchError(Exception):
    """What went wrong, in one line that says what to do."""


def project() -> Path:
    """Return the clone of the project that this module was installed from.

    Raises:
        WorkbenchError: this is an installation without the notebooks (a wheel).
    """
    root = Path(__file__).resolve().parents[2]
    if not (root / "notebooks" / FIRST).is_file():
        raise WorkbenchError(
            f"no notebooks in {root}: clone the project, then run `make lab` there "
            "(without make: `pip install --editable .`, and this command again)."
        )
    return root


def missing_chapters(root: Path) -> list[Path]:
    """Return the chapters in ``root/notebooks`` that have no copy in ``root/my``."""
    chapters = sorted((root / "notebooks").glob("*.ipynb"))
    return [chapter for chapter in chapters if not _copy_of(chapter).exists()]


def copy_missing(root: Path) -> list[Path]:
    """Copy the missing chapters into ``root/my`` and return the new copies.

    No copy that is already there is touched.
    """
    return [_copied(chapter) for chapter in missing_chapters(root)]


def fresh_copy(root: Path, chapter: str) -> Path | None:
    """Bring back the working copy of one chapter and keep the old one beside it.

    Args:
        root: The clone of the project.
        chapter: The chapter's number, such as ``"03"`` or ``"3"``.

    Returns:
        Where the old copy is now, or None where there was none.

    Raises:
        WorkbenchError: no chapter has this number.
    """
    original = _chapter(root, chapter)
    current = _copy_of(original)
    kept = _first_free(current) if current.exists() else None
    if kept:
        current.rename(kept)
    _copied(original)
    return kept


def lab(root: Path, options: Sequence[str] = ()) -> None:
    """Copy the missing chapters and run JupyterLab on the first one until it stops.

    Args:
        root: The clone of the project.
        options: More options for ``jupyter lab``, such as ``--ip=0.0.0.0``.

    Raises:
        WorkbenchError: JupyterLab is not installed.
    """
    try:
        from jupyterlab.labapp import LabApp  # type: ignore[import-untyped]
    except ImportError as error:
        raise WorkbenchError(
            f"JupyterLab can't be imported by {sys.executable} ({error}): run "
            "`make lab`, or create the environment from environment.yml."
        ) from error
    if copies := copy_missing(root):
        print("New in my/:", ", ".join(copy.stem for copy in copies))
    print("Starting JupyterLab. Stop it with Ctrl+C.", flush=True)
    LabApp.launch_instance(
        [
            f"--ServerApp.root_dir={root}",  # so that links to the snippets open
            f"--LabApp.default_url=/lab/tree/my/{FIRST}",  # the printed URL has it too
            "--allow-root",  # a container's only user is often root
            "--LanguageServerManager.autodetect=False",  # it would leave npm running
            "--ServerApp.log_level=WARN",
            "--LabApp.log_level=WARN",
            f"--LabApp.app_settings_dir={SETTINGS}",  # no question about news
            *options,
        ]
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code: 0, or 2 after an error."""
    parser = argparse.ArgumentParser(
        prog="python -m lifespan_course.workbench",
        description="Your own copies of the chapters, in the folder my/.",
    )
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser(
        "lab",
        help="copy missing chapters to my/ and open JupyterLab there",
        epilog="Other options are passed on to `jupyter lab`.",
    )
    commands.add_parser(
        "fresh", help="bring a chapter's copy back, the old one is kept beside it"
    ).add_argument("chapter", nargs="?", default="", help="its number, such as 03")
    known, options = parser.parse_known_args(arguments)
    try:
        root = project()
        if known.command == "lab":
            lab(root, options)
        else:
            kept = fresh_copy(root, " ".join([known.chapter, *options]))
            print("Done." + (f" The old copy is my/{kept.name}" if kept else ""))
    except (WorkbenchError, OSError) as error:
        print(f"lifespan-lab: {error}", file=sys.stderr)
        return 2
    return 0


def _chapter(root: Path, number: str) -> Path:
    chapters = sorted((root / "notebooks").glob("[0-9][0-9]_*.ipynb"))
    for path in chapters:
        if number and path.name.startswith(f"{number.zfill(2)}_"):
            return path
    raise WorkbenchError(
        (f"there is no chapter {number!r}" if number else "no chapter was named")
        + "; give one by its number, such as CHAPTER=03, from: "
        + ", ".join(path.stem for path in chapters)
    )


def _copy_of(chapter: Path) -> Path:
    return chapter.parents[1] / "my" / chapter.name


def _copied(chapter: Path) -> Path:
    # Through a second name: an interrupted copy must not pass for the learner's own.
    copy = _copy_of(chapter)
    copy.parent.mkdir(exist_ok=True)
    half = copy.with_suffix(".part")
    shutil.copyfile(chapter, half)
    half.rename(copy)
    return copy


def _first_free(path: Path) -> Path:
    names = (path.with_name(f"{path.stem}.kept-{n}{path.suffix}") for n in count(1))
    return next(name for name in names if not os.path.lexists(name))


if __name__ == "__main__":
    raise SystemExit(main())
