"""The files that a tab shows instead of pages, or that a navigation led to: their bytes and what they say they are.

What must always hold: no more than ``MAX_BODY_BYTES`` are read; what is loaded again is loaded by the browser, so that
its cookies, its headers and its way out count.
"""

import base64
import re
from dataclasses import dataclass

from noctule.browser.cdp import CdpError
from noctule.browser.commands import CommandFailed
from noctule.browser.driver.deadline import Deadline
from noctule.browser.driver.loading import load, too_large
from noctule.browser.driver.tab import Tab

MAX_BODY_BYTES = 50 * 1024 * 1024

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
    async with load(tab, url, deadline, failure_kind="PageLoadingError") as file:
        content_type = file.headers.get("content-type", "")
        return Resource(content_type, await file.read(MAX_BODY_BYTES, deadline) if _has_text(content_type) else b"")


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


def _bounded(content: bytes) -> bytes:
    if len(content) > MAX_BODY_BYTES:
        raise too_large(MAX_BODY_BYTES)
    return content
