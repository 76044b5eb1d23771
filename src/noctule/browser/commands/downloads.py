"""Files that a session's pages bring without a command that asks for them."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class BrowserDownload:
    """A download that is complete: what a click, a script, a navigation or a CDP client has set off.

    ``url`` is where it came from, without credentials, query and fragment. ``size`` is in bytes. ``chunks`` reads the
    file from its beginning, any number of times, until the listener that was given the download has ended.
    """

    session_id: str
    name: str
    content_type: str
    size: int
    url: str
    chunks: Callable[[], AsyncIterator[bytes]] = field(repr=False, compare=False)


DownloadListener = Callable[[BrowserDownload], Awaitable[str | None]]
"""Takes a download; answers the name under which it is kept, ``None`` where it was not kept."""
