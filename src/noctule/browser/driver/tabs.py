"""All targets of one browser: which tabs there are, which one is current, and what is applied to each.

Auto-attach with a pause lets us prepare every page, popup and worker before its first script runs and its first
request leaves, whoever opened it. The pause costs one message each way (not measurable beside opening a page);
other clients' own auto-attach works alongside, since a target waits for all of them. Frames and dedicated
workers take the user agent over from their page, so only extra headers make us attach to them as well.
"""

import asyncio
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from noctule.browser.cdp import CdpClosed, CdpConnection, CdpTimeout
from noctule.browser.commands import CaptureLevel, Viewport
from noctule.browser.driver.capture import Capture
from noctule.browser.driver.capture.bodies import BUFFER_BYTES, MAX_BODY_BYTES
from noctule.browser.driver.deadline import Deadline
from noctule.browser.driver.identity import Identity
from noctule.browser.driver.tab import Tab

_OPEN_TIMEOUT_SECONDS = 10.0
_CLOSE_TIMEOUT_SECONDS = 5.0
_FOLLOW_SECONDS = 1.0
_OUTER_TARGETS = ("page", "shared_worker", "service_worker")
_ALL_TARGETS = (*_OUTER_TARGETS, "iframe", "worker")
# Leads nowhere, so that a new page keeps the empty document that every page begins with: to go to about:blank, which
# looks the same, would cost a tenth of all that it costs to read a page. Full Chromium might ask what to do with it.
_NOWHERE = "noctule:nowhere"


@dataclass(frozen=True, slots=True)
class Outfit:
    """What every target of a browser wears. ``viewport`` is ``None`` where the window has the right size."""

    identity: Identity | None = None
    viewport: Viewport | None = None
    headers: tuple[tuple[str, str], ...] = ()
    capture: CaptureLevel = "off"

    def calls(self, target_type: str, *, ours: bool) -> list[tuple[str, dict[str, Any]]]:
        """The calls that dress one target; ``ours`` says that it is a page of the default context."""
        calls: list[tuple[str, dict[str, Any]]] = []
        if self.identity is not None:
            calls.append(("Emulation.setUserAgentOverride", self.identity.override))
        if self.headers:
            calls += [("Network.enable", {}), ("Network.setExtraHTTPHeaders", {"headers": dict(self.headers)})]
        calls += self.capture_calls(ours=ours)
        if self.viewport is not None and target_type == "page" and ours:
            width, height = self.viewport.width, self.viewport.height
            metrics = {"width": width, "height": height, "screenWidth": width, "screenHeight": height}
            calls.append(("Emulation.setDeviceMetricsOverride", {**metrics, "deviceScaleFactor": 0, "mobile": False}))
        return calls

    def capture_calls(self, *, ours: bool) -> list[tuple[str, dict[str, Any]]]:
        """The calls that have one target tell what happens in it."""
        if self.capture == "off" or not ours:
            return []
        # What is kept of bodies in the browser: nothing, unless they are wanted.
        total, each = (BUFFER_BYTES, MAX_BODY_BYTES) if self.capture == "bodies" else (0, 0)
        limits = {"maxTotalBufferSize": total, "maxResourceBufferSize": each, "maxPostDataSize": 64 * 1024}
        return [("Network.enable", limits), ("Console.enable", {})]

    @property
    def reaches_inside(self) -> bool:
        """Whether frames and dedicated workers have to be attached to, too."""
        return bool(self.headers) or self.capture != "off"

    @property
    def auto_attach(self) -> dict[str, Any]:
        """Parameters of ``Target.setAutoAttach``."""
        types = _ALL_TARGETS if self.reaches_inside else _OUTER_TARGETS
        return {
            "autoAttach": True,
            "waitForDebuggerOnStart": self != Outfit(),
            "flatten": True,
            "filter": [{"type": name} for name in types],
        }


class Tabs:
    """The tabs of the default context, in the order in which they were opened."""

    def __init__(self, connection: CdpConnection, dialog_grace_seconds: Callable[[], float]) -> None:
        self._connection = connection
        self._dialog_grace_seconds = dialog_grace_seconds
        self.on_download: Callable[[str, dict[str, Any]], None] | None = None
        self.on_context: Callable[[str], None] | None = None
        # The tab that a person at this browser would see: the one that was last opened, or last driven.
        self.in_view: Tab | None = None
        self.on_view: Callable[[], None] | None = None
        self.on_screencast_frame: Callable[[Tab, dict[str, Any]], None] | None = None
        self._outfit = Outfit()
        self._context_id: str | None = None
        self._is_context_ours = False
        self._blank = "about:blank"
        self._tabs: dict[str, Tab] = {}
        # Pages in contexts of clients' own, which are not driven but may be in view.
        self._guests: dict[str, Tab] = {}
        self._types: dict[str, tuple[str, bool]] = {}
        self._current: Tab | None = None
        self._followed = ("", 0.0)
        self._opened: asyncio.Event = asyncio.Event()
        self.capture: Capture | None = None
        # Network events come with extra headers, and where they are captured; nothing here reads them.
        connection.ignored_events = (b'{"method":"Network.',)
        connection.on_event = self._on_event

    async def start(self, outfit: Outfit) -> Tab:
        """Attach to what is there; answers the first page, dressed. Opens one where there is none."""
        targets = (await self._connection.call("Target.getTargets"))["targetInfos"]
        pages = [target for target in targets if target["type"] == "page"]
        if pages:
            self._context_id = pages[0].get("browserContextId")
        self._outfit = outfit
        await self._connection.call("Target.setAutoAttach", outfit.auto_attach)
        first = await self.current()
        for method, params in (("Page.enable", {}), *outfit.calls("page", ours=True)):
            await first.call(method, params)
        return first

    async def start_context(self, outfit: Outfit, proxy_port: int, *, is_headless_shell: bool) -> None:
        """Make a context with a proxy of its own, and its first page, dressed. It ends with the connection.

        Nothing here hears of other contexts, nor of windows that pages of this one open.
        """
        wish = {
            "disposeOnDetach": True,
            "proxyServer": f"http://127.0.0.1:{proxy_port}",
            # Without this entry Chromium would go straight to loopback addresses.
            "proxyBypassList": "<-loopback>",
        }
        self._context_id = (await self._connection.call("Target.createBrowserContext", wish))["browserContextId"]
        self._is_context_ours = True
        if is_headless_shell:
            self._blank = _NOWHERE
        self._outfit = outfit
        first = await self.current()
        # Its process has only now begun to start, and must not be taken for one that does not answer any more.
        await first.call("Runtime.evaluate", {"expression": "0"})

    async def start_hosting(self) -> None:
        """Leave the pages of other contexts to those who open them. Raises ``CdpError``."""
        workers = [{"type": "shared_worker"}, {"type": "service_worker"}]
        await self._connection.call("Target.setAutoAttach", {**self._outfit.auto_attach, "filter": workers})

    async def dress(self, outfit: Outfit) -> None:
        """Give every target that there is, and every later one, another outfit."""
        self._outfit = outfit
        if not self._is_context_ours:
            await self._connection.call("Target.setAutoAttach", outfit.auto_attach)
        for session_id, (target_type, ours) in list(self._types.items()):
            calls = outfit.calls(target_type, ours=ours)
            if outfit.reaches_inside and target_type in ("page", "iframe"):
                calls.append(("Target.setAutoAttach", outfit.auto_attach))
            await asyncio.gather(
                *(self._connection.call(method, params, session_id=session_id) for method, params in calls)
            )

    def start_capture(self, outfit: Outfit) -> None:
        """Have every target that there is, and every later one, tell what happens in it. Waits for nothing: what is
        said to a target later comes to it later, and one that cannot tell is none the worse for it."""
        self._outfit = outfit
        post = self._connection.post
        post("Target.setAutoAttach", outfit.auto_attach)
        for session_id, (target_type, ours) in self._types.items():
            for method, params in outfit.capture_calls(ours=ours):
                post(method, params, session_id=session_id)
            if target_type in ("page", "iframe"):
                post("Target.setAutoAttach", outfit.auto_attach, session_id=session_id)

    async def current(self) -> Tab:
        """The tab that was last made current; if it is gone the newest one; if there is none, a fresh one."""
        if self._current is None or self._current.closed:
            self._current = next(reversed(self._tabs.values()), None)
        if self._current is None:
            self._current = await self._open()
        self._look_at(self._current)
        return self._current

    @property
    def count(self) -> int:
        """How many tabs are open."""
        return len(self._tabs)

    @property
    def all(self) -> tuple[Tab, ...]:
        """The open tabs, in the order in which they were opened."""
        return tuple(self._tabs.values())

    async def infos(self, *, timeout_seconds: float) -> dict[str, dict[str, Any]]:
        """What the browser itself knows of its targets, by id. Raises ``CdpError``."""
        answer = await self._connection.call("Target.getTargets", timeout_seconds=timeout_seconds)
        return {info["targetId"]: info for info in answer["targetInfos"]}

    def newest_from(self, opener: Tab, known: Collection[Tab]) -> Tab | None:
        """The last tab that a page opened, beside those that were known; ``None`` if there is none."""
        opened = (tab for tab in reversed(self._tabs.values()) if tab not in known)
        return next((tab for tab in opened if tab.opener_id == opener.target_id), None)

    def follow(self, opener: Tab) -> None:
        """For a moment more, a tab that this one opens becomes the current one: pages open some a little later."""
        self._followed = (opener.target_id, asyncio.get_running_loop().time() + _FOLLOW_SECONDS)

    async def open(self) -> Tab:
        """Open a blank tab, which becomes the current one. Raises ``CdpError``."""
        fresh = await self._open()
        await self.show(fresh)
        return fresh

    async def show(self, tab: Tab) -> None:
        """Make a tab the current one and bring it to the front. Raises ``CdpError``."""
        self._current = tab
        self._look_at(tab)
        if self.count > 1:
            await tab.call("Page.bringToFront")

    async def close(self, tab: Tab) -> Tab:
        """Close a tab; answers the one that is current then, the newest that is left. Raises ``CdpError``."""
        if self.count == 1:
            # A browser whose last window is closed may end.
            await self._open()
        await self._connection.call("Target.closeTarget", {"targetId": tab.target_id})
        await tab.until(lambda: tab.closed, Deadline(_CLOSE_TIMEOUT_SECONDS))
        current = await self.current()
        await self.show(current)
        return current

    async def replace(self, tab: Tab) -> Tab:
        """Put a fresh tab in the place of one that cannot be saved."""
        fresh = self._current = await self._open()
        self._connection.post("Target.closeTarget", {"targetId": tab.target_id})
        self._look_at(fresh)
        return fresh

    async def _open(self) -> Tab:
        place = {"browserContextId": self._context_id} if self._is_context_ours else {}
        answer = await self._connection.call("Target.createTarget", {"url": self._blank, **place})
        if self._is_context_ours:
            await self._connection.call("Target.attachToTarget", {"targetId": answer["targetId"], "flatten": True})
        try:
            async with asyncio.timeout(_OPEN_TIMEOUT_SECONDS):
                while True:
                    for tab in self._tabs.values():
                        if tab.target_id == answer["targetId"]:
                            return tab
                    if self._connection.closed.done():
                        raise CdpClosed("the browser is gone")
                    self._opened.clear()
                    await self._opened.wait()
        except TimeoutError:
            raise CdpTimeout("no tab could be opened") from None

    # -- events --------------------------------------------------------------------------------------------

    def _on_event(self, session_id: str, method: str, params: dict[str, Any]) -> None:
        if self.capture is not None:
            self.capture.on_event(session_id, method, params)
        if method == "Target.attachedToTarget":
            self._attached(params["sessionId"], params["targetInfo"], bool(params.get("waitingForDebugger")))
        elif method == "Target.detachedFromTarget":
            self._detached(params["sessionId"])
        elif (tab := self._tabs.get(session_id)) is not None:
            if method == "Page.screencastFrame":
                if self.on_screencast_frame is not None:
                    self.on_screencast_frame(tab, params)
                return
            tab.on_event(method, params)
            if method == "Inspector.targetReloadedAfterCrash" and tab is self.in_view:
                self._look_at(tab, again=True)
        elif method == "Page.screencastFrame":
            if self.on_screencast_frame is not None and (guest := self._guests.get(session_id)) is not None:
                self.on_screencast_frame(guest, params)
        elif self.on_download is not None and method.startswith("Browser.download"):
            self.on_download(method, params)

    def _attached(self, session_id: str, target: dict[str, Any], paused: bool) -> None:
        target_type = target["type"]
        if self._context_id is None and target_type == "page":
            self._context_id = target.get("browserContextId")
        ours = target.get("browserContextId") == self._context_id
        if not ours and not self._is_context_ours and target_type == "page" and self.on_context is not None:
            self.on_context(str(target.get("browserContextId", "")))
        self._types[session_id] = (target_type, ours)
        post = self._connection.post
        if target_type == "page" and ours and not target.get("subtype"):
            tab = Tab(self._connection, target["targetId"], session_id, self._dialog_grace_seconds)
            tab.url = target.get("url") or tab.url
            tab.opener_id = target.get("openerId") or ""
            followed, until = self._followed
            if tab.opener_id == followed and asyncio.get_running_loop().time() < until:
                self._current = tab
            self._tabs[session_id] = tab
            post("Page.enable", {}, session_id=session_id)
            post("Page.setLifecycleEventsEnabled", {"enabled": True}, session_id=session_id)
        elif target_type == "page" and not target.get("subtype"):
            guest = Tab(self._connection, target["targetId"], session_id, self._dialog_grace_seconds)
            self._guests[session_id] = guest
        for method, params in self._outfit.calls(target_type, ours=ours):
            post(method, params, session_id=session_id)
        if self._outfit.reaches_inside and target_type in ("page", "iframe", "worker"):
            post("Target.setAutoAttach", self._outfit.auto_attach, session_id=session_id)
        if paused:
            post("Runtime.runIfWaitingForDebugger", session_id=session_id)
        if (opened := self._tabs.get(session_id) or self._guests.get(session_id)) is not None:
            self._look_at(opened)
        self._opened.set()

    def _detached(self, session_id: str) -> None:
        self._types.pop(session_id, None)
        tab = self._tabs.pop(session_id, None) or self._guests.pop(session_id, None)
        if tab is not None:
            tab.mark_closed()
            if tab is self.in_view:
                left = self._current if self._current is not None and not self._current.closed else None
                self._look_at(left or next(reversed(self._tabs.values()), None))
        else:
            self._connection.fail_session(session_id, "the target is gone")

    def _look_at(self, tab: Tab | None, *, again: bool = False) -> None:
        if tab is not self.in_view or again:
            self.in_view = tab
            if self.on_view is not None:
                self.on_view()
