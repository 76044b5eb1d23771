"""The page tag over HTTP: echoes, failures, malformed actions, observations, pictures."""

import base64
from typing import Any

import pytest

from noctule.browser.commands import CommandFailed, EvaluateJs, Goto
from noctule.page.wire import ApiExecutionResponse, Observation
from tests.support.fleet import JPEG
from tests.unit.page.house import FORM, PAGE, SID, Server


def test_a_goto_answers_what_clients_read() -> None:
    reply = Server().act({"type": "goto", "url": "https://example.com"})
    assert reply.status_code == 200
    assert reply.json() == {
        "started_at": "2026-03-10T12:00:00+00:00",
        "ended_at": "2026-03-10T12:00:00+00:00",
        "action": {"type": "goto", "url": "https://example.com"},
        "success": True,
        "message": "Navigated to https://example.com",
        "data": None,
        "exception": None,
    }
    ApiExecutionResponse.model_validate(reply.json())


@pytest.mark.parametrize(
    "action",
    [
        {
            "type": "goto",
            "category": "Special Browser Actions",
            "description": "Goto to a URL (in current tab)",
            "url": "https://example.com",
        },
        {"type": "goto", "url": "https://example.com", "wait_until": None},
        {"url": "https://example.com", "type": "goto", "wait_until": "commit"},
        {"type": "evaluate_js", "code": "1"},
        {"type": "fill", "selector": "#q", "value": "x", "clear": True, "id": ""},
        {"type": "form_fill", "value": {"email": "a@b.c", "phone": None}},
        {"type": "scroll_down", "amount": None},
    ],
)
def test_the_action_is_echoed_field_for_field(action: dict[str, Any]) -> None:
    assert Server().act(action).json()["action"] == action


def test_what_javascript_returned_is_the_markdown() -> None:
    server = Server()
    server.fleet.answers["({a: 1})"] = '{"a":1}'
    reply = server.act({"type": "evaluate_js", "code": "({a: 1})"}, "?captcha_timeout_seconds=180").json()
    assert reply["data"] == {"markdown": '{"a":1}', "images": None, "structured": None}
    assert server.fleet.commands == [(SID, EvaluateJs("({a: 1})"))]


def test_half_a_surrogate_pair_from_the_page_reaches_the_caller() -> None:
    server = Server()
    server.fleet.answers["x"] = "\ud83d"
    assert server.act({"type": "evaluate_js", "code": "x"}).json()["data"]["markdown"] == "\ud83d"


def test_a_failure_is_200_with_both_generations_exceptions() -> None:
    server = Server()
    server.fleet.run_error = CommandFailed("PageLoadingError", "example.com did not answer")
    reply = server.act({"type": "goto", "url": "https://example.com"})
    assert reply.status_code == 200
    body = reply.json()
    assert (body["success"], body["message"], body["exception"]) == (
        False,
        "example.com did not answer",
        "example.com did not answer",
    )
    assert body["exception_detail"] == {
        "error_type": "PageLoadingError",
        "dev_message": "example.com did not answer",
        "user_message": "example.com did not answer",
        "agent_message": "example.com did not answer",
        "should_retry_later": False,
        "should_notify_team": False,
    }
    ApiExecutionResponse.model_validate(body)


def test_an_action_by_id_is_echoed_with_the_element_it_led_to() -> None:
    server = Server()
    server.fleet.page.nodes = FORM
    server.observe()
    reply = server.act({"type": "click", "id": "B1[:]", "selector": None}).json()
    assert (reply["success"], reply["message"]) == (True, "Clicked Send.")
    assert (reply["action"]["id"], reply["action"]["text_label"]) == ("B1[:]", "Send")
    assert reply["action"]["selector"]["playwright_selector"] == "#send"
    ApiExecutionResponse.model_validate(reply)


def test_an_id_that_was_never_seen_is_told_in_the_words_that_clients_look_for() -> None:
    server = Server()
    server.observe()
    reply = server.act({"type": "click", "id": "X1"})
    assert reply.status_code == 200
    assert reply.json()["message"] == "Action with id 'X1' is invalid: action 'X1' not found in page context."
    assert reply.json()["exception_detail"]["error_type"] == "InvalidActionError"


@pytest.mark.parametrize(
    ("action", "fragment"),
    [
        ({"type": "click", "id": "B1"}, "observe first"),
        ({"type": "email_read"}, "no persona"),
        ({"type": "upload_file", "selector": "#file", "file_path": "a.txt"}, "no storage"),
        ({"type": "download_file", "selector": "body"}, "no storage"),
    ],
)
def test_what_was_not_tried_is_an_error(action: dict[str, Any], fragment: str) -> None:
    server = Server()
    reply = server.act(action)
    assert (reply.status_code, reply.json()["status"]) == (409, 409)
    assert fragment in reply.json()["message"]
    assert server.sessions.steps == []


def test_a_captcha_is_not_solved_and_that_is_told_at_once() -> None:
    reply = Server().act({"type": "captcha_solve", "captcha_type": "turnstile"}, "?captcha_timeout_seconds=180")
    assert (reply.status_code, reply.json()["success"]) == (200, False)
    assert "no captcha solver" in reply.json()["exception"]
    assert "captcha" not in reply.json()


def test_an_observation_answers_what_clients_read() -> None:
    server = Server()
    server.fleet.page.nodes = FORM
    server.fleet.page.jpeg = JPEG
    server.act({"type": "goto", "url": "https://example.com"})
    seen = server.observe(perception_type="deep", max_nb_actions=100)
    Observation.model_validate(seen)
    assert seen["metadata"]["url"] == "https://example.com"
    assert [action["id"] for action in seen["space"]["interaction_actions"]] == ["I1", "I2", "B1"]
    assert base64.b64decode(seen["screenshot"]["raw"]) == JPEG


def test_an_observed_action_can_be_sent_back_as_it_is() -> None:
    server = Server()
    server.fleet.page.nodes = FORM
    [_, _, click] = server.observe()["space"]["interaction_actions"]
    reply = server.act(click).json()
    assert (reply["success"], reply["action"]) == (True, click)


def test_instructions_keep_what_they_mean_and_what_a_model_cost_is_beside_it() -> None:
    server = Server()
    server.fleet.page.nodes = FORM
    plain = server.post(f"{PAGE}/observe", json={"instructions": "fill in the email"})
    assert [action["id"] for action in plain.json()["space"]["interaction_actions"]] == ["I1"]
    assert "x-noctule-cost" not in plain.headers
    server.llm.model, server.llm.cost_nanos = "fake/model", 1_500
    server.llm.then({"ids": ["B1"]})
    chosen = server.post(f"{PAGE}/observe", json={"instructions": "fill in the email"})
    assert [action["id"] for action in chosen.json()["space"]["interaction_actions"]] == ["B1"]
    assert chosen.headers["x-noctule-cost"] == "0.0000015"
    assert server.sessions.steps == []


@pytest.mark.parametrize(
    ("body", "fragment"),
    [
        ({"url": "https://example.com"}, "Extra inputs are not permitted"),
        ({"perception_type": "slow"}, "'deep'"),
        ({"max_nb_actions": "many"}, "valid integer"),
        ({"instructions": "x" * 20_001}, "at most 20000 characters"),
        (None, "Field required"),
    ],
)
def test_a_malformed_observation_is_422_in_words_and_nothing_is_looked_at(body: Any, fragment: str) -> None:
    server = Server()
    reply = server.post(f"{PAGE}/observe", json=body)
    assert reply.status_code == 422, reply.text
    assert fragment in reply.json()["message"]
    assert server.fleet.commands == []


def test_half_a_surrogate_pair_of_a_page_reaches_whoever_looks() -> None:
    server = Server()
    server.fleet.page.nodes = (FORM[0]._replace(name="\ud83d"),)
    assert server.observe()["space"]["interaction_actions"][0]["text_label"] == "\ud83d"


@pytest.mark.parametrize(
    ("body", "fragments"),
    [
        ({"type": "fly"}, ["'fly'", "'goto'", "'evaluate_js'", "'download_file'"]),
        ({"url": "https://example.com"}, ["discriminator 'type'"]),
        ({"type": None}, ["'goto'"]),
        ({"type": "goto"}, ["url", "Field required"]),
        ({"type": "goto", "url": "https://a", "colour": 1}, ["colour", "Extra inputs are not permitted"]),
        ({"type": "reload", "colour": 1}, ["colour", "Extra inputs are not permitted"]),
        ({"type": "goto", "url": None}, ["url", "valid string"]),
        ({"type": "goto", "url": "https://a", "wait_until": "later"}, ["wait_until", "'networkidle'"]),
        ({"type": "wait", "time_ms": 30001}, ["time_ms", "less than or equal to 30000"]),
        ({"type": "wait", "time_ms": -1}, ["time_ms", "greater than or equal to 0"]),
        ({"type": "wait", "time_ms": "soon"}, ["time_ms", "valid integer"]),
        ({"type": "wait"}, ["time_ms", "Field required"]),
        ({"type": "click"}, ["needs an id of the last observation, or a selector"]),
        ({"type": "click", "timeout": -1}, ["timeout", "greater than or equal to 0"]),
        ({"type": "form_fill", "value": {}}, ["value", "at least 1"]),
        ({"type": "form_fill", "value": {"shoe_size": "42"}}, ["'first_name'"]),
        ([], ["valid dictionary"]),
        ("goto", ["valid dictionary"]),
        (None, ["Field required"]),
    ],
)
def test_a_malformed_action_is_422_in_words_and_is_not_tried(body: Any, fragments: list[str]) -> None:
    server = Server()
    reply = server.act(body)
    assert reply.status_code == 422, reply.text
    for fragment in fragments:
        assert fragment in reply.json()["message"]
    assert server.fleet.commands == []
    assert server.sessions.used == []


def test_numbers_that_json_does_not_have_are_422() -> None:
    body = '{"type": "scrape", "response_format": {"x": 1e999}}'
    reply = Server().post(f"{PAGE}/execute", content=body, headers={"content-type": "application/json"})
    assert reply.status_code == 422
    assert "cannot be echoed as JSON" in reply.json()["message"]


def test_an_unknown_session_is_404_and_a_closed_one_409() -> None:
    server = Server()
    unknown = server.post("/sessions/nope/page/execute", json={"type": "wait", "time_ms": 0})
    assert (unknown.status_code, unknown.json()["message"]) == (404, "Session nope not found")
    server.sessions.closed.add(SID)
    closed = server.act({"type": "wait", "time_ms": 0})
    assert (closed.status_code, closed.json()["message"]) == (409, f"Session {SID} is closed")
    assert server.post(f"{PAGE}/screenshot").status_code == 409


def test_a_screenshot_is_a_jpeg() -> None:
    reply = Server().post(f"{PAGE}/screenshot?update_metadata=False")
    assert (reply.status_code, reply.headers["content-type"], reply.content) == (200, "image/jpeg", JPEG)


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("application/json", "application/json"),
        ("*/*", "image/jpeg"),
        ("application/json, image/jpeg", "image/jpeg"),
        ("image/jpeg", "image/jpeg"),
    ],
)
def test_a_screenshot_is_json_only_for_who_accepts_nothing_else(accept: str, content_type: str) -> None:
    reply = Server().post(f"{PAGE}/screenshot", headers={"accept": accept})
    assert reply.headers["content-type"] == content_type
    if content_type == "application/json":
        assert base64.b64decode(reply.json()["raw"]) == JPEG


def test_a_goto_waits_for_what_the_caller_says() -> None:
    server = Server()
    server.act({"type": "goto", "url": " https://example.com ", "wait_until": "networkidle"})
    assert server.fleet.commands == [(SID, Goto("https://example.com", "networkidle"))]
