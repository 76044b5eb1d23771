"""Tabs, navigations, dialogs and downloads, from the events that the driver reads as well.

What must always hold: only what belongs to the default context is told; every target of it is known by the session that
we have with it, so that what it says can be put to its tab.
"""

from collections.abc import Callable
from typing import Any, ClassVar

from noctule.browser.driver.capture.clock import BrowserClock
from noctule.browser.driver.capture.hops import Place
from noctule.browser.driver.capture.shaping import cut, cut_url

Tell = Callable[[float, str, dict[str, Any]], None]

_MAX_TARGETS = 1000
_MAX_DOWNLOADS = 100
_MAX_TEXT = 2000
_WORKERS = ("service_worker", "shared_worker")


class Pages:
    """The targets of one browser."""

    METHODS: ClassVar[frozenset[str]] = frozenset(
        {
            "Target.attachedToTarget",
            "Target.detachedFromTarget",
            "Page.frameNavigated",
            "Page.navigatedWithinDocument",
            "Page.domContentEventFired",
            "Page.loadEventFired",
            "Page.javascriptDialogOpening",
            "Page.javascriptDialogClosed",
            "Page.downloadWillBegin",
            "Page.downloadProgress",
            "Browser.downloadWillBegin",
            "Browser.downloadProgress",
        }
    )

    def __init__(self, clock: BrowserClock, tell: Tell) -> None:
        self._clock = clock
        self._tell = tell
        self._places: dict[str, Place] = {}
        self._gone: dict[str, Place] = {}
        self._urls: dict[str, str] = {}
        self._documents: dict[str, tuple[str, float]] = {}
        self._dialogs: dict[str, dict[str, Any]] = {}
        self._downloads: dict[str, dict[str, Any]] = {}
        self._context_id: str | None = None

    def begin(self) -> None:
        """Tell of the tabs that there are already."""
        for session_id, place in self._places.items():
            if place.target == "page":
                self._tab("opened", place, {"url": self._urls.get(session_id, ""), "opener": ""})

    def place(self, session_id: str) -> Place | None:
        """The target of one of our sessions, gone or not; ``None`` for one that is not of the default context."""
        return self._places.get(session_id) or self._gone.get(session_id)

    def forget_gone(self) -> set[Place]:
        """The targets that went away and have nothing unread any more; they are known no longer."""
        gone = set(self._gone.values())
        self._gone = {}
        return gone

    def take(self, session_id: str, method: str, params: dict[str, Any], *, is_told: bool) -> None:
        """Take an event in. Where nothing is told, only the targets are noted."""
        if method == "Target.attachedToTarget":
            self._attached(session_id, params["sessionId"], params["targetInfo"], is_told=is_told)
        elif method == "Target.detachedFromTarget":
            self._detached(params["sessionId"], is_told=is_told)
        elif not is_told:
            return
        elif method.endswith(".downloadWillBegin"):
            self._download_begins(params)
        elif method.endswith(".downloadProgress"):
            self._download_goes_on(params)
        elif (place := self._places.get(session_id)) is not None:
            self._page_event(place, session_id, method, params)

    # -- targets -------------------------------------------------------------------------------------------

    def _attached(self, parent: str, session_id: str, target: dict[str, Any], *, is_told: bool) -> None:
        kind = target["type"]
        if self._context_id is None and kind == "page":
            self._context_id = target.get("browserContextId")
        ours = target.get("browserContextId", self._context_id) == self._context_id
        if not ours or target.get("subtype") or len(self._places) >= _MAX_TARGETS:
            return
        above = self._places.get(parent)
        tab = target["targetId"] if kind == "page" else above.tab if above is not None and kind not in _WORKERS else ""
        place = self._places[session_id] = Place(kind, tab, session_id)
        if kind == "page":
            url = self._urls[session_id] = cut_url(target.get("url", ""))
            if is_told:
                self._tab("opened", place, {"url": url, "opener": target.get("openerId", "")})

    def _detached(self, session_id: str, *, is_told: bool) -> None:
        place = self._places.pop(session_id, None)
        if place is not None and is_told:
            # What it said may not be read yet.
            self._gone[session_id] = place
        url = self._urls.pop(session_id, "")
        self._documents.pop(session_id, None)
        self._dialogs.pop(session_id, None)
        if place is not None and place.target == "page" and is_told:
            self._tab("closed", place, {"url": url})

    def _tab(self, state: str, place: Place, more: dict[str, Any]) -> None:
        self._tell(self._clock.now, "tab", {"tab": place.tab, "state": state, **more})

    # -- documents and dialogs -----------------------------------------------------------------------------

    def _page_event(self, place: Place, session_id: str, method: str, params: dict[str, Any]) -> None:
        if place.target != "page":
            return
        if method == "Page.frameNavigated":
            self._navigated(place, session_id, params["frame"])
        elif method == "Page.navigatedWithinDocument":
            if params["frameId"] == place.tab:
                loader = self._documents.get(session_id, ("", 0.0))[0]
                self._navigation(place, session_id, params["url"], loader, "same_document")
        elif method == "Page.domContentEventFired":
            loader = self._documents.get(session_id, ("", 0.0))[0]
            self._documents[session_id] = (loader, params["timestamp"])
        elif method == "Page.loadEventFired":
            self._loaded(place, session_id, params["timestamp"])
        elif method == "Page.javascriptDialogOpening":
            self._dialogs[session_id] = {
                "tab": place.tab,
                "dialog": params.get("type", ""),
                "text": cut(str(params.get("message", "")), _MAX_TEXT),
                "url": cut_url(str(params.get("url", ""))),
            }
        elif method == "Page.javascriptDialogClosed" and (opened := self._dialogs.pop(session_id, None)) is not None:
            answer = {"accepted": bool(params.get("result")), "input": cut(str(params.get("userInput", "")), _MAX_TEXT)}
            self._tell(self._clock.now, "dialog", {**opened, **answer})

    def _navigated(self, place: Place, session_id: str, frame: dict[str, Any]) -> None:
        if frame.get("parentId"):
            return
        url = frame["url"] + frame.get("urlFragment", "")
        self._documents[session_id] = (frame["loaderId"], 0.0)
        self._navigation(place, session_id, url, frame["loaderId"], "new_document", frame.get("unreachableUrl"))

    def _navigation(
        self, place: Place, session_id: str, url: str, loader: str, kind: str, unreachable: str | None = None
    ) -> None:
        url = self._urls[session_id] = cut_url(url)
        told = {"tab": place.tab, "url": url, "loader": loader, "navigation": kind}
        if unreachable:
            told["unreachable_url"] = cut_url(unreachable)
        self._tell(self._clock.now, "navigation", told)

    def _loaded(self, place: Place, session_id: str, timestamp: float) -> None:
        loader, content_loaded = self._documents.get(session_id, ("", 0.0))
        told = {
            "tab": place.tab,
            "loader": loader,
            "content_loaded_at": self._clock.at(content_loaded).isoformat() if content_loaded else None,
            "loaded_at": self._clock.at(timestamp).isoformat(),
        }
        self._tell(timestamp, "load", told)

    # -- downloads -----------------------------------------------------------------------------------------

    def _download_begins(self, params: dict[str, Any]) -> None:
        guid = params["guid"]
        if guid in self._downloads:
            # Told twice, by the page and by the browser.
            return
        while len(self._downloads) >= _MAX_DOWNLOADS:
            del self._downloads[next(iter(self._downloads))]
        name = cut(str(params.get("suggestedFilename", "")), 300)
        download = self._downloads[guid] = {"guid": guid, "url": cut_url(params.get("url", "")), "name": name}
        self._tell(self._clock.now, "download", {**download, "state": "begun"})

    def _download_goes_on(self, params: dict[str, Any]) -> None:
        state = params.get("state")
        download = self._downloads.get(params["guid"])
        if state == "inProgress" or download is None or "state" in download:
            return
        download["state"] = state
        received = int(params.get("receivedBytes", 0))
        self._tell(self._clock.now, "download", {**download, "bytes": received})
