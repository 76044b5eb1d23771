"""What happened in a session's browser, as a node tells it.

What must always hold: everything here is plain JSON with a bound; instants are of one clock per session, the browser's
own monotonic one, whose zero is set against wall time once; texts are as the browser had them, so that whoever keeps
them has to mask what is secret first.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

CaptureLevel = Literal["off", "on", "bodies"]
"""Whether what happens in a browser is captured, and whether the bodies of its exchanges are, too."""

CapturedKind = Literal[
    "request", "console", "page_error", "dialog", "download", "navigation", "load", "tab", "left_out"
]


@dataclass(frozen=True, slots=True)
class CapturedEvent:
    """One thing that happened. ``at`` is the instant at which it was over, a request's last byte, say.

    ``data`` by kind; a page is named by its target (``tab``):

    - ``request``: one exchange, as ``driver/capture/shaping.py`` says; a redirect is an exchange of its own.
    - ``console``: ``level``, ``text``, ``source``, ``url``, ``line``, ``column``.
    - ``page_error``: ``text`` of an exception or rejection that no script caught, ``url``, ``line``.
    - ``dialog``: ``dialog`` (its kind), ``text``, ``url``, ``accepted``, ``input``.
    - ``download``: ``guid``, ``url``, ``name``, ``state`` (``begun``, ``completed``, ``canceled``), ``bytes``.
    - ``navigation``: ``url``, ``loader``, ``navigation`` (``new_document``, ``same_document``), ``unreachable_url``.
    - ``load``: ``loader``, ``content_loaded_at``, ``loaded_at``.
    - ``tab``: ``state`` (``opened``, ``closed``), ``url``, ``opener``.
    - ``left_out``: ``count`` of what was too much to keep, and ``why``.
    """

    at: datetime
    kind: CapturedKind
    data: dict[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Captured:
    """What happened in a session since the last of these, in the order of ``at``. Nothing follows one that
    ``is_last``. ``secrets`` are texts that the session was given and that nobody may keep."""

    session_id: str
    events: tuple[CapturedEvent, ...]
    is_last: bool = False
    secrets: tuple[str, ...] = field(default=(), repr=False)
