"""Both halves of the WebSocket handshake (RFC 6455, section 4), without extensions or subprotocols."""

import base64
import binascii
import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

import msgspec

_GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
HEAD_LIMIT_BYTES: Final = 64 * 1024


class BadHandshake(Exception):
    """The other side's handshake cannot be accepted; ``status`` is what a client is answered with."""

    def __init__(self, message: str, status: int = 400, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.headers = dict(headers or {})


@dataclass(frozen=True)
class Head:
    """The first line's three parts, and the headers by lower-case name; repeated ones joined with commas."""

    first_line: tuple[str, str, str]
    headers: Mapping[str, str]


def parse_head(data: bytes) -> Head:
    """A request's or response's head, the bytes up to its blank line. Raises ``BadHandshake``."""
    first, *lines = data.decode("latin-1").split("\r\n")
    parts = first.split(" ", 2)
    if len(parts) != 3:
        raise BadHandshake("The first line is malformed.")
    headers: dict[str, str] = {}
    for line in filter(None, lines):
        name, colon, value = line.partition(":")
        if not colon:
            raise BadHandshake("A header is malformed.")
        key = name.strip().lower()
        headers[key] = f"{headers[key]}, {value.strip()}" if key in headers else value.strip()
    return Head((parts[0], parts[1], parts[2]), headers)


def accept(head: Head) -> bytes:
    """The response that opens the client's connection. Raises ``BadHandshake``."""
    if head.first_line[0] != "GET":
        raise BadHandshake("A WebSocket is opened with GET.", 405, {"Allow": "GET"})
    if head.headers.get("sec-websocket-version") != "13":
        raise BadHandshake("Only version 13 of WebSocket is spoken here.", 426, {"Sec-WebSocket-Version": "13"})
    key = head.headers.get("sec-websocket-key", "")
    try:
        decoded = base64.b64decode(key, validate=True)
    except (binascii.Error, ValueError):
        decoded = b""
    if len(decoded) != 16:
        raise BadHandshake("Sec-WebSocket-Key must be 16 bytes in Base64.")
    return (
        "HTTP/1.1 101 Switching Protocols\r\n"
        "Upgrade: websocket\r\n"
        "Connection: Upgrade\r\n"
        f"Sec-WebSocket-Accept: {_digest(key)}\r\n\r\n"
    ).encode()


def refusal(status: int, message: str, headers: Mapping[str, str] | None = None) -> bytes:
    """A plain HTTP error response with the API's JSON body, after which the connection closes."""
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = "Error"
    body = msgspec.json.encode({"status": status, "message": message})
    lines = [f"HTTP/1.1 {status} {phrase}", *(f"{name}: {value}" for name, value in (headers or {}).items())]
    lines += ["Content-Type: application/json", f"Content-Length: {len(body)}", "Connection: close", "", ""]
    return "\r\n".join(lines).encode() + body


def new_key() -> str:
    """A fresh Sec-WebSocket-Key."""
    return base64.b64encode(secrets.token_bytes(16)).decode()


def request(host: str, port: int, path: str, key: str) -> bytes:
    """The request that opens our connection to a browser. It has no Origin, which Chromium would check."""
    return (
        f"GET {path} HTTP/1.1\r\n"
        f"Host: {host}:{port}\r\n"
        "Upgrade: websocket\r\n"
        "Connection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {key}\r\n"
        "Sec-WebSocket-Version: 13\r\n\r\n"
    ).encode()


def check_response(head: Head, key: str) -> None:
    """Whether the browser opened the connection as asked. Raises ``BadHandshake``."""
    if head.first_line[1] != "101" or head.headers.get("sec-websocket-accept") != _digest(key):
        raise BadHandshake(f"The browser answered {head.first_line[1]}.")
    if "sec-websocket-extensions" in head.headers:
        raise BadHandshake("The browser wants an extension that nobody offered.")


def _digest(key: str) -> str:
    return base64.b64encode(hashlib.sha1(key.encode() + _GUID, usedforsecurity=False).digest()).decode()
