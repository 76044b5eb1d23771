"""What a session is and how it may change; no I/O.

::

    starting ──> active ──> closed      stopped by its owner, by the end of credit or of a budget, or with the server
        │           ├─────> timed_out   idle, or its maximum duration reached
        └───────────┴─────> error       its browser, or the server under it, died

``starting`` is never shown: a session that never became active is neither listed, counted nor billed.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Literal

CaptureWish = Literal["off", "on", "bodies"]


class Status(StrEnum):
    """Where a session is in its life."""

    STARTING = "starting"
    ACTIVE = "active"
    CLOSED = "closed"
    TIMED_OUT = "timed_out"
    ERROR = "error"


class CloseReason(StrEnum):
    """Why a session ended."""

    MANUAL = "manual"
    IDLE_TIMEOUT = "idle_timeout"
    MAX_DURATION = "max_duration"
    CREDITS_EXHAUSTED = "credits_exhausted"
    BUDGET_EXHAUSTED = "budget_exhausted"
    SERVER_STOPPED = "server_stopped"
    ERROR = "error"


_NEXT: dict[Status, frozenset[Status]] = {
    Status.STARTING: frozenset({Status.ACTIVE, Status.ERROR}),
    Status.ACTIVE: frozenset({Status.CLOSED, Status.TIMED_OUT, Status.ERROR}),
    Status.CLOSED: frozenset(),
    Status.TIMED_OUT: frozenset(),
    Status.ERROR: frozenset(),
}

_ENDS_AS = {
    CloseReason.MANUAL: Status.CLOSED,
    CloseReason.IDLE_TIMEOUT: Status.TIMED_OUT,
    CloseReason.MAX_DURATION: Status.TIMED_OUT,
    CloseReason.CREDITS_EXHAUSTED: Status.CLOSED,
    CloseReason.BUDGET_EXHAUSTED: Status.CLOSED,
    CloseReason.SERVER_STOPPED: Status.CLOSED,
    CloseReason.ERROR: Status.ERROR,
}


FOR_WANT_OF_MONEY = frozenset({CloseReason.CREDITS_EXHAUSTED, CloseReason.BUDGET_EXHAUSTED})

_IN_WORDS = {
    CloseReason.MANUAL: "The session was stopped.",
    CloseReason.IDLE_TIMEOUT: "The session was idle for too long.",
    CloseReason.MAX_DURATION: "The session has lived as long as it may.",
    CloseReason.CREDITS_EXHAUSTED: "The balance of this workspace is used up.",
    CloseReason.BUDGET_EXHAUSTED: "A budget is used up.",
    CloseReason.SERVER_STOPPED: "The server is stopping.",
    CloseReason.ERROR: "The browser of the session has gone.",
}


def in_words(reason: CloseReason, error: str | None) -> str:
    """Why a session ended, in a sentence for its clients."""
    return error or _IN_WORDS[reason]


def may_become(current: Status, following: Status) -> bool:
    """Whether the state table has this step."""
    return following in _NEXT[current]


def status_after(reason: CloseReason) -> Status:
    """The final status that a reason leads to."""
    return _ENDS_AS[reason]


@dataclass(frozen=True, slots=True)
class ProxyChoice:
    """Which way a session's traffic was asked to leave: direct, through the operator's pool, or through
    a proxy of the caller's own."""

    kind: Literal["none", "pool", "external"] = "none"
    country: str | None = None
    pool_id: str | None = None
    server: str | None = None
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    bypass: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StartSession:
    """The wish for a session, defaults filled in; durations are minutes, sizes CSS pixels.

    ``is_recorded`` says whether it is filmed; ``None`` leaves that to the server.
    ``is_one_shot``: it will be over in a moment, and a context in a browser that others of its workspace use will do.
    ``capture``: whether what happens in its browser is kept, and whether bodies are; ``None`` for what is usual here.
    """

    headless: bool = True
    solve_captchas: bool = False
    max_duration_minutes: int = 15
    idle_timeout_minutes: int = 3
    proxy: ProxyChoice = ProxyChoice()
    browser_type: str = "chromium"
    user_agent: str | None = None
    chrome_args: tuple[str, ...] = ()
    viewport_width: int | None = None
    viewport_height: int | None = None
    cdp_url: str | None = field(default=None, repr=False)
    use_file_storage: bool = True
    screenshot_type: str = "last_action"
    profile_id: str | None = None
    profile_persist: bool = False
    web_bot_auth: bool = False
    extra_http_headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    vault_id: str | None = None
    tags: tuple[str, ...] = ()
    max_cost_nanos: int | None = None
    is_recorded: bool | None = None
    is_one_shot: bool = False
    capture: CaptureWish | None = None


@dataclass(frozen=True, slots=True)
class Session:
    """One session as it is stored. Byte counts are totals through the egress proxy, both kinds of proxy
    and direct traffic alike."""

    id: str
    workspace_id: str
    key_id: str
    status: Status
    created_at: datetime
    last_accessed_at: datetime
    idle_timeout_minutes: int
    max_duration_minutes: int
    browser_type: str
    headless: bool
    solve_captchas: bool
    use_file_storage: bool
    web_bot_auth: bool
    proxies: bool
    activated_at: datetime | None = None
    closed_at: datetime | None = None
    close_reason: CloseReason | None = None
    error: str | None = None
    user_agent: str | None = None
    viewport_width: int | None = None
    viewport_height: int | None = None
    request_bytes: int = 0
    response_bytes: int = 0
    tags: tuple[str, ...] = ()
    is_recorded: bool = False

    def duration(self, now: datetime) -> timedelta:
        """How long it has lived, or lived."""
        return max((self.closed_at or now) - self.created_at, timedelta(0))

    @property
    def ends_by(self) -> datetime:
        """The instant after which it cannot live any more."""
        return self.created_at + timedelta(minutes=self.max_duration_minutes)


@dataclass(frozen=True, slots=True)
class Step:
    """One entry of a session's trajectory; ``value`` is JSON."""

    kind: str
    value: dict[str, Any]


def overdue(
    *, age_seconds: float, idle_seconds: float, max_duration_minutes: int, idle_timeout_minutes: int
) -> CloseReason | None:
    """The reason to end a session now, if its time is over."""
    if age_seconds >= max_duration_minutes * 60:
        return CloseReason.MAX_DURATION
    if idle_seconds >= idle_timeout_minutes * 60:
        return CloseReason.IDLE_TIMEOUT
    return None
