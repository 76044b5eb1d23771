"""Cookies of the default context, between DevTools' form and ours."""

from typing import Any

from noctule.browser.cdp import CdpClosed, CdpConnection, CdpError, CdpTimeout
from noctule.browser.commands import BrowserCookie, CommandFailed, Cookies, Done


async def get_cookies(connection: CdpConnection) -> Cookies:
    """All cookies, of every site."""
    answer = await connection.call("Storage.getCookies")
    return Cookies(tuple(ours(cookie) for cookie in answer["cookies"]))


async def set_cookies(connection: CdpConnection, cookies: tuple[BrowserCookie, ...]) -> Done:
    """Add or replace cookies. Raises ``CommandFailed`` naming the first one that Chromium does not take;
    those before it are set then."""
    if cookies:
        try:
            await connection.call("Storage.setCookies", {"cookies": [theirs(cookie) for cookie in cookies]})
        except (CdpClosed, CdpTimeout):
            raise
        except CdpError:
            await _set_one_by_one(connection, cookies)
    return Done(f"Set {len(cookies)} {'cookie' if len(cookies) == 1 else 'cookies'}")


async def _set_one_by_one(connection: CdpConnection, cookies: tuple[BrowserCookie, ...]) -> None:
    for cookie in cookies:
        try:
            await connection.call("Storage.setCookies", {"cookies": [theirs(cookie)]})
        except (CdpClosed, CdpTimeout):
            raise
        except CdpError as error:
            why = " (SameSite=None needs secure)" if cookie.same_site == "None" and not cookie.secure else ""
            raise CommandFailed(
                "ActionExecutionError",
                f"The browser does not take the cookie {cookie.name!r} of {cookie.domain!r}: {error}{why}",
            ) from None


def ours(cookie: dict[str, Any]) -> BrowserCookie:
    """A cookie of DevTools' as one of ours."""
    partition = cookie.get("partitionKey")
    expires = cookie.get("expires", -1)
    return BrowserCookie(
        name=cookie["name"],
        value=cookie["value"],
        domain=cookie["domain"],
        path=cookie["path"],
        http_only=cookie.get("httpOnly", False),
        secure=cookie.get("secure", False),
        same_site=cookie.get("sameSite"),
        expires=None if cookie.get("session") or expires < 0 else float(expires),
        partition_key=partition.get("topLevelSite") if isinstance(partition, dict) else partition,
    )


def theirs(cookie: BrowserCookie) -> dict[str, Any]:
    """A cookie of ours as DevTools wants it."""
    fields: dict[str, Any] = {
        "name": cookie.name,
        "value": cookie.value,
        "domain": cookie.domain,
        "path": cookie.path,
        "httpOnly": cookie.http_only,
        "secure": cookie.secure,
    }
    if cookie.same_site is not None:
        fields["sameSite"] = cookie.same_site
    if cookie.expires is not None and cookie.expires >= 0:
        fields["expires"] = cookie.expires
    if cookie.partition_key is not None:
        fields["partitionKey"] = {"topLevelSite": cookie.partition_key, "hasCrossSiteAncestor": False}
    return fields
