"""The use cases of files, for both generations of clients, over one table.

::

    given to the workspace   POST /storage/uploads/{name}          any session of the workspace finds it by name
    given to a session       POST /sessions/{id}/files             that session finds it, before one of the workspace
    brought by a session     a download, or POST /storage/{id}/downloads/{name}

What must hold: a session finds its own files and its workspace's, and nobody finds those of others.
"""

from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from sqlalchemy import Connection

from noctule.browser.commands import File
from noctule.db.engine import Database
from noctule.kit.clock import Clock
from noctule.kit.errors import InvalidRequest, NotFound
from noctule.kit.ids import id_for_key
from noctule.objects.links import Linked, Links
from noctule.objects.store import ObjectMissing, ObjectStore
from noctule.storage import store
from noctule.storage.domain import FileSource, StoredFile, fitting_name, name_problem
from noctule.storage.service.keeping import Arrival, Keeper, object_key
from noctule.storage.service.sweeping import Sweeper

LINK_LASTS = timedelta(minutes=15)
FOR_EVER = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
"""When a file expires that does not: newer clients want an instant."""

_TRIES = 3
_PIECE_BYTES = 1024 * 1024
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


class Sessions(Protocol):
    """What this tag needs of sessions."""

    async def check(self, workspace_id: str, session_id: str) -> None:
        """Raises ``NotFound`` for a session that is not that workspace's."""
        ...


@dataclass(frozen=True, slots=True)
class Given:
    """A file that a client sends: its name and type as they came, and its bytes as they come."""

    name: str
    content_type: str | None
    chunks: AsyncIterable[bytes]


@dataclass(frozen=True, slots=True)
class FilesPage:
    """Some files of a session, and how many there are."""

    files: list[StoredFile]
    total: int


class StorageService:
    """Files of workspaces and sessions; ``sweep`` is a chore for a worker."""

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        objects: ObjectStore,
        links: Links,
        sessions: Sessions,
        workspaces: Callable[[], Awaitable[Iterable[str]]],
        quota_bytes: int | None = None,
        retention: timedelta | None = None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._objects = objects
        self._links = links
        self._sessions = sessions
        self._retention = retention
        self._keeper = Keeper(database, clock, objects, quota_bytes)
        self.sweeper = Sweeper(
            database=database,
            clock=clock,
            objects=objects,
            keeper=self._keeper,
            workspaces=workspaces,
            retention=retention,
        )

    # -- in ----------------------------------------------------------------------------------------------

    async def upload(
        self, workspace_id: str, session_id: str | None, given: Given, *, idempotency_key: str | None = None
    ) -> StoredFile:
        """Keep a user's file, for one session or for all; one of the same name there is replaced.

        Raises ``InvalidRequest`` for a name that cannot be one, ``NotFound`` for a session that is not there, and what
        ``Keeper.keep`` raises. A retry under the same ``idempotency_key`` gives the file the same id.
        """
        return await self._take(workspace_id, session_id, FileSource.USER_UPLOAD, given, idempotency_key)

    async def add_download(
        self, workspace_id: str, session_id: str, given: Given, *, idempotency_key: str | None = None
    ) -> StoredFile:
        """Keep a file among the downloads of a session, under that very name. Raises what ``upload`` raises."""
        return await self._take(workspace_id, session_id, FileSource.SESSION_DOWNLOAD, given, idempotency_key)

    async def keep_stream(
        self, workspace_id: str, session_id: str, name: str, content_type: str | None, chunks: AsyncIterable[bytes]
    ) -> str:
        """Keep a file that a page brought; answers the name that it is listed under from now on.

        Any name is made one that can be kept. Raises what ``Keeper.keep`` raises, and nothing is kept.
        """
        source, filename = FileSource.SESSION_DOWNLOAD, fitting_name(name)
        arrival = Arrival(workspace_id, session_id, source, filename, content_type, chunks, is_dated=True)
        return (await self._keeper.keep(arrival)).name

    async def keep(self, workspace_id: str, session_id: str, file: File) -> str:
        """``keep_stream`` for a file that is in memory."""

        async def pieces() -> AsyncIterator[bytes]:
            content = memoryview(file.content)
            for begin in range(0, len(content), _PIECE_BYTES):
                yield bytes(content[begin : begin + _PIECE_BYTES])

        return await self.keep_stream(workspace_id, session_id, file.name, None, pieces())

    # -- look --------------------------------------------------------------------------------------------

    async def uploads(self, workspace_id: str) -> list[StoredFile]:
        """The files that were given to the workspace, oldest first."""
        after = self._alive_after()
        return await self._database.read(
            lambda connection: store.every(connection, workspace_id, None, FileSource.USER_UPLOAD, after)
        )

    async def downloads(self, workspace_id: str, session_id: str) -> list[StoredFile]:
        """The files that a session brought, oldest first. Raises ``NotFound``."""
        await self._sessions.check(workspace_id, session_id)
        after = self._alive_after()
        return await self._database.read(
            lambda connection: store.every(connection, workspace_id, session_id, FileSource.SESSION_DOWNLOAD, after)
        )

    async def page(
        self, workspace_id: str, session_id: str, source: FileSource | None, *, limit: int, offset: int
    ) -> FilesPage:
        """Some of the files that were given to a session or brought by it, oldest first. Raises ``NotFound``."""
        await self._sessions.check(workspace_id, session_id)
        after = self._alive_after()
        files, total = await self._database.read(
            lambda connection: store.page(
                connection, workspace_id, session_id, source, after, limit=limit, offset=offset
            )
        )
        return FilesPage(files, total)

    def expires_at(self, file: StoredFile) -> datetime:
        """When it will be removed."""
        return FOR_EVER if self._retention is None else file.created_at + self._retention

    # -- out ---------------------------------------------------------------------------------------------

    async def link_to_upload(self, workspace_id: str, base_url: str, name: str) -> str:
        """An address under ``base_url`` that opens a file of the workspace for a while. Raises ``NotFound``."""
        return self._link(base_url, await self._named(workspace_id, None, FileSource.USER_UPLOAD, name))

    async def link_to_download(self, workspace_id: str, session_id: str, base_url: str, name: str) -> str:
        """An address that opens a download of a session for a while; ``name`` as it is listed, or as the page called
        it. Raises ``NotFound``."""
        await self._sessions.check(workspace_id, session_id)
        return self._link(base_url, await self._named(workspace_id, session_id, FileSource.SESSION_DOWNLOAD, name))

    async def open(self, workspace_id: str, session_id: str, file_id: str) -> StoredFile:
        """A file of a session. Raises ``NotFound``."""
        after = self._alive_after()
        found = await self._database.read(lambda connection: store.find(connection, workspace_id, file_id, after))
        if found is None or found.session_id != session_id:
            raise NotFound(f"Session {session_id!r} has no file {file_id!r}.")
        return found

    async def read(self, file: StoredFile, start: int, end: int) -> AsyncIterator[bytes]:
        """Its bytes from ``start`` to before ``end``. Raises ``NotFound``, ``Unavailable``, before anything is read."""
        try:
            return await self._objects.begin(object_key(file), start, end)
        except ObjectMissing:
            raise NotFound(f"The file {file.id!r} was replaced or deleted.") from None

    async def fetch(self, workspace_id: str, session_id: str, name: str) -> File:
        """The file that a session finds under a name, or by its id. Raises ``NotFound``, ``Unavailable``."""
        for _ in range(_TRIES):
            found = await self._database.read(lambda connection: self._seen(connection, workspace_id, session_id, name))
            if found is None:
                break
            try:
                return File(found.filename, await self._objects.get(object_key(found)))
            except ObjectMissing:
                # It was replaced just now.
                continue
        raise NotFound(
            f"No file that was uploaded to this session or its workspace, or downloaded in it, is called {name!r}."
        )

    async def delete(self, workspace_id: str, session_id: str, file_id: str) -> None:
        """Remove a file of a session. Raises ``NotFound``."""
        after = self._alive_after()

        def step(connection: Connection) -> StoredFile:
            store.serialise(connection, workspace_id)
            found = store.find(connection, workspace_id, file_id, after)
            if found is None or found.session_id != session_id:
                raise NotFound(f"Session {session_id!r} has no file {file_id!r}.")
            store.remove(connection, [found.id])
            return found

        await self._keeper.discard([await self._database.write(step)])

    # -- within ------------------------------------------------------------------------------------------

    async def _take(
        self, workspace_id: str, session_id: str | None, source: FileSource, given: Given, idempotency_key: str | None
    ) -> StoredFile:
        if session_id is not None:
            await self._sessions.check(workspace_id, session_id)
        if (problem := name_problem(given.name)) is not None:
            raise InvalidRequest.at(("file", "name"), problem, given.name[:300])
        # A key may come again for another file once its first request is forgotten, so the place is part of the id.
        place = "\0".join((workspace_id, session_id or "", source, given.name))
        arrival = Arrival(
            workspace_id,
            session_id,
            source,
            given.name,
            given.content_type,
            given.chunks,
            file_id=None if idempotency_key is None else id_for_key(place, idempotency_key),
        )
        return await self._keeper.keep(arrival)

    async def _named(self, workspace_id: str, session_id: str | None, source: FileSource, name: str) -> StoredFile:
        after = self._alive_after()
        found = await self._database.read(
            lambda connection: store.named(connection, workspace_id, session_id, source, name, after)
        )
        if found is None:
            raise NotFound(f"There is no file called {name!r}.")
        return found

    def _seen(self, connection: Connection, workspace_id: str, session_id: str, name: str) -> StoredFile | None:
        after = self._alive_after()
        for place, source in (
            (session_id, FileSource.USER_UPLOAD),
            (None, FileSource.USER_UPLOAD),
            (session_id, FileSource.SESSION_DOWNLOAD),
        ):
            if (found := store.named(connection, workspace_id, place, source, name, after)) is not None:
                return found
        found = store.find(connection, workspace_id, name, after)
        return found if found is not None and found.session_id in (session_id, None) else None

    def _link(self, base_url: str, file: StoredFile) -> str:
        return self._links.url(base_url, Linked(object_key(file), file.filename, file.mime_type), LINK_LASTS)

    def _alive_after(self) -> datetime:
        return _LONG_AGO if self._retention is None else self._clock.now() - self._retention
