"""Exchanges, put together from messages that come in any order."""

import json
from typing import Any

import pytest

from noctule.browser.driver.capture import messages
from noctule.browser.driver.capture.clock import BrowserClock
from noctule.browser.driver.capture.exchanges import MAX_HELD_BYTES, Exchanges
from noctule.browser.driver.capture.hops import Place
from tests.unit.browser.driver.capture.saying import PAGE, Told, told


def test_an_exchange_has_its_sizes_times_and_heads() -> None:
    def body(told: Told) -> None:
        told.request("r", "http://a/x?y=1")
        told.say("Network.requestWillBeSentExtraInfo", requestId="r", headers={"Host": "a", "Cookie": "c=d"})
        timing = {"requestTime": 1.01, "sendStart": 1, "sendEnd": 2, "receiveHeadersEnd": 50}
        told.response("r", has_extra=True, timing=timing, remoteIPAddress="10.1.1.1", remotePort=80, protocol="h2")
        extra: dict[str, Any] = {"headers": {"Content-Type": "text/plain", "Set-Cookie": "a=1\nb=2"}, "statusCode": 200}
        told.say("Network.responseReceivedExtraInfo", requestId="r", **extra)
        told.say("Network.dataReceived", requestId="r", dataLength=400, timestamp=1.1)
        told.finished("r", 520)

    (exchange,) = told(body).of("request")
    assert exchange["request"]["is_wire"]
    assert ["Cookie", "c=d"] in exchange["request"]["headers"]
    assert exchange["request"]["head_bytes"] == len("GET /x?y=1 HTTP/1.1\r\nHost: a\r\nCookie: c=d\r\n\r\n")
    response = exchange["response"]
    assert [value for name, value in response["headers"] if name == "Set-Cookie"] == ["a=1", "b=2"]
    assert (response["content_bytes"], response["body_bytes"], response["head_bytes"]) == (400, 400, 120)
    assert (response["remote_address"], response["remote_port"], response["protocol"]) == ("10.1.1.1", 80, "h2")
    assert exchange["sizes"]["response_bytes"] == 520
    assert exchange["timings"]["wait"] == 48
    assert exchange["timings"]["dns"] == -1
    assert sum(part for part in exchange["timings"].values() if part > 0) == pytest.approx(exchange["duration_ms"])


def test_heads_that_come_first_and_last_find_their_exchange() -> None:
    def body(told: Told) -> None:
        told.say("Network.requestWillBeSentExtraInfo", requestId="r", headers={"Host": "a"})
        told.request("r", "http://a/")
        told.response("r", has_extra=True)
        told.finished("r", 10)
        told.say("Network.responseReceivedExtraInfo", requestId="r", headers={"X": "late"}, statusCode=200)

    (exchange,) = told(body).of("request")
    assert exchange["request"]["headers"] == [["Host", "a"]]
    assert exchange["response"]["headers"] == [["X", "late"]]


def test_each_hop_of_a_redirect_is_an_exchange_with_its_own_heads() -> None:
    def body(told: Told) -> None:
        told.request("r", "http://a/1")
        for number in (1, 2):
            told.say("Network.requestWillBeSentExtraInfo", requestId="r", headers={"Hop": str(number)})
        redirect = {"status": 302, "headers": {"Location": "/2"}, "encodedDataLength": 90}
        told.request("r", "http://a/2", at=1.05, redirectResponse=redirect, redirectHasExtraInfo=True)
        told.say("Network.responseReceivedExtraInfo", requestId="r", headers={"Location": "/2"}, statusCode=302)
        told.response("r", has_extra=True)
        told.say("Network.responseReceivedExtraInfo", requestId="r", headers={"Last": "1"}, statusCode=200)
        told.finished("r", 200)

    first, second = told(body).of("request")
    assert (first["response"]["status"], first["redirect_to"], first["sizes"]["response_bytes"]) == (
        302,
        "http://a/2",
        90,
    )
    assert (first["request"]["headers"], second["request"]["headers"]) == ([["Hop", "1"]], [["Hop", "2"]])
    assert (second["response"]["status"], second["sizes"]["response_bytes"]) == (200, 200)
    assert second["response"]["headers"] == [["Last", "1"]]


def test_a_request_that_failed_says_why() -> None:
    def body(told: Told) -> None:
        told.request("r", "http://blocked/")
        told.say(
            "Network.loadingFailed",
            requestId="r",
            timestamp=1.5,
            errorText="net::ERR_BLOCKED_BY_CLIENT",
            blockedReason="csp",
            corsErrorStatus={"corsError": "MissingAllowOriginHeader"},
        )

    (exchange,) = told(body).of("request")
    assert exchange["failure"] == {
        "text": "net::ERR_BLOCKED_BY_CLIENT",
        "is_canceled": False,
        "blocked_reason": "csp",
        "cors_error": "MissingAllowOriginHeader",
    }
    assert exchange["sizes"] == {"request_bytes": 0, "response_bytes": 0}


@pytest.mark.parametrize(
    ("head", "source"),
    [({"fromDiskCache": True}, "disk_cache"), ({"fromServiceWorker": True}, "service_worker"), ({}, "network")],
)
def test_where_an_answer_came_from_is_told(head: dict[str, bool], source: str) -> None:
    def body(told: Told) -> None:
        told.request("r", "http://a/")
        told.response("r", **head)
        told.finished("r", 0)

    (exchange,) = told(body).of("request")
    assert exchange["response"]["from"] == source
    assert exchange["sizes"] == {"request_bytes": 0, "response_bytes": 0}


def test_what_was_in_memory_says_so() -> None:
    def body(told: Told) -> None:
        told.request("r", "http://a/")
        told.say("Network.requestServedFromCache", requestId="r")
        told.response("r")
        told.finished("r", 0)

    assert told(body).of("request")[0]["response"]["from"] == "memory_cache"


def test_two_targets_that_speak_of_one_request_make_one_exchange() -> None:
    def body(told: Told) -> None:
        told.attach("session-worker", "worker", kind="worker", parent=PAGE)
        told.request("r", "http://a/w.js")
        told.request("r", "http://a/w.js", session="session-worker")
        told.response("r")
        told.say("Network.loadingFinished", session="session-worker", requestId="r", timestamp=2, encodedDataLength=5)
        told.finished("r", 5)

    assert len(told(body).of("request")) == 1


def test_more_open_requests_than_are_held_are_told_as_far_as_they_came() -> None:
    def body(told: Told) -> None:
        for number in range(2100):
            told.request(f"r{number}", f"http://a/{number}")

    assert len(told(body).of("request")) == 2100


def test_an_address_that_is_a_file_is_cut() -> None:
    def body(told: Told) -> None:
        told.request("r", "data:text/plain," + "x" * 10_000)
        told.response("r")
        told.finished("r", 0)

    (exchange,) = told(body).of("request")
    assert len(exchange["url"]) < 300
    assert exchange["response"]["from"] == "inline"


def test_a_websocket_is_one_exchange_with_its_messages_counted() -> None:
    def body(told: Told) -> None:
        say = told.say
        say("Network.webSocketCreated", requestId="w", url="ws://a/s")
        say("Network.webSocketWillSendHandshakeRequest", requestId="w", timestamp=1, request={"headers": {"Host": "a"}})
        response = {"status": 101, "headers": {"Upgrade": "websocket"}}
        say("Network.webSocketHandshakeResponseReceived", requestId="w", timestamp=1.01, response=response)
        for number in range(150):
            frame = {"opcode": 1, "payloadData": "hello"}
            say("Network.webSocketFrameSent", requestId="w", timestamp=1.1 + number / 1000, response=frame)
        binary = {"opcode": 2, "payloadData": "AAECAw=="}
        say("Network.webSocketFrameReceived", requestId="w", timestamp=1.5, response=binary)
        say("Network.webSocketClosed", requestId="w", timestamp=2)

    (exchange,) = told(body).of("request")
    socket = exchange["websocket"]
    assert (socket["messages_sent"], socket["bytes_sent"]) == (150, 750)
    assert (socket["messages_received"], socket["bytes_received"]) == (1, 4)
    assert len(socket["messages"]) == 100
    assert "data" not in socket["messages"][0]
    assert exchange["response"]["status"] == 101
    # A masked frame of five bytes has a head of six.
    assert exchange["sizes"]["request_bytes"] == exchange["request"]["head_bytes"] + 150 * 11


def test_requests_with_long_addresses_are_held_as_far_as_there_is_room() -> None:
    over: list[str] = []
    exchanges = Exchanges(
        BrowserClock(is_ours=True), lambda _, exchange: over.append(exchange["id"]), wants_body=lambda *_: False
    )
    each = MAX_HELD_BYTES // 10
    for number in range(25):
        params = {"requestId": f"r{number}", "timestamp": 1.0, "request": {"url": "http://a/" + "x" * each}}
        payload = json.dumps({"method": "Network.requestWillBeSent", "params": params}, separators=(",", ":")).encode()
        exchanges.take(Place("page", "T", PAGE), messages.decode(payload)[1], 1.0, len(payload))
    assert over == [f"r{number}" for number in range(16)]
    assert [one["id"] for one in exchanges.finish()] == [f"r{number}" for number in range(16, 25)]


def test_a_head_that_is_too_long_is_told_as_far_as_there_is_room() -> None:
    def body(told: Told) -> None:
        told.request("r", "http://a/")
        told.response("r", headers={f"X-{number}": "v" * 4000 for number in range(100)})
        told.finished("r", 400_000)

    (exchange,) = told(body).of("request")
    assert [name for name, _ in exchange["response"]["headers"]] == [f"X-{number}" for number in range(8)]
    assert exchange["response"]["head_bytes"] > 400_000 - 1000
