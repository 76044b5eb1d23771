"""All browsers of one machine: hands them to sessions, carries commands to them, ends them.

What must always hold:

- A browser serves one session and is destroyed after it; none is ever used again. One-shot sessions of one owner may
  have theirs in one process, as contexts (``shared``).
- ``acquire`` either returns a browser or leaves nothing of one.
- A session that is released or whose browser died is unknown from that moment on: its streams are closed, it
  has no door, and the cleaning happens behind, supervised and bounded.
- Listeners hear of a browser that ended unasked exactly once, and never of one that was released.
- There are never more browsers than ``max_sessions`` and the warm pool's target together.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping
from functools import partial
from typing import Any

from noctule.browser import foreign
from noctule.browser.assembly import Assembler, Browser
from noctule.browser.cdp import CdpError
from noctule.browser.commands import (
    SESSION_OVER,
    Acquired,
    BrowserGone,
    BrowserLost,
    BrowserSpec,
    Capacity,
    Captured,
    Command,
    CommandFailed,
    DownloadListener,
    KeepProfile,
    KeptProfile,
    NodeFull,
    Result,
    SandboxLevel,
    Traffic,
)
from noctule.browser.devtools import Resource, fetch
from noctule.browser.door import Door
from noctule.browser.egress.policy import EgressPolicy
from noctule.browser.launcher import Launcher
from noctule.browser.listeners import Listeners
from noctule.browser.live import LiveBrowser
from noctule.browser.process import LaunchFailed
from noctule.browser.profile.keeping import Archives, Keeper, NoArchives
from noctule.browser.recording import Recordings
from noctule.browser.retiring import Retired
from noctule.browser.screen import Screen
from noctule.browser.shared import SharedBrowsers
from noctule.browser.steering import Steering
from noctule.browser.warm import WarmPool
from noctule.kit.clock import Clock, SystemClock

log = logging.getLogger(__name__)

_LAUNCH_SECONDS = 20.0
_CLEANING_SECONDS = 2.0
# A stop answers first: the processes of its browser end when nobody waits for it any more.
_CLEANING_AFTER_SECONDS = 0.2
_LAUNCHER_CLOSE_SECONDS = 5.5
# How long the files of a session that is over may take to be kept.
_HAND_OVER_SECONDS = 30.0
_HAND_OVER_AT_CLOSE_SECONDS = 3.0


class Node:
    """One machine's browsers, by session id. All methods belong to one event loop."""

    def __init__(
        self,
        *,
        launcher: Launcher,
        policy: EgressPolicy,
        max_sessions: int,
        warm_pool_size: int,
        launch_concurrency: int,
        clock: Clock | None = None,
        recordings: Recordings | None = None,
        archives: Archives | None = None,
        profile_most_bytes: int = 256 * 1024 * 1024,
    ) -> None:
        self._recordings = recordings
        self._launcher = launcher
        self._policy = policy
        self._max_sessions = max_sessions
        self._clock = clock or SystemClock()
        self._assembler = Assembler(launcher, policy)
        self._shared = SharedBrowsers(
            self._assembler, self._discard, lambda: self._room() > 0, launch_seconds=_LAUNCH_SECONDS
        )
        self._keeper = Keeper(archives or NoArchives(), profile_most_bytes)
        self._retired = Retired(self._keeper, self._supervise)
        self._sessions: dict[str, LiveBrowser] = {}
        self._pending: set[str] = set()
        self._given_up: set[str] = set()
        self._own_launches = 0
        self._background: set[asyncio.Task[None]] = set()
        self._listeners = Listeners()
        self._hand_overs: set[asyncio.Task[None]] = set()
        self._pool_is_chromium = False
        self._closed = False
        self._pool: WarmPool[Browser] = WarmPool(
            self._make_warm,
            self._discard,
            target=warm_pool_size,
            concurrency=launch_concurrency,
            room=self._room,
        )

    async def start(self) -> None:
        """Sweep what an earlier boot left and begin to fill the warm pool. Errors as of ``Launcher.start``."""
        await self._launcher.start()
        self._pool.start()

    async def close(self) -> None:
        """End every browser, in ten seconds at most. Listeners hear nothing of it."""
        self._closed = True
        for session_id in list(self._sessions):
            self._end(session_id, "The server is stopping.")
        self._shared.close()
        if self._hand_overs:
            _, late = await asyncio.wait(self._hand_overs, timeout=_HAND_OVER_AT_CLOSE_SECONDS)
            # What they would write to closes next.
            for hand_over in late:
                hand_over.cancel()
        self._retired.close()
        await self._pool.close()
        if self._background:
            await asyncio.wait(self._background, timeout=_CLEANING_SECONDS)
        try:
            async with asyncio.timeout(_LAUNCHER_CLOSE_SECONDS):
                await self._launcher.close()
        except TimeoutError:
            log.error("the browsers were not gone in time; the next start will sweep them")

    def admit(self, spec: BrowserSpec) -> None:
        """Raise ``NodeFull`` where ``acquire`` would, at once."""
        if self._closed:
            raise NodeFull("The server is shutting down")
        if spec.is_recorded and self._recordings is None:
            raise CommandFailed("InvalidRequest", "This server cannot record sessions: it has no ffmpeg")
        if len(self._sessions) + len(self._pending) >= self._max_sessions:
            raise NodeFull(f"All {self._max_sessions} browsers of this machine are in use")

    async def acquire(self, spec: BrowserSpec, timeout_seconds: float) -> Acquired:
        """A browser for the session; errors as of ``Fleet.acquire``."""
        self.admit(spec)
        session_id = spec.session_id
        if session_id in self._sessions or session_id in self._pending:
            raise CommandFailed("InvalidRequest", f"Session {session_id} has a browser already")
        self._pending.add(session_id)
        try:
            async with asyncio.timeout(timeout_seconds):
                browser = await self._obtain(spec, timeout_seconds)
                try:
                    await self._dress(browser, spec)
                    self._still_wanted(browser, session_id)
                except BaseException:
                    self._discard(browser)
                    raise
        except TimeoutError:
            raise NodeFull(self._nothing_within(timeout_seconds)) from None
        finally:
            self._pending.discard(session_id)
            self._given_up.discard(session_id)
        browser.driver.downloads.deliver = partial(self._listeners.hand_over, session_id)
        session = self._sessions[session_id] = LiveBrowser(browser, self._clock)
        is_recorded = self._recordings is not None and self._recordings.applies_to(spec)
        if self._recordings is not None and is_recorded:
            self._recordings.begin(session_id, session.screen, browser.driver.viewport)
        browser.gone.add_done_callback(lambda gone: self._ended_unasked(session_id, browser, gone.result()))
        return Acquired(session_id, browser.driver.user_agent, browser.driver.viewport, is_recorded)

    async def release(self, session_id: str, reason: str = SESSION_OVER, *, is_kept: bool = False) -> Traffic:
        """Take the browser away, and tell its streams why; answers at once. An unknown session has no traffic;
        one that is being acquired will not come to be."""
        if session_id in self._pending:
            self._given_up.add(session_id)
        return self._end(session_id, reason, is_kept=is_kept)

    async def keep_profile(self, session_id: str, wish: KeepProfile) -> KeptProfile:
        """Keep what a browser remembers; errors as of ``Fleet.keep_profile``."""
        session = self._sessions.get(session_id)
        if session is None:
            return await self._retired.keep(session_id, wish)
        try:
            return await self._keeper.keep_running(session.browser, wish)
        finally:
            session.touch()

    async def run(self, session_id: str, command: Command) -> Result:
        """Carry out one command; errors as of ``Fleet.run``."""
        session = self._sessions.get(session_id)
        if session is None:
            raise BrowserLost(f"Session {session_id} has no browser")
        session.commands += 1
        try:
            return await session.browser.driver.run(command)
        finally:
            session.commands -= 1
            session.touch()

    def door(self, session_id: str) -> Door | None:
        """Where the CDP proxy finds the session's browser; ``None`` for an unknown session, and for one that
        drives somebody else's browser, whose clients go there themselves."""
        session = self._sessions.get(session_id)
        return None if session is None else session.door()

    def screen(self, session_id: str) -> Screen | None:
        """The pictures of the session's page, for whoever takes them; ``None`` for an unknown session."""
        session = self._sessions.get(session_id)
        return None if session is None else session.screen

    def steering(self, session_id: str) -> Steering | None:
        """A person's hand on the session's page; ``None`` for an unknown session."""
        session = self._sessions.get(session_id)
        return None if session is None else session.steering

    def page_door(self, session_id: str, tab_id: str) -> Door | None:
        """Where the CDP proxy finds one page of the session's, which is let through while it is a page of the web;
        ``None`` where there is no such tab, and where ``door`` has none."""
        session = self._sessions.get(session_id)
        return None if session is None else session.page_door(tab_id)

    def has_devtools(self, session_id: str) -> bool:
        """Whether the session's browser is one of ours, which brings DevTools along."""
        return self.door(session_id) is not None

    async def front_end(self, session_id: str, path: str) -> Resource | None:
        """A file of the DevTools front end of the session's browser; ``None`` where there is none of that path."""
        door = self.door(session_id)
        return None if door is None else await fetch(door, path)

    def touch(self, session_id: str) -> None:
        """Something happened in the session."""
        if (session := self._sessions.get(session_id)) is not None:
            session.touch()

    def traffic(self) -> Mapping[str, Traffic]:
        """Traffic of every live session, by session id."""
        return {session_id: session.traffic() for session_id, session in self._sessions.items()}

    def on_gone(self, listener: Callable[[BrowserGone], None]) -> None:
        """Call ``listener`` on the event loop whenever a browser ends unasked."""
        self._listeners.gone.append(listener)

    def on_download(self, listener: DownloadListener) -> None:
        """Give ``listener`` every download that is complete and that no command asked for."""
        self._listeners.downloaded.append(listener)

    def on_captured(self, listener: Callable[[Captured], None]) -> None:
        """Call ``listener`` on the event loop with what happened in a session's browser, until its last batch."""
        self._listeners.captured.append(listener)

    def capacity(self) -> Capacity:
        """How full this machine is; sessions that wait for their browser count as live."""
        live = len(self._sessions) + len(self._pending)
        return Capacity(live, self._max_sessions, self._pool.ready, self._pool.target)

    def sandbox(self) -> SandboxLevel:
        """The weakest sandbox level in force."""
        return self._launcher.sandbox_level()

    # -- getting a browser ---------------------------------------------------------------------------------

    async def _obtain(self, spec: BrowserSpec, timeout_seconds: float) -> Browser:
        if spec.cdp_url is not None:
            return Browser(await foreign.connect(spec.cdp_url, self._policy), None, None, _nothing)
        if spec.shared_by is not None and not spec.chrome_args and not spec.wants_chromium:
            try:
                return await self._shared.take(spec.shared_by)
            except (LaunchFailed, CdpError) as error:
                raise CommandFailed("BrowserStartError", f"The browser could not be started: {error}") from None
        if self._room() <= 0:
            self._shared.make_room()
        furnish = self._keeper.furnishing(spec.profile) if spec.profile is not None else None
        if furnish is None and not spec.chrome_args and (not spec.wants_chromium or self._pool_is_chromium):
            return await self._take_warm()
        self._own_launches += 1
        try:
            return await self._assembler.make(
                wants_chromium=spec.wants_chromium,
                chrome_args=spec.chrome_args,
                timeout_seconds=timeout_seconds,
                furnish=furnish,
            )
        except ValueError as error:
            raise CommandFailed("InvalidRequest", str(error)) from None
        except (LaunchFailed, CdpError) as error:
            raise CommandFailed("BrowserStartError", f"The browser could not be started: {error}") from None
        finally:
            self._own_launches -= 1

    async def _take_warm(self) -> Browser:
        while True:
            try:
                browser = await self._pool.take()
            except RuntimeError:
                raise NodeFull("The server is shutting down") from None
            if not browser.driver.closed.done():
                return browser
            self._discard(browser)

    async def _dress(self, browser: Browser, spec: BrowserSpec) -> None:
        await browser.begin(spec.upstream)
        try:
            if spec.profile is not None:
                await browser.driver.restore(spec.profile.state)
            if spec.shared_by is None:
                # What a profile brings is put in place by visits that are nobody's.
                browser.driver.capture.start(spec.capture, partial(self._listeners.tell_captured, spec))
            await browser.driver.dress(spec)
        except CdpError as error:
            raise CommandFailed(
                "BrowserStartError", f"The browser does not take the session's options: {error}"
            ) from None

    def _still_wanted(self, browser: Browser, session_id: str) -> None:
        if self._closed or session_id in self._given_up:
            raise NodeFull("The session was stopped before its browser was ready")
        if browser.gone.done():
            raise CommandFailed("BrowserStartError", f"The browser ended at once: {browser.gone.result()}")

    def _nothing_within(self, timeout_seconds: float) -> str:
        failure = f" (the last one failed: {self._pool.last_failure})" if self._pool.last_failure else ""
        return f"No browser was ready within {timeout_seconds:g} s{failure}"

    async def _make_warm(self) -> Browser:
        browser = await self._assembler.make(wants_chromium=False, timeout_seconds=_LAUNCH_SECONDS)
        self._pool_is_chromium = not browser.is_headless_shell
        return browser

    def _room(self) -> int:
        others = len(self._sessions) + self._own_launches + len(self._background) + self._shared.processes
        return self._max_sessions + self._pool.target - others

    # -- ending one ----------------------------------------------------------------------------------------

    def _end(self, session_id: str, reason: str, *, is_kept: bool = False) -> Traffic:
        session = self._sessions.pop(session_id, None)
        if session is None:
            return Traffic()
        traffic = session.traffic()
        hand_over = asyncio.create_task(
            session.browser.driver.downloads.drain(_HAND_OVER_SECONDS), name="keep the last downloads of a session"
        )
        self._hand_overs.add(hand_over)
        hand_over.add_done_callback(self._hand_overs.discard)
        last_look = self._recordings.end(session_id) if self._recordings is not None else None
        if is_kept:
            self._retired.add(session_id, session.browser, last_look)
        else:
            self._supervise(_destroy(session.browser, last_look))
        session.end(reason)
        return traffic

    def _ended_unasked(self, session_id: str, browser: Browser, reason: str) -> None:
        session = self._sessions.get(session_id)
        if session is None or session.browser is not browser:
            return
        log.warning("the browser of session %s ended: %s", session_id, reason)
        self._end(session_id, "The browser of the session has gone.")
        self._listeners.tell_gone(BrowserGone(session_id, reason))

    def _discard(self, browser: Browser) -> None:
        self._supervise(browser.destroy())

    def _supervise(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work, name="clean up a browser")
        self._background.add(task)
        task.add_done_callback(self._cleaned)

    def _cleaned(self, task: "asyncio.Task[None]") -> None:
        self._background.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("a browser was not cleaned up: %s", error)
        self._pool.pump()


async def _destroy(browser: Browser, last_look: asyncio.Future[Any] | None) -> None:
    try:
        if last_look is not None:
            await browser.retire()
            await asyncio.wait((last_look,))
    finally:
        await browser.destroy(after_seconds=_CLEANING_AFTER_SECONDS)


def _nothing() -> None:
    """Somebody else's browser has nothing of ours to give back."""
