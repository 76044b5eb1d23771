"""A fleet without browsers: it keeps the promises of ``fleet/protocol.py`` and does what the test says.

``tests/unit/fleet/test_protocol.py`` holds it and the real one to the same behaviour. What a test may set:

- ``limit``: how many sessions fit (``admit`` and ``acquire`` raise ``NodeFull`` beyond);
- ``acquire_delay_seconds``: how slow a browser is (beyond the deadline of ``acquire``: ``NodeFull``);
- ``acquire_error``: raised by the next acquires, ``UpstreamRefused("…")`` say, until set to ``None``;
- ``run_delay_seconds`` and ``run_error``: the same for commands;
- ``answers``: text that ``EvaluateJs`` returns, by code; code that is not listed returns ``"null"``;
- ``read``: the document that ``ReadPage`` answers with, at the page's address if its own is empty;
- ``page``: what ``Observe`` sees and the acting commands act on (``fake_page.py``);
- ``set_traffic`` and ``set_idle``: what ``traffic`` reports;
- ``crash``: the browser ends unasked, and the listeners hear of it;
- ``bring``: the browser has downloaded a file, and the listeners are given it;
- ``tell``: something was captured, and the listeners hear of it;
- ``archives``: where the files of profiles are, for sessions that begin with some and for ``keep_profile``;
- ``files``: what a session's browser has in files, by session id; ``keep_error`` is raised by ``keep_profile``.

What a test may read: ``specs`` (of live sessions), ``acquired`` and ``released`` (ids in order), ``reasons``
(of releases), ``commands`` (everything that was run), ``url`` of a session's page, ``started`` and ``closed``.
"""

import asyncio
import base64
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from urllib.parse import urlsplit

from noctule.browser.commands import (
    DEFAULT_VIEWPORT,
    SESSION_OVER,
    Acquired,
    BrowserCookie,
    BrowserDownload,
    BrowserGone,
    BrowserLost,
    BrowserSpec,
    BrowserState,
    Capacity,
    Captured,
    CapturedEvent,
    CloseTab,
    Command,
    CommandFailed,
    Cookies,
    Done,
    DownloadListener,
    Evaluated,
    EvaluateJs,
    GetCookies,
    GoBack,
    GoForward,
    Goto,
    GotoNewTab,
    KeepProfile,
    KeptCookie,
    KeptProfile,
    NodeFull,
    Observe,
    PageRead,
    Picture,
    ReadPage,
    Reload,
    Result,
    SandboxLevel,
    Screenshot,
    SetCookies,
    ShowTab,
    ShutTab,
    SwitchTab,
    Traffic,
    Wait,
)
from noctule.browser.driver.files import content_type_of
from noctule.browser.profile.keeping import Archives, NoArchives
from tests.support.fake_page import FakePage

USER_AGENT = "Mozilla/5.0 (X11; Linux x86_64) Fake/1.0"

# A picture of two by two white pixels.
JPEG = base64.b64decode(
    "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAFA3PEY8MlBGQUZaVVBfeMiCeG5uePWvuZHI//////////////////////////////////////////"
    "//////////2wBDAVVaWnhpeOuCguv/////////////////////////////////////////////////////////////////////////wAARCAAC"
    "AAIDASIAAhEBAxEB/8QAFQABAQAAAAAAAAAAAAAAAAAAAAT/xAAUEAEAAAAAAAAAAAAAAAAAAAAA/8QAFAEBAAAAAAAAAAAAAAAAAAAAAP/E"
    "ABQRAQAAAAAAAAAAAAAAAAAAAAD/2gAMAwEAAhEDEQA/AIgAf//Z"
)


@dataclass
class _Session:
    spec: BrowserSpec
    history: list[str] = field(default_factory=lambda: ["about:blank"])
    position: int = 0
    cookies: dict[tuple[str, str, str], BrowserCookie] = field(default_factory=dict)
    traffic: Traffic = field(default_factory=Traffic)
    idle_since: float = 0.0


class FakeFleet:
    """Sessions that are rows in a dictionary."""

    def __init__(self, *, limit: int = 50, warm_target: int = 0) -> None:
        self.limit = limit
        self.warm_target = warm_target
        self.sandbox_level = SandboxLevel("namespace", "The fake fleet has no browser to let out.")
        self.acquire_delay_seconds = 0.0
        self.acquire_error: Exception | None = None
        self.run_delay_seconds = 0.0
        self.run_error: Exception | None = None
        self.answers: dict[str, str] = {}
        self.read = PageRead("", "", "text/plain", body=b"A page of the fake fleet.")
        self.page = FakePage()
        self.archives: Archives = NoArchives()
        self.files: dict[str, bytes] = {}
        self.keep_error: Exception | None = None
        self.specs: dict[str, BrowserSpec] = {}
        self.acquired: list[str] = []
        self.released: list[str] = []
        self.reasons: dict[str, str] = {}
        self.commands: list[tuple[str, Command]] = []
        self.started = False
        self.closed = False
        self._sessions: dict[str, _Session] = {}
        self._retired: dict[str, _Session] = {}
        self._pending = 0
        self._listeners: list[Callable[[BrowserGone], None]] = []
        self._download_listeners: list[DownloadListener] = []
        self._capture_listeners: list[Callable[[Captured], None]] = []

    async def start(self) -> None:
        self.started = True

    async def close(self) -> None:
        self.closed = True
        self._sessions.clear()
        self.specs.clear()

    def admit(self, spec: BrowserSpec) -> None:
        if self.closed:
            raise NodeFull("the machine is shutting down")
        if len(self._sessions) + self._pending >= self.limit:
            raise NodeFull(f"all {self.limit} browsers of this machine are in use")

    async def acquire(self, spec: BrowserSpec, timeout_seconds: float) -> Acquired:
        self.admit(spec)
        self._pending += 1
        try:
            if self.acquire_delay_seconds > timeout_seconds:
                await asyncio.sleep(timeout_seconds)
                raise NodeFull(f"no browser was ready within {timeout_seconds:g} s")
            await asyncio.sleep(self.acquire_delay_seconds)
            if self.acquire_error is not None:
                raise self.acquire_error
            if self.closed:
                raise NodeFull("the machine is shutting down")
            session = _Session(spec, idle_since=_now())
            await self._remember(session)
        finally:
            self._pending -= 1
        self._sessions[spec.session_id] = session
        self.specs[spec.session_id] = spec
        self.acquired.append(spec.session_id)
        user_agent, viewport = spec.user_agent or USER_AGENT, spec.viewport or DEFAULT_VIEWPORT
        return Acquired(spec.session_id, user_agent, viewport, is_recorded=bool(spec.is_recorded))

    async def release(self, session_id: str, reason: str = SESSION_OVER, *, is_kept: bool = False) -> Traffic:
        self.released.append(session_id)
        self.reasons[session_id] = reason
        session = self._forget(session_id)
        if session is None:
            return Traffic()
        if session.spec.capture != "off":
            asyncio.get_running_loop().call_soon(self.tell, Captured(session_id, (), is_last=True))
        if is_kept:
            self._retired[session_id] = session
        return self._measured(session)

    async def keep_profile(self, session_id: str, wish: KeepProfile) -> KeptProfile:
        session = self._sessions.get(session_id) or self._retired.pop(session_id, None)
        if session is None:
            raise BrowserLost(f"session {session_id} has no browser")
        await asyncio.sleep(self.run_delay_seconds)
        if self.keep_error is not None:
            raise self.keep_error
        files = self.files.get(session_id, b"")
        if len(files) > wish.most_bytes:
            raise CommandFailed("ProfileTooLarge", "The profile is not kept: it is too large")
        size = None
        if files:

            async def content() -> AsyncIterator[bytes]:
                yield files

            size = await self.archives.write(wish.archive, content())
        state = BrowserState(tuple(KeptCookie(cookie) for cookie in session.cookies.values()))
        return KeptProfile(state, size, (), session_id not in self._sessions)

    async def run(self, session_id: str, command: Command) -> Result:
        session = self._sessions.get(session_id)
        if session is None:
            raise BrowserLost(f"session {session_id} has no browser")
        session.idle_since = _now()
        self.commands.append((session_id, command))
        await asyncio.sleep(self.run_delay_seconds)
        if session_id not in self._sessions:
            raise BrowserLost(f"session {session_id} has no browser any more")
        if self.run_error is not None:
            raise self.run_error
        return self._carry_out(session, command)

    def traffic(self) -> Mapping[str, Traffic]:
        return {session_id: self._measured(session) for session_id, session in self._sessions.items()}

    def on_gone(self, listener: Callable[[BrowserGone], None]) -> None:
        self._listeners.append(listener)

    def on_download(self, listener: DownloadListener) -> None:
        self._download_listeners.append(listener)

    def on_captured(self, listener: Callable[[Captured], None]) -> None:
        self._capture_listeners.append(listener)

    def capacity(self) -> Capacity:
        return Capacity(len(self._sessions) + self._pending, self.limit, self.warm_target, self.warm_target)

    def sandbox(self) -> SandboxLevel:
        return self.sandbox_level

    # -- what only tests do --------------------------------------------------------------------------------

    def crash(self, session_id: str, reason: str = "the browser process ended unexpectedly") -> None:
        """End the session's browser as a crash would. Call it on the event loop."""
        session = self._forget(session_id)
        if session is None:
            return
        if session.spec.capture != "off":
            self.tell(Captured(session_id, (), is_last=True))
        for listener in self._listeners:
            listener(BrowserGone(session_id, reason))

    async def bring(self, session_id: str, name: str, content: bytes) -> None:
        """Download a file in the session's browser; waits for the listeners."""

        async def chunks() -> AsyncIterator[bytes]:
            for start in range(0, len(content), 1000):
                yield content[start : start + 1000]

        kind = content_type_of(name, "")
        for listener in self._download_listeners:
            with contextlib.suppress(Exception):
                await listener(BrowserDownload(session_id, name, kind, len(content), "http://site.test/file", chunks))

    def tell(self, captured: Captured) -> None:
        """Tell the listeners that this happened."""
        for listener in self._capture_listeners:
            listener(captured)

    def set_traffic(
        self, session_id: str, *, request_bytes: int = 0, response_bytes: int = 0, proxied_bytes: int = 0
    ) -> None:
        """Set what the session's browser has moved so far."""
        session = self._sessions[session_id]
        session.traffic = Traffic(request_bytes, response_bytes, proxied_bytes)

    def set_idle(self, session_id: str, seconds: float) -> None:
        """Pretend that the last command was ``seconds`` ago."""
        self._sessions[session_id].idle_since = _now() - seconds

    def url(self, session_id: str) -> str:
        """Address of the session's page."""
        session = self._sessions[session_id]
        return session.history[session.position]

    # -- inside --------------------------------------------------------------------------------------------

    async def _remember(self, session: _Session) -> None:
        stored = session.spec.profile
        if stored is None:
            return
        for kept in stored.state.cookies:
            session.cookies[kept.cookie.domain, kept.cookie.path, kept.cookie.name] = kept.cookie
        if stored.archive is not None:
            self.files[session.spec.session_id] = b"".join([c async for c in self.archives.read(stored.archive)])

    def _forget(self, session_id: str) -> _Session | None:
        self.specs.pop(session_id, None)
        return self._sessions.pop(session_id, None)

    def _measured(self, session: _Session) -> Traffic:
        return replace(session.traffic, idle_seconds=max(0.0, _now() - session.idle_since))

    def _carry_out(self, session: _Session, command: Command) -> Result:
        match command:
            case Goto(url=url):
                _check_url(url)
                if session.spec.capture != "off":
                    event = CapturedEvent(datetime.now(UTC), "navigation", {"url": url, "loader": ""})
                    self.tell(Captured(session.spec.session_id, (event,)))
                session.history[session.position + 1 :] = [url]
                session.position += 1
                return Done(f"Navigated to {url}")
            case GoBack() | GoForward():
                position = session.position + (-1 if isinstance(command, GoBack) else 1)
                if not 0 <= position < len(session.history):
                    way = "previous" if isinstance(command, GoBack) else "next"
                    raise CommandFailed("ActionExecutionError", f"There is no {way} page in this tab's history")
                session.position = position
                return Done(f"Navigated to {session.history[position]}")
            case Reload():
                return Done("Reloaded the page")
            case Wait(time_ms=time_ms):
                return Done(f"Waited {time_ms} ms")
            case EvaluateJs(code=code):
                return Evaluated(self.answers.get(code, "null"))
            case ReadPage():
                return replace(self.read, url=self.read.url or session.history[session.position])
            case Screenshot():
                return Picture(JPEG)
            case Observe():
                return self.page.observe(session.history[session.position])
            case GotoNewTab(url=url):
                _check_url(url)
                return Done(f"Opened {url} in a new tab, which is now the current one")
            case SwitchTab(index=index):
                return Done(f"Switched to tab {index}")
            case CloseTab() | ShutTab():
                return Done("Closed the tab")
            case ShowTab(tab_id=tab_id):
                return Done(f"Switched to tab {tab_id}")
            case GetCookies():
                return Cookies(tuple(session.cookies.values()))
            case SetCookies(cookies=cookies):
                session.cookies |= {(cookie.domain, cookie.path, cookie.name): cookie for cookie in cookies}
                return Done(f"Set {len(cookies)} cookies")
            case _:
                return self.page.act(command)


def _check_url(url: str) -> None:
    parts = urlsplit(url)
    if url == "about:blank" or parts.scheme in ("data", "blob"):
        return
    if parts.scheme not in ("http", "https"):
        if not parts.scheme or "." in parts.scheme or parts.path.isdigit():
            raise CommandFailed("InvalidURLError", f"Invalid URL {url!r}: start it with https:// (or http://)")
        raise CommandFailed("InvalidURLError", f"{parts.scheme}: addresses are refused; use https:// or http://")
    if not parts.hostname:
        raise CommandFailed("InvalidURLError", f"Invalid URL {url!r}: no host name after https://")


def _now() -> float:
    return asyncio.get_running_loop().time()
