"""After an action: what it set off is waited for, and nothing else.

What must always hold: a page that does not come to rest fails nothing; where nothing was set off nothing is waited
for; every wait has a bound of its own.
"""

import contextlib
import re
from dataclasses import dataclass

from noctule.browser.cdp import CdpClosed, CdpError
from noctule.browser.commands import CommandFailed
from noctule.browser.driver.deadline import Deadline
from noctule.browser.driver.tab import Tab
from noctule.browser.driver.tabs import Tabs

_WINDOW_SECONDS = 1.0
_START_SECONDS = 1.0
_COMMIT_SECONDS = 10.0
_REST_SECONDS = 3.0
_FLUSH_SECONDS = 1.0

_MAX_PLACE_CHARACTERS = 300
_QUIET_MS = 200
_NEW_TAB_QUIET_MS = 300
_VERBS = {True: "accepted", False: "dismissed"}


@dataclass(frozen=True, slots=True)
class Before:
    """How things stood before an action."""

    tabs: tuple[Tab, ...]
    navigations: int
    same_document_navigations: int
    windows: int
    starts: int
    loader_id: str
    url: str
    dialog_number: int


def before(tabs: Tabs, tab: Tab) -> Before:
    """Note how things stand."""
    return Before(
        tabs=tabs.all,
        navigations=tab.navigations,
        same_document_navigations=tab.same_document_navigations,
        windows=tab.windows,
        starts=tab.starts,
        loader_id=tab.loader_id,
        url=tab.url,
        dialog_number=tab.dialogs[-1].number if tab.dialogs else 0,
    )


async def settle(tabs: Tabs, tab: Tab, was: Before) -> str:
    """Wait for what came of an action since; answers sentences about it, each with a blank before it.

    Raises nothing but ``CdpClosed`` when the browser itself is gone.
    """
    # What the page has begun is known once it answers: events and answers come in their order.
    with contextlib.suppress(CdpError):
        await tab.call("Runtime.evaluate", {"expression": "0"}, timeout_seconds=_FLUSH_SECONDS)
    said = "".join(
        f" A dialog ({dialog.kind}) said {dialog.text!r} and was {_VERBS[dialog.accepted]}."
        for dialog in tab.dialogs
        if dialog.number > was.dialog_number
    )
    if tab.closed:
        return f"{said} The tab was closed by it."
    opened = await follow(tabs, tab, was)
    if opened is not None:
        return f"{said} It opened a new tab, which is now the current one: {place(opened.url)}"
    tabs.follow(tab)
    try:
        await _navigated(tab, was)
    except CdpClosed:
        if tab.crashed:
            return f"{said} The page crashed."
        return f"{said} The tab was closed by it."
    if tab.url != was.url or tab.loader_id != was.loader_id:
        said = f"{said} The page is now {place(tab.url)}"
    return said


def place(url: str) -> str:
    """An address for people. What comes after its path may hold what was typed into a form."""
    bare = re.split(r"[?#]", url, maxsplit=1)[0]
    if url.startswith(("data:", "blob:")):
        return f"a {url[:4]}: address"
    return bare[:_MAX_PLACE_CHARACTERS]


async def follow(tabs: Tabs, tab: Tab, was: Before) -> Tab | None:
    """Make a tab that was opened from this one the current one; answers it, or ``None`` where there is none."""
    try:
        if tab.windows != was.windows:
            await tab.until(lambda: tabs.newest_from(tab, was.tabs) is not None, Deadline(_WINDOW_SECONDS))
        opened = tabs.newest_from(tab, was.tabs)
        if opened is None:
            return None
        opened.opened_for = tab.window_url
        await tabs.show(opened)
    except CdpError:
        # It has closed itself again.
        return None
    await _shown(opened)
    return opened


async def _navigated(tab: Tab, was: Before) -> None:
    if tab.navigations == was.navigations and tab.loader_id == was.loader_id:
        if tab.same_document_navigations != was.same_document_navigations and tab.url != was.url:
            await _quiet(tab, _QUIET_MS)
        return
    await _loaded(tab, was)


async def _loaded(tab: Tab, was: Before) -> None:
    """Wait for another document than there was, and for the network to come to rest."""

    def is_there() -> bool:
        return tab.has_new_document("commit", was.loader_id)

    # What is asked for begins a little later, and may come to nothing: a download, say, or an empty answer.
    await tab.until(lambda: is_there() or tab.starts > was.starts, Deadline(_START_SECONDS))
    await tab.until(lambda: is_there() or not tab.loading, Deadline(_COMMIT_SECONDS))
    if tab.loader_id == was.loader_id:
        return
    rest = Deadline(_REST_SECONDS)
    await tab.until(lambda: tab.has_new_document("load", was.loader_id), rest)
    await tab.until(lambda: tab.has_new_document("networkIdle", was.loader_id), rest)


async def _shown(tab: Tab) -> None:
    """Wait for what a new tab was opened for; one without an address stays blank."""
    try:
        if tab.opened_for not in ("", "about:blank"):
            await tab.until(lambda: tab.url != "about:blank" or tab.stops > 0, Deadline(_COMMIT_SECONDS))
        if tab.url == "about:blank":
            # It was not opened for a page, or what came was a download.
            return
        await tab.until(lambda: tab.has_new_document("load", ""), Deadline(_REST_SECONDS))
        # Chromium itself says only after two seconds that the network of a new tab is idle.
        await _quiet(tab, _NEW_TAB_QUIET_MS)
    except CdpClosed:
        # It has closed itself again.
        pass


async def _quiet(tab: Tab, quiet_ms: int) -> None:
    """Wait until a document has neither changed nor loaded anything for so long."""
    with contextlib.suppress(CdpError, CommandFailed):
        await tab.world.run(
            ("quiet",), "quiet", quiet_ms, _REST_SECONDS * 1000, deadline=Deadline(_REST_SECONDS + _FLUSH_SECONDS)
        )
