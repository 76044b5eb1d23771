"""The page tag over HTTP: echoes, failures, malformed actions, pictures."""

import asyncio
import base64
from collections.abc import MutableMapping
from typing import Any

import httpx
import pytest
from fastapi import Request
from fastapi.exceptions import RequestValidationError
from starlette.responses import Response
from starlette.types import Receive, Send

from noctule.browser.commands import BrowserSpec, CommandFailed, EvaluateJs, Goto
from noctule.http.replies import error_reply, reply_to
from noctule.http.validation import described
from noctule.kit.errors import NoctuleError
from noctule.kit.openapi import Application
from noctule.kit.web import CALLER_IN_SCOPE, Caller
from noctule.page.routes import router
from noctule.page.service import PageService
from noctule.page.wire import ApiExecutionResponse
from tests.support.clock import FrozenClock
from tests.support.fleet import JPEG, FakeFleet
from tests.unit.page.sessions import FakeSessions

SID = "0b8a5d9e-0000-4000-8000-000000000001"
PAGE = f"/sessions/{SID}/page"


class Server:
    """The page tag behind HTTP, with one live session ``SID`` of the caller's workspace."""

    def __init__(self) -> None:
        self.sessions = FakeSessions()
        self.sessions.owners[SID] = "w"
        self.fleet = FakeFleet()
        self._app = Application()
        self._app.include_router(router(PageService(self.sessions, self.fleet, FrozenClock())))
        self._app.add_exception_handler(NoctuleError, _refused)
        self._app.add_exception_handler(RequestValidationError, _malformed)

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        scope[CALLER_IN_SCOPE] = Caller("w", "k", "test")
        await self._app(scope, receive, send)

    def post(self, path: str, **kwargs: Any) -> httpx.Response:
        async def call() -> httpx.Response:
            if SID not in self.fleet.specs:
                await self.fleet.acquire(BrowserSpec(SID), 1)
            async with httpx.AsyncClient(transport=httpx.ASGITransport(self), base_url="http://noctule") as client:
                return await client.post(path, **kwargs)

        return asyncio.run(call())

    def execute(self, action: Any, query: str = "") -> httpx.Response:
        return self.post(f"{PAGE}/execute{query}", json=action)


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, NoctuleError)
    return reply_to(error, request.url.path)


async def _malformed(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    message, detail = described(error.errors())
    return error_reply(422, message, request.url.path, detail)


def test_a_goto_answers_what_clients_read() -> None:
    reply = Server().execute({"type": "goto", "url": "https://example.com"})
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
    ],
)
def test_the_action_is_echoed_field_for_field(action: dict[str, Any]) -> None:
    assert Server().execute(action).json()["action"] == action


def test_what_javascript_returned_is_the_markdown() -> None:
    server = Server()
    server.fleet.answers["({a: 1})"] = '{"a":1}'
    reply = server.execute({"type": "evaluate_js", "code": "({a: 1})"}, "?captcha_timeout_seconds=180").json()
    assert reply["data"] == {"markdown": '{"a":1}', "images": None, "structured": None}
    assert server.fleet.commands == [(SID, EvaluateJs("({a: 1})"))]


def test_half_a_surrogate_pair_from_the_page_reaches_the_caller() -> None:
    server = Server()
    server.fleet.answers["x"] = "\ud83d"
    assert server.execute({"type": "evaluate_js", "code": "x"}).json()["data"]["markdown"] == "\ud83d"


def test_a_failure_is_200_with_both_generations_exceptions() -> None:
    server = Server()
    server.fleet.run_error = CommandFailed("PageLoadingError", "example.com did not answer")
    reply = server.execute({"type": "goto", "url": "https://example.com"})
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


def test_an_action_that_is_not_supported_yet_fails_by_name() -> None:
    reply = Server().execute({"type": "click", "id": "B1"})
    assert reply.status_code == 200
    assert "does not support the action 'click' yet" in reply.json()["exception"]
    assert reply.json()["exception_detail"]["error_type"] == "ActionExecutionError"


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
    reply = server.execute(body)
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
    closed = server.execute({"type": "wait", "time_ms": 0})
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
    server.execute({"type": "goto", "url": " https://example.com ", "wait_until": "networkidle"})
    assert server.fleet.commands == [(SID, Goto("https://example.com", "networkidle"))]
