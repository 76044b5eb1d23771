"""The use cases of timelines, and the only door to them."""

from noctule.timeline.domain import KINDS, NETWORK, BadCursor, Batch, Cursor, Event, EventQuery, TimelinePage
from noctule.timeline.service.service import TimelineService

__all__ = [
    "KINDS",
    "NETWORK",
    "BadCursor",
    "Batch",
    "Cursor",
    "Event",
    "EventQuery",
    "TimelinePage",
    "TimelineService",
]
