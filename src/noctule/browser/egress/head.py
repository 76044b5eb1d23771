"""Requests that a browser sends to its proxy: parsed, judged for shape, and written anew for the origin.

Parsing is httptools' (llhttp, strict); what it lets through is rendered again from its parts, so a request
that two parsers could read in two ways never reaches an origin. Nothing is added that would tell the origin
of a proxy: the head is the one that the browser would have sent directly.
"""

from dataclasses import dataclass

import httptools

MAX_HEAD_BYTES = 64 * 1024

_HOP_BY_HOP = frozenset({b"connection", b"keep-alive", b"te", b"trailer", b"upgrade", b"host"})
# Framing and routing, which a Connection header must not be able to remove.
_KEPT_ALWAYS = frozenset({b"host", b"content-length", b"transfer-encoding"})


class BadRequest(Exception):
    """A request that cannot be served. ``status`` is 400 or 431; ``message`` is for people."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.message = message
        self.status = status


@dataclass(frozen=True, slots=True)
class Request:
    """One request. ``head`` is what the origin gets, empty for CONNECT; ``chunked`` says how its body goes on."""

    host: str
    port: int
    is_connect: bool
    head: bytes
    chunked: bool


class End:
    """The end of a request."""


END = End()
Event = Request | bytes | End


class RequestReader:
    """Turns bytes into requests, pieces of their bodies, and their ends.

    After CONNECT it reads no further: ``leftover`` holds the bytes that came behind it.
    """

    def __init__(self) -> None:
        self._parser = httptools.HttpRequestParser(self)
        self._events: list[Event] = []
        self._url = b""
        self._headers: list[tuple[bytes, bytes]] = []
        self._head_bytes = 0
        self._parsed_bytes = 0
        self._error: BadRequest | None = None
        self.in_head = False
        self.leftover = b""

    def feed(self, data: bytes) -> list[Event]:
        """What these bytes complete. Raises ``BadRequest``; then nothing more may be fed."""
        if self.in_head:
            self._head_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self.leftover = data[upgrade.args[0] :]
        except httptools.HttpParserError as error:
            raise self._error or BadRequest(f"The request is malformed: {error}.") from None
        if self.in_head and max(self._head_bytes, self._parsed_bytes) > MAX_HEAD_BYTES:
            raise _too_large()
        events, self._events = self._events, []
        return events

    def on_message_begin(self) -> None:
        self.in_head = True
        self._url = b""
        self._headers = []
        self._head_bytes = 0
        self._parsed_bytes = 0

    def on_url(self, piece: bytes) -> None:
        self._url += piece
        self._parsed_bytes += len(piece)

    def on_header(self, name: bytes, value: bytes) -> None:
        if self.in_head:  # Else it is a trailer, which goes no further.
            self._headers.append((name, value))
            self._parsed_bytes += len(name) + len(value) + 4

    def on_headers_complete(self) -> None:
        self.in_head = False
        try:
            self._events.append(self._request())
        except BadRequest as error:
            self._error = error
            raise

    def on_body(self, piece: bytes) -> None:
        self._events.append(piece)

    def on_message_complete(self) -> None:
        self._events.append(END)

    def _request(self) -> Request:
        if self._parsed_bytes > MAX_HEAD_BYTES:
            raise _too_large()
        method = self._parser.get_method()
        if method == b"CONNECT":
            host, port = _split_authority(self._url, None)
            return Request(host, port, True, b"", False)
        if self._parser.should_upgrade():
            raise BadRequest("A protocol other than HTTP needs CONNECT here.")
        scheme, separator, rest = self._url.partition(b"://")
        if not separator or scheme.lower() != b"http":
            raise BadRequest("This is a proxy: it takes CONNECT and requests for http:// addresses.")
        authority, path = _split_path(rest)
        host, port = _split_authority(authority, 80)
        headers = self._for_origin(authority)
        version = self._parser.get_http_version().encode()
        lines = [b"%s %s HTTP/%s" % (method, path, version), *(b"%s: %s" % header for header in headers)]
        chunked = any(name.lower() == b"transfer-encoding" for name, _ in headers)
        return Request(host, port, False, b"\r\n".join([*lines, b"", b""]), chunked)

    def _for_origin(self, authority: bytes) -> list[tuple[bytes, bytes]]:
        named = {
            token.strip().lower()
            for name, value in self._headers
            if _is_connection(name)
            for token in value.split(b",")
        } - _KEPT_ALWAYS
        kept = [(b"Host", authority)]
        closing = not self._parser.should_keep_alive() or b"close" in named
        kept.append((b"Connection", b"close" if closing else b"keep-alive"))
        for name, value in self._headers:
            if any(byte in value for byte in b"\r\n\0"):
                raise BadRequest("The request is malformed: a header holds a line break.")
            lower = name.lower()
            if lower not in _HOP_BY_HOP and lower not in named and not lower.startswith(b"proxy-"):
                kept.append((name, value))
        return kept


def _is_connection(name: bytes) -> bool:
    return name.lower() in (b"connection", b"proxy-connection")


def _split_path(rest: bytes) -> tuple[bytes, bytes]:
    rest = rest.partition(b"#")[0]
    end = min((at for at in (rest.find(b"/"), rest.find(b"?")) if at >= 0), default=len(rest))
    authority, path = rest[:end], rest[end:]
    return authority, path if path.startswith(b"/") else b"/" + path


def _split_authority(authority: bytes, default_port: int | None) -> tuple[str, int]:
    """Host (an IPv6 address in brackets) and port."""
    try:
        text = authority.decode("ascii")
    except UnicodeDecodeError:
        raise BadRequest("The request is malformed: its host is not ASCII.") from None
    host, colon, port = text.rpartition(":")
    if not colon or text.endswith("]"):
        host, port = text, ""
    elif not port and default_port is None:
        raise BadRequest("The request is malformed: it names no port.")
    if not host or "@" in host or (":" in host and not (host.startswith("[") and host.endswith("]"))):
        raise BadRequest("The request is malformed: it names no host that can be understood.")
    if not port:
        if default_port is None:
            raise BadRequest("The request is malformed: it names no port.")
        return host, default_port
    if not port.isdigit() or len(port) > 5 or not 0 < int(port) < 65536:
        raise BadRequest("The request is malformed: its port is no port.")
    return host, int(port)


def _too_large() -> BadRequest:
    return BadRequest(f"The request's head is larger than {MAX_HEAD_BYTES} bytes.", 431)
