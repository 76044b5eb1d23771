"""Recordings kept, shown and given up, on both databases."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from noctule.browser.commands import Recorded
from noctule.db.engine import Database
from noctule.kit.errors import NotFound
from noctule.kit.seal import Sealer
from noctule.objects.links import Links
from noctule.objects.store import ObjectMissing, ObjectStore
from noctule.replay import store
from noctule.replay.domain import State
from noctule.replay.service import ReplayService
from noctule.sessions.domain import Session, Status
from noctule.sessions.service import SessionView
from tests.support.clock import FrozenClock
from tests.support.units import read

HOME, OTHER, SESSION, ROOT = "workspace-1", "workspace-2", "11111111-2222-4333-8444-555555555555", "https://host"
PLAYLIST = '#EXTM3U\n#EXT-X-MAP:URI="fragments.mp4"\n#EXTINF:1.0,\nfragments.mp4\n'


class _Sessions:
    """One session of the first workspace."""

    def __init__(self, now: datetime) -> None:
        self.closed_at: datetime | None = None
        self.is_recorded = False
        self._now = now

    async def get(self, workspace_id: str, session_id: str) -> SessionView:
        if (workspace_id, session_id) != (HOME, SESSION):
            raise NotFound("no such session")
        session = Session(
            id=SESSION,
            workspace_id=HOME,
            key_id="key",
            status=Status.ACTIVE if self.closed_at is None else Status.CLOSED,
            created_at=self._now,
            last_accessed_at=self._now,
            idle_timeout_minutes=3,
            max_duration_minutes=15,
            browser_type="chromium",
            headless=True,
            solve_captchas=False,
            use_file_storage=True,
            web_bot_auth=False,
            proxies=False,
            closed_at=self.closed_at,
            is_recorded=self.is_recorded,
        )
        return SessionView(session)


class House:
    """The tag with a folder of objects, and one session that is over."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.database = database
        self.clock = FrozenClock()
        self.objects = ObjectStore.at(folder / "objects")
        self.links = Links(Sealer(bytes(32)), self.clock)
        self.sessions = _Sessions(self.clock.now())
        self.sessions.closed_at = self.clock.now()
        self.pending: set[str] = set()
        self.folder = folder
        self.replays = self.with_retention(timedelta(days=7))

    def with_retention(self, retention: timedelta) -> ReplayService:
        return ReplayService(
            database=self.database,
            clock=self.clock,
            sessions=self.sessions,
            objects=self.objects,
            links=self.links,
            retention=retention,
            is_pending=self.pending.__contains__,
        )

    def recorded(self) -> Recorded:
        mp4, fragments, playlist = (self.folder / name for name in ("mp4", "fragments", "playlist"))
        mp4.write_bytes(b"whole")
        fragments.write_bytes(b"parts")
        playlist.write_text(PLAYLIST)
        return Recorded(SESSION, mp4, fragments, playlist, 1_700_000, 5_040, 1280, 1080)

    async def opened(self, url: str) -> bytes:
        linked = self.links.open(urlsplit(url).path.split("/")[2])
        assert (linked.content_type, linked.is_inline) == ("video/mp4", True)
        return await self.objects.get(linked.key)


@pytest.fixture
def house(database: Database, tmp_path: Path) -> House:
    return House(database, tmp_path)


def _run(act: Callable[[], Awaitable[None]]) -> None:
    async def body() -> None:
        await act()

    asyncio.run(body())


def test_what_was_kept_is_shown_by_links(house: House) -> None:
    async def act() -> None:
        await house.replays.keep(house.recorded())
        found = await house.replays.find(HOME, SESSION, ROOT)
        assert found.mp4_url is not None
        assert found.playlist is not None
        assert await house.opened(found.mp4_url) == b"whole"
        assert found.mp4_url.startswith(f"{ROOT}/files/")
        assert await house.opened(found.playlist.splitlines()[-1]) == b"parts"
        assert (found.video_start_ms, found.video_duration_ms) == (1_700_000, 5_040)
        assert found.expires_at == house.clock.now() + timedelta(days=7)
        size, video = await house.replays.video(HOME, SESSION)
        assert (size, b"".join([chunk async for chunk in video])) == (5, b"whole")

    _run(act)


def test_to_keep_it_again_changes_nothing(house: House) -> None:
    async def act() -> None:
        await house.replays.keep(house.recorded())
        first = read(house.database, lambda connection: store.find(connection, SESSION))
        house.clock.advance(60)
        await house.replays.keep(house.recorded())
        assert read(house.database, lambda connection: store.find(connection, SESSION)) == first

    _run(act)


def test_until_it_is_there_it_is_not_found_and_the_words_say_why(house: House) -> None:
    async def act() -> None:
        house.sessions.closed_at = None
        house.pending.add(SESSION)
        with pytest.raises(NotFound, match="still active"):
            await house.replays.find(HOME, SESSION, ROOT)
        house.sessions.closed_at = house.clock.now()
        with pytest.raises(NotFound, match="not ready"):
            await house.replays.find(HOME, SESSION, ROOT)
        await house.replays.keep(house.recorded())
        # Its files on the machine may still be going away.
        assert (await house.replays.find(HOME, SESSION, ROOT)).mp4_url

    _run(act)


def test_the_recording_of_another_machine_is_waited_for_as_long_as_it_may_come(house: House) -> None:
    async def act() -> None:
        house.sessions.is_recorded = True
        house.clock.advance(15 * 60 - 1)
        for ask in (house.replays.find(HOME, SESSION, ROOT), house.replays.video(HOME, SESSION)):
            with pytest.raises(NotFound, match="not ready"):
                await ask
        house.clock.advance(1)
        assert (await house.replays.find(HOME, SESSION, ROOT)).mp4_url is None
        # That machine was only slow.
        await house.replays.keep(house.recorded())
        assert (await house.replays.find(HOME, SESSION, ROOT)).mp4_url

    _run(act)


@pytest.mark.parametrize("is_empty", [True, False])
def test_a_session_without_a_film_is_told_at_once(house: House, is_empty: bool) -> None:
    async def act() -> None:
        if is_empty:
            await house.replays.keep(Recorded(SESSION))
        found = await house.replays.find(HOME, SESSION, ROOT)
        assert (found.mp4_url, found.playlist, found.video_start_ms) == (None, None, None)
        with pytest.raises(NotFound, match="no video"):
            await house.replays.video(HOME, SESSION)

    _run(act)


def test_a_video_whose_bytes_are_gone_is_said_to_be_before_any_of_it_is_sent(house: House) -> None:
    async def act() -> None:
        await house.replays.keep(house.recorded())
        await house.objects.delete([f"replays/{SESSION}/video.mp4"])
        with pytest.raises(NotFound, match="is gone"):
            await house.replays.video(HOME, SESSION)

    _run(act)


def test_nobody_else_finds_it(house: House) -> None:
    async def act() -> None:
        await house.replays.keep(house.recorded())
        for ask in (
            house.replays.find(OTHER, SESSION, ROOT),
            house.replays.check(OTHER, SESSION),
        ):
            with pytest.raises(NotFound):
                await ask
        with pytest.raises(NotFound):
            await house.replays.video(OTHER, SESSION)

    _run(act)


def test_after_its_time_it_is_gone_with_its_files(house: House) -> None:
    async def act() -> None:
        await house.replays.keep(house.recorded())
        link = (await house.replays.find(HOME, SESSION, ROOT)).mp4_url
        assert link is not None
        house.clock.advance(7 * 86_400 - 1)
        await house.replays.sweep()
        assert await house.opened(link) == b"whole"
        house.clock.advance(1)
        assert (await house.replays.find(HOME, SESSION, ROOT)).mp4_url is None
        for _ in range(2):
            await house.replays.sweep()
        kept = read(house.database, lambda connection: store.find(connection, SESSION))
        assert kept is not None
        assert kept.state is State.EXPIRED
        assert [found async for found in house.objects.list("replays")] == []
        assert (await house.replays.find(HOME, SESSION, ROOT)).expires_at == kept.expires_at

    _run(act)


def test_links_live_for_a_week_at_most(house: House) -> None:
    async def act() -> None:
        replays = house.with_retention(timedelta(days=365))
        await replays.keep(house.recorded())
        found = await replays.find(HOME, SESSION, ROOT)
        assert found.expires_at == house.clock.now() + timedelta(days=7)
        house.clock.advance(8 * 86_400)
        assert found.mp4_url is not None
        with pytest.raises(NotFound, match="expired"):
            await house.opened(found.mp4_url)
        fresh = await replays.find(HOME, SESSION, ROOT)
        assert fresh.mp4_url is not None
        assert await house.opened(fresh.mp4_url) == b"whole"

    _run(act)


def test_a_recording_that_cannot_be_kept_whole_is_not_acknowledged(house: House) -> None:
    async def act() -> None:
        broken = house.recorded()
        assert broken.playlist is not None
        broken.playlist.unlink()
        with pytest.raises(OSError, match="playlist"):
            await house.replays.keep(broken)
        assert read(house.database, lambda connection: store.find(connection, SESSION)) is None
        with pytest.raises(ObjectMissing):
            await house.objects.get(f"replays/{SESSION}/playlist.m3u8")
        await house.replays.keep(house.recorded())
        assert (await house.replays.find(HOME, SESSION, ROOT)).mp4_url

    _run(act)
