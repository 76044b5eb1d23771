"""Goto, back, forward, reload: every one ends inside its bound and says in plain words why it failed.

A destination that the egress proxy refused is told by the rule that refused it, whether it was the address
itself, a redirect on the way, or the page that the proxy put in its place.
"""

from collections.abc import Sequence
from typing import Protocol

from noctule.browser.cdp import CdpClosed, CdpTimeout
from noctule.browser.commands import (
    CloseTab,
    CommandFailed,
    Done,
    GoBack,
    GoForward,
    Goto,
    GotoNewTab,
    Reload,
    ShowTab,
    ShutTab,
    SwitchTab,
    WaitUntil,
)
from noctule.browser.driver.deadline import Deadline
from noctule.browser.driver.tab import Tab
from noctule.browser.driver.tabs import Tabs
from noctule.browser.driver.urls import checked, host_and_port, normal_host

_ERROR_PAGE_SECONDS = 1.0

_EVENTS: dict[WaitUntil, str] = {
    "commit": "commit",
    "domcontentloaded": "DOMContentLoaded",
    "load": "load",
    "networkidle": "networkIdle",
}

_EXPLANATIONS = {
    "net::ERR_NAME_NOT_RESOLVED": "its host name could not be resolved",
    "net::ERR_CONNECTION_REFUSED": "the server refused the connection",
    "net::ERR_CONNECTION_RESET": "the server dropped the connection",
    "net::ERR_CONNECTION_CLOSED": "the server closed the connection",
    "net::ERR_CONNECTION_TIMED_OUT": "the server did not answer",
    "net::ERR_TIMED_OUT": "the server did not answer",
    "net::ERR_ADDRESS_UNREACHABLE": "the server cannot be reached",
    "net::ERR_EMPTY_RESPONSE": "the server sent nothing",
    "net::ERR_TOO_MANY_REDIRECTS": "it redirects in a circle",
    "net::ERR_TUNNEL_CONNECTION_FAILED": "the proxy could not reach it",
    "net::ERR_PROXY_CONNECTION_FAILED": "the proxy could not be reached",
    "net::ERR_UNSAFE_PORT": "Chromium refuses that port",
    "net::ERR_HTTP_RESPONSE_CODE_FAILURE": "the server answered with an error and no page",
    "net::ERR_INVALID_RESPONSE": "the server's answer is not valid HTTP",
    "net::ERR_BLOCKED_BY_CLIENT": "the browser blocked it",
}


class Refusal(Protocol):
    """A destination that the egress proxy did not let the browser reach."""

    @property
    def host(self) -> str: ...
    @property
    def port(self) -> int: ...
    @property
    def message(self) -> str: ...


class Refusals(Protocol):
    """The egress proxy's list of what it refused."""

    def mark(self) -> int:
        """A point in the list."""
        ...

    def refusals_since(self, mark: int) -> Sequence[Refusal]:
        """What was refused after that point."""
        ...


class Navigator:
    """Moves tabs of one browser. ``refusals`` is ``None`` for a browser that is not behind our proxy."""

    def __init__(self, refusals: Refusals | None) -> None:
        self._refusals = refusals

    async def goto(self, tab: Tab, command: Goto) -> Done:
        """Navigate and wait. Raises ``CommandFailed``."""
        url = checked(command.url)
        deadline = Deadline(command.timeout_seconds)
        # A script that never ends would hold the new page up for good once the navigation has begun.
        await tab.unstick()
        mark = self._mark()
        try:
            answer = await tab.call("Page.navigate", {"url": url}, timeout_seconds=deadline.left_seconds)
        except CdpTimeout:
            raise await self._late(tab, mark, url, deadline) from None
        loader_id = answer.get("loaderId", "")
        if error := answer.get("errorText"):
            raise await self._unreachable(tab, mark, url, error, loader_id, is_download=bool(answer.get("isDownload")))
        if loader_id:
            event = _EVENTS[command.wait_until]
            if not await tab.until(lambda: tab.has_reached(event, loader_id), deadline):
                raise await self._late(tab, mark, url, deadline, command.wait_until)
        self._judge(tab, mark)
        return Done(f"Navigated to {tab.url or url}")

    async def reload(self, tab: Tab, command: Reload) -> Done:
        """Load the current page again. Raises ``CommandFailed``."""
        deadline = Deadline(command.timeout_seconds)
        await tab.unstick()
        mark, before = self._mark(), tab.loader_id
        await tab.call("Page.reload", {}, timeout_seconds=deadline.left_seconds)
        tab.crashed = False
        if not await tab.until(lambda: tab.has_new_document("load", before), deadline):
            raise await self._late(tab, mark, tab.url, deadline, "load")
        self._judge(tab, mark)
        return Done("Reloaded the page")

    async def step(self, tab: Tab, command: GoBack | GoForward) -> Done:
        """One step in history. Raises ``CommandFailed`` where there is none."""
        deadline = Deadline(command.timeout_seconds)
        await tab.unstick()
        offset, which = (-1, "previous") if isinstance(command, GoBack) else (1, "next")
        history = await tab.call("Page.getNavigationHistory", timeout_seconds=deadline.left_seconds)
        index = history["currentIndex"] + offset
        if not 0 <= index < len(history["entries"]):
            raise CommandFailed("ActionExecutionError", f"There is no {which} page in this tab's history")
        entry = history["entries"][index]
        mark, before, same_document = self._mark(), tab.loader_id, tab.same_document_navigations
        await tab.call("Page.navigateToHistoryEntry", {"entryId": entry["id"]}, timeout_seconds=deadline.left_seconds)
        if not await tab.until(
            lambda: tab.has_new_document("load", before) or tab.same_document_navigations != same_document, deadline
        ):
            raise await self._late(tab, mark, entry["url"], deadline, "load")
        self._judge(tab, mark)
        return Done(f"Navigated {'back' if offset < 0 else 'forward'} to {tab.url}")

    async def goto_new_tab(self, tabs: Tabs, tab: Tab, command: GotoNewTab) -> Done:
        """Open an address in a new tab. Where it leads to nothing, the tab from before is the current one again.

        Raises ``CommandFailed``.
        """
        url = checked(command.url)
        fresh = await tabs.open()
        try:
            await self.goto(fresh, Goto(url, timeout_seconds=command.timeout_seconds))
        except CommandFailed:
            if fresh.unreachable_url or fresh.url == "about:blank":
                await tabs.close(fresh)
                if not tab.closed:
                    await tabs.show(tab)
            raise
        return Done(f"Opened {fresh.url or url} in a new tab, which is now the current one")

    async def change_tab(self, tabs: Tabs, tab: Tab, command: SwitchTab | CloseTab) -> Done:
        """Make another tab the current one. Raises ``CommandFailed`` where there is none of that number."""
        if isinstance(command, CloseTab):
            current = await tabs.close(tab)
            return Done(f"Closed the tab; the current one is now {current.url}")
        if not -1 <= command.index < tabs.count:
            last = tabs.count - 1
            raise CommandFailed(
                "InvalidActionError",
                f"There is no tab {command.index}: the tabs are numbered 0 to {last}, and -1 is the last one",
            )
        chosen = tabs.all[command.index]
        await tabs.show(chosen)
        return Done(f"Switched to tab {tabs.all.index(chosen)}: {chosen.url}")

    async def pick_tab(self, tabs: Tabs, command: ShowTab | ShutTab) -> Done:
        """Show or close the tab of that id. Raises ``CommandFailed`` where there is none (any more)."""
        chosen = next((tab for tab in tabs.all if tab.target_id == command.tab_id), None)
        if chosen is None:
            raise CommandFailed("InvalidActionError", "This tab is not open any more")
        if isinstance(command, ShutTab):
            current = await tabs.close(chosen)
            return Done(f"Closed the tab; the current one is now {current.url}")
        await tabs.show(chosen)
        return Done(f"Switched to {chosen.url}")

    # -- what went wrong -----------------------------------------------------------------------------------

    def _mark(self) -> int:
        return self._refusals.mark() if self._refusals is not None else 0

    def _judge(self, tab: Tab, mark: int) -> None:
        """Raise if what the tab shows is an error page, Chromium's or our proxy's."""
        shown = tab.unreachable_url or tab.url
        if (refusal := self._refused(mark, shown)) is not None:
            raise refusal
        if tab.unreachable_url:
            raise CommandFailed("PageLoadingError", f"The page at {tab.unreachable_url} could not be loaded")

    def _refused(self, mark: int, url: str) -> CommandFailed | None:
        refusals = self._refusals.refusals_since(mark) if self._refusals is not None else ()
        if not refusals:
            return None
        place = host_and_port(url)
        match = next((r for r in reversed(refusals) if (normal_host(r.host), r.port) == place), None)
        return CommandFailed("PageLoadingError", match.message) if match is not None else None

    async def _unreachable(
        self, tab: Tab, mark: int, url: str, error: str, loader_id: str, *, is_download: bool
    ) -> CommandFailed:
        if error == "net::ERR_ABORTED":
            if is_download:
                tab.download_url = url
                return CommandFailed(
                    "PageLoadingError",
                    f"{url} is a download, not a page; the tab stays where it was. To have the file, download it "
                    "now with the selector 'body'",
                    download_url=url,
                )
            return CommandFailed(
                "PageLoadingError",
                f"{url} did not lead to a page: the server answered without content or with a download, "
                "or another navigation came in between (net::ERR_ABORTED)",
            )
        if loader_id:
            # Chromium still has to show its error page; a command that follows must not meet it half way.
            try:
                await tab.until(lambda: tab.has_reached("load", loader_id), Deadline(_ERROR_PAGE_SECONDS))
            except CdpClosed as closed:
                return CommandFailed("PageLoadingError", str(closed))
        at = tab.unreachable_url or url
        if (refusal := self._refused(mark, at)) is not None:
            return refusal
        why = _EXPLANATIONS.get(error)
        if why is None and error.startswith("net::ERR_CERT"):
            why = "its certificate is not trusted"
        return CommandFailed("PageLoadingError", f"{at} could not be loaded: {why or 'the browser gave up'} ({error})")

    async def _late(
        self, tab: Tab, mark: int, url: str, deadline: Deadline, wait_until: WaitUntil | None = None
    ) -> CommandFailed:
        if (refusal := self._refused(mark, url)) is not None:
            return refusal
        seconds = f"{deadline.seconds:g} s"
        stuck = await tab.unstick()
        if wait_until is None:
            tab.post("Page.stopLoading")
            return CommandFailed("PageLoadingError", f"{url} did not answer within {seconds}")
        if stuck:
            return CommandFailed(
                "PageLoadingError",
                f"{url} did not finish loading within {seconds}: a script of the page did not end",
                shown_url=url,
            )
        reached = "come to rest (no network traffic for 500 ms)" if wait_until == "networkidle" else "finish loading"
        return CommandFailed(
            "PageLoadingError",
            f"{url} did not {reached} within {seconds}; the tab stays on it, so that what is there can be used",
            shown_url=url,
        )
