"""Bodies that go on to their route as they come."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import APIRouter, Request
from starlette.types import Message, Receive

from noctule.db.engine import Database
from noctule.http.bodies import BodyTooSlow, ClientGone
from noctule.http.uploads import Upload, is_upload, stand_in
from noctule.kit.errors import Conflict
from noctule.kit.seal import Sealer
from noctule.kit.web import CallerDep
from tests.support.clock import FrozenClock
from tests.support.gated import gated

MIB = 1024 * 1024
PATH = "/storage/uploads/a.bin"


def _receiver(*messages: Message) -> Receive:
    pending = list(messages)

    async def receive() -> Message:
        if not pending:
            await asyncio.Event().wait()
        return pending.pop(0)

    return receive


def _part(body: bytes, more: bool = True) -> Message:
    return {"type": "http.request", "body": body, "more_body": more}


def _run(body: Callable[[], Awaitable[None]]) -> None:
    async def main() -> None:
        await body()

    asyncio.run(main())


async def _read(upload: Upload) -> None:
    while not upload.is_over:
        await upload.receive()


@pytest.mark.parametrize(
    ("method", "path", "streamed"),
    [
        ("POST", "/storage/uploads/a", True),
        ("POST", "/storage/uploads/a/b c", True),
        ("POST", "/storage/s/downloads/a", True),
        ("POST", "/storage/uploads/a\nb", True),
        ("POST", "/sessions/s/files", True),
        ("GET", "/storage/uploads/a", False),
        ("POST", "/storage/uploads", False),
        ("POST", "/storage/s/t/downloads/a", False),
        ("POST", "/sessions/s/files/x", False),
        ("POST", "/sessions/s/t/files", False),
        ("POST", "/sessions/start", False),
    ],
)
def test_only_files_are_not_read_before_their_route(method: str, path: str, streamed: bool) -> None:
    assert is_upload({"type": "http", "method": method, "path": path}) == streamed


def test_parts_come_as_they_are_and_then_the_connection_speaks() -> None:
    async def body() -> None:
        gone = {"type": "http.disconnect"}
        upload = Upload(_receiver(_part(b"a"), _part(b"b", more=False), gone))
        assert (await upload.receive(), upload.is_over) == (_part(b"a"), False)
        assert (await upload.receive(), upload.is_over) == (_part(b"b", more=False), True)
        assert await upload.receive() == gone

    _run(body)


def test_a_client_that_leaves_is_gone_for_whoever_reads() -> None:
    async def body() -> None:
        upload = Upload(_receiver(_part(b"a"), {"type": "http.disconnect"}))
        await upload.receive()
        with pytest.raises(ClientGone):
            await upload.receive()

    _run(body)


def test_a_client_that_is_silent_or_slow_as_a_whole_is_given_up() -> None:
    async def trickle() -> Message:
        await asyncio.sleep(0.01)
        return _part(b"x")

    async def body() -> None:
        with pytest.raises(BodyTooSlow):
            await Upload(_receiver(), silence_seconds=0.05).receive()
        upload = Upload(trickle, silence_seconds=5, whole_seconds=0.1)
        with pytest.raises(BodyTooSlow):
            await _read(upload)

    _run(body)


def test_what_stands_for_the_body_is_its_length() -> None:
    assert stand_in({b"content-length": b"5"}) != stand_in({b"content-length": b"6"})
    assert stand_in({}) == stand_in({b"content-type": b"x"})


@pytest.fixture
def routes() -> APIRouter:
    """Reads a MiB of an upload, then refuses it; answers how much came for a name that ends in ``all``."""
    router = APIRouter()

    @router.post("/storage/uploads/{name}")
    async def upload(caller: CallerDep, request: Request, name: str) -> dict[str, Any]:
        size = largest = 0
        async for chunk in request.stream():
            size, largest = size + len(chunk), max(largest, len(chunk))
            if size > MIB and name != "all":
                raise Conflict("That is enough.")
        return {"size": size, "largest": largest}

    return router


async def pieces(count: int) -> AsyncIterator[bytes]:
    for _ in range(count):
        yield bytes(65_536)


def test_a_route_gets_far_more_than_any_other_body_may_have_and_never_more_than_a_piece(
    sqlite: Database, routes: APIRouter
) -> None:
    async def body() -> None:
        async with gated(routes, sqlite, FrozenClock(), Sealer(bytes(32))) as tag:
            told = await tag.mine.post("/storage/uploads/all", content=pieces(640))
            assert told.json() == {"size": 40 * MIB, "largest": 65_536}

    _run(body)


def test_a_client_that_is_refused_half_way_can_send_the_rest_and_read_why(sqlite: Database, routes: APIRouter) -> None:
    sent = 0

    async def counted() -> AsyncIterator[bytes]:
        nonlocal sent
        async for piece in pieces(100):
            sent += 1
            yield piece

    async def body() -> None:
        async with gated(routes, sqlite, FrozenClock(), Sealer(bytes(32))) as tag:
            refused = await tag.mine.post(PATH, content=counted())
            assert (refused.status_code, refused.json()["message"]) == (409, "That is enough.")
            assert refused.headers["connection"] == "close"
            assert sent == 100

    _run(body)


def test_a_refused_key_is_told_at_once(sqlite: Database, routes: APIRouter, tmp_path: Path) -> None:
    async def body() -> None:
        async with gated(routes, sqlite, FrozenClock(), Sealer(bytes(32))) as tag:
            told: httpx.Response = await tag.mine.post(PATH, content=pieces(1), headers={"authorization": "Bearer x"})
            assert told.status_code == 401

    _run(body)


def test_a_key_of_idempotency_repeats_the_answer_of_an_upload_of_the_same_length(
    sqlite: Database, routes: APIRouter
) -> None:
    async def body() -> None:
        async with gated(routes, sqlite, FrozenClock(), Sealer(bytes(32))) as tag:
            key = {"idempotency-key": "k"}
            first = await tag.mine.post("/storage/uploads/all", content=b"12345", headers=key)
            again = await tag.mine.post("/storage/uploads/all", content=b"12345", headers=key)
            other = await tag.mine.post("/storage/uploads/all", content=b"123456", headers=key)
            assert first.json() == again.json() == {"size": 5, "largest": 5}
            assert other.status_code == 409

    _run(body)
