"""Reading bodies."""

import asyncio
from collections.abc import Sequence

import pytest
from starlette.types import Message, Receive

from noctule.http.bodies import BodyTooLarge, ClientGone, has_body, is_json, read_body, replayed


def _receiver(messages: Sequence[Message]) -> Receive:
    pending = list(messages)

    async def receive() -> Message:
        return pending.pop(0)

    return receive


def _part(body: bytes, more: bool) -> Message:
    return {"type": "http.request", "body": body, "more_body": more}


def test_the_parts_of_a_body_are_one() -> None:
    receive = _receiver([_part(b"a", True), _part(b"", True), _part(b"b", False)])
    assert asyncio.run(read_body(receive, {})) == b"ab"


def test_a_client_that_leaves_has_no_body() -> None:
    with pytest.raises(ClientGone):
        asyncio.run(read_body(_receiver([_part(b"a", True), {"type": "http.disconnect"}]), {}))


def test_size_is_bounded_whatever_was_announced() -> None:
    parts = [_part(b"x" * 1024 * 1024, True)] * 17
    with pytest.raises(BodyTooLarge):
        asyncio.run(read_body(_receiver(parts), {b"content-length": b"1"}))


def test_a_body_is_handed_over_once_and_then_the_connection_speaks() -> None:
    async def story() -> None:
        receive = replayed(b"ab", _receiver([{"type": "http.disconnect"}]))
        assert await receive() == _part(b"ab", False)
        assert await receive() == {"type": "http.disconnect"}

    asyncio.run(story())


@pytest.mark.parametrize(
    ("content_type", "json"),
    [
        (b"", True),
        (b"application/json", True),
        (b"Application/JSON; charset=utf-8", True),
        (b"application/merge-patch+json", True),
        (b"text/json", False),
        (b"multipart/form-data; boundary=x", False),
        (b"application/x-www-form-urlencoded", False),
    ],
)
def test_which_bodies_are_json(content_type: bytes, json: bool) -> None:
    assert is_json(content_type) is json


def test_which_requests_have_a_body() -> None:
    assert not has_body({})
    assert not has_body({b"content-length": b"0"})
    assert has_body({b"content-length": b"1"})
    assert has_body({b"transfer-encoding": b"chunked"})
