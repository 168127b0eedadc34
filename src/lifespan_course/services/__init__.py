"""The services of chapter 11: modules that a server runs in a process of its own.

Each prints a line for what it does, so that its output is its log.
"""

from importlib.resources import files


class Source(str):
    """The text of a module, shown as it stands in the file."""

    __slots__ = ()
    __repr__ = str.__str__


def source(name: str) -> Source:
    """Read a service, without the docstring that it begins with.

    name: the module's name in this package.
    """
    text = (files(__package__) / f"{name}.py").read_text(encoding="utf-8")
    return Source(text.split('"""', 2)[2].strip() + "\n")
