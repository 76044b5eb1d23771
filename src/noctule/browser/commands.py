"""What may be said to a node about a browser: plain, serialisable dataclasses, one message an operation.

A command travels ``page/service -> fleet -> node``; the node answers with the result class named in the
command's docstring. Nothing here holds a socket, a page or a process.
"""

from dataclasses import dataclass, field
from typing import Any, Literal

WaitUntil = Literal["commit", "domcontentloaded", "load", "networkidle"]


SESSION_OVER = "The session has ended."
"""What a stream is told when its session ends for no better reason."""


@dataclass(frozen=True, slots=True)
class Viewport:
    """Size of the page in CSS pixels."""

    width: int
    height: int


DEFAULT_VIEWPORT = Viewport(1280, 1080)


@dataclass(frozen=True, slots=True)
class Upstream:
    """A proxy that a session's traffic leaves through.

    ``server`` is ``http://host:port`` or ``socks5://host:port``. ``from_pool`` says that the operator's
    pool supplied it: its bytes are priced, and its address may be private.
    """

    server: str
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    bypass: tuple[str, ...] = ()
    from_pool: bool = False


@dataclass(frozen=True, slots=True)
class BrowserSpec:
    """The browser that a session asks for.

    ``wants_chromium`` asks for full Chromium instead of the headless shell. ``chrome_args`` must be known
    at launch, so a browser with any never comes from the warm pool; all else is applied after acquiring.
    ``cdp_url`` drives somebody else's browser, which is only disconnected at release.
    """

    session_id: str
    wants_chromium: bool = False
    viewport: Viewport | None = None
    user_agent: str | None = None
    chrome_args: tuple[str, ...] = ()
    extra_http_headers: tuple[tuple[str, str], ...] = ()
    upstream: Upstream | None = None
    cdp_url: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Acquired:
    """A browser that is ready: one context with one page at about:blank."""

    session_id: str
    user_agent: str
    viewport: Viewport


@dataclass(frozen=True, slots=True)
class Traffic:
    """What a session's browser has sent and received through the egress proxy since its start.

    Bytes count both ways on the remote side, headers and encryption included; ``proxied_bytes`` are
    those (both ways) that left through an upstream of the operator's pool. ``idle_seconds`` is the time
    since the last command or CDP message.
    """

    request_bytes: int = 0
    response_bytes: int = 0
    proxied_bytes: int = 0
    idle_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class BrowserGone:
    """A session's browser ended without being asked to. ``reason`` is a sentence for people."""

    session_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class Capacity:
    """How full a node is."""

    live: int
    limit: int
    warm: int
    warm_target: int


@dataclass(frozen=True, slots=True)
class SandboxLevel:
    """Which of Chromium's sandboxes is in force. ``namespace`` is full, ``none`` is none."""

    level: Literal["namespace", "setuid", "none", "unknown"]
    explanation: str


# -- commands ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Goto:
    """Navigate the current tab. Answers ``Done``."""

    url: str
    wait_until: WaitUntil = "load"
    timeout_seconds: float = 10.0


@dataclass(frozen=True, slots=True)
class GoBack:
    """One step back in history. Answers ``Done``."""

    timeout_seconds: float = 10.0


@dataclass(frozen=True, slots=True)
class GoForward:
    """One step forward in history. Answers ``Done``."""

    timeout_seconds: float = 10.0


@dataclass(frozen=True, slots=True)
class Reload:
    """Load the current page again. Answers ``Done``."""

    timeout_seconds: float = 10.0


@dataclass(frozen=True, slots=True)
class Wait:
    """Let the page be for ``time_ms`` milliseconds (0..30000). Answers ``Done``."""

    time_ms: int


@dataclass(frozen=True, slots=True)
class EvaluateJs:
    """Run code in the main world of the current tab and await its promise. Answers ``Evaluated``."""

    code: str
    timeout_seconds: float = 45.0


@dataclass(frozen=True, slots=True)
class Screenshot:
    """A picture of the current tab's viewport. Answers ``Picture``."""

    quality: int = 80
    timeout_seconds: float = 15.0


@dataclass(frozen=True, slots=True)
class GetCookies:
    """All cookies of the default context. Answers ``Cookies``."""


@dataclass(frozen=True, slots=True)
class SetCookies:
    """Add or replace cookies in the default context. Answers ``Done``."""

    cookies: tuple["BrowserCookie", ...]


Command = Goto | GoBack | GoForward | Reload | Wait | EvaluateJs | Screenshot | GetCookies | SetCookies

# -- results -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class BrowserCookie:
    """One cookie. ``expires`` is seconds since 1970, ``None`` for a session cookie."""

    name: str
    value: str
    domain: str
    path: str = "/"
    http_only: bool = False
    secure: bool = False
    same_site: Literal["Lax", "Strict", "None"] | None = None
    expires: float | None = None
    partition_key: str | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """The command was carried out; ``message`` says so to people."""

    message: str


@dataclass(frozen=True, slots=True)
class Evaluated:
    """What code returned, as text: ``null``, JSON for objects and arrays, else its string."""

    text: str


@dataclass(frozen=True, slots=True)
class Picture:
    """An encoded JPEG of even width and height."""

    jpeg: bytes


@dataclass(frozen=True, slots=True)
class Cookies:
    """The cookies of a session."""

    cookies: tuple[BrowserCookie, ...]


Result = Done | Evaluated | Picture | Cookies


class CommandFailed(Exception):
    """The browser could not carry a command out; never an HTTP error by itself.

    ``kind`` names the contract's error class (``PageLoadingError``, ``InvalidURLError``,
    ``ActionExecutionError`` …); ``message`` is for people and holds no secret.
    """

    def __init__(self, kind: str, message: str, **context: Any) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.context = context


class BrowserLost(Exception):
    """No browser of that session lives here (any more)."""


class NodeFull(Exception):
    """No browser can be had inside the deadline, or the node is at its limit."""


class UpstreamRefused(Exception):
    """The session's upstream proxy could not be used; the message says why, without its password."""
