"""Files on their way in: whole or not at all, within bounds, one winner of a name."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from noctule.db.engine import Database
from noctule.kit.errors import Conflict, TooLarge, TooManyRequests
from noctule.kit.files import MAX_FILE_BYTES
from noctule.storage import store
from noctule.storage.service import Given
from tests.unit.storage.house import HOME, OTHER, SID, House, given, pieces

MIB = 1024 * 1024


class Broken(Exception):
    """What a client that leaves looks like."""


async def breaking(size: int) -> AsyncIterator[bytes]:
    async for piece in pieces(bytes(size)):
        yield piece
    raise Broken


def held(database: Database, workspace_id: str = HOME) -> store.Held:
    return asyncio.run(database.read(lambda connection: store.held(connection, workspace_id)))


def test_size_and_checksum_are_those_of_the_bytes(house: House) -> None:
    async def body() -> None:
        for content in (b"", b"x", bytes(range(256)) * 9000):
            kept = await house.storage.upload(HOME, SID, given("a.bin", content))
            assert (kept.size, kept.checksum) == (len(content), hashlib.sha256(content).hexdigest())
            assert await house.content(kept) == content

    asyncio.run(body())


def test_a_file_that_breaks_off_leaves_the_one_before_it_and_nothing_else(house: House) -> None:
    async def body() -> None:
        await house.storage.upload(HOME, None, given("a.bin", b"old"))
        for size in (0, 1, 9 * MIB):
            with pytest.raises(Broken):
                await house.storage.upload(HOME, None, Given("a.bin", None, breaking(size)))
        assert (await house.storage.fetch(HOME, SID, "a.bin")).content == b"old"
        assert len(house.on_disk()) == 1

    asyncio.run(body())


def test_one_byte_more_than_a_file_may_have_is_refused(house: House) -> None:
    async def body() -> None:
        large = bytes(MAX_FILE_BYTES)
        assert (await house.storage.upload(HOME, None, given("a.bin", large))).size == MAX_FILE_BYTES
        with pytest.raises(TooLarge, match="100 MiB"):
            await house.storage.upload(HOME, None, given("b.bin", large + b"x"))
        assert len(house.on_disk()) == 1

    asyncio.run(body())


def test_of_uploads_of_one_name_at_once_one_is_there_and_the_bytes_of_the_others_are_gone(house: House) -> None:
    contents = [bytes([number]) * (MIB + number) for number in range(10)]

    async def body() -> None:
        await asyncio.gather(*(house.storage.upload(HOME, None, given("a.bin", content)) for content in contents))
        [kept] = await house.storage.uploads(HOME)
        content = await house.content(kept)
        assert content in contents
        assert hashlib.sha256(content).hexdigest() == kept.checksum
        assert len(house.on_disk()) == 1

    asyncio.run(body())


def test_a_quota_is_judged_while_a_file_comes_and_again_when_it_is_written_down(
    database: Database, tmp_path: Path
) -> None:
    house = House(database, tmp_path / "objects", quota_bytes=10 * MIB)
    read = 0

    async def counted() -> AsyncIterator[bytes]:
        nonlocal read
        async for piece in pieces(bytes(50 * MIB)):
            read += len(piece)
            yield piece

    async def body() -> None:
        await house.storage.upload(HOME, None, given("a.bin", bytes(4 * MIB)))
        with pytest.raises(Conflict, match="no room"):
            await house.storage.upload(HOME, None, Given("b.bin", None, counted()))
        assert read < 7 * MIB
        results = await asyncio.gather(
            *(house.storage.upload(HOME, SID, given(f"{number}.bin", bytes(4 * MIB))) for number in range(3)),
            return_exceptions=True,
        )
        assert sum(isinstance(result, Conflict) for result in results) == 2
        assert len(house.on_disk()) == 2
        await house.storage.upload(HOME, None, given("a.bin", bytes(6 * MIB)))
        await house.storage.upload(OTHER, None, given("a.bin", bytes(10 * MIB)))

    asyncio.run(body())
    assert held(database) == store.Held(2, 10 * MIB)


def test_too_many_files_at_a_time_are_asked_to_come_later(house: House) -> None:
    async def body() -> None:
        may_end = asyncio.Event()

        async def waiting() -> AsyncIterator[bytes]:
            yield b"x"
            await may_end.wait()

        tasks = [
            asyncio.create_task(house.storage.upload(HOME, None, Given(f"{number}", None, waiting())))
            for number in range(32)
        ]
        await asyncio.sleep(0)
        with pytest.raises(TooManyRequests):
            await house.storage.upload(HOME, None, given("one more"))
        await house.storage.upload(OTHER, None, given("of somebody else"))
        may_end.set()
        await asyncio.gather(*tasks)
        await house.storage.upload(HOME, None, given("one more"))

    asyncio.run(body())


def test_a_retry_of_one_request_meets_its_own_file(house: House) -> None:
    async def body() -> None:
        for content in (b"first", b"again"):
            kept = await house.storage.upload(HOME, SID, given("a.bin", content), idempotency_key="k")
            ids.add(kept.id)
        page = await house.storage.page(HOME, SID, None, limit=5, offset=0)
        assert {file.id for file in page.files} == ids
        assert len(house.on_disk()) == 1

    ids: set[str] = set()
    asyncio.run(body())


def test_a_key_that_is_used_again_for_another_file_takes_nothing_away(house: House) -> None:
    async def body() -> None:
        places = [(HOME, None, "a.bin"), (HOME, None, "b.bin"), (HOME, SID, "a.bin"), (OTHER, None, "a.bin")]
        for workspace_id, session_id, name in places:
            await house.storage.upload(workspace_id, session_id, given(name), idempotency_key="k")
        await house.storage.add_download(HOME, SID, given("a.bin"), idempotency_key="k")
        assert len(house.on_disk()) == 5

    asyncio.run(body())
