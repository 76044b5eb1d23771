"""Taking a file in: streamed to the store of objects, counted and hashed on the way, and then written down.

What must hold: a file is in the table only once all of its bytes are kept; of two of one name the one that was
written down last is there, whole; bytes that no row leads to are removed, now or by the sweeper. A commit whose
outcome nobody knows removes nothing.
"""

import hashlib
import logging
from collections import Counter
from collections.abc import AsyncIterable, AsyncIterator, Sequence
from dataclasses import dataclass, replace
from itertools import count

from sqlalchemy import Connection

from noctule.db.engine import Database
from noctule.kit.clock import Clock
from noctule.kit.errors import Conflict, NoctuleError, TooLarge, TooManyRequests, Unavailable
from noctule.kit.files import MAX_FILE_BYTES
from noctule.kit.ids import new_id
from noctule.objects.store import ObjectStore, key
from noctule.storage import store
from noctule.storage.domain import MAX_FILES, FileSource, StoredFile, listed_name, mime_type

_MOST_AT_A_TIME = 32
_PIECE_BYTES = 256 * 1024

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Arrival:
    """A file that comes. A name that ``is_dated`` is listed with the time in front, so that it replaces nothing.

    ``file_id`` is the id that it gets, if a retry of its request must meet the same one.
    """

    workspace_id: str
    session_id: str | None
    source: FileSource
    filename: str
    content_type: str | None
    chunks: AsyncIterable[bytes]
    is_dated: bool = False
    file_id: str | None = None


def object_key(file: StoredFile) -> str:
    """Where the bytes of a file are."""
    return key("files", file.workspace_id, file.object_id)


def too_large() -> TooLarge:
    """The error for a file beyond ``MAX_FILE_BYTES``."""
    return TooLarge(f"The file is larger than {MAX_FILE_BYTES // 1024**2} MiB, the most that a file may have.")


def _others(connection: Connection, new: StoredFile, old: Sequence[StoredFile]) -> tuple[int, int]:
    """How many bytes the others of a workspace have and how many they are, beside those that a new file replaces."""
    held = store.held(connection, new.workspace_id)
    return held.size - sum(file.size for file in old), held.files - len(old)


class Keeper:
    """Takes files in. ``quota_bytes`` is what all files of a workspace may have together; ``None``: any amount."""

    def __init__(self, database: Database, clock: Clock, objects: ObjectStore, quota_bytes: int | None) -> None:
        self._database = database
        self._clock = clock
        self._objects = objects
        self._quota_bytes = quota_bytes
        self._coming: Counter[str] = Counter()

    async def keep(self, arrival: Arrival) -> StoredFile:
        """Take a file in, in the place of one of the same name.

        Raises ``TooLarge`` for a file beyond ``MAX_FILE_BYTES``, ``Conflict`` where the workspace has no room for it,
        both while it comes; ``TooManyRequests`` for too many at a time, ``Unavailable``, and what its chunks raise.
        """
        workspace_id = arrival.workspace_id
        if self._coming[workspace_id] >= _MOST_AT_A_TIME:
            raise TooManyRequests(
                f"{_MOST_AT_A_TIME} files of this workspace are being taken in; try again when one is done.",
                headers={"retry-after": "5"},
            )
        self._coming[workspace_id] += 1
        try:
            return await self._keep(arrival)
        finally:
            self._coming[workspace_id] -= 1
            if not self._coming[workspace_id]:
                del self._coming[workspace_id]

    async def discard(self, files: Sequence[StoredFile]) -> None:
        """Remove the bytes of files whose rows are gone. What fails is left to the sweeper."""
        try:
            await self._objects.delete([object_key(file) for file in files])
        except Unavailable as error:
            log.warning("the bytes of %d files are left to the sweeper: %s", len(files), error)

    async def _keep(self, arrival: Arrival) -> StoredFile:
        draft = StoredFile(
            id=arrival.file_id or new_id(),
            workspace_id=arrival.workspace_id,
            session_id=arrival.session_id,
            source=arrival.source,
            name=arrival.filename,
            filename=arrival.filename,
            mime_type=mime_type(arrival.filename, arrival.content_type),
            size=0,
            checksum="",
            object_id=new_id(),
            created_at=self._clock.now(),
        )
        taken, others = await self._database.read(lambda connection: self._before(connection, draft, arrival))
        digest = hashlib.sha256()
        size = 0

        async def judged() -> AsyncIterator[bytes]:
            nonlocal size
            pieces: list[bytes] = []
            waiting = 0
            async for chunk in arrival.chunks:
                size += len(chunk)
                if size > MAX_FILE_BYTES:
                    raise too_large()
                self._check_quota(taken + size)
                digest.update(chunk)
                pieces.append(chunk)
                waiting += len(chunk)
                if waiting >= _PIECE_BYTES:
                    yield b"".join(pieces)
                    pieces, waiting = [], 0
            if pieces:
                yield b"".join(pieces)

        self._check_count(others)
        await self._objects.put(object_key(draft), judged())
        whole = replace(draft, size=size, checksum=digest.hexdigest(), created_at=self._clock.now())
        try:
            kept, gone = await self._database.write(lambda connection: self._write_down(connection, whole, arrival))
        except Unavailable:
            raise
        except NoctuleError:
            await self.discard([whole])
            raise
        if gone:
            await self.discard(gone)
        return kept

    def _before(self, connection: Connection, draft: StoredFile, arrival: Arrival) -> tuple[int, int]:
        return _others(connection, draft, [] if arrival.is_dated else store.in_the_way(connection, draft))

    def _write_down(
        self, connection: Connection, whole: StoredFile, arrival: Arrival
    ) -> tuple[StoredFile, list[StoredFile]]:
        """The file as it is listed, and those that it took the place of."""
        store.serialise(connection, whole.workspace_id)
        if arrival.is_dated:
            names = (listed_name(arrival.filename, whole.created_at, number) for number in count(1))
            dated = (replace(whole, name=name) for name in names)
            whole = next(each for each in dated if not store.in_the_way(connection, each))
        old = store.in_the_way(connection, whole)
        taken, others = _others(connection, whole, old)
        self._check_quota(taken + whole.size)
        self._check_count(others)
        store.remove(connection, [file.id for file in old])
        store.add(connection, whole)
        return whole, old

    def _check_quota(self, size: int) -> None:
        if self._quota_bytes is not None and size > self._quota_bytes:
            raise Conflict(
                "There is no room for this file: all files of a workspace may have "
                f"{self._quota_bytes / 1024**3:g} GiB together (NOCTULE_FILES_QUOTA_GB). Delete some first."
            )

    def _check_count(self, others: int) -> None:
        if others >= MAX_FILES:
            raise Conflict(f"There is no room for this file: a workspace has at most {MAX_FILES} files.")
