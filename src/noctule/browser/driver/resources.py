"""The files that a tab shows instead of pages, or that a navigation led to: their bytes and what they say they are.

What must always hold: no more than ``MAX_BODY_BYTES`` are read; what is loaded again is loaded by the browser, so that
its cookies, its headers and its way out count.
"""

import base64
import re
from dataclasses import dataclass
from typing import Any

from noctule.browser.cdp import CdpError
from noctule.browser.commands import CommandFailed
from noctule.browser.driver.deadline import Deadline
from noctule.browser.driver.tab import Tab

MAX_BODY_BYTES = 50 * 1024 * 1024

_READ_BYTES = 1024 * 1024
_MAX_URL_CHARACTERS = 200
_TOO_LARGE = f"The file is larger than {MAX_BODY_BYTES // 1024**2} MiB, which is too large to be read"
_WITHOUT_TEXT = re.compile(
    r"(?:image|audio|video|font|model)/|application/(?:.*(?:zip|compress|rar|7z|tar|wasm|font|shockwave)|msword|ms-|x-ms|"
    r"vnd\.(?!.*\+(?:json|xml)$)|java-archive|epub|x-(?:executable|iso|apple|debian|rpm|bzip|xz))",
    re.IGNORECASE,
)
_XML = re.compile(r"\s*<(?:\?xml|rss|feed|rdf:RDF)\b")
_ENCODING = re.compile(r"""\A(\s*<\?xml\b[^>]{0,200}?)\s+encoding\s*=\s*(?:"[^"]*"|'[^']*')""", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Resource:
    """A file. ``body`` is empty where its type says that there is no text in it."""

    content_type: str
    body: bytes


async def shown(tab: Tab, content_type: str, deadline: Deadline) -> Resource:
    """The file of that type that a tab shows. Raises ``CommandFailed``, ``CdpError``."""
    if not _has_text(content_type):
        return Resource(content_type, b"")
    if content_type != "application/pdf":
        try:
            return await _held(tab, content_type, deadline)
        except CdpError:
            # It is no longer kept, or too large for one message.
            pass
    return await loaded(tab, tab.url, deadline)


async def loaded(tab: Tab, url: str, deadline: Deadline) -> Resource:
    """What an address answers, loaded the way that the page itself would. Raises ``CommandFailed``, ``CdpError``."""
    if not url.startswith(("http://", "https://")):
        raise CommandFailed("ActionExecutionError", "The file that the tab shows cannot be loaded from its address")
    answer = await tab.call(
        "Network.loadNetworkResource",
        {"frameId": tab.target_id, "url": url, "options": {"disableCache": False, "includeCredentials": True}},
        timeout_seconds=deadline.left_seconds,
    )
    resource = answer["resource"]
    if not resource.get("success") or "stream" not in resource:
        reason = resource.get("netErrorName") or f"status {int(resource.get('httpStatusCode', 0))}"
        raise CommandFailed("PageLoadingError", f"{url[:_MAX_URL_CHARACTERS]} could not be loaded: {reason}")
    headers = {name.lower(): str(value) for name, value in resource.get("headers", {}).items()}
    content_type = headers.get("content-type", "")
    try:
        body = await _stream(tab, resource["stream"], deadline) if _has_text(content_type) else b""
    finally:
        tab.post("IO.close", {"handle": resource["stream"]})
    return Resource(content_type, body)


def _has_text(content_type: str) -> bool:
    """Whether a file of that type may hold a text that can be read."""
    return _WITHOUT_TEXT.match(content_type.partition(";")[0].strip()) is None


async def _held(tab: Tab, content_type: str, deadline: Deadline) -> Resource:
    """The text that the browser holds already."""
    answer = await tab.call(
        "Page.getResourceContent",
        {"frameId": tab.target_id, "url": tab.url.partition("#")[0]},
        timeout_seconds=deadline.left_seconds,
    )
    content: str = answer["content"]
    if answer.get("base64Encoded"):
        return Resource(content_type, _bounded(base64.b64decode(content)))
    if content_type == "text/plain" and _XML.match(content):
        # Browsers show feeds as mere text.
        content_type = "application/xml"
    # It comes decoded, so what it says of its encoding is no longer true.
    text = _ENCODING.sub(r"\1", content)
    return Resource(f"{content_type}; charset=utf-8", _bounded(text.encode("utf-8", "replace")))


async def _stream(tab: Tab, handle: str, deadline: Deadline) -> bytes:
    content = bytearray()
    while True:
        part: dict[str, Any] = await tab.call(
            "IO.read", {"handle": handle, "size": _READ_BYTES}, timeout_seconds=deadline.left_seconds
        )
        data = part.get("data", "")
        content += base64.b64decode(data) if part.get("base64Encoded") else data.encode()
        _check(len(content))
        if part.get("eof"):
            return bytes(content)


def _bounded(content: bytes) -> bytes:
    _check(len(content))
    return content


def _check(size_bytes: int) -> None:
    if size_bytes > MAX_BODY_BYTES:
        raise CommandFailed("ActionExecutionError", _TOO_LARGE)
