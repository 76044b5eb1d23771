"""A site that people sign in to: it keeps who they are in cookies, storage, a database and a service worker.

Its pages are in ``tests/site/login``. ``/login`` (POST ``name``) sets an HttpOnly session cookie and a lasting one,
``/account`` knows who has it, ``/offline`` can be had while ``is_offline`` is false, ``/fill?kib=N`` is so much noise.
"""

import json
import random
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from http.cookies import SimpleCookie
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import ClassVar
from urllib.parse import parse_qs, urlsplit

from tests.support.loopback import LoopbackServer

_FOLDER = Path(__file__).resolve().parents[1] / "site" / "login"
_LONGEST_BODY = 4096
_MOST_KIB = 64 * 1024


class LoginSite:
    """The server. ``names`` are those who have signed in, by their cookie; ``visits`` counts its pages shown."""

    def __init__(self) -> None:
        self.names: dict[str, str] = {}
        self.is_offline = False
        self.visits = 0
        self._server = LoopbackServer(type("Handler", (_Handler,), {"site": self}))

    @property
    def origin(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self._server.port}"

    @property
    def allow(self) -> str:
        """What the egress policy has to allow."""
        return self.origin.removeprefix("http://")

    def url(self, path: str = "") -> str:
        """The address of a page of it."""
        return f"{self.origin}/{path}"

    def close(self) -> None:
        """End it."""
        self._server.close()


class _Handler(BaseHTTPRequestHandler):
    site: ClassVar[LoginSite]
    timeout = 10.0

    def do_GET(self) -> None:
        path, query = urlsplit(self.path).path, parse_qs(urlsplit(self.path).query)
        if path == "/":
            self.site.visits += 1
            self._send(200, "text/html; charset=utf-8", (_FOLDER / "app.html").read_bytes())
        elif path == "/worker.js":
            self._send(200, "text/javascript", (_FOLDER / "worker.js").read_bytes())
        elif path == "/account":
            name = self.site.names.get(self._cookie())
            self._send(*((200, "application/json", json.dumps({"name": name}).encode()) if name else _REFUSED))
        elif path == "/offline" and not self.site.is_offline:
            self._send(200, "text/html; charset=utf-8", b"<title>Kept</title><p id=kept>kept for the night</p>")
        elif path == "/fill":
            kib = min(int(query["kib"][0]), _MOST_KIB)
            self._send(200, "application/octet-stream", random.Random(kib).randbytes(kib * 1024))
        else:
            self._send(404, "text/plain", b"nothing here")

    def do_POST(self) -> None:
        body = self.rfile.read(min(int(self.headers.get("Content-Length", "0")), _LONGEST_BODY)).decode()
        if urlsplit(self.path).path != "/login":
            self._send(404, "text/plain", b"nothing here")
            return
        value = secrets.token_hex(16)
        self.site.names[value] = parse_qs(body)["name"][0]
        cookies = (f"sid={value}; Path=/; HttpOnly; SameSite=Lax", "seen=yes; Path=/; Max-Age=86400; SameSite=Strict")
        self._send(200, "text/plain", b"welcome", cookies)

    def _cookie(self) -> str:
        found = SimpleCookie(self.headers.get("Cookie", "")).get("sid")
        return found.value if found else ""

    def _send(self, status: int, kind: str, body: bytes, cookies: tuple[str, ...] = ()) -> None:
        self.send_response(status)
        for name, value in (("Content-Type", kind), ("Content-Length", str(len(body))), ("Cache-Control", "no-store")):
            self.send_header(name, value)
        for cookie in cookies:
            self.send_header("Set-Cookie", cookie)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """A test's output is its own."""


_REFUSED = (401, "text/plain", b"sign in first")


@contextmanager
def serving_login_site() -> Iterator[LoginSite]:
    """The site for the length of a test."""
    site = LoginSite()
    try:
        yield site
    finally:
        site.close()
