"""What is told of what a browser says, and what is left out."""

import time
from datetime import UTC, datetime

import pytest

from noctule.browser.commands import CapturedEvent
from tests.unit.browser.driver.capture.saying import PAGE, TAB, Told, told


def test_a_console_message_is_told_with_its_place() -> None:
    def body(told: Told) -> None:
        message = {"source": "console-api", "level": "warning", "text": "careful", "url": "http://a/", "line": 3}
        told.say("Console.messageAdded", message=message)

    (said,) = told(body).of("console")
    assert said["text"] == "careful"
    assert (said["level"], said["url"], said["line"], said["tab"]) == ("warning", "http://a/", 3, TAB)


def test_half_a_surrogate_pair_costs_nothing_but_itself() -> None:
    def body(told: Told) -> None:
        told.say("Console.messageAdded", message={"text": "before \ud83d after"})

    (said,) = told(body).of("console")
    assert said["text"].startswith("before ")
    assert said["text"].endswith(" after")
    said["text"].encode()


def test_the_events_of_a_batch_are_in_the_order_of_the_clock() -> None:
    def body(told: Told) -> None:
        for number, ended in enumerate((5.0, 3.0, 4.0)):
            told.request(f"r{number}", f"http://a/{number}", at=1.0)
            told.response(f"r{number}")
            told.finished(f"r{number}", 10, at=ended)

    events = told(body).events
    assert [event.at for event in events] == sorted(event.at for event in events)
    assert [event.data["url"] for event in events if event.kind == "request"] == [
        "http://a/1",
        "http://a/2",
        "http://a/0",
    ]


def test_instants_are_as_far_apart_as_on_the_browsers_clock() -> None:
    def body(told: Told) -> None:
        for number in (1, 2):
            told.request(f"r{number}", "http://a/", at=float(number))
            told.response(f"r{number}")
            told.finished(f"r{number}", 10, at=number + 0.25)

    first, second = (event for event in told(body).events if event.kind == "request")
    assert (second.at - first.at).total_seconds() == 1.0


@pytest.mark.parametrize("ahead", [-5000.0, 1_000_000.0])
def test_the_clock_of_a_browser_elsewhere_is_laid_over_ours(ahead: float) -> None:
    def body(told: Told) -> None:
        there = time.monotonic() + ahead
        told.say("Console.messageAdded", message={"text": "before anything tells the time"})
        told.request("r", "http://a/", at=there)
        told.capture.on_event(PAGE, "Page.domContentEventFired", {"timestamp": there})
        told.capture.on_event(PAGE, "Page.loadEventFired", {"timestamp": there})
        told.response("r")
        told.finished("r", 10, at=there)

    found = told(body, is_ours=False)
    assert {event.kind for event in found.events} == {"tab", "console", "load", "request"}
    now = datetime.now(UTC)
    assert all(abs((now - event.at).total_seconds()) < 60 for event in found.events)
    for told_at in (found.of("load")[0]["content_loaded_at"], found.of("request")[0]["started_at"]):
        assert abs((now - datetime.fromisoformat(told_at)).total_seconds()) < 60


def test_what_comes_too_fast_is_counted() -> None:
    def body(told: Told) -> None:
        for number in range(20_500):
            told.say("Console.messageAdded", message={"text": str(number)})

    found = told(body)
    kept, left_out = len(found.of("console")), sum(one["count"] for one in found.of("left_out"))
    assert kept + left_out == 20_500
    assert 3000 <= kept < 10_000


def test_a_message_that_cannot_be_understood_costs_itself_alone() -> None:
    def body(told: Told) -> None:
        told.say("Network.loadingFinished", requestId=7)
        told.say("Console.messageAdded", message={"text": "still here"})

    found = told(body)
    assert found.of("left_out")[0]["count"] == 1
    assert found.of("console")[0]["text"] == "still here"


def test_a_browser_with_a_mad_clock_costs_nobody_the_end_of_a_session() -> None:
    def body(told: Told) -> None:
        told.request("open", "http://a/open", at=1e300)
        told.request("over", "http://a/over", at=-1e300)
        told.finished("over", 10, at=1e300)
        told.say("Network.webSocketCreated", requestId="w", url="ws://a/s")
        told.say("Network.webSocketWillSendHandshakeRequest", requestId="w", timestamp=1e300)
        told.capture.on_event(PAGE, "Page.loadEventFired", {"timestamp": float("nan")})
        told.capture.on_event(PAGE, "Page.frameNavigated", {})

    found = told(body)
    assert found.batches[-1][1]
    assert {one["url"] for one in found.of("request")} == {"http://a/open", "http://a/over", "ws://a/s"}
    assert [one["why"] for one in found.of("left_out")] == ["messages of the browser were not understood"]


def test_a_target_of_another_context_is_not_told_of() -> None:
    def body(told: Told) -> None:
        told.attach("session-other", "tab-2", browserContextId="incognito")
        told.say("Console.messageAdded", session="session-other", message={"text": "private"})

    found = told(body)
    assert not found.of("console")
    assert [one["tab"] for one in found.of("tab")] == [TAB]


def test_tabs_dialogs_navigations_and_downloads_are_told() -> None:
    def body(told: Told) -> None:
        event = told.capture.on_event
        frame = {"id": TAB, "loaderId": "L1", "url": "http://a/", "urlFragment": "#x"}
        event(PAGE, "Page.frameNavigated", {"frame": frame})
        event(PAGE, "Page.javascriptDialogOpening", {"type": "prompt", "message": "Name?", "url": "http://a/"})
        event(PAGE, "Page.javascriptDialogClosed", {"result": True, "userInput": "me"})
        begun = {"guid": "g1", "url": "http://a/f", "suggestedFilename": "f.bin"}
        event("", "Browser.downloadWillBegin", begun)
        event(PAGE, "Page.downloadWillBegin", begun)
        event("", "Browser.downloadProgress", {"guid": "g1", "state": "inProgress", "receivedBytes": 1})
        event("", "Browser.downloadProgress", {"guid": "g1", "state": "completed", "receivedBytes": 9})
        event("", "Target.detachedFromTarget", {"sessionId": PAGE})

    found = told(body)
    assert found.of("navigation")[0] == {"tab": TAB, "url": "http://a/#x", "loader": "L1", "navigation": "new_document"}
    (dialog,) = found.of("dialog")
    assert (dialog["dialog"], dialog["text"], dialog["accepted"], dialog["input"]) == ("prompt", "Name?", True, "me")
    assert [(one["state"], one.get("bytes")) for one in found.of("download")] == [("begun", None), ("completed", 9)]
    assert [one["state"] for one in found.of("tab")] == ["opened", "closed"]


def test_the_last_batch_says_that_it_is_and_nothing_follows() -> None:
    found = told(lambda told: told.request("r", "http://a/"))
    assert [is_last for _, is_last in found.batches].count(True) == 1
    assert found.batches[-1][1]
    (unfinished,) = found.of("request")
    assert "response" not in unfinished
    assert unfinished["failure"]["text"] == "still under way when the session ended"


def test_much_that_is_unread_at_the_end_is_read_behind_and_told() -> None:
    def body(told: Told) -> None:
        for number in range(2000):
            told.say("Console.messageAdded", message={"text": str(number)})

    assert [said["text"] for said in told(body).of("console")] == [str(number) for number in range(2000)]


def test_a_dropped_capture_tells_nothing_more_but_that_it_is_over() -> None:
    events: list[CapturedEvent] = []

    def body(told: Told) -> None:
        told.say("Console.messageAdded", message={"text": "x"})
        told.capture.drop()
        told.capture.finish()
        events.extend(told.events)

    found = told(body)
    assert not events
    assert found.batches == [(0, True)]


def test_what_a_tab_said_before_it_was_closed_is_told() -> None:
    def body(told: Told) -> None:
        told.say("Console.messageAdded", message={"text": "goodbye"})
        told.request("r", "http://a/never")
        told.say("Network.webSocketCreated", requestId="w", url="ws://a/s")
        told.capture.on_event("", "Target.detachedFromTarget", {"sessionId": PAGE})

    found = told(body)
    assert found.of("console")[0]["text"] == "goodbye"
    assert {one["url"] for one in found.of("request")} == {"http://a/never", "ws://a/s"}
