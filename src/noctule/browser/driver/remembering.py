"""The part of what a browser remembers that DevTools can read and write: cookies, and items of web storage.

Items are put in place by taking the first tab through their origins, each an empty page that is made up here: no
request leaves, no script and no service worker of the site's runs, and no trace is left in the tab's history. What must
always hold: both ways are bounded in number and time, and what cannot be put in place keeps nothing else from it.
"""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from noctule.browser.cdp import CdpClosed, CdpConnection, CdpError
from noctule.browser.commands import BrowserState, Items, KeptCookie, OriginItems
from noctule.browser.driver import cookies
from noctule.browser.driver.deadline import Deadline
from noctule.browser.driver.tab import Tab

log = logging.getLogger(__name__)

MOST_ORIGINS = 200
_MOST_TABS = 50
_READ_SECONDS = 2.0
_RESTORE_SECONDS = 15.0
_REVISIT_SECONDS = 3.0
_VISIT_SECONDS = 3.0
_MOST_ITEM_CHARACTERS = 32 * 1024 * 1024

_EMPTY_PAGE = {
    "responseCode": 200,
    "responseHeaders": [
        {"name": "Content-Type", "value": "text/html"},
        {"name": "Cache-Control", "value": "no-store"},
        {"name": "Content-Security-Policy", "value": "default-src 'none'"},
    ],
    "body": "",
}
# Answers how many items did not fit.
_PUT = """((origin, areas, adds) => {
  if (location.origin !== origin) return -1;
  let failed = 0;
  for (const [name, items] of Object.entries(areas)) {
    const area = window[name];
    if (!adds) area.clear();
    for (const [key, value] of items) {
      try { area.setItem(key, value); } catch { failed++; }
    }
  }
  return failed;
})"""


async def remember(connection: CdpConnection, tabs: tuple[Tab, ...], current: Tab | None) -> BrowserState:
    """All cookies, and the items of every origin that is open in a tab; the current tab's count before others'.

    A page that does not answer in time is left out. Raises ``CdpError``.
    """
    answer = await connection.call("Storage.getCookies")
    kept = tuple(_kept(cookie) for cookie in answer["cookies"])
    ordered = sorted(tabs[:_MOST_TABS], key=lambda tab: tab is current)
    found = await asyncio.gather(*(_items(tab) for tab in ordered))
    by_origin = {each.origin: each for each in found if each is not None}
    left = _MOST_ITEM_CHARACTERS
    origins: list[OriginItems] = []
    for each in by_origin.values():
        left -= sum(len(key) + len(value) for area in (each.local, each.session) for key, value in area or ())
        if left < 0:
            log.warning("the items of web storage of %d pages are too many to be kept", len(by_origin) - len(origins))
            break
        origins.append(each)
    return BrowserState(kept, tuple(origins))


async def restore(
    connection: CdpConnection, first: Callable[[], Any], state: BrowserState, settle: Callable[[Tab], Any]
) -> None:
    """Put a state into a fresh browser, whose first tab is left as it was found. Raises ``CdpError``."""
    if state.cookies:
        await _set_cookies(connection, state.cookies)
    visits = [each for each in state.origins if each.local is not None or each.session]
    if len(visits) > MOST_ORIGINS:
        log.warning("only %d of %d origins get their items of web storage back", MOST_ORIGINS, len(visits))
    if not visits:
        return
    tab: Tab = await first()
    deadline = Deadline(_RESTORE_SECONDS)
    async with _visiting(tab):
        for number, each in enumerate(visits[:MOST_ORIGINS]):
            if asyncio.get_running_loop().time() > deadline.at:
                log.warning("%d origins did not get their items of web storage back in time", len(visits) - number)
                break
            await _put(tab, each)
        await settle(tab)
    await tab.call("Page.resetNavigationHistory")


async def revisit(state: BrowserState, tabs: tuple[Tab, ...]) -> BrowserState:
    """The state with the session items of origins that tabs have been at and have left since.

    The tabs do not come back from there. What cannot be asked for in time is left out.
    """
    known = {each.origin for each in state.origins}
    found: list[OriginItems] = []
    deadline = Deadline(_REVISIT_SECONDS)
    for tab in tabs:
        left = [origin for origin in tab.origins if origin_of(origin) == origin and origin not in known]
        if not left or tab.crashed or tab.closed:
            continue
        try:
            async with _visiting(tab):
                for origin in left:
                    if asyncio.get_running_loop().time() > deadline.at:
                        log.warning("the session items of some origins were not kept: there was no time for it")
                        break
                    await _visit(tab, origin)
                    if items := await _area(tab, origin, is_local=False):
                        found.append(OriginItems(origin, session=items))
                        known.add(origin)
        except CdpError as error:
            log.warning("the session items of origins that a tab has left could not be read: %s", error)
    return replace(state, origins=(*found, *state.origins))


@asynccontextmanager
async def _visiting(tab: Tab) -> AsyncIterator[None]:
    """For as long as the block takes, every page that the tab goes to is empty, and nothing is asked for elsewhere."""
    # Without the first of these, a service worker of the site's answers all the same.
    await tab.call("Network.enable")
    await tab.call("Network.setBypassServiceWorker", {"bypass": True})
    tab.on_paused = _answer_with_nothing
    await tab.call("Fetch.enable", {"patterns": [{"urlPattern": "*"}]})
    try:
        yield
    finally:
        tab.on_paused = None
        tab.post("Fetch.disable")
        tab.post("Network.setBypassServiceWorker", {"bypass": False})
        tab.post("Network.disable")


async def _visit(tab: Tab, origin: str) -> None:
    await tab.call("Page.navigate", {"url": origin + "/"}, timeout_seconds=_VISIT_SECONDS)


def origin_of(url: str) -> str | None:
    """The origin of a page's address as sites know it; ``None`` for a page that has no storage of its own."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return None
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    is_usual = port is None or port == {"http": 80, "https": 443}[parts.scheme]
    return f"{parts.scheme}://{host}" if is_usual else f"{parts.scheme}://{host}:{port}"


async def _items(tab: Tab) -> OriginItems | None:
    origin = origin_of(tab.url)
    if origin is None or tab.crashed or tab.closed:
        return None
    try:
        local, session = await asyncio.gather(*(_area(tab, origin, is_local=is_local) for is_local in (True, False)))
    except CdpError:
        # An error page is at the address of the page that it stands for, and has no storage.
        return None
    return OriginItems(origin, local, session)


async def _area(tab: Tab, origin: str, *, is_local: bool) -> Items:
    place = {"securityOrigin": origin, "isLocalStorage": is_local}
    answer = await tab.call("DOMStorage.getDOMStorageItems", {"storageId": place}, timeout_seconds=_READ_SECONDS)
    return tuple((key, value) for key, value in answer["entries"])


async def _put(tab: Tab, items: OriginItems) -> None:
    areas: dict[str, Items] = {}
    if items.local is not None:
        areas["localStorage"] = items.local
    if items.session:
        areas["sessionStorage"] = items.session
    # JSON is JavaScript, half a surrogate pair included, as long as it is written in ASCII.
    call = f"{_PUT}({json.dumps(items.origin)}, {json.dumps(areas)}, {json.dumps(items.adds_local)})"
    try:
        await _visit(tab, items.origin)
        answer = await tab.call("Runtime.evaluate", {"expression": call, "returnByValue": True})
    except CdpClosed:
        raise
    except CdpError as error:
        log.warning("an origin did not get its items of web storage back: %s", error)
        return
    failed = answer.get("result", {}).get("value")
    if failed != 0:
        log.warning("items of web storage of an origin were not taken: %s", "all" if failed in (-1, None) else failed)


def _answer_with_nothing(tab: Tab, params: dict[str, Any]) -> None:
    """Make the page up; nothing else is asked for on its behalf."""
    if params.get("resourceType") == "Document":
        tab.post("Fetch.fulfillRequest", {"requestId": params["requestId"], **_EMPTY_PAGE})
    else:
        tab.post("Fetch.failRequest", {"requestId": params["requestId"], "errorReason": "Aborted"})


async def _set_cookies(connection: CdpConnection, kept: tuple[KeptCookie, ...]) -> None:
    try:
        await connection.call("Storage.setCookies", {"cookies": [_theirs(each) for each in kept]})
        return
    except CdpClosed:
        raise
    except CdpError:
        refused = 0
    for each in kept:
        # One that this browser does not take, because it is of an older one say, must not cost the others.
        try:
            await connection.call("Storage.setCookies", {"cookies": [_theirs(each)]})
        except CdpClosed:
            raise
        except CdpError:
            refused += 1
    log.warning("%d of %d cookies were not taken by the browser", refused, len(kept))


def _kept(cookie: dict[str, Any]) -> KeptCookie:
    partition = cookie.get("partitionKey")
    return KeptCookie(
        cookies.ours(cookie),
        priority=cookie.get("priority"),
        source_scheme=cookie.get("sourceScheme"),
        source_port=cookie.get("sourcePort"),
        has_cross_site_ancestor=bool(partition.get("hasCrossSiteAncestor")) if isinstance(partition, dict) else False,
    )


def _theirs(kept: KeptCookie) -> dict[str, Any]:
    fields = cookies.theirs(kept.cookie)
    for name, value in (
        ("priority", kept.priority),
        ("sourceScheme", kept.source_scheme),
        ("sourcePort", kept.source_port),
    ):
        if value is not None:
            fields[name] = value
    if "partitionKey" in fields:
        fields["partitionKey"]["hasCrossSiteAncestor"] = kept.has_cross_site_ancestor
    return fields
