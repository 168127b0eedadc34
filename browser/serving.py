"""Show the site on loopback, below a sub-path, as a static host would."""

import argparse
import sys
import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from urllib.parse import urlsplit

from browser.places import SITE

SUB_PATH = "/lifespan-lab/"
"""GitHub Pages serves a project's site below its name."""


class Handler(SimpleHTTPRequestHandler):
    """Files of one folder below the sub-path, and nothing beside it."""

    protocol_version = "HTTP/1.1"
    extensions_map = SimpleHTTPRequestHandler.extensions_map | {
        ".ipynb": "application/json",
        ".js": "text/javascript",
        ".mjs": "text/javascript",
        ".wasm": "application/wasm",
        ".whl": "application/octet-stream",
    }

    def do_GET(self) -> None:
        if urlsplit(self.path).path == SUB_PATH.rstrip("/"):
            self.send_response(301)
            self.send_header("Location", SUB_PATH)
            self.send_header("Content-Length", "0")
            self.end_headers()
        else:
            super().do_GET()

    def translate_path(self, path: str) -> str:
        below = path.removeprefix(SUB_PATH)
        inside = "/" + below if below != path else "/nothing-beside-the-sub-path"
        return super().translate_path(inside)

    def log_message(self, *args: object) -> None:
        """Say nothing about requests."""


@contextmanager
def serving(folder: Path = SITE, port: int = 0) -> Iterator[str]:
    """Serve a folder on loopback; yield its address, which ends in a slash.

    Args:
        folder: the site.
        port: the port; 0 for a free one.
    """
    handler = partial(Handler, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", port), handler) as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}{SUB_PATH}"
        finally:
            server.shutdown()
            thread.join()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m browser.serving")
    parser.add_argument("--port", type=int, default=0, help="default: a free one")
    parser.add_argument("--no-open", action="store_true", help="open no browser")
    asked = parser.parse_args()
    if not (SITE / "index.html").exists():
        print("There is no site yet: make browser", file=sys.stderr)
        return 1
    with serving(port=asked.port) as address:
        print(f"Lifespan Lab: {address}  (Ctrl+C ends it)", flush=True)
        if not asked.no_open:
            webbrowser.open(address)
        try:
            Event().wait()
        except KeyboardInterrupt:
            print()
    return 0


if __name__ == "__main__":
    sys.exit(main())
