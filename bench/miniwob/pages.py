"""The pages of MiniWoB++, as the wheel brings them, on an address of loopback.

Only files of the package's own folder are ever served: names are compared with what is there, so that no path leads out
of it. Nothing of the package is imported, so that nothing that it depends on need be there.
"""

import mimetypes
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from urllib.parse import unquote, urlsplit

from tests.support.loopback import LoopbackServer

_FOLDER = "miniwob/html"
_SOCKET_SECONDS = 10.0
# jQuery UI and its like ask for files by these names.
_KINDS = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
}


class Missing(Exception):
    """The package is not installed; the message says how to get it."""


def folder() -> Path:
    """Where the pages are. Raises ``Missing``."""
    try:
        path = Path(str(distribution("miniwob").locate_file(_FOLDER)))
    except PackageNotFoundError:
        path = Path()
    if not (path / "miniwob").is_dir():
        raise Missing("The package miniwob is not installed; requirements/miniwob.lock pins it (pip install --no-deps)")
    return path


class Pages:
    """The server. ``tasks`` are the names of all pages."""

    def __init__(self, root: Path) -> None:
        self.tasks = sorted(path.stem for path in (root / "miniwob").glob("*.html"))
        files = {f"/{path.relative_to(root)}": path for path in root.rglob("*") if path.is_file()}
        self._server = LoopbackServer(type("Handler", (_Handler,), {"files": files}))

    @property
    def allow(self) -> str:
        """What the egress policy has to allow."""
        return f"127.0.0.1:{self._server.port}"

    def url(self, task: str) -> str:
        """Address of a task's page."""
        return f"http://{self.allow}/miniwob/{task}.html"

    def close(self) -> None:
        """End it."""
        self._server.close()


@contextmanager
def serving() -> Iterator[Pages]:
    """The pages for the length of a block. Raises ``Missing``."""
    pages = Pages(folder())
    try:
        yield pages
    finally:
        pages.close()


class _Handler(BaseHTTPRequestHandler):
    files: dict[str, Path]
    protocol_version = "HTTP/1.1"
    timeout = _SOCKET_SECONDS

    def do_GET(self) -> None:
        path = self.files.get(unquote(urlsplit(self.path).path))
        body = path.read_bytes() if path else b"There is no such file.\n"
        kind = "text/plain; charset=utf-8"
        if path:
            kind = _KINDS.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        self.send_response(200 if path else 404)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """The output is the report's."""
