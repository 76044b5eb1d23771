"""Small web pages for browsers under test: a server on a loopback port of its own."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

_STALL_SECONDS = 30.0


@dataclass(frozen=True)
class Reply:
    """What a path answers. ``stalls_after`` sends that many bytes of the body and then nothing for long."""

    body: str = ""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    stalls_after: int | None = None


@dataclass(frozen=True)
class Request:
    """A request that came in; header names are lower case."""

    path: str
    headers: Mapping[str, str]


class Pages:
    """The server. ``replies`` may be changed at any time; ``requests`` are those that came, oldest first."""

    def __init__(self) -> None:
        self.replies: dict[str, Reply] = {}
        self.requests: list[Request] = []
        self._closing = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        """Where it listens, on 127.0.0.1."""
        return self._server.server_address[1]

    @property
    def allow(self) -> tuple[str, ...]:
        """What the egress policy has to allow for it."""
        return (f"127.0.0.1:{self.port}",)

    def url(self, path: str = "/") -> str:
        """Address of a path."""
        return f"http://127.0.0.1:{self.port}{path}"

    def add(self, path: str, body: str, **reply: object) -> str:
        """Serve this at that path; answers its address."""
        self.replies[path] = Reply(body, **reply)  # type: ignore[arg-type]
        return self.url(path)

    def close(self) -> None:
        """End it; stalled answers end as well."""
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=5)

    def _handler(self) -> Callable[..., BaseHTTPRequestHandler]:
        pages = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                headers = {name.lower(): value for name, value in self.headers.items()}
                pages.requests.append(Request(self.path, headers))
                reply = pages.replies.get(self.path.partition("?")[0], Reply("not here", 404))
                body = reply.body.encode()
                if reply.stalls_after == 0:
                    pages._closing.wait(_STALL_SECONDS)
                    return
                self.send_response(reply.status)
                kind = "text/javascript" if self.path.endswith(".js") else "text/html; charset=utf-8"
                for name, value in {"Content-Type": kind, **reply.headers}.items():
                    self.send_header(name, value)
                if reply.status != 204:
                    self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body[: reply.stalls_after])
                if reply.stalls_after is not None:
                    self.wfile.flush()
                    pages._closing.wait(_STALL_SECONDS)

            def log_message(self, format: str, *args: object) -> None:
                """A test's output is its own."""

        return Handler


@contextmanager
def serving() -> Iterator[Pages]:
    """A server for the length of a test."""
    pages = Pages()
    try:
        yield pages
    finally:
        pages.close()
