"""What happened in a session, as it is told while it lives and after it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import sync_playwright

from tests.e2e.timeline_stage import SECRET, agree, busy_page, devtools, events, execute, started, until, visit
from tests.support.har import har_problems
from tests.support.origin import Origin
from tests.support.server import Server

pytestmark = pytest.mark.slow

_IMPORT = """async archive => {
  const har = await import('/devtools/models/har/har.js');
  const requests = har.Importer.Importer.requestsFromHARLog(new har.HARFormat.HARRoot(archive).log);
  return requests.map(request => ({
    url: request.url(), status: request.statusCode, size: request.transferSize, messages: request.frames().length,
  }));
}"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, origin: Origin) -> Iterator[Server]:
    """A server that keeps bodies where a session asks for them."""
    environment = {"NOCTULE_EGRESS_ALLOW": f"127.0.0.1:{origin.port}", "NOCTULE_CAPTURE": "bodies"}
    server = Server(tmp_path_factory.mktemp("timeline") / "data", environment)
    try:
        yield server.start()
    finally:
        server.close()


@pytest.fixture
def api(server: Server) -> Iterator[httpx.Client]:
    with server.client() as client:
        yield client


@pytest.fixture(scope="module")
def story(server: Server, origin: Origin) -> str:
    """The path of a session that has been on the busy page, and is over."""
    with server.client() as api:
        path = started(api, **{"X-Noctule-Capture": "bodies"})
        visit(api, path, busy_page(origin))
        until(lambda: len(events(api, path, "page_error")) == 2)
        api.delete(f"{path}/stop").raise_for_status()
        until(lambda: bool(events(api, path, "session")[1:]) and bool(events(api, path, "dialog")))
    return path


def _requests(api: httpx.Client, path: str) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for event in events(api, path, "request"):
        address = event["data"]["url"].partition("?")[0]
        found.setdefault(address.partition("://")[2].partition("/")[2] or address, []).append(event["data"])
    return found


def test_every_kind_of_thing_that_happened_is_told_in_order(api: httpx.Client, story: str) -> None:
    told = events(api, story)
    instants = [event["at"] for event in told]
    assert instants == sorted(instants)
    assert {event["kind"] for event in told} >= {
        *("session", "tab", "navigation", "load", "request", "console", "page_error", "dialog", "step", "cost")
    }
    (said,) = (event["data"] for event in told if event["kind"] == "console")
    assert (said["level"], said["text"]) == ("warning", "careful 1")
    errors = sorted(event["data"]["text"] for event in told if event["kind"] == "page_error")
    assert errors == ["Uncaught (in promise) Error: nor this", "Uncaught Error: nobody caught this"]
    (dialog,) = (event["data"] for event in told if event["kind"] == "dialog")
    assert (dialog["dialog"], dialog["text"], dialog["accepted"]) == ("confirm", "Really?", False)
    assert [event["data"]["state"] for event in told if event["kind"] == "session"] == ["started", "ended"]


def test_every_exchange_of_the_page_is_there_once_with_what_became_of_it(api: httpx.Client, story: str) -> None:
    found = _requests(api, story)
    assert found["redirect"][0]["response"]["status"] == 302
    assert found["redirect"][0]["redirect_to"].endswith("/bytes/1000")
    assert found["bytes/1000"][0]["response"]["content_bytes"] == 1000
    assert [found[f"status/{code}"][0]["response"]["status"] for code in (404, 500)] == [404, 500]
    assert found["echo"][0]["method"] == "POST"
    assert found["echo"][0]["request"]["body_bytes"] == len(f"user=me&password={SECRET}")
    assert "failure" in found["http://10.0.0.1/"][0]
    assert found["captured-from-worker"][0]["response"]["from"] == "service_worker"
    assert found["captured-from-worker"][0]["sizes"]["response_bytes"] == 0
    (socket,) = found["ws"]
    assert socket["websocket"]["bytes_sent"] == socket["websocket"]["bytes_received"] == 300
    assert all(found[address][0]["response"]["from"] == "inline" for address in found if address.startswith("data:"))


def test_bytes_agree_with_the_egress_proxy_within_the_overhead(api: httpx.Client, server: Server, story: str) -> None:
    session = api.get(story).json()
    sizes = [event["data"]["sizes"] for event in events(api, story, "request") if _is_remote(event["data"])]
    archive = api.get(f"{story}/har").json()["log"]["entries"]
    for name, counted in (("request", "network_request_bytes"), ("response", "network_response_bytes")):
        told, measured = sum(size[f"{name}_bytes"] for size in sizes), session[counted]
        assert agree(told, measured), (name, told, measured)
    transferred = sum(entry["response"]["_transferSize"] for entry in archive)
    assert transferred == sum(event["data"]["sizes"]["response_bytes"] for event in events(api, story, "request"))
    ended = events(api, story, "session")[-1]["data"]
    assert ended["network_response_bytes"] == session["network_response_bytes"]


def _is_remote(data: dict[str, Any]) -> bool:
    """Whether the egress proxy let it out."""
    return "10.0.0.1" not in data["url"]


def test_costs_add_up_to_the_sessions(api: httpx.Client, story: str) -> None:
    reply = api.get(story)
    told = sum(float(event["data"]["cost"]) for event in events(api, story, "cost"))
    assert told == pytest.approx(float(reply.headers["x-noctule-cost"]))


def test_the_archive_is_valid_has_bodies_and_no_secret(api: httpx.Client, story: str) -> None:
    text = api.get(f"{story}/har").text
    archive = json.loads(text)
    assert not har_problems(archive)
    by_url = {entry["request"]["url"]: entry for entry in archive["log"]["entries"]}
    page = next(entry for url, entry in by_url.items() if url.endswith("/captured"))
    assert "<title>Busy</title>" in page["response"]["content"]["text"]
    (form,) = (entry for url, entry in by_url.items() if "/echo" in url)
    assert SECRET not in json.dumps(form)
    assert form["request"]["postData"]["text"].startswith("user=me&password=")
    assert form["_initiator"]["stack"]["callFrames"]
    (document,) = archive["log"]["pages"]
    assert document["pageTimings"]["onLoad"] > 0


def test_what_is_typed_into_a_field_for_secrets_is_masked_wherever_the_page_sends_or_says_it(
    api: httpx.Client, origin: Origin
) -> None:
    origin.page(
        "/teller",
        """<input id=plain><input id=hush type=password>
        <script>hush.onchange = () => { console.log('typed ' + hush.value);
        fetch('/echo?word=' + plain.value, {method: 'POST', body: JSON.stringify({word: hush.value})})
            .then(answer => answer.text()) }</script>""",
    )
    path = started(api, **{"X-Noctule-Capture": "bodies"})
    execute(api, path, type="goto", url=f"{origin.url}teller")
    execute(api, path, type="fill", selector="#plain", value="told-to-all")
    execute(api, path, type="fill", selector="#hush", value="9 Bats & 1 moth", press_enter=True)
    until(lambda: any("/echo" in event["data"]["url"] for event in events(api, path, "request")))
    live = api.get(f"{path}/timeline.ndjson").text
    api.delete(f"{path}/stop").raise_for_status()
    until(lambda: len(events(api, path, "session")) == 2)
    for kept in (live, api.get(f"{path}/timeline.ndjson").text, api.get(f"{path}/har").text):
        assert "told-to-all" in kept
        assert "Bats" not in kept


def test_the_archive_opens_in_chromiums_devtools(api: httpx.Client, story: str, tmp_path: Path) -> None:
    archive = api.get(f"{story}/har").json()
    with devtools(tmp_path) as page:
        opened = page.evaluate(_IMPORT, archive)
    entries = archive["log"]["entries"]
    assert [one["url"] for one in opened] == [entry["request"]["url"] for entry in entries]
    assert [one["status"] for one in opened] == [entry["response"]["status"] for entry in entries]
    assert [one["size"] for one in opened] == [entry["response"]["_transferSize"] for entry in entries]
    assert sum(one["messages"] for one in opened) == 2


def test_a_session_asks_for_less_and_gets_it(api: httpx.Client, origin: Origin) -> None:
    path = started(api, **{"X-Noctule-Capture": "off"})
    execute(api, path, type="goto", url=origin.url)
    api.delete(f"{path}/stop").raise_for_status()
    assert {event["kind"] for event in events(api, path)} == {"session", "cost", "step"}
    assert api.get(f"{path}/network/logs").json()["total_batch_count"] == 0


def test_a_wish_that_makes_no_sense_is_refused(api: httpx.Client) -> None:
    reply = api.post("/sessions/start", json={}, headers={"X-Noctule-Capture": "everything"})
    assert reply.status_code == 422
    assert "off, on and bodies" in reply.text


def test_other_clients_of_the_browser_are_told_of_as_well(api: httpx.Client, origin: Origin) -> None:
    reply = api.post("/sessions/start", json={"extra_http_headers": {"X-Own": "own-value-of-mine"}}).json()
    path = f"/sessions/{reply['session_id']}"
    with sync_playwright() as playwright:
        browser = playwright.chromium.connect_over_cdp(reply["cdp_url"])
        page = browser.contexts[0].pages[0]
        page.goto(f"{origin.url}echo")
        assert "own-value-of-mine" in page.content()
        fresh = browser.contexts[0].new_page()
        fresh.goto(f"{origin.url}captured-tab")
        fresh.evaluate("console.log('from another tab')")
        fresh.close()
        browser.close()
    api.delete(f"{path}/stop").raise_for_status()
    until(lambda: bool(events(api, path, "console")))
    found = _requests(api, path)
    own = [value for name, value in found["echo"][0]["request"]["headers"] if name.lower() == "x-own"]
    assert own == ["***masked***"]
    assert found["captured-tab"][0]["tab"] != found["echo"][0]["tab"]
    states = [event["data"]["state"] for event in events(api, path, "tab")]
    assert states.count("opened") == 2
    assert "closed" in states


def test_many_pages_at_once_lose_nothing(api: httpx.Client, origin: Origin) -> None:
    path = started(api)
    frames = "".join(f"<iframe src='/bytes/{100 + number}'></iframe>" for number in range(40))
    origin.page("/captured-frames", f"<title>Frames</title>{frames}")
    execute(api, path, type="goto", url=f"{origin.url}captured-frames")
    for _ in range(3):
        execute(api, path, type="goto_new_tab", url=f"{origin.url}captured-frames")
    api.delete(f"{path}/stop").raise_for_status()
    until(lambda: bool(events(api, path, "session")[1:]))
    until(lambda: sum(len(found) for found in _requests(api, path).values()) >= 4 * 41)
    found = _requests(api, path)
    assert len(found["captured-frames"]) == 4
    assert all(len(found[f"bytes/{100 + number}"]) == 4 for number in range(40))
