"""Bytes under keys: the same promises in a folder and in a bucket."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from noctule.kit.errors import Unavailable
from noctule.objects.store import ObjectMissing, ObjectStore, key
from tests.support import s3
from tests.unit.objects.conftest import Place

MIB = 1024 * 1024
KEY = "files/w/1"


class Broken(Exception):
    """What a source of bytes ends with."""


async def chunks(content: bytes, size: int = 100_000, failing_at: int | None = None) -> AsyncIterator[bytes]:
    for begin in range(0, len(content), size):
        if failing_at is not None and begin >= failing_at:
            raise Broken
        yield content[begin : begin + size]


def run(body: Callable[[], Awaitable[None]]) -> None:
    async def main() -> None:
        await body()

    asyncio.run(main())


@pytest.mark.parametrize("size", [0, 1, 5 * MIB, 17 * MIB + 1])
def test_what_is_put_comes_back_whole_and_in_parts(place: Place, size: int) -> None:
    content = os.urandom(size)
    store = place.store

    async def body() -> None:
        assert await store.put(KEY, content) == size
        assert await store.put("files/w/2", chunks(content)) == size
        for name in (KEY, "files/w/2"):
            assert await store.size(name) == size
            assert await store.get(name) == content
            for start, end in ((0, 1), (size // 2, size), (size // 3, size // 2), (size - 1, None), (size, size)):
                if 0 <= start <= size and (end or 0) <= size:
                    part = b"".join([chunk async for chunk in store.stream(name, start, end)])
                    assert part == content[start:end]
                    assert b"".join([chunk async for chunk in await store.begin(name, start, end)]) == part
        listed = sorted([found async for found in store.list("files")], key=lambda found: found.key)
        assert [(found.key, found.size) for found in listed] == [(KEY, size), ("files/w/2", size)]
        assert all(abs(datetime.now(UTC) - found.stored_at) < timedelta(minutes=5) for found in listed)

    run(body)


def test_what_is_put_again_takes_the_place_of_what_was_there(place: Place) -> None:
    async def body() -> None:
        await place.store.put(KEY, chunks(bytes(3 * MIB)))
        await place.store.put(KEY, b"new")
        assert await place.store.get(KEY) == b"new"

    run(body)
    assert place.keys() == [KEY]


@pytest.mark.parametrize("failing_at", [0, 1, 12 * MIB])
def test_a_source_that_breaks_leaves_nothing_of_the_new_and_all_of_the_old(place: Place, failing_at: int) -> None:
    async def body() -> None:
        for name, there in ((KEY, b"old"), ("files/w/2", None)):
            if there is not None:
                await place.store.put(name, there)
            with pytest.raises(Broken):
                await place.store.put(name, chunks(bytes(20 * MIB), failing_at=failing_at))
        assert await place.store.get(KEY) == b"old"

    run(body)
    assert place.keys() == [KEY]


def test_a_writer_that_is_cancelled_leaves_nothing(place: Place) -> None:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield bytes(MIB)
            await asyncio.sleep(0.001)

    async def body() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                await place.store.put(KEY, endless())
        for _ in range(100):
            if not place.keys():
                break
            await asyncio.sleep(0.05)

    run(body)
    if place.folder is not None:
        assert place.keys() == []
    assert place.everything() == []


def test_of_writers_of_one_key_at_once_one_is_there_whole(place: Place) -> None:
    contents = [bytes([65 + number]) * (6 * MIB + number) for number in range(6)]

    async def body() -> None:
        await asyncio.gather(*(place.store.put(KEY, chunks(content)) for content in contents))
        assert await place.store.get(KEY) in contents

    run(body)
    assert place.keys() == [KEY]


def test_what_is_not_there_is_missing_and_as_good_as_deleted(place: Place) -> None:
    store = place.store

    async def body() -> None:
        with pytest.raises(ObjectMissing):
            await store.get(KEY)
        with pytest.raises(ObjectMissing):
            await store.size(KEY)
        with pytest.raises(ObjectMissing):
            await anext(store.stream(KEY, 0, 5))
        with pytest.raises(ObjectMissing):
            await store.begin(KEY)
        await store.put(KEY, b"x")
        await store.delete([KEY, "files/w/never"])
        await store.delete([KEY])
        assert [found async for found in store.list("files")] == []

    run(body)


def test_a_folder_goes_with_its_last_object_and_comes_again(tmp_path: Path) -> None:
    folder = tmp_path / "objects"
    store = ObjectStore.at(folder)

    async def body() -> None:
        for name in (KEY, "files/w/2", "timelines/s/1"):
            await store.put(name, b"x")
        await store.delete([KEY, "timelines/s/1"])
        assert sorted(str(path.relative_to(folder)) for path in folder.rglob("*")) == ["files", "files/w", "files/w/2"]
        await store.delete(["files/w/2"])
        assert list(folder.iterdir()) == []
        await store.put(KEY, chunks(b"again"))
        assert await store.get(KEY) == b"again"

    run(body)


def test_objects_come_and_go_in_one_folder_at_once(tmp_path: Path) -> None:
    store = ObjectStore.at(tmp_path / "objects")

    async def one(number: int) -> None:
        for turn in range(20):
            name = f"files/w/{number}-{turn}"
            await (store.put(name, b"x") if turn % 2 else store.put(name, chunks(b"x")))
            assert await store.get(name) == b"x"
            await store.delete([name])

    async def body() -> None:
        await asyncio.gather(*(one(number) for number in range(8)))

    run(body)


def test_a_list_is_of_one_prefix_alone(place: Place) -> None:
    async def body() -> None:
        for name in ("files/w/1", "files/w/2", "files/w2/3", "replays/w/4"):
            await place.store.put(name, b"x")
        assert sorted([found.key async for found in place.store.list("files/w")]) == ["files/w/1", "files/w/2"]

    run(body)


def test_what_a_killed_writer_left_is_swept_and_no_object_is(tmp_path: Path) -> None:
    store = ObjectStore.at(tmp_path)

    async def body() -> None:
        await store.put(KEY, b"kept")
        (tmp_path / "files" / "w" / "2#1").write_bytes(b"half")
        assert [found.key async for found in store.list("files")] == [KEY]
        assert await ObjectStore.at(tmp_path).sweep() == 1
        assert await store.get(KEY) == b"kept"

    run(body)
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_file()) == ["1"]


def test_a_folder_is_its_owners_alone(tmp_path: Path) -> None:
    ObjectStore.at(tmp_path / "new")
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o700


def test_a_folder_that_cannot_be_written_to_is_unavailable_and_tells_no_path(tmp_path: Path) -> None:
    store = ObjectStore.at(tmp_path)
    (tmp_path / "files").write_text("in the way")

    async def body() -> None:
        with pytest.raises(Unavailable) as refused:
            await store.put(KEY, chunks(bytes(3 * MIB)))
        assert str(tmp_path) not in refused.value.message

    run(body)


def test_what_is_no_object_cannot_be_read(tmp_path: Path) -> None:
    store = ObjectStore.at(tmp_path)
    (tmp_path / "files" / "w").mkdir(parents=True)
    (tmp_path / "elsewhere").write_text("not ours")
    (tmp_path / "files" / "link").symlink_to(tmp_path / "elsewhere")

    async def body() -> None:
        with pytest.raises(Unavailable):
            await store.get("files/w")
        with pytest.raises(Unavailable):
            await anext(store.stream("files/w"))
        with pytest.raises(Unavailable):
            await anext(store.stream("files/link"))
        with pytest.raises(ObjectMissing):
            await store.get("elsewhere/x")

    run(body)


def test_a_source_may_raise_what_the_library_raises_itself(place: Place) -> None:
    async def missing() -> AsyncIterator[bytes]:
        yield b"x"
        raise FileNotFoundError("mine")

    async def body() -> None:
        with pytest.raises(FileNotFoundError, match="mine"):
            await place.store.put(KEY, missing())

    run(body)
    assert place.keys() == []


def test_a_bucket_that_is_away_is_unavailable_and_tells_no_address_and_no_credential(s3_server: s3.S3) -> None:
    bucket = s3_server.bucket()
    for url, options in (
        (f"s3://{bucket.name}-none/x", bucket.options),
        (bucket.url, bucket.options | {"endpoint": "http://127.0.0.1:9"}),
    ):
        store = ObjectStore.at(url, options)

        async def body(store: ObjectStore = store) -> None:
            works: list[Callable[[], Awaitable[object]]] = [
                lambda: store.put(KEY, b"x"),
                lambda: store.put(KEY, chunks(bytes(20 * MIB))),
                lambda: anext(store.list("files")),
            ]
            for work in works:
                with pytest.raises(Unavailable) as refused:
                    await work()
                told = f"{refused.value} {refused.value!r} {refused.value.detail}"
                assert "127.0.0.1" not in told
                assert s3.ACCESS_KEY not in told
                assert s3.SECRET_KEY not in told

        run(body)


@pytest.mark.parametrize("address", ["http://h/b", "s3://", "s3:///x", "s3://user:secret@b/x", "relative/folder", ""])
def test_an_address_of_another_kind_is_refused(address: str) -> None:
    with pytest.raises(ValueError) as refused:
        ObjectStore.at(address)
    assert "secret" not in str(refused.value)


def test_a_key_is_made_of_ids_of_ours_and_of_nothing_else() -> None:
    assert key("files", "6a1f-3c", "b_2.txt") == "files/6a1f-3c/b_2.txt"
    for part in ("", ".", "..", "a/b", "a\\b", "a b", "a#1", "ä", "a\x00"):
        with pytest.raises(ValueError):
            key("files", part)
