"""The messages of the browser that are captured, as far as they are read (DevTools Protocol: Network, Console).

What must always hold: a message is decoded straight into what is needed of it, since a busy page sends thousands a
second; a field that another kind of browser leaves out has a default.
"""

import json
from typing import Any

import msgspec


class _Part(msgspec.Struct, rename="camel"):
    """A part of a message; fields that are not named here are skipped."""


class CallFrame(_Part):
    """One line of a stack."""

    function_name: str = ""
    url: str = ""
    line_number: int = 0
    column_number: int = 0


class Stack(_Part):
    """Where a script was."""

    call_frames: list[CallFrame] = []


class Initiator(_Part):
    """What made a request."""

    type: str = "other"
    url: str = ""
    line_number: float | None = None
    column_number: float | None = None
    stack: Stack | None = None


class Request(_Part):
    """What a renderer asks for."""

    url: str
    method: str = "GET"
    url_fragment: str = ""
    headers: dict[str, str] = {}
    post_data: str | None = None
    has_post_data: bool = False


class Timing(_Part):
    """Milliseconds after ``request_time`` (seconds on the browser's clock); -1 for what did not happen."""

    request_time: float = 0.0
    dns_start: float = -1
    dns_end: float = -1
    connect_start: float = -1
    connect_end: float = -1
    ssl_start: float = -1
    ssl_end: float = -1
    send_start: float = -1
    send_end: float = -1
    receive_headers_start: float = -1
    receive_headers_end: float = -1


class Response(_Part):
    """What came, without its body."""

    url: str = ""
    status: int = 0
    status_text: str = ""
    headers: dict[str, str] = {}
    mime_type: str = ""
    connection_id: float = 0
    remote_ip_address: str = msgspec.field(name="remoteIPAddress", default="")
    remote_port: int = 0
    from_disk_cache: bool = False
    from_service_worker: bool = False
    from_prefetch_cache: bool = False
    encoded_data_length: float = 0
    timing: Timing | None = None
    protocol: str = ""


class _Of(_Part):
    request_id: str
    timestamp: float = 0.0


class RequestWillBeSent(_Of):
    """A request, or the next hop of one that was redirected."""

    loader_id: str = ""
    request: Request = msgspec.field(default_factory=lambda: Request(""))
    wall_time: float = 0.0
    initiator: Initiator = msgspec.field(default_factory=Initiator)
    redirect_response: Response | None = None
    redirect_has_extra_info: bool = False
    type: str = "Other"
    frame_id: str = ""


class SentExtra(_Of):
    """The headers that really left."""

    headers: dict[str, str] = {}


class ReceivedExtra(_Of):
    """The headers that really came; of several of one name the values are in lines."""

    headers: dict[str, str] = {}
    headers_text: str = ""
    status_code: int = 0


class ResponseReceived(_Of):
    """The head of an answer."""

    type: str = "Other"
    response: Response = msgspec.field(default_factory=Response)
    has_extra_info: bool = False


class ServedFromCache(_Of):
    """It was in the memory of the renderer."""


class DataReceived(_Of):
    """A piece of a body; ``data_length`` is without compression."""

    data_length: float = 0


class LoadingFinished(_Of):
    """All of it is there; ``encoded_data_length`` is what the network brought, heads included."""

    encoded_data_length: float = 0


class CorsError(_Part):
    """Why a page may not see an answer."""

    cors_error: str = ""


class LoadingFailed(_Of):
    """It will not come."""

    error_text: str = ""
    canceled: bool = False
    blocked_reason: str = ""
    cors_error_status: CorsError | None = None


class SocketCreated(_Of):
    """A WebSocket is being opened."""

    url: str = ""
    initiator: Initiator = msgspec.field(default_factory=Initiator)


class SocketRequest(_Part):
    """The head of a handshake."""

    headers: dict[str, str] = {}


class SocketHandshakeSent(_Of):
    """The handshake has left."""

    wall_time: float = 0.0
    request: SocketRequest = msgspec.field(default_factory=SocketRequest)


class SocketResponse(_Part):
    """The answer to a handshake."""

    status: int = 0
    status_text: str = ""
    headers: dict[str, str] = {}
    headers_text: str = ""
    request_headers: dict[str, str] | None = None
    request_headers_text: str = ""


class SocketHandshakeReceived(_Of):
    """The WebSocket is open."""

    response: SocketResponse = msgspec.field(default_factory=SocketResponse)


class SocketFrame(_Part):
    """A message; of one that is not text the data is Base64."""

    opcode: float = 1
    payload_data: str = ""


class SocketFrameSent(_Of):
    """A message of the page's."""

    response: SocketFrame = msgspec.field(default_factory=SocketFrame)


class SocketFrameReceived(SocketFrameSent):
    """A message of the server's."""


class SocketFailed(_Of):
    """A message could not be understood, or no handshake was had."""

    error_message: str = ""


class SocketClosed(_Of):
    """It is over."""


class ConsoleText(_Part):
    """A line of the console."""

    source: str = ""
    level: str = "log"
    text: str = ""
    url: str = ""
    line: int = 0
    column: int = 0


class ConsoleMessage(_Part):
    """A page wrote to its console."""

    message: ConsoleText


Message = _Of | ConsoleMessage

_KINDS: dict[bytes, type[Any]] = {
    b"Network.requestWillBeSent": RequestWillBeSent,
    b"Network.requestWillBeSentExtraInfo": SentExtra,
    b"Network.responseReceived": ResponseReceived,
    b"Network.responseReceivedExtraInfo": ReceivedExtra,
    b"Network.requestServedFromCache": ServedFromCache,
    b"Network.dataReceived": DataReceived,
    b"Network.loadingFinished": LoadingFinished,
    b"Network.loadingFailed": LoadingFailed,
    b"Network.webSocketCreated": SocketCreated,
    b"Network.webSocketWillSendHandshakeRequest": SocketHandshakeSent,
    b"Network.webSocketHandshakeResponseReceived": SocketHandshakeReceived,
    b"Network.webSocketFrameSent": SocketFrameSent,
    b"Network.webSocketFrameReceived": SocketFrameReceived,
    b"Network.webSocketFrameError": SocketFailed,
    b"Network.webSocketClosed": SocketClosed,
    b"Console.messageAdded": ConsoleMessage,
}

TAKEN = (b'{"method":"Network.', b'{"method":"Console.')
"""How every message begins that this module reads, or that nobody does."""

_HEAD = len(b'{"method":"')


def _envelope(kind: type[Any]) -> "msgspec.json.Decoder[Any]":
    fields: list[tuple[str, Any] | tuple[str, Any, Any]] = [("params", kind), ("sessionId", str, "")]
    return msgspec.json.Decoder(msgspec.defstruct(kind.__name__, fields))


_DECODERS = {name: _envelope(kind) for name, kind in _KINDS.items()}


def is_read(payload: bytes) -> bool:
    """Whether ``decode`` understands messages of this kind."""
    return payload[_HEAD : payload.find(b'"', _HEAD)] in _DECODERS


def timestamp_of(payload: bytes) -> float:
    """When a message was said, in seconds on the browser's clock; 0.0 where it does not tell. Raises ``ValueError``."""
    _, message = decode(payload)
    return 0.0 if isinstance(message, ConsoleMessage) else message.timestamp


def decode(payload: bytes) -> tuple[str, Message]:
    """The target's session id and what it says. Raises ``ValueError`` for what is not in that form."""
    decoder = _DECODERS[payload[_HEAD : payload.find(b'"', _HEAD)]]
    try:
        envelope = decoder.decode(payload)
    except msgspec.DecodeError as error:
        if isinstance(error, msgspec.ValidationError):
            raise
        # Half a surrogate pair, which any page can put into a text.
        loose = json.loads(payload.decode("utf-8", "replace"))
        envelope = decoder.decode(json.dumps(loose, ensure_ascii=False).encode("utf-8", "replace"))
    return envelope.sessionId, envelope.params
