"""Count the words of Python's standard library: where words.txt comes from.

Run ``python -m lifespan_course.count_words > words.txt`` to count again. The file
that ships was counted in CPython 3.11.7. It holds words and numbers, no text.
"""

import re
import sysconfig
from collections import Counter
from pathlib import Path

LEAST_COUNT = 4
LEFT_OUT = {"encodings", "idlelib", "lib2to3", "site-packages", "test", "tests"}
WORD = re.compile(r"[a-z]{3,20}")


def source_files(library: Path) -> list[Path]:
    """Return the library's Python files, tests and tables left out."""
    return [
        path
        for path in sorted(library.rglob("*.py"))
        if not LEFT_OUT.intersection(path.relative_to(library).parts)
    ]


def count_words(files: list[Path]) -> Counter[str]:
    """Count lower-case words of 3 to 20 letters in code, comments and docstrings."""
    counts: Counter[str] = Counter()
    for path in files:
        counts.update(WORD.findall(path.read_text("utf-8", errors="ignore").lower()))
    return counts


def main() -> None:
    """Print one ``word count`` line for each word, in alphabetical order."""
    counts = count_words(source_files(Path(sysconfig.get_path("stdlib"))))
    for word, count in sorted(counts.items()):
        if count >= LEAST_COUNT:
            print(word, count)


if __name__ == "__main__":
    main()
