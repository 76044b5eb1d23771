"""What an exchange looks like when it is told: plain JSON, every text with a bound.

``id``, ``target`` (its kind), ``tab``, ``frame``, ``loader``, ``method``, ``url``, ``type``, ``initiator``,
``started_at``, ``duration_ms``, ``request`` (``headers`` as pairs, ``is_wire`` where they are those that left,
``head_bytes``, ``body_bytes``, ``body``), ``response`` or nothing (``status``, ``headers``, ``protocol``,
``mime_type``,
``remote_address``, ``remote_port``, ``from``, ``head_bytes``, ``body_bytes``, ``content_bytes``, ``body``), ``timings``
in milliseconds as HAR has them, ``sizes`` on the wire, ``failure``, ``redirect_to``, ``websocket``.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from noctule.browser.driver.capture.clock import BrowserClock
from noctule.browser.driver.capture.hops import Hop
from noctule.browser.driver.capture.messages import Initiator, Response, Timing

MAX_URL_CHARACTERS = 8192
MAX_INLINE_URL_CHARACTERS = 256
MAX_POST_BYTES = 16 * 1024
_MAX_HEADERS = 100
_MAX_HEADER_CHARACTERS = 4096
_MAX_HEAD_CHARACTERS = 32 * 1024
_MAX_FRAMES = 5


def cut(text: str, characters: int) -> str:
    """A text of at most so many characters, with a mark where it was longer."""
    return text if len(text) <= characters else text[:characters] + "…"


def cut_url(url: str) -> str:
    """An address of bounded length; of one that holds a whole file only the beginning."""
    return cut(url, MAX_INLINE_URL_CHARACTERS if url.startswith("data:") else MAX_URL_CHARACTERS)


def header_pairs(headers: Mapping[str, str]) -> list[list[str]]:
    """Headers as pairs: those of one name, which the browser joins by line breaks, each for itself; the first ones of
    a head that is too long."""
    pairs: list[list[str]] = []
    room = _MAX_HEAD_CHARACTERS
    for name, values in headers.items():
        for value in values.split("\n"):
            pair = [cut(name, _MAX_HEADER_CHARACTERS), cut(value, _MAX_HEADER_CHARACTERS)]
            room -= len(pair[0]) + len(pair[1])
            if room < 0 or len(pairs) == _MAX_HEADERS:
                return pairs
            pairs.append(pair)
    return pairs


def head_bytes(first_line: str, headers: Iterable[tuple[str, str]]) -> int:
    """How long a head is in HTTP/1.1, which is as near as can be known for later versions, who compress it."""
    lines = sum(len(name) + len(value) + 4 for name, values in headers for value in values.split("\n"))
    return len(first_line) + 2 + lines + 2


def request_head_bytes(method: str, url: str, headers: Mapping[str, str]) -> int:
    """How long a request's head is as its origin gets it: with the path alone, and nothing for a proxy."""
    scheme, _, rest = url.partition("://")
    path = rest[rest.find("/") :] if scheme and "/" in rest else "/"
    for_origin = [(name, value) for name, value in headers.items() if not name.lower().startswith("proxy-")]
    return head_bytes(f"{method} {path} HTTP/1.1", for_origin)


def initiator(made_by: Initiator) -> dict[str, Any]:
    """What made a request, with the innermost lines of its stack."""
    shown: dict[str, Any] = {"type": made_by.type}
    if made_by.url:
        shown |= {"url": cut_url(made_by.url), "line": made_by.line_number, "column": made_by.column_number}
    if made_by.stack is not None and made_by.stack.call_frames:
        shown["stack"] = [
            {
                "function": cut(frame.function_name, 200),
                "url": cut_url(frame.url),
                "line": frame.line_number,
                "column": frame.column_number,
            }
            for frame in made_by.stack.call_frames[:_MAX_FRAMES]
        ]
    return shown


def exchange(request_id: str, hop: Hop, clock: BrowserClock) -> dict[str, Any]:
    """One exchange, as far as it has come."""
    request, response = hop.request, hop.response
    sent = hop.sent.headers if hop.sent is not None else request.headers
    post = request.post_data
    is_network = _is_network(hop)
    sent_head = request_head_bytes(request.method, request.url, sent) if is_network else 0
    body_bytes = _body_bytes(sent, post)
    shown: dict[str, Any] = {
        "id": request_id,
        "target": hop.place.target,
        "tab": hop.place.tab,
        "frame": hop.frame_id,
        "loader": hop.loader_id,
        "method": request.method,
        "url": cut_url(request.url + request.url_fragment),
        "type": hop.type.lower(),
        "initiator": initiator(hop.initiator),
        "started_at": clock.at(hop.began).isoformat(),
        "duration_ms": round(max(0.0, hop.ended - hop.began) * 1000, 3) if hop.ended else None,
        "request": {
            "headers": header_pairs(sent),
            "is_wire": hop.sent is not None,
            "head_bytes": sent_head,
            "body_bytes": body_bytes,
        },
        "timings": timings(hop),
        "sizes": {"request_bytes": sent_head + body_bytes if is_network else 0, "response_bytes": 0},
    }
    if post is not None:
        text = post.encode("utf-8", "replace")[:MAX_POST_BYTES].decode("utf-8", "ignore")
        shown["request"]["body"] = {"text": text, "is_cut": len(post) > len(text)}
    if response is not None:
        shown["response"] = _response(hop, response)
        shown["sizes"]["response_bytes"] = int(hop.response_bytes) if is_network else 0
    if hop.failure is not None:
        failure: dict[str, Any] = {"text": cut(hop.failure.error_text, 500), "is_canceled": hop.failure.canceled}
        if hop.failure.blocked_reason:
            failure["blocked_reason"] = hop.failure.blocked_reason
        if hop.failure.cors_error_status is not None:
            failure["cors_error"] = hop.failure.cors_error_status.cors_error
        shown["failure"] = failure
    elif not hop.ended and response is None:
        shown["failure"] = {"text": "still under way when the session ended", "is_canceled": False}
    if hop.redirect_to:
        shown["redirect_to"] = cut_url(hop.redirect_to)
    return shown


def _is_network(hop: Hop) -> bool:
    """Whether it went over the network, as far as is known."""
    if hop.sent is not None:
        return not _came_from_elsewhere(hop)
    return hop.response is not None and _source(hop, hop.response) == "network" and hop.response_bytes > 0


def _came_from_elsewhere(hop: Hop) -> bool:
    return hop.response is not None and hop.response.from_service_worker


def _source(hop: Hop, response: Response) -> str:
    if not hop.request.url.startswith(("http://", "https://")):
        return "inline"
    if response.from_service_worker:
        return "service_worker"
    if hop.from_memory:
        return "memory_cache"
    if response.from_prefetch_cache:
        return "prefetch_cache"
    return "disk_cache" if response.from_disk_cache else "network"


def _response(hop: Hop, response: Response) -> dict[str, Any]:
    received = hop.received
    headers = received.headers if received is not None else response.headers
    names = {name.lower() for name in headers}
    is_plain = hop.ended and hop.failure is None and not names & {"content-encoding", "transfer-encoding"}
    if is_plain and 0 < hop.content_bytes < hop.response_bytes:
        head = int(hop.response_bytes - hop.content_bytes)
    elif received is not None and received.headers_text:
        head = len(received.headers_text)
    else:
        head = head_bytes(f"HTTP/1.1 {response.status} {response.status_text}", headers.items())
    source = _source(hop, response)
    # A head of a later version of HTTP was shorter on the wire than it is as text.
    head = min(head, int(hop.response_bytes)) if source == "network" and hop.response_bytes else head
    shown = {
        # What the wire said, where a cached answer that was found fresh hides a 304.
        "status": received.status_code if received is not None and received.status_code else response.status,
        "status_text": cut(response.status_text, 200),
        "protocol": response.protocol,
        "headers": header_pairs(headers),
        "mime_type": cut(response.mime_type, 200),
        "remote_address": response.remote_ip_address,
        "remote_port": response.remote_port,
        "connection": int(response.connection_id),
        "from": source,
        "head_bytes": head if source == "network" else 0,
        "body_bytes": max(0, int(hop.response_bytes) - head) if source == "network" else 0,
        "content_bytes": int(hop.content_bytes),
    }
    if hop.body is not None:
        shown["body"] = hop.body
    return shown


def _body_bytes(headers: Mapping[str, str], post: str | None) -> int:
    for name, value in headers.items():
        if name.lower() == "content-length" and value.isdecimal():
            return int(value)
    return len(post.encode("utf-8", "replace")) if post is not None else 0


def timings(hop: Hop) -> dict[str, float]:
    """Milliseconds of each part as HAR 1.2 divides them; -1 for a part that there was not."""
    ended = max(0.0, (hop.ended or hop.began) - hop.began) * 1000
    timing = hop.response.timing if hop.response is not None else None
    if timing is None or not timing.request_time or hop.from_memory:
        return _parts(0.0, -1, -1, -1, 0.0, 0.0, ended)
    queued = max(0.0, timing.request_time - hop.began) * 1000
    starts = [start for start in (timing.dns_start, timing.connect_start, timing.send_start) if start >= 0]
    head_end = timing.receive_headers_end if timing.receive_headers_end >= 0 else timing.send_end
    return _parts(
        queued + min(starts, default=0.0),
        _span(timing.dns_start, timing.dns_end),
        _span(timing.connect_start, timing.connect_end),
        _span(timing.ssl_start, timing.ssl_end),
        max(0.0, _span(timing.send_start, timing.send_end)),
        max(0.0, _waited(timing)),
        max(0.0, ended - queued - max(0.0, head_end)),
    )


def _waited(timing: Timing) -> float:
    return timing.receive_headers_end - timing.send_end if timing.receive_headers_end >= 0 else 0.0


def _span(start: float, end: float) -> float:
    return -1 if start < 0 or end < start else end - start


def _parts(
    blocked: float, dns: float, connect: float, ssl: float, send: float, wait: float, receive: float
) -> dict[str, float]:
    named = {
        "blocked": blocked,
        "dns": dns,
        "connect": connect,
        "ssl": ssl,
        "send": send,
        "wait": wait,
        "receive": receive,
    }
    return {name: round(value, 3) for name, value in named.items()}
