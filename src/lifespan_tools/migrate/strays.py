"""Handlers that are registered on something that is no known application."""

import ast
from pathlib import Path

from lifespan_tools.migrate.applications import Applications
from lifespan_tools.migrate.calls import phase_of
from lifespan_tools.migrate.includes import is_foreign
from lifespan_tools.migrate.objects import Made
from lifespan_tools.migrate.project import Defined, External, Outside, Unknown
from lifespan_tools.migrate.refusals import Refusal, shown
from lifespan_tools.migrate.scopes import root
from lifespan_tools.migrate.source import Source

CHANGES = {"append", "extend", "insert", "remove", "clear", "pop"}
"""The methods that change a list."""


class Strays:
    """What one file registers on things that can't be told."""

    def __init__(self, applications: Applications, source: Source) -> None:
        self.applications = applications
        self.source = source

    def look(self) -> None:
        """Refuse these, and note what is another framework's."""
        names = self.source.names
        for node in names.attributes:
            if node in self.applications.claimed:
                continue
            above = names.parents[node]
            if node.attr in ("on_event", "add_event_handler") and (
                isinstance(above, ast.Call) and above.func is node
            ):
                self._registration(node, above)
            elif node.attr in ("on_startup", "on_shutdown"):
                self._list(node, above)
        for call in names.calls:
            for keyword in call.keywords:
                if keyword.arg in ("on_startup", "on_shutdown"):
                    self._keyword(call, keyword)

    def _registration(self, node: ast.Attribute, call: ast.Call) -> None:
        what = self.source.code(node)
        if phase_of(call) is None or self._is_foreign(node.value):
            self._note_foreign(node.lineno, what)
            return
        self._refuse(
            node,
            f"`{what}`: {self._about(node.value)}",
            "register the handlers where the application is made, or write the "
            "lifespan by hand",
        )

    def _list(self, node: ast.Attribute, above: ast.AST) -> None:
        """`router.on_startup`, if it is changed."""
        what, owner = self.source.code(node), self.source.code(node.value)
        changes = isinstance(above, ast.Attribute) and above.attr in CHANGES
        assigns = isinstance(node.ctx, ast.Store) and "router" in owner
        if not changes and not assigns:
            return
        if self._is_foreign(node.value):
            self._note_foreign(node.lineno, what)
            return
        self._refuse(
            node,
            f"`{what}` is changed, and whose list that is can't be told",
            "move this into the lifespan by hand",
        )

    def _keyword(self, call: ast.Call, keyword: ast.keyword) -> None:
        """`something(on_startup=...)`, which may be a class of another project."""
        if any(made.call is call for made in self.applications.made):
            return
        function, line = self.source.code(call.func), keyword.value.lineno
        what = f"{function}({keyword.arg}=)"
        thing = self.applications.resolve(self.source, call.func)
        if isinstance(thing, External) and thing.package not in (
            "fastapi",
            "starlette",
        ):
            self._note_foreign(line, what)
        elif function == "super().__init__" or isinstance(thing, Outside):
            self.applications.stray.add(
                Refusal(
                    self.source.path,
                    line,
                    f"`{what}` can't be followed",
                    "give it a `lifespan` by hand",
                )
            )

    def _refuse(self, node: ast.Attribute, reason: str, advice: str) -> None:
        """Refuse it, and the applications that it may be about.

        A parameter or an attribute of `self` was given by somebody, which has been
        looked at where it was. Anything else may be what its file can import.
        """
        every = self.applications.made
        thing = self.applications.resolve(self.source, root(node))
        if isinstance(thing, Defined) and isinstance(thing.node, ast.arg):
            about = [made for made in every if thing.name in made.returned_by]
        else:
            about = [made for made in every if self._can_import(made)]
        for made in about:
            made.refuse(
                self.source,
                node.lineno,
                f"{reason}; it may be {made}",
                advice,
                event=True,
            )
        if not about:
            self.applications.stray.add(
                Refusal(self.source.path, node.lineno, reason, advice)
            )

    def _can_import(self, made: Made) -> bool:
        seen: set[Path] = set()
        ahead = [self.source]
        while ahead:
            here = ahead.pop()
            if here is made.source:
                return True
            if here.path not in seen and here in self.applications.sources:
                seen.add(here.path)
                ahead += self.applications.project.imported_by(here)
        return False

    def _note_foreign(self, line: int, what: str) -> None:
        self.applications.foreign.add(
            Refusal(self.source.path, line, f"`{what}` isn't FastAPI's or Starlette's")
        )

    def _is_foreign(self, node: ast.expr) -> bool:
        """Whether something is surely made by another package."""
        return is_foreign(self.applications.maker(self.source, node))

    def _about(self, node: ast.expr) -> str:
        """What is known of the thing that is registered on."""
        thing = self.applications.resolve(self.source, root(node))
        first = self.source.code(root(node))
        if isinstance(thing, Defined) and isinstance(thing.node, ast.arg):
            if first in ("self", "cls"):
                return "an application that is kept on an object can't be followed"
            return f"registers on the parameter `{first}`"
        if isinstance(thing, Outside):
            return f"`{first}` is made in {shown(thing.path)}, which wasn't given"
        if isinstance(thing, External):
            return f"`{first}` isn't of this project"
        if isinstance(thing, Unknown) and thing.lines:
            return thing.reason
        return f"which application `{self.source.code(node)}` is can't be told"
