"""What a session's browser exchanged with the network: files of it, and HAR.

What must always hold: a session's exchanges are its workspace's alone; a link opens one file, for a while; a HAR of any
length is made in bounded memory.
"""

import heapq
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta

from noctule.network.domain import Har
from noctule.objects.links import Linked, Links
from noctule.timeline.service import NETWORK, Event, TimelineService

_LINK_LASTS = timedelta(hours=1)
_SORTED_AT_A_TIME = 200


@dataclass(frozen=True, slots=True)
class NetworkFile:
    """One file; without a ``url`` if none was asked for."""

    key: str
    size: int
    url: str | None = field(default=None, repr=False)
    expires_in_seconds: int | None = None


@dataclass(frozen=True, slots=True)
class NetworkLogs:
    """The first files of a session, and how many there are in all."""

    session_id: str
    files: tuple[NetworkFile, ...]
    total: int


class NetworkService:
    """The use cases."""

    def __init__(self, timelines: TimelineService, links: Links) -> None:
        self._timelines = timelines
        self._links = links

    async def logs(
        self, workspace_id: str, session_id: str, limit: int, *, base_url: str, with_links: bool
    ) -> NetworkLogs:
        """The session's files, those of a live one up to this moment. Raises ``NotFound``, ``Unavailable``."""
        found, total = await self._timelines.network(workspace_id, session_id, limit)
        files = []
        for batch, key in found:
            url, seconds = None, None
            if with_links:
                linked = Linked(key, key.rpartition("/")[2], "application/x-ndjson")
                url = self._links.url(base_url, linked, _LINK_LASTS)
                seconds = int(_LINK_LASTS.total_seconds())
            files.append(NetworkFile(key, batch.network_bytes, url, seconds))
        return NetworkLogs(session_id, tuple(files), total)

    async def har(self, workspace_id: str, session_id: str) -> AsyncIterator[bytes]:
        """All exchanges as HAR 1.2. Raises ``NotFound``, before anything is read."""
        return _har(await self._timelines.exchanges(workspace_id, session_id))


async def _har(events: AsyncIterator[Event]) -> AsyncIterator[bytes]:
    """Exchanges come by their ends, and go out by their beginnings as far as the nearest two hundred tell."""
    har = Har()
    held: list[tuple[str, int, Event]] = []
    yield har.head()
    count = 0
    async for event in events:
        if event.kind != NETWORK:
            har.note(event.kind, event.data)
            continue
        count += 1
        heapq.heappush(held, (str(event.data.get("started_at", "")), count, event))
        if len(held) > _SORTED_AT_A_TIME:
            yield har.entry(heapq.heappop(held)[2].data)
    while held:
        yield har.entry(heapq.heappop(held)[2].data)
    yield har.tail()
