"""The files that may have to do with an event: only these are parsed."""

import re
from collections.abc import Iterable

from lifespan_tools.migrate.project import Project
from lifespan_tools.migrate.refusals import Refusal
from lifespan_tools.migrate.source import Source, UnreadableError

EVENTS = re.compile(r"on_event|add_event_handler|on_startup|on_shutdown")
FRAMEWORKS = re.compile(r"FastAPI|APIRouter|Starlette|include_router|fastapi|starlette")


class Relevance:
    """The files to parse, found by their text and their imports.

    Those with events, and what they import. All that may import one of these, for it
    may make, include or pass on an application. What those import in turn, as far as
    it may make a router.
    """

    def __init__(self, project: Project) -> None:
        self.project = project
        self.unreadable: list[Refusal] = []
        """Files with events that can't be parsed."""
        self._broken: set[Source] = set()
        self._parsed: dict[Source, None] = {}
        every = project.sources.values()
        self._add(each for each in every if EVENTS.search(each.text))
        self._add_imported(list(self._parsed))
        self._add_importing()
        ahead = list(self._parsed)
        while ahead:
            ahead = self._add_imported(ahead)

    @property
    def sources(self) -> list[Source]:
        """The files, in the order in which they were found."""
        return list(self._parsed)

    def _add(self, sources: Iterable[Source]) -> list[Source]:
        """Parse files and keep those that could be; returns the new ones."""
        added = [
            each
            for each in dict.fromkeys(sources)
            if each not in self._parsed and self._can_be_parsed(each)
        ]
        self._parsed |= dict.fromkeys(added)
        return added

    def _add_imported(self, sources: list[Source]) -> list[Source]:
        """Add what some files import, if it has to do with a framework."""
        return self._add(
            each
            for source in sources
            for each in self.project.imported_by(source)
            if FRAMEWORKS.search(each.text)
        )

    def _add_importing(self) -> None:
        """Add what may import one of the files, by the names in its text."""
        asked: set[str] = set()
        while names := {_module_name(each) for each in self._parsed} - asked:
            asked |= names
            words = re.compile(r"\b(?:" + "|".join(map(re.escape, names)) + r")\b")
            every = self.project.sources.values()
            self._add(each for each in every if words.search(each.text))

    def _can_be_parsed(self, source: Source) -> bool:
        if source in self._broken:
            return False
        try:
            return bool(source.names)
        except UnreadableError as error:
            self._broken.add(source)
            if EVENTS.search(source.text):
                self.unreadable.append(Refusal(source.path, 1, str(error)))
            return False


def _module_name(source: Source) -> str:
    path = source.path
    return path.parent.name if path.stem == "__init__" else path.stem
