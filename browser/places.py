"""Where things are: what is kept in the repository, and what a build makes of it."""

from pathlib import Path

ROOT = Path(__file__).parents[1]
HERE = Path(__file__).parent
NOTEBOOKS = ROOT / "notebooks"
SNIPPETS = ROOT / "src" / "lifespan_lab"

BUILD = ROOT / "build" / "browser"
SITE = BUILD / "site"
NPM = BUILD / "npm"
DOWNLOADED = BUILD / "downloaded"
PACKED = BUILD / "packed"
LITE = BUILD / "lite"
REPORT = BUILD / "report"
