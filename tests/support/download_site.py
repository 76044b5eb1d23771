"""A site whose pages bring files, in every way that pages have."""

import hashlib
import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qs, urlsplit

from tests.support.loopback import LoopbackServer

_STALL_SECONDS = 30.0
_PIECE = 64 * 1024

_WORKER = """
self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(clients.claim()));
self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  if (url.pathname !== "/made-by-worker") return;
  const headers = { "content-disposition": 'attachment; filename="worker.bin"', "content-type": "application/x-own" };
  event.respondWith(fetch("/file?seed=worker&name=x").then((answer) => new Response(answer.body, { headers })));
});
"""
_PAGE = """<!doctype html><meta charset="utf-8"><title>Downloads</title>
<a id="attachment" href="/file?seed=attachment&name=report.csv">attachment</a>
<a id="attribute" href="/plain?seed=attribute" download="notes äöü.txt">attribute</a>
<a id="popup" target="_blank" href="/file?seed=popup&name=popup.bin">popup</a>
<a id="pdf" href="/report.pdf?seed=pdf">inline PDF</a>
<a id="forced-pdf" href="/file?seed=forced&name=forced.pdf">forced PDF</a>
<a id="data" download="data.bin" href="data:application/x-own;base64,AAECAwQFBgcICQ==">data</a>
<a id="empty" href="/file?seed=empty&name=empty.bin&size=0">empty</a>
<a id="breaks" href="/breaks">breaks</a>
<a id="large" href="/file?seed=large&name=large.bin&size=500000000&stalls=1">large</a>
<a id="unsized" href="/endless">endless</a>
<a id="worker" href="/made-by-worker">worker</a>
<button id="blob">blob</button>
<button id="two">two</button>
<button id="same">same</button>
<button id="script">script</button>
<button id="stall">stalls</button>
<script>
  const $ = (id) => document.getElementById(id);
  const bring = (href, name) => Object.assign(document.createElement("a"), { href, download: name ?? "" }).click();
  $("blob").onclick = async () => {
    const body = await (await fetch("/plain?seed=blob")).blob();
    bring(URL.createObjectURL(body), "made.bin");
  };
  $("two").onclick = () => {
    for (const seed of ["one", "other"]) window.open(`/file?seed=${seed}&name=${seed}.bin`);
  };
  $("same").onclick = () => {
    for (const seed of ["first", "second"]) window.open(`/file?seed=${seed}&name=same.bin`);
  };
  $("script").onclick = () => setTimeout(() => (location.href = "/file?seed=script&name=script.bin"), 100);
  $("stall").onclick = () => bring("/file?seed=stall&name=stall.bin&size=1000000&stalls=1");
</script>"""
_FRAMED = """<!doctype html><iframe id="inner" src="{other}/framed"></iframe>"""
_INNER = """<!doctype html><a id="framed" href="/file?seed=framed&name=framed.bin">framed</a>
<script>setTimeout(() => document.getElementById("framed").click(), 200)</script>"""
_WITH_WORKER = """<!doctype html><script>
navigator.serviceWorker.register("/worker.js").then(() => navigator.serviceWorker.ready)
  .then(() => { location.href = "/"; });
</script>"""


def content(seed: str, size: int = 300_000) -> bytes:
    """The bytes of a file of the site."""
    return random.Random(seed).randbytes(size)


def sha256(body: bytes) -> str:
    """Its hash, in hex."""
    return hashlib.sha256(body).hexdigest()


class DownloadSite:
    """The server, on two origins of different sites. ``stalled`` is set once an answer stands still."""

    def __init__(self) -> None:
        self.closing = threading.Event()
        self.stalled = threading.Event()
        self.authorizations: list[str] = []
        handler = type("Handler", (_Handler,), {"site": self})
        self._servers = (LoopbackServer(handler), LoopbackServer(handler))

    @property
    def allow(self) -> tuple[str, ...]:
        """What the egress policy has to allow for it."""
        return (f"127.0.0.1:{self._servers[0].port}", f"localhost:{self._servers[1].port}")

    @property
    def other(self) -> str:
        """The other origin."""
        return f"http://localhost:{self._servers[1].port}"

    def url(self, path: str = "/") -> str:
        """Address of a path."""
        return f"http://127.0.0.1:{self._servers[0].port}{path}"

    def close(self) -> None:
        """End it; answers that stand still end as well."""
        self.closing.set()
        for server in self._servers:
            server.close()


@contextmanager
def serving_downloads() -> Iterator[DownloadSite]:
    """The site for the length of a test."""
    site = DownloadSite()
    try:
        yield site
    finally:
        site.close()


class _Handler(BaseHTTPRequestHandler):
    site: DownloadSite
    protocol_version = "HTTP/1.1"
    timeout = 10.0

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        match parts.path:
            case "/file":
                self._file(query)
            case "/plain":
                self._answer(content(query["seed"]), "application/octet-stream")
            case "/report.pdf":
                self._answer(b"%PDF-1.4\n" + content(query["seed"]), "application/pdf")
            case "/breaks":
                self._head({"Content-Length": "1000000", "Content-Disposition": 'attachment; filename="half.bin"'})
                self.wfile.write(bytes(_PIECE))
                self.close_connection = True
            case "/endless":
                self._head({"Content-Disposition": 'attachment; filename="endless.bin"', "Connection": "close"})
                self._pour()
                self.close_connection = True
            case "/worker.js":
                self._answer(_WORKER.encode(), "text/javascript")
            case "/with-worker":
                self._answer(_WITH_WORKER.encode())
            case "/frames":
                self._answer(_FRAMED.format(other=self.site.other).encode())
            case "/framed":
                self._answer(_INNER.encode())
            case "/":
                self._answer(_PAGE.encode())
            case _:
                self.send_error(404)

    def _file(self, query: dict[str, str]) -> None:
        size = int(query.get("size", "300000"))
        name = query["name"]
        self._head({"Content-Length": str(size), "Content-Disposition": f'attachment; filename="{name}"'})
        if "stalls" in query:
            self.wfile.write(bytes(min(size, _PIECE)))
            self.site.stalled.set()
            self.site.closing.wait(_STALL_SECONDS)
            self.close_connection = True
            return
        self.wfile.write(content(query["seed"], size))

    def _pour(self) -> None:
        try:
            while not self.site.closing.is_set():
                self.wfile.write(bytes(_PIECE))
        except OSError:
            self.site.stalled.set()

    def _answer(self, body: bytes, kind: str = "text/html; charset=utf-8") -> None:
        self._head({"Content-Type": kind, "Content-Length": str(len(body))})
        self.wfile.write(body)

    def _head(self, headers: dict[str, str]) -> None:
        self.send_response(200)
        for name, value in (
            {"Content-Type": "application/octet-stream", "Cache-Control": "no-store"} | headers
        ).items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """A test's output is its own."""
