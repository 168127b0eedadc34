"""Which client this release of Starlette's TestClient is made of, as JSON."""

import json
import sys
import warnings
from collections.abc import Callable

from starlette.applications import Starlette


def first_words(make: Callable[[], object]) -> str:
    try:
        make()
    except Exception as error:
        return f"{type(error).__name__}: {error}".splitlines()[0]
    return "works"


def import_client() -> None:
    import starlette.testclient  # noqa: F401


def start_app() -> None:
    from starlette.testclient import TestClient

    with TestClient(Starlette()) as client:
        assert client.get("/").status_code == 404


with warnings.catch_warnings(record=True, action="always") as seen:
    imported = first_words(import_client)
loaded = [name for name in ("httpx", "httpx2") if name in sys.modules]
print(
    json.dumps(
        {
            "client": ", ".join(loaded),
            "import": imported,
            "import warns of httpx": any("httpx" in str(each.message) for each in seen),
            "with TestClient(app)": first_words(start_app),
        }
    )
)
