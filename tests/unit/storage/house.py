"""The tag on each database and a folder, and behind the real gate."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
from fastapi import APIRouter

from noctule.db.engine import Database
from noctule.kit.errors import NotFound
from noctule.kit.seal import Sealer
from noctule.objects.links import Links
from noctule.objects.store import ObjectStore
from noctule.storage.domain import StoredFile
from noctule.storage.routes import links as link_routes
from noctule.storage.routes import session_files, storage
from noctule.storage.service import Given, LinkedFiles, StorageService
from tests.support.clock import FrozenClock
from tests.support.gated import Gated, gated

HOME = "workspace-1"
OTHER = "workspace-2"
SID = "11111111-1111-1111-1111-111111111111"
SID_TOO = "22222222-2222-2222-2222-222222222222"


class KnownSessions:
    """Sessions and whose they are; those of ``everybody`` are of each workspace that asks."""

    def __init__(self) -> None:
        self.owners: dict[str, str] = {}
        self.everybody: set[str] = set()

    async def check(self, workspace_id: str, session_id: str) -> None:
        if session_id not in self.everybody and self.owners.get(session_id) != workspace_id:
            raise NotFound(f"Session {session_id!r} was not found.")


async def pieces(content: bytes, size: int = 65_536) -> AsyncIterator[bytes]:
    """Content as it would stream in."""
    for begin in range(0, len(content), size):
        yield content[begin : begin + size]


def given(name: str, content: bytes = b"hello", content_type: str | None = None) -> Given:
    """A file that a client sends."""
    return Given(name, content_type, pieces(content))


@dataclass
class House:
    """The tag of one server."""

    database: Database
    folder: Path
    quota_bytes: int | None = None
    retention: timedelta | None = None
    clock: FrozenClock = field(default_factory=FrozenClock)
    sealer: Sealer = field(default_factory=lambda: Sealer(bytes(32)))
    sessions: KnownSessions = field(default_factory=KnownSessions)
    known_workspaces: list[str] = field(default_factory=lambda: [HOME, OTHER])

    def __post_init__(self) -> None:
        self.sessions.owners |= {SID: HOME, SID_TOO: HOME}
        self.objects = ObjectStore.at(self.folder)
        self.links = Links(self.sealer, self.clock)
        self.storage = StorageService(
            database=self.database,
            clock=self.clock,
            objects=self.objects,
            links=self.links,
            sessions=self.sessions,
            workspaces=self._workspaces,
            quota_bytes=self.quota_bytes,
            retention=self.retention,
        )

    async def _workspaces(self) -> list[str]:
        return self.known_workspaces

    def on_disk(self) -> list[Path]:
        """Every file that is in the folder, unfinished ones too."""
        return sorted(path for path in self.folder.rglob("*") if path.is_file())

    async def content(self, file: StoredFile) -> bytes:
        """The bytes of a file."""
        return b"".join([chunk async for chunk in await self.storage.read(file, 0, file.size)])


@dataclass
class Served:
    """The tag's clients of two workspaces, and what is behind it."""

    house: House
    mine: httpx.AsyncClient
    theirs: httpx.AsyncClient

    async def upload(self, path: str, content: bytes = b"hello", name: str = "a.txt", **options: Any) -> httpx.Response:
        """Post a form with one file."""
        return await self.mine.post(path, files={"file": (name, content)}, **options)

    async def follow(self, path: str) -> httpx.Response:
        """What the link leads to that is at a path, asked for without a key."""
        reply = await self.mine.get(path)
        assert reply.status_code == 200, reply.text
        return await self.mine.get(reply.json()["url"], headers={"authorization": ""})


def serve(house: House, body: Callable[[Served], Awaitable[None]]) -> None:
    """Run ``body`` against the tag behind a gate. Its sessions are everybody's."""
    house.sessions.everybody |= {SID, SID_TOO}
    routes = APIRouter()
    for router in (storage.router(house.storage), session_files.router(house.storage)):
        routes.include_router(router)
    routes.include_router(link_routes.router(LinkedFiles(house.objects, house.links)))

    async def main() -> None:
        tag: Gated
        async with gated(routes, house.database, house.clock, house.sealer) as tag:
            await body(Served(house, tag.mine, tag.theirs))

    asyncio.run(main())
