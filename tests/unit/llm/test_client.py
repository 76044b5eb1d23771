"""One request and its reply, from providers of every kind."""

import asyncio
import gzip
import json
import logging
import threading
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from noctule.llm.client import Client, retry_after_seconds
from noctule.llm.errors import (
    BadReply,
    ModelError,
    ModelOverloaded,
    ModelRefusedKey,
    ModelRejected,
    ModelTimedOut,
    ModelUnknown,
    ModelUnreachable,
    QuotaUsedUp,
    ReplyTooLarge,
)
from noctule.llm.protocol import Image, Message
from noctule.llm.routing import Configured, Route
from noctule.llm.wire import Reply
from tests.support.model_server import ModelServer, Scripted, http, says, status
from tests.unit.llm.house import KEY, OWN_ADDRESS, House, question

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
BODY = {"model": "m", "messages": [{"role": "user", "content": "Hello"}]}


def _send(url: str, *, timeout_seconds: float = 10.0, most_reply_bytes: int = 100_000) -> Reply:
    async def story() -> Reply:
        client = Client(most_reply_bytes=most_reply_bytes)
        try:
            return await client.send(Route(OWN_ADDRESS, url, "m", KEY), BODY, timeout_seconds)
        finally:
            await client.close()

    return asyncio.run(story())


def test_a_reply_is_read(model: ModelServer) -> None:
    assert _send(model.base_url).text == "Hello"


def test_a_reply_beyond_the_bound_is_not_read_to_its_end(model: ModelServer) -> None:
    model.then(says("x" * 200_000), status(500, "x" * 200_000), Scripted(http(200, b" " * 200_000)))
    for _ in range(3):
        with pytest.raises(ReplyTooLarge, match="more than the gateway reads"):
            _send(model.base_url)


def test_a_compressed_reply_is_refused_unpacked(model: ModelServer) -> None:
    model.then(Scripted(http(200, gzip.compress(b" " * 10_000_000), Content_Encoding="gzip")))
    with pytest.raises(BadReply, match="compressed"):
        _send(model.base_url)


def test_nobody_there_is_unreachable() -> None:
    with pytest.raises(ModelUnreachable, match="cannot be reached"):
        _send("http://127.0.0.1:9/v1")


def test_a_name_that_does_not_exist_is_unreachable() -> None:
    with pytest.raises(ModelUnreachable, match="cannot be reached"):
        _send("http://no-such-host.invalid/v1")


@pytest.mark.parametrize("reply", [b"", b"garbage\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"])
def test_a_connection_that_breaks_is_unreachable(model: ModelServer, reply: bytes) -> None:
    model.then(Scripted(reply, close_after=len(reply)))
    with pytest.raises(ModelUnreachable, match="broke the connection off"):
        _send(model.base_url)


def test_a_reply_that_drips_is_over_in_time(model: ModelServer) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n\r\n"
    model.then(Scripted(head + b" " * 1000))
    with pytest.raises(ModelTimedOut):
        _send(model.base_url, timeout_seconds=0.3)


@pytest.mark.parametrize(
    ("code", "error"),
    [(400, ModelRejected), (404, ModelUnknown), (418, ModelRejected), (429, ModelOverloaded), (599, ModelOverloaded)],
)
def test_a_status_is_an_error_of_its_kind_in_our_words(model: ModelServer, code: int, error: type[ModelError]) -> None:
    model.then(status(code, f"the provider echoes {KEY}"))
    with pytest.raises(error, match=str(code)) as caught:
        _send(model.base_url)
    assert KEY not in caught.value.message
    assert "echoes" not in caught.value.message
    assert caught.value.__cause__ is None


def test_an_error_inside_a_success_is_one_of_its_kind(model: ModelServer) -> None:
    model.then(*(Scripted(http(200, json.dumps({"error": {"code": code}}).encode())) for code in (502, 400)))
    with pytest.raises(ModelOverloaded, match="502"):
        _send(model.base_url)
    with pytest.raises(BadReply, match="error inside"):
        _send(model.base_url)


def test_an_account_without_credit_is_not_asked_again(model: ModelServer) -> None:
    model.then(status(402), status(429, error_code="insufficient_quota"))
    for _ in range(2):
        with pytest.raises(QuotaUsedUp, match="no credit left"):
            _send(model.base_url)


def test_a_redirect_takes_the_key_nowhere(model: ModelServer) -> None:
    with ModelServer() as other:
        model.then(*(Scripted(http(code, b"", Location=f"{other.base_url}/x")) for code in (301, 302, 307, 308)))
        for _ in range(4):
            with pytest.raises(BadReply, match="redirect"):
                _send(model.base_url)
        assert other.asked == []


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"choices": [{"message": {"content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}}]}, "ab"),
        ({"choices": [{"message": {"content": "a"}}], "usage": None, "model": None}, "a"),
        ({"choices": [{"message": {"content": "a", "tool_calls": 7}}], "usage": {"prompt_tokens": 1.0}}, "a"),
        ({"choices": [{"message": {"content": "a", "refusal": False}}], "usage": {"prompt_tokens": "many"}}, "a"),
        ({"choices": [{"message": {"content": "a"}}], "usage": "none", "model": 7, "error": None}, "a"),
    ],
)
def test_replies_of_relatives_are_understood(model: ModelServer, body: object, text: str) -> None:
    model.then(Scripted(http(200, json.dumps(body).encode())))
    reply = _send(model.base_url)
    assert (reply.text, reply.tokens, reply.problem) == (text, None, None)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after-ms": "250", "retry-after": "7"}, 0.25),
        ({"retry-after": "Tue, 10 Mar 2026 12:00:30 GMT"}, 30.0),
        ({"retry-after": "Tue, 10 Mar 2026 11:00:00 GMT"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-3"}, None),
        ({"retry-after": "9" * 400}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "٣"}, None),
        ({}, None),
    ],
)
def test_how_long_to_wait_is_understood_in_each_of_its_forms(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after_seconds(headers, NOW) == seconds


def test_the_key_and_the_question_go_to_the_configured_address_and_little_else_does(lone: House) -> None:
    lone.ask(question("What is this?", max_output_tokens=77, temperature=0.5))
    (asked,) = lone.model.asked
    assert asked.path == "/v1/chat/completions"
    assert asked.headers["authorization"] == f"Bearer {KEY}"
    assert set(asked.headers) == {
        *("host", "connection", "authorization", "content-type", "content-length"),
        *("accept", "accept-encoding", "user-agent"),
    }
    assert asked.body == {
        "model": "m",
        "messages": [{"role": "user", "content": "What is this?"}],
        "max_tokens": 77,
        "temperature": 0.5,
    }


def test_credentials_of_the_environment_stay_in_it(lone: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_ORG_ID", "org-of-the-operator")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "X-Secret: of-the-operator")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-the-operator")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    server = Configured(OWN_ADDRESS, lone.model.base_url, "m", None)
    lone.ask(question(), server=server)
    assert "of-the-operator" not in str(lone.model.asked[0].headers)


def test_pictures_go_with_the_words(lone: House) -> None:
    lone.ask(question(messages=(Message.user("Look:", Image("image/png", b"\x89PNG")),)))
    content = lone.model.asked[0].body["messages"][0]["content"]
    assert content[0] == {"type": "text", "text": "Look:"}
    assert content[1] == {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw=="}}


def test_a_key_that_cannot_be_one_is_not_sent(lone: House) -> None:
    server = Configured(OWN_ADDRESS, lone.model.base_url, "m", "sk-a\nX-Evil: 1")
    with pytest.raises(ModelRefusedKey, match="characters that no key has") as caught:
        lone.ask(question(), server=server)
    assert "Evil" not in str(caught.value)
    assert lone.model.asked == []


def test_nothing_of_a_question_or_a_key_is_logged(lone: House, caplog: pytest.LogCaptureFixture) -> None:
    lone.model.then(status(500, f"echo {KEY}"), status(401, f"echo {KEY}"))
    with caplog.at_level(logging.DEBUG), pytest.raises(ModelRefusedKey):
        lone.ask(question("a private question"))
    assert KEY not in caplog.text
    assert "private" not in caplog.text


@pytest.fixture
def threads() -> Iterator[None]:
    before = threading.active_count()
    yield
    assert threading.active_count() <= before


def test_nothing_is_left_running(threads: None) -> None:
    with pytest.raises(ModelUnreachable):
        _send("http://127.0.0.1:9/v1")
