"""WebSockets: each is an exchange of its own, told when it is over, with how much went each way.

What must always hold: a socket that never ends costs the same however much it says: of its messages the first
``MAX_MESSAGES`` are listed, all are counted, and what is in them is kept only where bodies are.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

from noctule.browser.driver.capture.clock import BrowserClock
from noctule.browser.driver.capture.exchanges import Tell
from noctule.browser.driver.capture.hops import Place
from noctule.browser.driver.capture.messages import (
    Message,
    SocketClosed,
    SocketCreated,
    SocketFailed,
    SocketFrame,
    SocketFrameReceived,
    SocketFrameSent,
    SocketHandshakeReceived,
    SocketHandshakeSent,
    SocketResponse,
)
from noctule.browser.driver.capture.shaping import (
    cut,
    cut_url,
    head_bytes,
    header_pairs,
    initiator,
    request_head_bytes,
)

MAX_SOCKETS = 200
MAX_MESSAGES = 100
_MAX_MESSAGE_CHARACTERS = 1024
_TEXT = 1


@dataclass(slots=True)
class _Way:
    """What went one way."""

    messages: int = 0
    payload_bytes: int = 0
    wire_bytes: int = 0

    def add(self, size: int, *, masked: bool) -> None:
        self.messages += 1
        self.payload_bytes += size
        self.wire_bytes += size + (2 if size < 126 else 4 if size < 65536 else 10) + (4 if masked else 0)


@dataclass(slots=True)
class _Socket:
    place: Place
    url: str
    made_by: dict[str, Any]
    began: float
    request_headers: dict[str, str] = field(default_factory=dict)
    response: SocketResponse | None = None
    handshake_ended: float = 0.0
    sent: _Way = field(default_factory=_Way)
    received: _Way = field(default_factory=_Way)
    messages: list[dict[str, Any]] = field(default_factory=list)
    error: str = ""


class Sockets:
    """The WebSockets of one browser that are open."""

    def __init__(self, clock: BrowserClock, tell: Tell, *, with_texts: bool) -> None:
        self._clock = clock
        self._tell = tell
        self._with_texts = with_texts
        self._open: dict[str, _Socket] = {}

    def take(self, place: Place, message: Message, now: float) -> bool:
        """Take one message in; says whether it was about a WebSocket."""
        if isinstance(message, SocketCreated):
            if len(self._open) < MAX_SOCKETS:
                made_by = initiator(message.initiator)
                self._open[message.request_id] = _Socket(place, cut_url(message.url), made_by, now)
            return True
        if not isinstance(
            message, SocketHandshakeSent | SocketHandshakeReceived | SocketFrameSent | SocketFailed | SocketClosed
        ):
            return False
        socket = self._open.get(message.request_id)
        if socket is None:
            return True
        match message:
            case SocketHandshakeSent():
                socket.began, socket.request_headers = message.timestamp or now, message.request.headers
            case SocketHandshakeReceived():
                socket.response, socket.handshake_ended = message.response, message.timestamp
                socket.request_headers = message.response.request_headers or socket.request_headers
            case SocketFrameReceived():
                self._message(socket, socket.received, "receive", message.response, message.timestamp)
            case SocketFrameSent():
                self._message(socket, socket.sent, "send", message.response, message.timestamp)
            case SocketFailed():
                socket.error = cut(message.error_message, 500)
            case SocketClosed():
                del self._open[message.request_id]
                ended = message.timestamp or now
                self._tell(ended, self._exchange(message.request_id, socket, ended))
        return True

    def leave(self, places: Collection[Place], now: float) -> None:
        """These targets are gone, and their sockets with them."""
        for request_id, socket in list(self._open.items()):
            if socket.place in places:
                del self._open[request_id]
                self._tell(now, self._exchange(request_id, socket, now))

    def finish(self) -> Iterable[dict[str, Any]]:
        """Those that are still open, as exchanges; none is held afterwards."""
        for request_id, socket in self._open.items():
            yield self._exchange(request_id, socket, None)
        self._open = {}

    def _message(self, socket: _Socket, way: _Way, kind: str, frame: SocketFrame, timestamp: float) -> None:
        data = frame.payload_data
        size = len(data.encode("utf-8", "replace")) if frame.opcode == _TEXT else len(data.rstrip("=")) * 3 // 4
        way.add(size, masked=kind == "send")
        if len(socket.messages) < MAX_MESSAGES:
            listed: dict[str, Any] = {
                "type": kind,
                "at": self._clock.at(timestamp).isoformat(),
                "opcode": int(frame.opcode),
                "bytes": size,
            }
            if self._with_texts:
                listed |= {"data": data[:_MAX_MESSAGE_CHARACTERS], "is_cut": len(data) > _MAX_MESSAGE_CHARACTERS}
            socket.messages.append(listed)

    def _exchange(self, request_id: str, socket: _Socket, ended: float | None) -> dict[str, Any]:
        response = socket.response
        head = request_head_bytes("GET", socket.url, socket.request_headers)
        wait = max(0.0, socket.handshake_ended - socket.began) * 1000
        over = max(0.0, (ended or socket.handshake_ended or socket.began) - socket.began) * 1000
        shown: dict[str, Any] = {
            "id": request_id,
            "target": socket.place.target,
            "tab": socket.place.tab,
            "frame": "",
            "loader": "",
            "method": "GET",
            "url": socket.url,
            "type": "websocket",
            "initiator": socket.made_by,
            "started_at": self._clock.at(socket.began).isoformat(),
            "duration_ms": round(over, 3) if ended is not None else None,
            "request": {
                "headers": header_pairs(socket.request_headers),
                "is_wire": True,
                "head_bytes": head,
                "body_bytes": 0,
            },
            "timings": {
                "blocked": 0.0,
                "dns": -1,
                "connect": -1,
                "ssl": -1,
                "send": 0.0,
                "wait": round(wait, 3),
                "receive": round(max(0.0, over - wait), 3),
            },
            "sizes": {"request_bytes": head + socket.sent.wire_bytes, "response_bytes": socket.received.wire_bytes},
            "websocket": {
                "messages_sent": socket.sent.messages,
                "messages_received": socket.received.messages,
                "bytes_sent": socket.sent.payload_bytes,
                "bytes_received": socket.received.payload_bytes,
                "messages": socket.messages,
                "is_closed": ended is not None,
            },
        }
        if response is not None:
            head = len(response.headers_text) or head_bytes(
                f"HTTP/1.1 {response.status} {response.status_text}", response.headers.items()
            )
            shown["sizes"]["response_bytes"] += head
            shown["response"] = {
                "status": response.status,
                "status_text": response.status_text,
                "protocol": "websocket",
                "headers": header_pairs(response.headers),
                "mime_type": "",
                "remote_address": "",
                "remote_port": 0,
                "connection": 0,
                "from": "network",
                "head_bytes": head,
                "body_bytes": 0,
                "content_bytes": 0,
            }
        if socket.error or response is None:
            shown["failure"] = {"text": socket.error or "no connection was made", "is_canceled": False}
        return shown
