"""Archives that other tools accept."""

import json
from typing import Any

import pytest

from noctule.browser.commands import CaptureLevel
from noctule.network.domain import Har
from tests.support.har import har_problems
from tests.unit.browser.driver.capture.saying import PAGE, TAB, Told, told


def archive(found: Told) -> dict[str, Any]:
    """What was told, as an archive."""
    har = Har()
    pieces = [har.head()]
    for event in found.events:
        if event.kind == "request":
            pieces.append(har.entry(event.data))
        else:
            har.note(event.kind, event.data)
    pieces.append(har.tail())
    whole: dict[str, Any] = json.loads(b"".join(pieces))
    return whole


def _page(told: Told) -> None:
    frame = {"id": TAB, "loaderId": "L", "url": "http://a/"}
    told.request("L", "http://a/", loaderId="L", frameId=TAB, initiator={"type": "other"})
    told.response("L", remoteIPAddress="[::1]", connectionId=7, protocol="h2", encodedDataLength=100)
    told.capture.on_event(PAGE, "Page.frameNavigated", {"frame": frame})
    told.finished("L", 500)
    told.capture.on_event(PAGE, "Page.domContentEventFired", {"timestamp": 1.3})
    told.capture.on_event(PAGE, "Page.loadEventFired", {"timestamp": 1.4})


def _oddities(told: Told) -> None:
    _page(told)
    redirect = {"status": 302, "headers": {"Location": "/2", "Set-Cookie": "a=1; Path=/; HttpOnly; SameSite=Lax\nb=2"}}
    told.request("r", "http://a/1?x=[1]|2&y", initiator={"type": "script", "stack": {"callFrames": [{"url": "u"}]}})
    told.request("r", "http://a/2", redirectResponse=redirect)
    told.response("r", fromDiskCache=True)
    told.finished("r", 0)
    told.request("d", "data:text/plain," + "ü" * 999)
    told.response("d")
    told.finished("d", 0)
    told.request("f", "https://blocked.example/")
    told.say("Network.loadingFailed", requestId="f", timestamp=2, errorText="net::ERR_TUNNEL_CONNECTION_FAILED")
    told.request("u", "http://a/never")
    told.say(
        "Network.requestWillBeSent",
        requestId="p",
        timestamp=1,
        type="XHR",
        request={
            "url": "http://a/form",
            "method": "POST",
            "headers": {"Content-Type": "application/x-www-form-urlencoded"},
            "postData": "a=1&b=",
        },
    )
    told.response("p")
    told.finished("p", 10)
    told.say("Network.webSocketCreated", requestId="w", url="wss://a/s", initiator={"type": "script"})
    told.say("Network.webSocketHandshakeResponseReceived", requestId="w", timestamp=1, response={"status": 101})
    told.say("Network.webSocketFrameSent", requestId="w", timestamp=2, response={"opcode": 1, "payloadData": "hi"})


@pytest.mark.parametrize("level", ["on", "bodies"])
def test_an_archive_of_all_kinds_of_exchanges_is_valid(level: CaptureLevel) -> None:
    whole = archive(told(_oddities, level))
    assert not har_problems(whole)
    assert len(whole["log"]["entries"]) == 8


def test_an_archive_of_nothing_is_valid() -> None:
    assert not har_problems(archive(told(lambda told: None)))


def test_a_page_has_its_times_and_its_entries() -> None:
    log = archive(told(_page))["log"]
    (page,), (entry,) = log["pages"], log["entries"]
    assert entry["pageref"] == page["id"]
    assert page["title"] == "http://a/"
    assert page["pageTimings"] == {"onContentLoad": 300, "onLoad": 400}
    assert (entry["serverIPAddress"], entry["connection"], entry["request"]["httpVersion"]) == ("::1", "7", "HTTP/2")


def test_cookies_forms_and_queries_are_taken_apart() -> None:
    by_url = {entry["request"]["url"]: entry for entry in archive(told(_oddities))["log"]["entries"]}
    first = by_url["http://a/1?x=%5B1%5D%7C2&y"]
    assert first["request"]["queryString"] == [{"name": "x", "value": "[1]|2"}, {"name": "y", "value": ""}]
    assert first["response"]["redirectURL"] == "/2"
    cookie, other = first["response"]["cookies"]
    assert (cookie["name"], cookie["value"], cookie["httpOnly"], cookie["sameSite"]) == ("a", "1", True, "Lax")
    assert (other["name"], other["httpOnly"]) == ("b", False)
    form = by_url["http://a/form"]["request"]["postData"]
    assert form["params"] == [{"name": "a", "value": "1"}, {"name": "b", "value": ""}]


def test_what_failed_and_what_was_cached_say_so() -> None:
    by_url = {entry["request"]["url"]: entry for entry in archive(told(_oddities))["log"]["entries"]}
    failed = by_url["https://blocked.example/"]["response"]
    assert (failed["status"], failed["_error"]) == (0, "net::ERR_TUNNEL_CONNECTION_FAILED")
    assert by_url["http://a/2"]["_fromCache"] == "disk"


def test_messages_of_a_websocket_are_as_devtools_has_them() -> None:
    (entry,) = (e for e in archive(told(_oddities, "bodies"))["log"]["entries"] if e["_resourceType"] == "websocket")
    (message,) = entry["_webSocketMessages"]
    assert (message["type"], message["opcode"], message["data"]) == ("send", 1, "hi")
    assert entry["_webSocket"]["messages_sent"] == 1
