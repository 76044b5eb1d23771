"""Those who hear from a node: of browsers that ended, of what happened in them, of the files that they brought.

What must always hold: a listener that fails is logged and harms nobody else.
"""

import logging
from collections.abc import Callable

from noctule.browser.commands import (
    BrowserDownload,
    BrowserGone,
    BrowserSpec,
    Captured,
    CapturedEvent,
    DownloadListener,
)
from noctule.browser.driver.acting.settling import place
from noctule.browser.driver.downloads import Download
from noctule.browser.driver.files import OpenFile, content_type_of, file_name

log = logging.getLogger(__name__)

_LEAST_SECRET = 8
_PUBLIC_HEADERS = ("accept", "cache-control", "content-", "dnt", "origin", "pragma", "referer", "sec-", "user-agent")


class Listeners:
    """The listeners of one node."""

    def __init__(self) -> None:
        self.gone: list[Callable[[BrowserGone], None]] = []
        self.captured: list[Callable[[Captured], None]] = []
        self.downloaded: list[DownloadListener] = []

    def tell_gone(self, gone: BrowserGone) -> None:
        """A browser ended unasked."""
        for listener in self.gone:
            try:
                listener(gone)
            except Exception:
                log.exception("a listener failed to hear of session %s", gone.session_id)

    def tell_captured(self, spec: BrowserSpec, events: tuple[CapturedEvent, ...], is_last: bool) -> None:
        """This happened in the browser of a session."""
        captured = Captured(spec.session_id, events, is_last, _secrets(spec))
        for listener in self.captured:
            try:
                listener(captured)
            except Exception:
                log.exception("a listener failed to take in what happened in session %s", spec.session_id)

    async def hand_over(self, session_id: str, download: Download, file: OpenFile) -> str | None:
        """Give a download to whoever listens; answers the name under which it is kept. Raises what they raise."""
        name = file_name(download.name or "download")
        message = BrowserDownload(
            session_id, name, content_type_of(name, download.url), file.size, place(download.url), file.chunks
        )
        kept_as: str | None = None
        for listener in self.downloaded:
            kept_as = await listener(message) or kept_as
        return kept_as


def _secrets(spec: BrowserSpec) -> tuple[str, ...]:
    """What the session was given that may be a credential: values of headers that say nothing else by their name."""
    return tuple(
        value
        for name, value in spec.extra_http_headers
        if len(value) >= _LEAST_SECRET and not name.lower().startswith(_PUBLIC_HEADERS)
    )
