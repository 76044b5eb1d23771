"""Bytes under keys, in a folder or an S3 bucket.

What must always hold: an object is there whole or not at all; what was acknowledged is on the disk (of a folder) or
with the bucket; nothing here holds more of an object in memory than a few parts.
"""

import asyncio
import os
import re
from collections.abc import AsyncIterable, AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore, S3Store

from noctule.kit.errors import Unavailable

# A bucket takes no parts below 5 MiB; a folder takes any, and small ones keep many writers small.
_PART_BYTES = 8 * 1024 * 1024
_FOLDER_PART_BYTES = 1024 * 1024
_PARTS_AT_A_TIME = 2
_READ_BYTES = 256 * 1024
_SECONDS_PER_REQUEST = 60
_LISTED_AT_A_TIME = 1000
_TRIES_FOR_SECONDS = 20
_MOST_KEPT_FOLDERS = 10_000
# How obstore calls the file that it writes to until it is whole. No key of ours has this sign.
_UNFINISHED = re.compile(r".+#\d+")


class ObjectMissing(Exception):
    """There is no object under this key."""


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """One object: its key, its size in bytes, and when it was put there by the clock of where it is kept."""

    key: str
    size: int
    stored_at: datetime


def key(area: str, *parts: str) -> str:
    """The key of an object: the area of the tag that owns it, then ids of ours. Raises ``ValueError`` for any other
    text, since what people call their files must not choose where they are."""
    for part in (area, *parts):
        if (
            not part
            or part in {".", ".."}
            or not all(sign.isascii() and (sign.isalnum() or sign in "-_.") for sign in part)
        ):
            raise ValueError(f"not an id: {part!r}")
    return "/".join((area, *parts))


class ObjectStore:
    """One place for objects. Make it with ``at``."""

    def __init__(self, store: LocalStore | S3Store, folder: Path | None) -> None:
        self._store = store
        self._folder = folder
        self._kept_folders: set[Path] = set()

    @classmethod
    def at(cls, place: Path | str, options: Mapping[str, str] | None = None) -> "ObjectStore":
        """The store in a folder (made if it is not there), or at ``s3://bucket/prefix``.

        ``options`` are obstore's for S3: ``endpoint``, ``region``, ``access_key_id`` and so on; what is not given comes
        from the environment (``AWS_…``). Raises ``ValueError`` for any other address, ``OSError`` for a folder that
        cannot be made.
        """
        if isinstance(place, Path):
            place.mkdir(mode=0o700, parents=True, exist_ok=True)
            return cls(LocalStore(place, automatic_cleanup=True), place)
        parts = urlsplit(place)
        if parts.scheme != "s3" or not parts.netloc or parts.username:
            raise ValueError("Objects are kept in a folder, or at s3://bucket/prefix.")
        prefix = parts.path.strip("/")
        try:
            store = S3Store(
                parts.netloc,
                prefix=prefix or None,
                config=dict(options or {}),  # type: ignore[arg-type]
                client_options={"timeout": f"{_SECONDS_PER_REQUEST}s", "allow_http": True},
                retry_config={"max_retries": 5, "retry_timeout": timedelta(seconds=_TRIES_FOR_SECONDS)},
            )
        except BaseError as error:
            raise ValueError(f"The bucket of that address cannot be used: {_first_line(error)}") from None
        return cls(store, None)

    async def put(self, key: str, content: bytes | AsyncIterable[bytes]) -> int:
        """Keep an object, in the place of one that was there; answers its size.

        What ``content`` raises while it is read comes out, and nothing is kept. Raises ``Unavailable``.
        """
        size = 0
        broken: BaseException | None = None

        async def counted(chunks: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
            nonlocal size, broken
            try:
                async for chunk in chunks:
                    size += len(chunk)
                    yield chunk
            except BaseException as error:
                broken = error
                raise

        try:
            if isinstance(content, bytes):
                size = len(content)
                await obstore.put_async(self._store, key, content)
            else:
                await obstore.put_async(
                    self._store,
                    key,
                    counted(content),
                    chunk_size=_PART_BYTES if self._folder is None else _FOLDER_PART_BYTES,
                    max_concurrency=_PARTS_AT_A_TIME,
                )
        except (BaseError, FileNotFoundError) as error:
            # The library also says "not found" for a bucket that is not there.
            if error is broken:
                raise
            raise _unavailable(error) from None
        await self._write_through(key)
        return size

    async def get(self, key: str) -> bytes:
        """The whole object, which must be known to fit into memory. Raises ``ObjectMissing``, ``Unavailable``."""
        if self._folder is not None:
            return await asyncio.to_thread(_whole, self._folder / key)
        return b"".join([chunk async for chunk in self.stream(key)])

    async def stream(self, key: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """The bytes of an object from ``start`` to before ``end``, which both are inside of it, in chunks.

        Raises ``ObjectMissing``, ``Unavailable``, both before the first chunk; a break after it is ``Unavailable``.
        """
        if self._folder is not None:
            async for chunk in _file(self._folder / key, start, end):
                yield chunk
            return
        try:
            if start == 0 and end is None:
                found = await obstore.get_async(self._store, key)
            else:
                last = end if end is not None else await self.size(key)
                if start >= last:
                    return
                found = await obstore.get_async(self._store, key, options={"range": (start, last)})
            async for chunk in found.stream(min_chunk_size=_READ_BYTES):
                yield bytes(chunk)
        except FileNotFoundError:
            raise ObjectMissing(key) from None
        except BaseError as error:
            raise _unavailable(error) from None

    async def begin(self, key: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """``stream`` with its first chunk at hand: what can be raised before that is raised here."""
        stream = self.stream(key, start, end)
        first = await anext(stream, b"")

        async def whole() -> AsyncIterator[bytes]:
            yield first
            async for chunk in stream:
                yield chunk

        return whole()

    async def size(self, key: str) -> int:
        """How many bytes an object has. Raises ``ObjectMissing``, ``Unavailable``."""
        try:
            return (await obstore.head_async(self._store, key))["size"]
        except FileNotFoundError:
            raise ObjectMissing(key) from None
        except BaseError as error:
            raise _unavailable(error) from None

    async def delete(self, keys: Sequence[str]) -> None:
        """Remove objects; one that is not there is as good as removed. Raises ``Unavailable``."""
        for key in keys:
            self._let_go_of_folders(key)
            try:
                await obstore.delete_async(self._store, key)
            except FileNotFoundError:
                continue
            except BaseError as error:
                raise _unavailable(error) from None

    async def list(self, prefix: str) -> AsyncIterator[ObjectInfo]:
        """Every object whose key begins with ``prefix`` and a slash, in any order. Raises ``Unavailable``."""
        try:
            async for batch in obstore.list(self._store, prefix, chunk_size=_LISTED_AT_A_TIME):
                for found in batch:
                    yield ObjectInfo(found["path"], found["size"], found["last_modified"])
        except (BaseError, FileNotFoundError) as error:
            raise _unavailable(error) from None

    async def sweep(self) -> int:
        """Remove what writers that were killed left behind in a folder; how many files that were.

        For the start of the one server that writes there: an unfinished file of a living writer would go, too. What
        is left of uploads to a bucket is the bucket's to remove, by a rule of its own.
        """
        return 0 if self._folder is None else await asyncio.to_thread(_sweep, self._folder)

    async def _write_through(self, key: str) -> None:
        if self._folder is None:
            return
        try:
            await asyncio.to_thread(self._bring_to_disk, self._folder, key)
        except OSError as error:
            raise Unavailable(f"The store of files cannot be written to right now ({error.strerror}).") from None

    def _bring_to_disk(self, folder: Path, key: str) -> None:
        """Flush a file, its name, and the names of the folders that it is in."""
        path = folder / key
        _flush(path, os.O_RDONLY)
        _flush(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        inner = path.parent
        if len(self._kept_folders) > _MOST_KEPT_FOLDERS:
            self._kept_folders.clear()
        while inner != folder and inner not in self._kept_folders:
            _flush(inner.parent, os.O_RDONLY | os.O_DIRECTORY)
            self._kept_folders.add(inner)
            inner = inner.parent

    def _let_go_of_folders(self, key: str) -> None:
        """A folder goes with the last object in it; one that comes again has a name to flush again."""
        if self._folder is not None:
            self._kept_folders.difference_update((self._folder / key).parents)


def _whole(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        raise ObjectMissing(path.name) from None
    except OSError as error:
        raise _unreadable(error) from None


def _unreadable(error: OSError) -> Unavailable:
    return Unavailable(f"The store of files cannot be read right now ({error.strerror}).")


async def _file(path: Path, start: int, end: int | None) -> AsyncIterator[bytes]:
    """A part of a file, read by us: the library reads 8 KiB at a time, which takes six times as long."""
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW
    opening = asyncio.get_running_loop().run_in_executor(None, os.open, path, flags)
    try:
        descriptor = await asyncio.shield(opening)
    except asyncio.CancelledError:
        opening.add_done_callback(_close_opened)
        raise
    except (FileNotFoundError, NotADirectoryError):
        raise ObjectMissing(path.name) from None
    except OSError as error:
        raise _unreadable(error) from None
    try:
        while end is None or start < end:
            most = _READ_BYTES if end is None else min(_READ_BYTES, end - start)
            try:
                chunk = await asyncio.to_thread(os.pread, descriptor, most, start)
            except OSError as error:
                raise _unreadable(error) from None
            if not chunk:
                return
            start += len(chunk)
            yield chunk
    finally:
        os.close(descriptor)


def _close_opened(opening: "asyncio.Future[int]") -> None:
    """Close what nobody waits for any more."""
    if not opening.cancelled() and opening.exception() is None:
        os.close(opening.result())


def _flush(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sweep(folder: Path) -> int:
    found = [Path(place, name) for place, _, names in os.walk(folder) for name in names if _UNFINISHED.fullmatch(name)]
    for path in found:
        path.unlink(missing_ok=True)
    return len(found)


def _unavailable(error: Exception) -> Unavailable:
    # The library's own words hold paths and addresses.
    return Unavailable(f"The store of files cannot be used right now ({type(error).__name__}).")


def _first_line(error: BaseError) -> str:
    return str(error).partition("\n")[0]
