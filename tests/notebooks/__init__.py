"""What holds the notebook series true: every notebook is run, compared and read."""

import sys

# jsonschema imports rfc3987_syntax where it is installed, to check IRIs, and that
# builds a grammar for a whole second. No schema of a notebook has an IRI in it.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
