"""The text of a lifespan."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True)
class Call:
    """A handler's call, with the comments that stood beside it."""

    code: str
    names: frozenset[str]
    """The names that it reads."""
    comments: tuple[str, ...] = ()

    @property
    def lines(self) -> list[str]:
        """The call; comments stand above it."""
        return [*self.comments, self.code]


@dataclass(frozen=True)
class Guarded:
    """Calls, and those that follow them even if one of them raises."""

    first: Sequence["Step"]
    then: Sequence["Step"]


Step: TypeAlias = Call | Guarded


@dataclass(frozen=True)
class Lifespan:
    """A lifespan function that is about to be written."""

    name: str
    decorator: str
    parameter: str
    annotation: str
    returns: str
    startup: Sequence[Call]
    shutdown: Sequence[Step]
    around: str = ""
    """An older lifespan that it enters in between."""
    state: str = "state"

    def lines(self, indent: str) -> list[str]:
        """Its lines, without what ends them."""
        annotation = f": {self.annotation}" if self.annotation else ""
        returns = f" -> {self.returns}" if self.returns else ""
        return [
            f"@{self.decorator}",
            f"async def {self.name}({self.parameter}{annotation}){returns}:",
            *(f"{indent}{line}" for call in self.startup for line in call.lines),
            *(f"{indent}{line}" for line in self._served(indent)),
        ]

    def _served(self, indent: str) -> list[str]:
        serving = ["yield"]
        if self.around:
            serving = [
                f"async with {self.around}({self.parameter}) as {self.state}:",
                f"{indent}yield {self.state}",
            ]
        if not self.shutdown:
            return serving
        return [
            "try:",
            *(f"{indent}{line}" for line in serving),
            "finally:",
            *(f"{indent}{line}" for line in _lines(self.shutdown, indent)),
        ]


def _lines(steps: Sequence[Step], indent: str) -> Iterator[str]:
    for step in steps:
        if isinstance(step, Call):
            yield from step.lines
        else:
            yield "try:"
            yield from (f"{indent}{line}" for line in _lines(step.first, indent))
            yield "finally:"
            yield from (f"{indent}{line}" for line in _lines(step.then, indent))
