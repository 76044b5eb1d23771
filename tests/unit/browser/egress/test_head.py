"""Requests are rewritten for their origin, and what could be read in two ways is not passed on."""

import pytest

from noctule.browser.egress.head import END, MAX_HEAD_BYTES, BadRequest, Event, Request, RequestReader


def read(*pieces: bytes) -> list[Event]:
    reader = RequestReader()
    return [event for piece in pieces for event in reader.feed(piece)]


def only(*pieces: bytes) -> Request:
    request = read(*pieces)[0]
    assert isinstance(request, Request)
    return request


def test_the_head_becomes_the_one_that_the_browser_would_send_directly() -> None:
    request = only(
        b"GET http://site.example:81/a?b#c HTTP/1.1\r\nHost: other\r\nProxy-Connection: keep-alive\r\n"
        b"Proxy-Authorization: Basic x\r\nTE: trailers\r\nUser-Agent: u\r\nX-Mine: 1\r\n"
        b"Connection: x-hop\r\nX-Hop: 2\r\n\r\n"
    )
    assert (request.host, request.port, request.is_connect, request.chunked) == ("site.example", 81, False, False)
    assert request.head == (
        b"GET /a?b HTTP/1.1\r\nHost: site.example:81\r\nConnection: keep-alive\r\nUser-Agent: u\r\nX-Mine: 1\r\n\r\n"
    )


@pytest.mark.parametrize(
    ("target", "host", "port", "path"),
    [
        (b"http://a.example", "a.example", 80, b"/"),
        (b"http://a.example/", "a.example", 80, b"/"),
        (b"http://a.example?q", "a.example", 80, b"/?q"),
        (b"HTTP://A.example:/x", "A.example", 80, b"/x"),
        (b"http://[::1]/x", "[::1]", 80, b"/x"),
        (b"http://[::1]:81/x", "[::1]", 81, b"/x"),
        (b"http://a.example/http://b.example/", "a.example", 80, b"/http://b.example/"),
    ],
)
def test_the_target_names_host_port_and_path(target: bytes, host: str, port: int, path: bytes) -> None:
    request = only(b"GET %s HTTP/1.1\r\n\r\n" % target)
    assert (request.host, request.port) == (host, port)
    assert request.head.startswith(b"GET %s HTTP/1.1\r\n" % path)


@pytest.mark.parametrize(
    "line",
    [
        b"GET / HTTP/1.1",
        b"OPTIONS * HTTP/1.1",
        b"GET https://a.example/ HTTP/1.1",
        b"GET ftp://a.example/ HTTP/1.1",
        b"GET http:/// HTTP/1.1",
        b"GET http://user:secret@a.example/ HTTP/1.1",
        b"GET http://a.example:99999/ HTTP/1.1",
        b"GET http://a.example:0/ HTTP/1.1",
        b"GET http://a.example:-1/ HTTP/1.1",
        b"GET http://a:b:c/ HTTP/1.1",
        b"CONNECT a.example HTTP/1.1",
        b"CONNECT a.example: HTTP/1.1",
        b"CONNECT :443 HTTP/1.1",
        b"CONNECT ::1:443 HTTP/1.1",
        b"CONNECT user@a.example:443 HTTP/1.1",
        b"NONSENSE",
        b"\x16\x03\x01\x02\x00",
        b"GET http://a.example/ HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked",
        b"GET http://a.example/ HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 4",
        b"POST http://a.example/ HTTP/1.1\r\nTransfer-Encoding: gzip",
        b"GET http://a.example/ HTTP/1.1\r\nBad Header: 1",
        b"GET http://a.example/ HTTP/1.1\r\nX: a\nY: b",
        b"GET http://a.example/ HTTP/1.1\r\nX: a\r\n folded",
        b"GET http://a.example/ HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket",
    ],
)
def test_a_request_that_cannot_be_served_is_malformed(line: bytes) -> None:
    with pytest.raises(BadRequest) as caught:
        read(line + b"\r\n\r\n")
    assert caught.value.status == 400


def test_a_connect_keeps_what_came_behind_it() -> None:
    reader = RequestReader()
    request, *_ = reader.feed(b"CONNECT [::1]:443 HTTP/1.1\r\n\r\n\x16\x03hello")
    assert request == Request("[::1]", 443, True, b"", False)
    assert reader.leftover == b"\x16\x03hello"


def test_bodies_come_in_pieces_and_end() -> None:
    plain = read(b"POST http://a.example/ HTTP/1.1\r\nContent-Length: 5\r\n\r\nab", b"cde")
    assert plain[1:] == [b"ab", b"cde", END]
    chunked = read(
        b"POST http://a.example/ HTTP/1.1\r\nTransfer-Encoding: chunked\r\nTrailer: X\r\n\r\n2\r\nab\r\n",
        b"3\r\ncde\r\n0\r\nX: trailing\r\n\r\n",
    )
    assert isinstance(chunked[0], Request)
    assert chunked[0].chunked
    assert chunked[1:] == [b"ab", b"cde", END]


def test_a_connection_header_cannot_remove_the_framing() -> None:
    request = only(b"POST http://a/ HTTP/1.1\r\nConnection: content-length, close\r\nContent-Length: 1\r\n\r\nx")
    assert b"Content-Length: 1\r\n" in request.head
    assert b"Connection: close\r\n" in request.head


def test_the_request_after_a_request_is_read_too() -> None:
    events = read(b"GET http://a.example/1 HTTP/1.1\r\n\r\nGET http://a.example/2 HTTP/1.1\r\n\r\n")
    assert [type(event).__name__ for event in events] == ["Request", "End", "Request", "End"]


@pytest.mark.parametrize("ended", [True, False])
def test_a_head_has_a_limit(ended: bool) -> None:
    head = b"GET http://a.example/ HTTP/1.1\r\n" + b"X: %s\r\n" % (b"y" * 1000) * (MAX_HEAD_BYTES // 1000 + 1)
    with pytest.raises(BadRequest) as caught:
        read(*(head[at : at + 8192] for at in range(0, len(head), 8192)), b"\r\n" if ended else b"X: y")
    assert caught.value.status == 431


def test_a_large_head_in_one_piece_meets_the_same_limit() -> None:
    with pytest.raises(BadRequest) as caught:
        read(b"GET http://a.example/ HTTP/1.1\r\nX: " + b"y" * MAX_HEAD_BYTES + b"\r\n\r\n")
    assert caught.value.status == 431
