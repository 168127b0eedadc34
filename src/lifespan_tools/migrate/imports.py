"""Adding imports to a file, and removing those that nothing needs any more."""

import ast
import re
import sys

from lifespan_tools.migrate.arguments import WIDTH
from lifespan_tools.migrate.edits import Edits
from lifespan_tools.migrate.project import External, Project

UNUSED = re.compile(r"[ \t]*# noqa: F401(?=\s*\Z)")
"""What allows an import that nothing reads."""

Import = ast.Import | ast.ImportFrom


class Imports:
    """The imports of one file, and what is added to them."""

    def __init__(self, project: Project, edits: Edits) -> None:
        self.project = project
        self.edits = edits
        self.source = edits.source
        self._names: dict[tuple[str, str], str] = {}
        self._added: dict[ast.ImportFrom, list[str]] = {}
        self._removed: dict[Import, set[ast.alias]] = {}
        self._used: dict[Import, set[ast.alias]] = {}
        self._new: dict[str, list[str]] = {}
        self._after: dict[tuple[Import, str], list[str]] = {}

    def standard(self, module: str, name: str, line: int) -> str:
        """How a line of the file says `module.name`, of Python's library."""
        if (module, name) in self._names:
            return self._names[module, name]
        found = self._known(module, name, line)
        if found is None:
            found = name if name not in self.source.names.words else ""
            if not found:
                found = self.edits.name(f"{module.rpartition('.')[2]}_{name}")
            text = name if found == name else f"{name} as {found}"
            statement = self._statement_from(module, line)
            if statement is None:
                self._new.setdefault(module, []).append(text)
            else:
                self._added.setdefault(statement, []).append(text)
            self.edits.taken.add(found)
        self._names[module, name] = found
        return found

    def _known(self, module: str, name: str, line: int) -> str | None:
        top = self.source.names.module
        for bound, nodes in top.bindings.items():
            if len(nodes) != 1 or not isinstance(nodes[0], ast.alias):
                continue
            if not self._at_top(nodes[0]) or nodes[0].lineno > line:
                continue
            thing = self.project.bound(self.source, top, bound)
            if thing == External(f"{module}.{name}"):
                return bound
            if thing == External(module):
                return f"{bound}.{name}"
        return None

    def _at_top(self, node: ast.AST) -> bool:
        names = self.source.names
        return names.parents[names.statement(node)] is names.tree

    def _statement_from(self, module: str, line: int) -> ast.ImportFrom | None:
        for node in self.source.tree.body:
            if (
                isinstance(node, ast.ImportFrom)
                and node.lineno < line
                and node.module == module
                and not node.level
                and self._can_grow(node)
            ):
                return node
        return None

    def _can_grow(self, node: ast.ImportFrom) -> bool:
        """Whether isort would have a further name there, and it is plainly laid out."""
        if node.names[0].name == "*" or any(each.asname for each in node.names):
            return False
        code = self.source.code(node)
        if node.lineno == node.end_lineno:
            return "(" not in code
        lines = code.splitlines()
        return len(lines) == len(node.names) + 2 and all(
            line.strip().partition(",")[0] == each.name and "," in line
            for line, each in zip(lines[1:-1], node.names, strict=True)
        )

    def beside(self, statement: Import, module: str, name: str, wish: str) -> str:
        """Import something in the scope of another import; how it is called there."""
        key = (f"{statement.lineno}:{module}", name)
        if key in self._names:
            return self._names[key]
        found = self.edits.name(name, wish)
        text = name if found == name else f"{name} as {found}"
        written = _module_text(statement)
        if (
            isinstance(statement, ast.ImportFrom)
            and written == module
            and found == name
            and self._can_grow(statement)
        ):
            self._added.setdefault(statement, []).append(text)
        else:
            self._after.setdefault((statement, module), []).append(text)
        self._names[key] = found
        return found

    def use(self, alias: ast.alias) -> None:
        """Note that the lifespan reads an imported name."""
        statement = self.source.names.parents[alias]
        assert isinstance(statement, ast.Import | ast.ImportFrom)
        used = self._used.setdefault(statement, set())
        used.add(alias)
        read = {each.id for each in self.source.names.loads}
        if all(each in used or _bound_name(each) in read for each in statement.names):
            start, end = self.source.line_at(self.source.end(statement))
            found = UNUSED.search(self.source.text[start:end])
            if found:
                self.edits.replace(start + found.start(), start + found.end(), "")

    def remove(self, alias: ast.alias) -> None:
        """Drop one imported name."""
        statement = self.source.names.parents[alias]
        assert isinstance(statement, ast.Import | ast.ImportFrom)
        self._removed.setdefault(statement, set()).add(alias)

    def write(self) -> None:
        """Put all this into the edits."""
        for statement in dict.fromkeys((*self._added, *self._removed)):
            self._rewrite(statement)
        places: dict[tuple[int, str, str], list[str]] = {}
        for module in sorted(self._new):
            names = ", ".join(sorted(self._new[module], key=_sorting))
            line = f"from {module} import {names}{self.source.newline}"
            places.setdefault(self._place(module), []).append(line)
        for (offset, before, after), lines in places.items():
            self.edits.insert(offset, "".join([before, *lines, after]))
        for (statement, module), texts in sorted(
            self._after.items(), key=lambda item: item[0][1]
        ):
            start, _ = self.source.line_at(self.source.start(statement))
            margin = self.source.text[start : self.source.start(statement)]
            last = self._last_before(statement, module)
            _, end = self.source.line_at(self.source.end(last))
            renames = any(each.asname for each in statement.names)
            for names in _lines_of(texts):
                line = f"{margin}from {module} import {names}{self.source.newline}"
                first = renames and module == _module_text(statement)
                self.edits.insert(start if first and " as " not in names else end, line)

    def _last_before(self, statement: Import, module: str) -> Import:
        """The last import directly below a statement that sorts before a module."""
        names = self.source.names
        body: list[ast.stmt] = names.parents[statement].body  # type: ignore[attr-defined]
        below = iter(body[body.index(statement) + 1 :])
        last = statement
        while (
            isinstance(each := next(below, None), ast.ImportFrom)
            and each.lineno == (last.end_lineno or 0) + 1
            and _module_text(each) < module
        ):
            last = each
        return last

    def _rewrite(self, statement: Import) -> None:
        removed = self._removed.get(statement, set())
        added = self._added.get(statement, []) if _is_from(statement) else []  # type: ignore[arg-type]
        kept = [each for each in statement.names if each not in removed]
        source = self.source
        if not kept and not added:
            start, _ = source.line_at(source.start(statement))
            _, end = source.line_at(source.end(statement))
            self.edits.delete_lines(start, end)
            return
        first, last = statement.names[0], statement.names[-1]
        texts = [source.code(each) for each in kept]
        if added:
            in_order = texts == sorted(texts, key=_sorting)
            texts = (
                sorted([*texts, *added], key=_sorting) if in_order else texts + added
            )
        joined = ", ".join(texts)
        if statement.lineno != statement.end_lineno:
            self._rewrite_lines(statement, removed)
            self._add_lines(statement, added)
            return
        start, _ = source.line_at(source.start(statement))
        length = source.start(first) - start + len(joined)
        if added and length > WIDTH:
            line, step = source.newline, source.indent
            below = "".join(f"{line}{step}{text}," for text in texts)
            joined = f"({below}{line})"
        self.edits.replace(source.start(first), source.end(last), joined)

    def _add_lines(self, statement: Import, added: list[str]) -> None:
        """Names that stand below each other: put in a line where it is in order."""
        source = self.source
        for text in sorted(added, key=_sorting):
            order = _sorting(text)
            later = [each for each in statement.names if _sorting(each.name) > order]
            beside = later[0] if later else statement.names[-1]
            start, end = source.line_at(source.start(beside))
            margin = source.text[start : source.start(beside)]
            line = f"{margin}{text},{source.newline}"
            self.edits.insert(start if later else end, line)

    def _rewrite_lines(self, statement: Import, removed: set[ast.alias]) -> None:
        """Names that stand below each other: drop a line, or a name and its comma."""
        source = self.source
        for alias in removed:
            start, end = source.start(alias), source.end(alias)
            comma = source.text.find(",", end, source.end(statement))
            if comma >= 0:
                end = comma + 1
            line_start, line_end = source.line_at(start)
            if not (source.text[line_start:start] + source.text[end:line_end]).strip():
                self.edits.delete_lines_only(line_start, line_end)
            else:
                while source.text[end : end + 1] == " ":
                    end += 1
                self.edits.replace(start, end, "")

    def _place(self, module: str) -> tuple[int, str, str]:
        """Where isort would have a new import, and what goes before and after it."""
        source, newline = self.source, self.source.newline
        block = self._first_imports()
        standard = [each for each in block if _is_standard(each)]
        after: ast.stmt | None = None
        for each in standard:
            if isinstance(each, ast.Import) or (each.module or "") < module:
                after = each
        if after is not None:
            _, offset = source.line_at(source.end(after))
            whole = source.text[:offset].endswith(("\n", "\r"))
            return offset, "" if whole else newline, ""
        if block:
            offset, _ = source.line_at(source.start(block[0]))
            return offset, "", "" if standard else newline
        head = self._head()
        if head is None:
            offset, _ = source.line_at(source.start(source.tree.body[0]))
            return offset, "", newline * 2
        _, offset = source.line_at(source.end(head))
        return offset, newline, ""

    def _head(self) -> ast.stmt | None:
        """The last of a docstring and imports of `__future__`."""
        heads = [
            node
            for number, node in enumerate(self.source.tree.body)
            if (isinstance(node, ast.ImportFrom) and node.module == "__future__")
            or (number == 0 and isinstance(node, ast.Expr))
        ]
        return heads[-1] if heads else None

    def _first_imports(self) -> list[Import]:
        """The imports that the file begins with, but for `__future__`."""
        found: list[Import] = []
        for node in self.source.tree.body:
            if isinstance(node, ast.Import | ast.ImportFrom):
                found.append(node)
            elif found:
                break
        return [each for each in found if _module_text(each) != "__future__"]


def _lines_of(texts: list[str]) -> list[str]:
    """What one line imports: isort gives each `x as y` a line of its own."""
    plain = sorted((each for each in texts if " as " not in each), key=_sorting)
    renamed = sorted((each for each in texts if " as " in each), key=_sorting)
    return [*([", ".join(plain)] if plain else []), *renamed]


def _bound_name(alias: ast.alias) -> str:
    return alias.asname or alias.name.partition(".")[0]


def _is_from(statement: Import) -> bool:
    return isinstance(statement, ast.ImportFrom)


def _module_text(statement: Import) -> str:
    if isinstance(statement, ast.ImportFrom):
        return "." * statement.level + (statement.module or "")
    return ""


def _is_standard(statement: Import) -> bool:
    if isinstance(statement, ast.ImportFrom):
        name = "" if statement.level else statement.module or ""
    else:
        name = statement.names[0].name
    return name.partition(".")[0] in sys.stdlib_module_names


def _sorting(text: str) -> tuple[int, str]:
    """isort's order: constants, classes, then the others."""
    name = text.partition(" ")[0]
    kind = 0 if name.isupper() and len(name) > 1 else 1 if name[:1].isupper() else 2
    return kind, name
