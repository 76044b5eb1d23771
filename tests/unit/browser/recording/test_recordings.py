"""Recordings of a machine: finished, handed over, found again, bounded."""

import asyncio
import json
import shutil
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import cast

import pytest

from noctule.browser.commands import BrowserSpec, EvaluateJs, Goto, KeepProfile, Recorded, Viewport
from noctule.browser.recording import Ffmpeg, Recordings
from noctule.browser.recording.files import fitted
from noctule.browser.recording.matroska import Writer
from noctule.browser.screen import Frame, Screen, Taker
from tests.support.nodes import KeptInMemory, running_node
from tests.support.pages import serving
from tests.support.pictures import colour, decode
from tests.unit.browser.recording.pictures import frame, jpeg

pytestmark = pytest.mark.slow

SESSION = "11111111-2222-4333-8444-555555555555"


class _Keeper:
    """Copies what it is given."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.kept: list[Recorded] = []
        self.failures = 0

    async def keep(self, recorded: Recorded) -> None:
        if self.failures:
            self.failures -= 1
            raise OSError("no room")
        for path in (recorded.mp4, recorded.fragments, recorded.playlist):
            if path is not None:
                shutil.copy(path, self.folder / path.name)
        self.kept.append(recorded)


def _left(root: Path, session_id: str = SESSION, *, whole: bool = True) -> Path:
    """What a server that was killed leaves: one file whole, the last one cut."""
    folder = root / session_id
    folder.mkdir(parents=True)
    (folder / "about.json").write_text(json.dumps({"width": 320, "height": 240, "started_ms": 1_700_000}))
    for number, (name, starts) in enumerate((("red", 0), ("blue", 10_000))):
        writer = Writer()
        content = writer.head(320, 240) + b"".join(
            writer.picture(starts + at, jpeg(name)) for at in (0, 2_000, 4_000, 6_000)
        )
        (folder / f"{number:06d}.mkv").write_bytes(content if whole or number == 0 else content[:-300])
    return folder


def _on(
    tmp_path: Path, act: Callable[[Recordings, _Keeper, Path], Awaitable[None]], try_again_seconds: float = 15.0
) -> None:
    async def bounded() -> None:
        root, keeper = tmp_path / "recordings", _Keeper(tmp_path)
        made = Recordings(root, Ffmpeg.find(), is_default=True, try_again_seconds=try_again_seconds)
        async with asyncio.timeout(60):
            try:
                await act(made, keeper, root)
            finally:
                await made.close()

    asyncio.run(bounded())


async def _kept(made: Recordings, keeper: _Keeper, session_id: str = SESSION) -> Recorded:
    while made.is_pending(session_id):
        await asyncio.sleep(0.02)
    return keeper.kept[-1]


@pytest.mark.parametrize("whole", [True, False])
def test_what_a_dead_server_left_is_finished(tmp_path: Path, whole: bool) -> None:
    async def act(made: Recordings, keeper: _Keeper, root: Path) -> None:
        folder = _left(root, whole=whole)
        # Half of the work was done: one piece has its video already.
        (folder / "000009.part").write_bytes(b"half a piece")
        await made.start(keeper)
        assert made.is_pending(SESSION)
        found = await _kept(made, keeper)
        assert (found.width, found.height, found.started_ms) == (320, 240, 1_700_000)
        assert found.duration_ms == (16_040 if whole else 14_040)
        for at, name in ((0.0, "r"), (6.0, "r"), (10.0, "b"), (14.0, "b")):
            picture = decode(tmp_path / "video.mp4", width=320, height=240, at_seconds=max(0, at - 0.001))
            assert colour(picture, 160, 120) == name
        assert not folder.exists()

    _on(tmp_path, act)


def test_a_recording_is_tried_until_it_is_kept(tmp_path: Path) -> None:
    async def act(made: Recordings, keeper: _Keeper, root: Path) -> None:
        _left(root)
        keeper.failures = 3
        await made.start(keeper)
        assert (await _kept(made, keeper)).mp4 is not None
        assert (keeper.failures, len(keeper.kept)) == (0, 1)

    _on(tmp_path, act, try_again_seconds=0.05)


def test_a_part_that_is_broken_is_lost_alone(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def act(made: Recordings, keeper: _Keeper, root: Path) -> None:
        (_left(root) / "000000.mkv").write_bytes(b"this is no picture" * 100)
        await made.start(keeper)
        found = await _kept(made, keeper)
        assert found.mp4 is not None
        assert "a part of the recording" in caplog.text

    _on(tmp_path, act)


def test_what_tells_nothing_is_removed(tmp_path: Path) -> None:
    async def act(made: Recordings, keeper: _Keeper, root: Path) -> None:
        for name, about in (("a", None), ("b", "{}"), ("c", "no JSON")):
            (root / name).mkdir(parents=True)
            if about is not None:
                (root / name / "about.json").write_text(about)
        empty = root / SESSION
        empty.mkdir()
        (empty / "about.json").write_text(json.dumps({"width": 320, "height": 240, "started_ms": 0}))
        await made.start(keeper)
        assert await _kept(made, keeper) == Recorded(SESSION)
        assert list(root.iterdir()) == []

    _on(tmp_path, act)


def test_closing_does_not_wait_for_long_and_loses_nothing(tmp_path: Path) -> None:
    async def act(made: Recordings, keeper: _Keeper, root: Path) -> None:
        folder = _left(root)
        keeper.failures = 1
        await made.start(keeper)
        await asyncio.sleep(0.1)
        began = time.monotonic()
        await made.close()
        assert time.monotonic() - began < 8
        assert folder.is_dir()
        again = Recordings(root, Ffmpeg.find(), is_default=True)
        await again.start(keeper)
        assert (await _kept(again, keeper)).duration_ms == 16_040
        await again.close()

    _on(tmp_path, act)


@pytest.mark.parametrize("is_kept", [False, True])
def test_a_film_ends_with_what_was_to_be_seen_at_the_end(tmp_path: Path, is_kept: bool) -> None:
    async def act(made: Recordings, keeper: _Keeper, root: Path) -> None:
        await made.start(keeper)
        with serving() as pages:
            pages.add("/blue", "<body style='background:#00f'>")
            async with running_node(tmp_path, allow=pages.allow, recordings=made, archives=KeptInMemory()) as node:
                acquired = await node.acquire(BrowserSpec(SESSION, viewport=Viewport(320, 240)), 20)
                assert acquired.is_recorded
                await node.run(SESSION, Goto(pages.url("/blue")))
                await asyncio.sleep(1)
                await node.run(SESSION, EvaluateJs("document.body.style.background = '#0f0'"))
                began = time.monotonic()
                await node.release(SESSION, is_kept=is_kept)
                assert time.monotonic() - began < 0.05
                if is_kept:
                    await node.keep_profile(SESSION, KeepProfile("profile/a", 1_000_000))
                found = await _kept(made, keeper)
                last = decode(tmp_path / "video.mp4", width=320, height=240, at_seconds=found.duration_ms / 1000 - 0.05)
                assert colour(last, 160, 120) == "g"

    _on(tmp_path, act)


class _Hand:
    """A screen whose pictures are given by hand."""

    def __init__(self) -> None:
        self.joined = asyncio.Event()
        self.taker: Taker | None = None
        self.asked = 0
        self.look: asyncio.Future[Frame | None] = asyncio.get_running_loop().create_future()

    def join(self, taker: Taker) -> Callable[[], None]:
        self.taker = taker
        self.joined.set()
        return lambda: None

    def ready(self) -> None:
        self.asked += 1

    def last_look(self) -> "asyncio.Future[Frame | None]":
        return self.look


def test_who_lost_pictures_for_want_of_room_takes_them_again_when_there_is_some(tmp_path: Path) -> None:
    async def act(_: Recordings, keeper: _Keeper, root: Path) -> None:
        picture_bytes = len(jpeg("red"))
        made = Recordings(root, Ffmpeg.find(), is_default=True, most_waiting_bytes=picture_bytes * 7 // 2)
        await made.start(keeper)
        screen = _Hand()
        made.begin(SESSION, cast(Screen, screen), Viewport(320, 240))
        await screen.joined.wait()
        assert screen.taker is not None
        for at in (0.0, 5.0, 9.9, 10.0):
            assert screen.taker.wants()
            screen.taker.take(frame(1000 + at, "red"))
        assert not screen.taker.wants()
        while not screen.asked:
            await asyncio.sleep(0.02)
        assert screen.taker.wants()
        screen.look.set_result(None)
        made.end(SESSION)
        assert (await _kept(made, keeper)).mp4 is not None
        await made.close()

    _on(tmp_path, act)


def test_a_session_that_does_not_say_is_recorded_as_the_server_says(tmp_path: Path) -> None:
    async def act(made: Recordings, keeper: _Keeper, root: Path) -> None:
        off = Recordings(root, Ffmpeg.find(), is_default=False)
        for spec, as_made, as_off in (
            (BrowserSpec("s"), True, False),
            (BrowserSpec("s", is_recorded=True), True, True),
            (BrowserSpec("s", is_recorded=False), False, False),
        ):
            assert (made.applies_to(spec), off.applies_to(spec)) == (as_made, as_off)
        await off.close()

    _on(tmp_path, act)


@pytest.mark.parametrize(
    ("viewport", "size"),
    [((1280, 1080), (1280, 1080)), ((801, 601), (800, 600)), ((3840, 2160), (1920, 1080)), ((1, 7680), (64, 1920))],
)
def test_a_video_has_even_sides_that_players_can_show(viewport: tuple[int, int], size: tuple[int, int]) -> None:
    assert fitted(Viewport(*viewport)) == size


@pytest.mark.parametrize("is_seen", [True, False])
def test_a_session_that_is_over_before_its_first_picture_was_due_has_its_last_moment_for_a_film(
    tmp_path: Path, is_seen: bool
) -> None:
    async def act(made: Recordings, keeper: _Keeper, root: Path) -> None:
        await made.start(keeper)
        screen = _Hand()
        made.begin(SESSION, cast(Screen, screen), Viewport(320, 240))
        await asyncio.sleep(0.1)
        look = made.end(SESSION)
        assert look is screen.look
        screen.look.set_result(frame(time.time(), "lime") if is_seen else None)
        recorded = await _kept(made, keeper)
        assert (recorded.mp4 is not None) is is_seen
        if is_seen:
            assert 100 <= recorded.duration_ms <= 400
            assert colour(decode(tmp_path / "video.mp4", width=320, height=240, at_seconds=0), 160, 120) == "g"
        await asyncio.sleep(0.4)
        assert screen.taker is None

    _on(tmp_path, act)
