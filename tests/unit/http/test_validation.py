"""Payload errors: which input, what was expected, and never a secret."""

import time
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from noctule.http.validation import REDACTED, described
from tests.unit.http.conftest import Asker
from tests.unit.http.test_gate import assert_error

JSON = {"content-type": "application/json"}


def _deep(levels: int) -> bytes:
    return b'{"extra":' + b"[" * levels + b"]" * levels + b"}"


# body, its headers, and pieces of the message
MALFORMED: list[tuple[bytes, dict[str, str], list[str]]] = [
    (b"", JSON, ["body", "Field required"]),
    (b"{", JSON, ["JSON decode error"]),
    (b"{}x", JSON, ["JSON decode error"]),
    (b"\xff\xfe", JSON, ["JSON decode error"]),
    (b'{"name":"\xff"}', JSON, ["JSON decode error"]),
    (b"\xef\xbb\xbf{}", JSON, ["JSON decode error"]),
    (b"{'name':'x'}", JSON, ["JSON decode error"]),
    (b"nope", JSON, ["JSON decode error"]),
    (b'{"name":"\\ud800"}', JSON, ["JSON decode error"]),
    (b'{"name":"a\\u0000b"}', JSON, ["NUL"]),
    (b'{"extra":{"a":["\\u0000"]}}', JSON, ["NUL"]),
    (b'{"extra":{"a\\u0000":1}}', JSON, ["NUL"]),
    (b'{"weight":NaN}', JSON, ["JSON decode error"]),
    (b'{"weight":Infinity}', JSON, ["JSON decode error"]),
    (b'{"weight":1e999}', JSON, ["out of range"]),
    (b'{"size":1' + b"0" * 5000 + b"}", JSON, ["out of range"]),
    (b'{"size":1' + b"0" * 100 + b"}", JSON, ["body.size", "less than or equal to 100"]),
    (_deep(101), JSON, ["nested deeper than 100"]),
    (_deep(100_000), JSON, ["JSON decode error"]),
    (b'{"extra":[' + b"1," * 50_000 + b"1]}", JSON, ["more than 50000 values"]),
    (b'{"extra":[' + b'{"a":1},' * 25_000 + b"1]}", JSON, ["more than 50000 values"]),
    (b"[]", JSON, ["body", "valid dictionary or object"]),
    (b"null", JSON, ["body", "valid dictionary or object"]),
    (b'"text"', JSON, ["body", "valid dictionary or object"]),
    (b'{"size":"many"}', JSON, ["body.size", "valid integer", "'many'"]),
    (b'{"size":0}', JSON, ["body.size", "greater than or equal to 1", "got 0"]),
    (b'{"name":' + b'"' + b"x" * 1000 + b'"}', JSON, ["body.name", "at most 20 characters"]),
    (b'{"browser":"brave"}', JSON, ["body.browser", "'chromium' or 'chrome'", "'brave'"]),
    (b'{"nmae":"x"}', JSON, ["body.nmae", "Extra inputs are not permitted", "extra_forbidden"]),
    (b'{"proxy":{}}', JSON, ["body.proxy.server", "Field required"]),
    (b'{"size":0,"browser":"brave"}', JSON, ["body.size", "body.browser"]),
    (b"name=x", {"content-type": "application/x-www-form-urlencoded"}, ["Content-Type: application/json"]),
    (b"{}", {"content-type": "text/plain"}, ["Content-Type: application/json"]),
    (b"{", {"content-type": "application/vnd.x+json"}, ["JSON decode error"]),
    (b"{", {}, ["JSON decode error"]),
]


@pytest.mark.parametrize(("body", "headers", "pieces"), MALFORMED)
def test_a_malformed_body_is_a_422_that_says_what_and_where(
    ask: Asker, body: bytes, headers: dict[str, str], pieces: list[str]
) -> None:
    begun = ask.door.things.begun
    answer = ask("POST", "/things", content=body, headers=headers)
    reply = assert_error(answer, 422, "/things")
    for piece in pieces:
        assert piece in reply["message"]
    assert len(answer.content) < 20_000
    for error in reply.get("detail", ()):
        assert {"loc", "msg", "type"} <= set(error)
        assert set(error) <= {"loc", "msg", "type", "input", "ctx"}
    assert ask.door.things.begun == begun


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b"{}", {}),
        (b"{}", JSON),
        (b"{}", {"content-type": "application/json; charset=utf-8"}),
        (b' {"name": "\xc3\xa9\\u00e9 \\\\u0000"} ', JSON),
        (_deep(99), JSON),
    ],
)
def test_good_bodies_pass(ask: Asker, body: bytes, headers: dict[str, str]) -> None:
    assert ask("POST", "/things", content=body, headers=headers).status_code == 200


def test_a_body_that_may_be_absent_may_be_absent(ask: Asker) -> None:
    assert ask("PUT", "/things").json()["id"] == "none"
    assert ask("PUT", "/things", json={"name": "y"}).json()["id"] == "y"


@pytest.mark.parametrize(
    ("query", "pieces"),
    [
        ("page=0", ["query.page", "greater than or equal to 1", "'0'"]),
        ("page=-1", ["query.page"]),
        ("page=x", ["query.page", "valid integer", "'x'"]),
        ("page=1e3", ["query.page"]),
        ("page=" + "9" * 30, ["query.page", "no page after"]),
        ("page=" + "9" * 6000, ["query.page"]),
        ("page_size=101", ["query.page_size", "less than or equal to 100"]),
        ("page_size=", ["query.page_size"]),
        ("only_active=maybe", ["query.only_active", "valid boolean", "'maybe'"]),
        ("page=%zz", ["query.page", "'%zz'"]),
        ("page=%ff", ["query.page"]),
    ],
)
def test_a_malformed_query_is_a_422_that_says_what_and_where(ask: Asker, query: str, pieces: list[str]) -> None:
    reply = assert_error(ask("GET", f"/things?{query}"), 422, "/things")
    for piece in pieces:
        assert piece in reply["message"]


@pytest.mark.parametrize(
    ("body", "secrets"),
    [
        ({"proxy": {"server": "x", "username": 7, "password": "s3cret"}}, ["s3cret"]),
        ({"proxy": {"password": "hunter2hunter2"}}, ["hunter2"]),
        ({"proxy": {"server": 1, "username": ["bob-the-user"]}}, ["bob-the-user"]),
        ({"pasword": "hunter2"}, ["hunter2"]),
        ({"cookies": [{"name": "sid", "value": 991199}]}, ["991199"]),
        ({"cookies": "sid=991199"}, ["991199"]),
        ({"cookies": {"a": {"value": "991199"}}}, ["991199"]),
        ({"size": {"token": "991199"}}, ["991199"]),
        ({"size": "http://user:hunter2@proxy:1"}, ["hunter2"]),
        ({"size": "user:hunter2@proxy:1"}, ["hunter2"]),
        ({"size": "//user:hunter2@proxy"}, ["hunter2"]),
        ({"size": "http:/user:hun/ter2@proxy"}, ["hun", "ter2"]),
        ({"size": ["user:hunter2@proxy", {"a": "http://me:hunt@er2@proxy"}]}, ["hunt", "er2"]),
        ({"size": "noct_abcdefghijklmnop"}, ["abcdefghijklmnop"]),
    ],
)
def test_inputs_that_may_be_secrets_are_not_repeated(ask: Asker, body: dict[str, Any], secrets: list[str]) -> None:
    answer = ask("POST", "/things", json=body)
    assert_error(answer, 422, "/things")
    for secret in secrets:
        assert secret not in answer.text


def test_many_errors_are_told_briefly_in_the_message_and_fully_in_the_detail() -> None:
    errors = [{"loc": ("body", index), "msg": "bad", "type": "x", "input": index} for index in range(30)]
    message, detail = described(errors)
    assert message.count("bad") == 8
    assert message.endswith("and 22 more")
    assert len(detail) == 30


def test_the_size_of_an_input_does_not_matter_to_its_description() -> None:
    huge: list[Any] = ["a-" * 1_000_000, ":" * 1_000_000, ["a:b@c"] * 300_000, dict.fromkeys(range(300_000), "a:b@c")]
    errors = [[{"loc": ("body", "size"), "msg": "bad", "type": "x", "input": given}] for given in huge]
    errors.append([{"loc": ("body", index), "msg": "bad", "type": "x", "input": "a:b@c"} for index in range(50_000)])
    began = time.monotonic()
    for each in errors:
        described(each)
    assert time.monotonic() - began < 5


def test_whatever_an_input_is_it_fits_into_json_and_stays_small() -> None:
    odd: Any = {"nan": float("nan"), "bytes": b"\xff" * 9000, "set": {1}, "self": object(), "big": 2**80}
    for _ in range(50):
        odd = {"inner": odd}
    _, [detail] = described(
        [{"loc": ("body",), "msg": "bad \ud800", "type": "x", "input": odd, "ctx": {"e": ValueError()}}]
    )
    assert len(str(detail)) < 2000
    _, [detail] = described([{"loc": ("body", "password"), "msg": "bad", "type": "x", "input": {"a": "b"}}])
    assert detail["input"] == REDACTED


@pytest.mark.parametrize(
    ("path", "status", "message"),
    [
        ("/things/%00", 422, "NUL"),
        ("/things?page=%00", 422, "NUL"),
        ("/things/%zz", 404, "thing"),
        ("/things/%ff%fe", 404, "thing"),
        ("/things/..%2f..%2fetc%2fpasswd", 404, "nothing"),
        ("/things/" + "x" * 4000, 404, "thing"),
        ("/things/" + "x" * 5000, 414, "too long"),
        ("/things?page=1&x=" + "y" * 17_000, 414, "too long"),
    ],
)
def test_odd_addresses_have_their_status(ask: Asker, path: str, status: int, message: str) -> None:
    answer = ask("GET", _exactly(path))
    assert answer.status_code == status, answer.text
    assert message in answer.json()["message"]
    assert answer.json()["status"] == status
    assert len(answer.content) < 10_000


def _exactly(path: str) -> httpx.URL:
    """A URL whose path and query reach the server exactly as written."""
    return httpx.URL(scheme="http", host="door", raw_path=path.encode())


@pytest.mark.parametrize(
    ("headers", "status", "message"),
    [
        ({"x-junk": "x" * 70_000}, 431, "headers are larger"),
        ({"Idempotency-Key": ""}, 422, "1 to 255"),
        ({"Idempotency-Key": "x" * 256}, 422, "1 to 255"),
        ({"Idempotency-Key": "a b"}, 422, "1 to 255"),
        ({"Idempotency-Key": b"\xff"}, 422, "1 to 255"),
        ({"content-length": str(17 * 1024 * 1024)}, 413, "16 MiB"),
        ({"content-length": "9" * 40}, 413, "16 MiB"),
    ],
)
def test_odd_headers_have_their_status(ask: Asker, headers: dict[str, Any], status: int, message: str) -> None:
    begun = ask.door.things.begun
    answer = ask("POST", "/things", content=b"{}", headers=headers)
    reply = assert_error(answer, status, "/things")
    assert message in reply["message"]
    assert ask.door.things.begun == begun


def test_long_client_headers_are_cut_and_not_an_error(ask: Asker) -> None:
    answer = ask("GET", "/who", headers={"x-notte-sdk-version": "9" * 500})
    assert answer.json()["sdk_version"] == "9" * 100


def test_a_body_over_the_limit_is_refused_even_if_it_was_not_announced(ask: Asker) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(17):
            yield b" " * 1024 * 1024

    answer = ask("POST", "/things", content=chunks())
    assert "16 MiB" in assert_error(answer, 413, "/things")["message"]
