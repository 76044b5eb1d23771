"""Replies of the sessions tag."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Literal

from pydantic import Field, computed_field
from pydantic.json_schema import SkipJsonSchema

from noctule.kit.web import PaginatedResponse, WireResponse
from noctule.sessions.domain import CloseReason, Session, Step
from noctule.sessions.wire.start import BrowserType

# The reasons that newer clients know; they refuse any other, so the rest is "unknown" and told in ``error``.
_KNOWN_REASONS = (CloseReason.MANUAL, CloseReason.IDLE_TIMEOUT, CloseReason.MAX_DURATION, CloseReason.ERROR)


class SessionResponse(WireResponse):
    """A session as clients see it. ``duration`` is ISO 8601; bytes are totals through the egress proxy."""

    session_id: str
    idle_timeout_minutes: int
    max_duration_minutes: int = 15
    created_at: datetime
    closed_at: datetime | None = None
    last_accessed_at: datetime
    duration: timedelta = Field(default_factory=timedelta)
    status: Literal["active", "closed", "error", "timed_out"]
    steps: list[dict[str, Any]] = Field(default_factory=list)
    error: str | None = None
    proxies: bool = False
    browser_type: BrowserType = "chromium"
    use_file_storage: bool = False
    network_request_bytes: int = 0
    network_response_bytes: int = 0
    user_agent: str | None = None
    viewport_width: int | None = None
    viewport_height: int | None = None
    headless: bool = True
    solve_captchas: bool | None = None
    cdp_url: str | None = Field(default=None, repr=False)
    viewer_url: str | None = Field(default=None, repr=False)
    web_bot_auth: bool = False
    # Newer clients read it; the published contract does not have it.
    close_reason: SkipJsonSchema[str | None] = None

    @computed_field(json_schema_extra={"deprecated": True})  # type: ignore[prop-decorator]
    @property
    def timeout_minutes(self) -> int:
        """The idle time-out under its older name."""
        return self.idle_timeout_minutes

    @classmethod
    def of(
        cls,
        session: Session,
        *,
        now: datetime,
        steps: Sequence[Step] = (),
        cdp_url: str | None = None,
        viewer_url: str | None = None,
    ) -> "SessionResponse":
        """The reply for a session that has been active; the duration of a live one counts to ``now``."""
        reason = session.close_reason
        return cls.model_validate(
            {
                "session_id": session.id,
                "idle_timeout_minutes": session.idle_timeout_minutes,
                "max_duration_minutes": session.max_duration_minutes,
                "created_at": session.created_at,
                "closed_at": session.closed_at,
                "last_accessed_at": session.last_accessed_at,
                "duration": session.duration(now),
                "status": session.status.value,
                "steps": [{"type": step.kind, "value": step.value} for step in steps],
                "error": session.error,
                "proxies": session.proxies,
                "browser_type": session.browser_type,
                "use_file_storage": session.use_file_storage,
                "network_request_bytes": session.request_bytes,
                "network_response_bytes": session.response_bytes,
                "user_agent": session.user_agent,
                "viewport_width": session.viewport_width,
                "viewport_height": session.viewport_height,
                "headless": session.headless,
                "solve_captchas": session.solve_captchas,
                "cdp_url": cdp_url,
                "viewer_url": viewer_url,
                "web_bot_auth": session.web_bot_auth,
                "close_reason": None if reason is None else reason.value if reason in _KNOWN_REASONS else "unknown",
            }
        )


SessionPage = PaginatedResponse[SessionResponse]
"""One page of sessions, newest first."""


class ExecutionResponse(WireResponse):
    """Whether something was done, in words too."""

    success: bool
    message: str


class SessionOffsetResponse(WireResponse):
    """The length of a session's trajectory."""

    offset: int
