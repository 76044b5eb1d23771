"""The site that tests act on and observe: the pages of ``tests/site`` and what they call, on two origins of loopback.

``127.0.0.1`` and ``localhost`` are different sites to a browser, so a frame of the one in a page of the other gets a
process of its own; in a page, ``{{other}}`` is the other origin. Requests, waits and bodies are bounded, a bad query is
answered 400, and nothing outside of the folder is ever served.

Paths: the pages by name (``/controls.html``), ``/`` lists them; ``/slow?seconds=S&as=html|json|image|script``,
``/report.pdf``, ``/notes.txt``, ``/data.json``, ``/picture.png``, ``/tone.wav``, ``/redirect?to=/PATH``, ``/submit``
(shows the fields that it was sent), ``/items?page=N`` (a page of a feed), ``/download/NAME`` (an attachment),
``/denied`` (may not be framed); all else is 404.
"""

import html
import io
import json
import re
import struct
import threading
import wave
import zlib
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.parser import BytesParser
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from tests.support.loopback import LoopbackServer

FOLDER = Path(__file__).resolve().parents[1] / "site"

_PDF = "application/pdf"
_TEXT = "text/plain; charset=utf-8"
_KINDS = {".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8", ".js": "text/javascript"}
_MAX_SLOW_SECONDS = 30.0
_MAX_BODY_BYTES = 8 * 1024 * 1024
_SOCKET_SECONDS = 10.0
_ITEMS_A_PAGE = 20
_LAST_PAGE = 10
_DOWNLOADS = {
    "report.csv": ("text/csv; charset=utf-8", b"month,sessions,minutes\nJanuary,1204,8133\nFebruary,1377,9020\n"),
    "notes.txt": (_TEXT, b"Bring the lantern.\n"),
}


@dataclass(frozen=True)
class Request:
    """A request that came in; header names are lower case."""

    method: str
    host: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes = b""


@dataclass(frozen=True)
class Reply:
    """What a request is answered."""

    body: bytes
    kind: str = "text/html; charset=utf-8"
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Step:
    """A control: its id, and the frame (by name) or the shadow host (by id) that it is in."""

    id: str
    frame: str = ""
    host: str = ""


@dataclass(frozen=True)
class Row:
    """What ``README.md`` of the site says about a control: ``before`` is clicked first, ``logs`` is what it records.

    ``act`` is click, type, press, set, select, drag, or – (look, do not act); ``value`` is what to type or to choose.
    """

    page: str
    before: tuple[Step, ...]
    step: Step
    act: str
    value: str
    logs: str


class Site:
    """The server. ``requests`` are the last thousand that came, oldest first."""

    def __init__(self) -> None:
        self.requests: deque[Request] = deque(maxlen=1000)
        self._closing = threading.Event()
        handler = type("Handler", (_Handler,), {"site": self})
        self._servers = (LoopbackServer(handler), LoopbackServer(handler))

    @property
    def origin(self) -> str:
        """The origin that pages are usually opened from."""
        return f"http://127.0.0.1:{self._servers[0].port}"

    @property
    def other_origin(self) -> str:
        """An origin of another site."""
        return f"http://localhost:{self._servers[1].port}"

    @property
    def allow(self) -> tuple[str, ...]:
        """What the egress policy has to allow for both origins."""
        return (self.origin.removeprefix("http://"), self.other_origin.removeprefix("http://"))

    def url(self, path: str = "") -> str:
        """Address of a page, such as ``controls.html``, or of any path."""
        return f"{self.origin}/{path.removeprefix('/')}"

    def seen(self, path: str) -> list[Request]:
        """The requests for a path, whatever their query."""
        return [request for request in list(self.requests) if request.path == path]

    def close(self) -> None:
        """End it; slow answers end as well."""
        self._closing.set()
        for server in self._servers:
            server.close()

    def answer(self, request: Request) -> Reply:
        """What this request gets."""
        self.requests.append(request)
        if request.path == "/slow":
            return self._slow(request.query)
        name = request.path.removeprefix("/")
        # Names are compared with what is there, so that no path can lead out of the folder.
        found = next((path for path in FOLDER.iterdir() if path.name == name and path.suffix in _KINDS), None)
        if found is None:
            return _made(request, name)
        text = found.read_text()
        if found.suffix == ".html":
            is_other = request.host == self.other_origin.removeprefix("http://")
            text = text.replace("{{other}}", self.origin if is_other else self.other_origin)
        return Reply(text.encode(), _KINDS[found.suffix])

    def _slow(self, query: Mapping[str, str]) -> Reply:
        if not re.fullmatch(r"\d{1,2}(\.\d{1,3})?", query.get("seconds", "")):
            return _refused("seconds must be a number such as 1.5")
        seconds = float(query["seconds"])
        if seconds > _MAX_SLOW_SECONDS:
            return _refused(f"seconds must be at most {_MAX_SLOW_SECONDS:.0f}")
        self._closing.wait(seconds)
        match query.get("as", "html"):
            case "html":
                return Reply(_page("Late page", f"<p id='late'>It took {seconds:g} seconds.</p>", "landed slow"))
            case "json":
                return Reply(json.dumps({"seconds": seconds}).encode(), "application/json")
            case "image":
                return Reply(picture(), "image/png")
            case "script":
                return Reply(b"window.lateScript = true;\n", "text/javascript")
        return _refused("as must be html, json, image or script")


@contextmanager
def serving_site() -> Iterator[Site]:
    """The site for the length of a test."""
    site = Site()
    try:
        yield site
    finally:
        site.close()


def rows() -> tuple[Row, ...]:
    """Every row of the site's tables, in their order."""
    found: list[Row] = []
    page = ""
    for line in (FOLDER / "README.md").read_text().splitlines():
        if line.startswith("## "):
            page = line.removeprefix("## ")
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| ") and cells[0] != "control":
            _, ids, act, logs = cells
            found.extend(_row(page, one, act, logs) for one in ids.split(", "))
    return tuple(found)


def _row(page: str, ids: str, act: str, logs: str) -> Row:
    *before, step = (_step(part) for part in ids.split(" → "))
    verb, _, value = act.partition(" ")
    return Row(page, tuple(before), step, verb, value, logs.replace("{id}", step.id).replace("{frame}", step.frame))


def _step(text: str) -> Step:
    if " / " in text:
        frame, name = text.split(" / ")
        return Step(name, frame=frame)
    host, _, name = text.rpartition(" > ")
    return Step(name, host=host)


class _Handler(BaseHTTPRequestHandler):
    site: Site
    timeout = _SOCKET_SECONDS

    def do_GET(self) -> None:
        self._serve(b"")

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "")
        if not length.isdigit() or int(length) > _MAX_BODY_BYTES:
            self._send(Reply(_page("Too large", "<p>A body is at most 8 MiB.</p>"), status=413))
            return
        self._serve(self.rfile.read(int(length)))

    def _serve(self, body: bytes) -> None:
        parts = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        query = dict(parse_qsl(parts.query))
        request = Request(self.command, headers.get("host", ""), parts.path, query, headers, body)
        self._send(self.site.answer(request))

    def _send(self, reply: Reply) -> None:
        self.send_response(reply.status)
        headers = {"Content-Type": reply.kind, "Content-Length": str(len(reply.body)), "Cache-Control": "no-store"}
        for name, value in (headers | dict(reply.headers)).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(reply.body)

    def log_message(self, format: str, *args: object) -> None:
        """A test's output is its own."""


def _made(request: Request, name: str) -> Reply:
    """What is not a file."""
    match name.split("/"):
        case [""]:
            pages = sorted(path.name for path in FOLDER.glob("*.html"))
            return Reply(_page("Pages", "".join(f"<p><a href='/{page}'>{page}</a></p>" for page in pages)))
        case ["report.pdf"]:
            return Reply(pdf("Quarterly report", "Sessions rose by a fifth.", "Costs stayed where they were."), _PDF)
        case ["notes.txt"]:
            return Reply("Field notes\n\nThe bats came out at dusk — forty of them.\n".encode(), _TEXT)
        case ["data.json"]:
            return Reply(json.dumps({"species": ["noctule", "serotine"], "count": 2}).encode(), "application/json")
        case ["picture.png"]:
            return Reply(picture(), "image/png")
        case ["tone.wav"]:
            return Reply(silence(), "audio/wav")
        case ["favicon.ico"]:
            return Reply(b"", "image/x-icon", 204)
        case ["redirect"]:
            return _redirected(request.query.get("to", ""))
        case ["submit"]:
            sent = fields(request)
            shown = "".join(f"<li>{html.escape(key)} = {html.escape(value)}</li>" for key, value in sent)
            names = "+".join(key for key, value in sent if value)
            return Reply(_page("Received", f"<ul id='received'>{shown}</ul>", f"received {names}"))
        case ["items"]:
            return _items(request.query.get("page", "1"))
        case ["download", file] if file in _DOWNLOADS:
            kind, body = _DOWNLOADS[file]
            return Reply(body, kind, headers={"Content-Disposition": f'attachment; filename="{file}"'})
        case ["denied"]:
            body = _page("Not in a frame", "<p>This page may not be framed.</p>")
            return Reply(body, headers={"X-Frame-Options": "DENY"})
    return Reply(_page("Not found", "<p>There is no such page.</p>"), status=404)


def fields(request: Request) -> list[tuple[str, str]]:
    """The fields that a form sent, in their order; of a file, its name and size."""
    kind = request.headers.get("content-type", "")
    if request.method == "GET":
        return list(request.query.items())
    if not kind.startswith("multipart/form-data"):
        return parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True)
    found = []
    message = BytesParser().parsebytes(f"Content-Type: {kind}\r\n\r\n".encode() + request.body)
    for part in message.walk():
        name = part.get_param("name", header="content-disposition")
        content = part.get_payload(decode=True)
        if isinstance(name, str) and isinstance(content, bytes):
            file = part.get_filename()
            text = content.decode("utf-8", "replace") if file is None else f"{file} ({len(content)} bytes)"
            found.append((name, text))
    return found


def _redirected(to: str) -> Reply:
    if not to.startswith("/") or to.startswith("//"):
        return _refused("to must be a path of this site")
    return Reply(b"", status=302, headers={"Location": to})


def _items(page: str) -> Reply:
    if not page.isdigit() or not 1 <= int(page) <= _LAST_PAGE:
        return _refused(f"page must be 1 to {_LAST_PAGE}")
    first = (int(page) - 1) * _ITEMS_A_PAGE + 1
    items = [{"id": number, "title": f"Observation {number}"} for number in range(first, first + _ITEMS_A_PAGE)]
    following = int(page) + 1 if int(page) < _LAST_PAGE else None
    return Reply(json.dumps({"items": items, "next": following}).encode(), "application/json")


def _refused(reason: str) -> Reply:
    return Reply(_page("Bad request", f"<p>{html.escape(reason)}</p>"), status=400)


def _page(title: str, body: str, entry: str = "") -> bytes:
    """A page of a title and a body, which records the entry, if there is one."""
    head = f"<!doctype html><html lang='en'><meta charset='utf-8'><title>{title}</title>"
    look = "<link rel='stylesheet' href='/site.css'><script src='/site.js'></script>"
    said = json.dumps(entry).replace("<", "\\u003c")
    told = f"<script>record({said})</script>" if entry else ""
    return f"{head}{look}<main><h1>{title}</h1>{body}</main>{told}</html>".encode()


def pdf(title: str, *lines: str) -> bytes:
    """A valid PDF of one page: a heading, and a line of text each."""
    shown = "".join(f"({line}) Tj 0 -22 Td " for line in lines)
    content = f"BT /F1 24 Tf 72 740 Td ({title}) Tj /F1 12 Tf 0 -36 Td {shown}ET"
    objects = (
        "<< /Type /Catalog /Pages 2 0 R >>",
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R"
        " /Resources << /Font << /F1 5 0 R >> >> >>",
        f"<< /Length {len(content)} >>\nstream\n{content}\nendstream",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        f"<< /Title ({title}) >>",
    )
    out, offsets = "%PDF-1.4\n", []
    for number, text in enumerate(objects, 1):
        offsets.append(len(out))
        out += f"{number} 0 obj\n{text}\nendobj\n"
    table = "".join(f"{offset:010d} 00000 n \n" for offset in offsets)
    size = len(objects) + 1
    trailer = f"trailer\n<< /Size {size} /Root 1 0 R /Info {size - 1} 0 R >>\nstartxref\n{len(out)}\n%%EOF\n"
    return f"{out}xref\n0 {size}\n0000000000 65535 f \n{table}{trailer}".encode("ascii")


def picture(width: int = 320, height: int = 200) -> bytes:
    """A PNG of an evening sky: dark above, amber below."""
    rows = b"".join(
        b"\0" + bytes((40 + 180 * row // height, 40 + 90 * row // height, 90 - 30 * row // height)) * width
        for row in range(height)
    )
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks
    )


def silence(seconds: int = 1) -> bytes:
    """A WAV of nothing to hear."""
    out = io.BytesIO()
    with wave.open(out, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(bytes(2 * 8000 * seconds))
    return out.getvalue()
