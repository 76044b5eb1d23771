"""The API's models of timelines; none of them is in the published contract."""

from datetime import datetime
from typing import Any

from noctule.kit.web import WireResponse
from noctule.timeline.service import Event, TimelinePage


class TimelineEvent(WireResponse):
    """One thing that happened; ``at`` is the instant at which it was over. What ``data`` has depends on the kind."""

    id: str
    at: datetime
    kind: str
    data: dict[str, Any]

    @classmethod
    def of(cls, event: Event) -> "TimelineEvent":
        """The event as it is told."""
        return cls(id=event.id, at=event.at, kind=event.kind, data=event.data)


class TimelineResponse(WireResponse):
    """A page of a timeline.

    ``next_cursor`` is where to go on: at the next page where ``has_more`` says that there is one; else at what is still
    to happen, ``null`` for a session that is over. Of a live session the events of the last six seconds are told again,
    under the same ids.
    """

    session_id: str
    events: list[TimelineEvent]
    has_more: bool
    next_cursor: str | None

    @classmethod
    def of(cls, session_id: str, page: TimelinePage) -> "TimelineResponse":
        """The page as it is told."""
        return cls(
            session_id=session_id,
            events=[TimelineEvent.of(event) for event in page.events],
            has_more=page.has_more,
            next_cursor=None if page.after is None else str(page.after),
        )
