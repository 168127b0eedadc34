"""How one file names another: the module in an import."""

import ast
from pathlib import Path

from lifespan_tools.migrate.source import Source


def dotted(
    source: Source, target: Source, statement: ast.Import | ast.ImportFrom, known: Path
) -> str:
    """How `source` names the file `target`, in the way of one of its imports.

    known: the file that this import's module is in.
    """
    if isinstance(statement, ast.ImportFrom) and statement.level:
        return relative(source.path, target.path)
    if isinstance(statement, ast.ImportFrom):
        parts = (statement.module or "").split(".")
    else:
        parts = statement.names[0].name.split(".")
    folder = known.parent
    above = len(parts) if known.name == "__init__.py" else len(parts) - 1
    for _ in range(above):
        folder = folder.parent
    return ".".join(_module_parts(target.path.relative_to(folder)))


def relative(source: Path, target: Path) -> str:
    """A relative import's module: `.items`, `..db.session`."""
    folder, dots = source.parent, "."
    while folder not in target.parents:
        folder, dots = folder.parent, dots + "."
    return dots + ".".join(_module_parts(target.relative_to(folder)))


def _module_parts(path: Path) -> tuple[str, ...]:
    parts = path.with_suffix("").parts
    return parts[:-1] if parts[-1] == "__init__" else parts
