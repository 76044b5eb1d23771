"""Budgets that run out under every kind of client: one minute is paid, the session ends, everybody is told why."""

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from standardwebhooks import Webhook

from tests.e2e.budget_minute import MINUTE, Ended, Minute, pass_one
from tests.support import clients
from tests.support.origin import Origin
from tests.support.server import Server

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

# Whatever spoke to the session last.
CLIENTS = ["playwright", "execute", "cdp", "nobody", "workspace", *(f"sdk {each}" for each in clients.SDK_VERSIONS)]
NO_CREDIT = "The balance of this workspace is used up."


@pytest.fixture(scope="module")
def minute(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Minute]:
    """The minute, over; its server still runs."""
    with Origin() as origin:
        environment = {"NOCTULE_EGRESS_ALLOW": f"127.0.0.1:{origin.port}", "NOCTULE_WARM_POOL_SIZE": "2"}
        server = Server(tmp_path_factory.mktemp("budgets") / "data", environment)
        try:
            yield pass_one(server.start(), origin)
        finally:
            server.close()


def _of(minute: Minute, client: str) -> Ended:
    if client not in minute.ended:
        clients.sdk_python(client.removeprefix("sdk "))
    return minute.ended[client]


def _row(minute: Minute, by: str, key: str) -> dict[str, Any]:
    with minute.server.client() as client:
        rows = client.get("/usage/breakdown", params={"by": by, "page_size": 100}).raise_for_status().json()["items"]
    [row] = [row for row in rows if row["key"] == key]
    return dict(row)


def _messages(minute: Minute, workspace: str) -> list[dict[str, Any]]:
    """What its receiver was told; every one is signed and came once."""
    came = minute.messages[workspace]
    assert len({seen.header("webhook-id") for seen in came}) == len(came)
    verify = Webhook(minute.secrets[workspace]).verify
    return [verify(seen.body, {name.lower(): value for name, value in seen.headers}) for seen in came]


@pytest.mark.parametrize("client", CLIENTS)
def test_a_budget_ends_the_session_of_any_client_after_the_one_minute_that_is_paid(minute: Minute, client: str) -> None:
    ended = _of(minute, client)
    told = ended.reply.json()
    assert (told["status"], told["close_reason"]) == ("closed", "unknown")
    assert f"The budget '{ended.budget}'" in told["error"]
    assert told["cdp_url"] is None
    # Not before the minute was over, and no second one was begun.
    assert told["duration"].startswith("PT1M")
    assert ended.reply.headers["x-noctule-cost"] == MINUTE
    later = minute.later[client]
    assert later.status_code == 409
    assert told["error"] in later.json()["message"]


@pytest.mark.parametrize("client", CLIENTS)
def test_the_bill_says_the_same_everywhere(minute: Minute, client: str) -> None:
    ended = _of(minute, client)
    explained = minute.server.noctule("usage", "explain", ended.session_id).stdout
    assert explained.count("  browser  ") == 1
    assert f"total ${MINUTE}" in explained
    if ended.workspace == "default":
        row = _row(minute, "session", ended.session_id)
        assert (row["browser_minutes"], row["total_cost"]) == (1, float(MINUTE))


@pytest.mark.parametrize("client", ["cdp", "workspace"])
def test_a_stream_is_closed_with_the_name_of_the_budget(minute: Minute, client: str) -> None:
    ended = minute.ended[client]
    assert ended.code == 1001
    assert ended.told.startswith(f"The budget '{ended.budget}' ($0.0005 ")


def test_playwright_and_an_action_under_way_see_the_end(minute: Minute) -> None:
    assert "closed" in minute.ended["playwright"].told
    assert minute.ended["execute"].told.startswith(f"Session {minute.ended['execute'].session_id} is not active: ")
    assert "The budget 'crawler' ($0.0005 a month for the tag 'job:crawl') is used up." in minute.ended["execute"].told


@pytest.mark.parametrize("version", clients.SDK_VERSIONS)
def test_the_official_sdk_understands_what_happened(minute: Minute, version: str) -> None:
    clients.sdk_python(version)
    seen = minute.sdk[version]
    budget = f"The budget 'laptop {version}' ($0.0005 a month for this key) is used up."
    assert seen["sdk"] == version
    assert seen["goto"] is True
    assert (seen["status"], seen["after_stop"], seen["error"]) == ("closed", "closed", budget)
    assert seen["close_reason"] == ("unknown" if version == "1.10.0" else None)
    assert budget in seen["execute"]
    assert "409" in seen["execute"]
    assert budget in seen["start"]
    assert "402" in seen["start"]


def test_no_more_such_work_begins_and_other_work_does(minute: Minute) -> None:
    for name, budget in (("tag", "crawler"), ("workspace", "whole house")):
        refused = minute.refused[name]
        assert refused.status_code == 402
        body = refused.json()
        assert f"The budget '{budget}'" in body["message"]
        assert body["detail"]["reason"] == "budget_exceeded"
        assert body["detail"]["budget"]["name"] == budget
        assert body["detail"]["limit"] == 0.0005
    assert {name: reply.status_code for name, reply in minute.admitted.items()} == dict.fromkeys(minute.admitted, 200)


def test_a_warning_ends_nothing(minute: Minute) -> None:
    assert minute.warned is not None
    assert minute.warned.json()["status"] == "active"
    assert minute.warned.headers["x-noctule-cost"] == "0.001666667"
    told = [each["data"] for each in _messages(minute, "default") if each["type"] == "usage.budget"]
    assert sorted(each["percent"] for each in told if each["budget"]["name"] == "heads up") == [50, 80, 100]


def test_the_end_of_credit_has_a_reason_of_its_own_and_a_top_up_ends_it(minute: Minute) -> None:
    ended, told = minute.ended["credit"], minute.ended["credit"].reply.json()
    assert (told["status"], told["close_reason"], told["error"]) == ("closed", "unknown", NO_CREDIT)
    assert (ended.code, ended.told) == (1001, NO_CREDIT)
    assert ended.reply.headers["x-noctule-cost"] == MINUTE
    assert minute.later["credit"].status_code == 409
    assert NO_CREDIT in minute.later["credit"].json()["message"]
    assert minute.refused["credit"].status_code == 402
    assert minute.refused["credit"].json()["detail"]["reason"] == "usage_limit_exceeded"
    assert minute.topped_up is not None
    assert minute.topped_up.status_code == 200


def test_every_message_arrives_once_and_signed(minute: Minute) -> None:
    """One for each share of each budget, and for each session."""
    messages = _messages(minute, "default")
    assert {each["type"] for each in messages} == {"usage.budget", "session.ended"}
    shares = Counter(
        (each["data"]["budget"]["name"], each["data"]["percent"]) for each in messages if each["type"] == "usage.budget"
    )
    stopping = [each.budget for each in minute.ended.values() if each.workspace == "default"]
    assert shares == Counter((name, percent) for name in [*stopping, "heads up"] for percent in (50, 80, 100))
    ends = [each["data"] for each in messages if each["type"] == "session.ended"]
    by_session = {each["session_id"]: each for each in ends}
    assert len(by_session) == len(ends)
    for ended in minute.ended.values():
        if ended.workspace == "default":
            end, reply = by_session[ended.session_id], ended.reply
            assert (end["status"], end["close_reason"]) == ("closed", "budget_exhausted")
            assert end["error"] == reply.json()["error"]
            assert (end["minutes"], end["cost"]) == (1, MINUTE)
            assert ",".join(end["tags"]) == reply.headers.get("x-noctule-tags", "")
    assert by_session[minute.ended["execute"].session_id]["tags"] == ["job:crawl", "nightly"]


def test_the_end_of_credit_is_announced_once(minute: Minute) -> None:
    messages = _messages(minute, "prepaid")
    [ended] = [each["data"] for each in messages if each["data"].get("tags") == ["broke"]]
    assert (ended["close_reason"], ended["error"], ended["minutes"]) == ("credits_exhausted", NO_CREDIT, 1)
    [exhausted] = [each["data"] for each in messages if each["type"] == "usage.exhausted"]
    assert exhausted["balance"] == "-0.000333333"
    assert sorted(each["data"]["percent"] for each in messages if each["type"] == "usage.threshold") == [50, 80, 100]


def test_the_books_are_in_order(minute: Minute) -> None:
    audit = minute.server.noctule("usage", "audit", check=False)
    assert audit.returncode == 0, audit.stdout + audit.stderr
    for name, secret in minute.secrets.items():
        assert secret not in minute.server.log.read_text(), f"the secret of {name} is in the log"
    assert "Traceback" not in minute.server.log.read_text()
    tag = _row(minute, "tag", "job:crawl")
    assert (tag["session_count"], tag["browser_minutes"]) == (1, 1)
    assert json.dumps(tag["total_cost"]) == MINUTE
