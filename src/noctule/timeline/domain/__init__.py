"""What a timeline is made of, and what must not be in it; no I/O."""

from noctule.timeline.domain.events import (
    CAPTURED_KINDS,
    KINDS,
    NETWORK,
    BadCursor,
    Batch,
    Cursor,
    Event,
    EventQuery,
    TimelinePage,
    merged,
)
from noctule.timeline.domain.masking import MASK, Masker

__all__ = [
    "CAPTURED_KINDS",
    "KINDS",
    "MASK",
    "NETWORK",
    "BadCursor",
    "Batch",
    "Cursor",
    "Event",
    "EventQuery",
    "Masker",
    "TimelinePage",
    "merged",
]
