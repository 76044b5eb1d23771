"""The browser that a session asks for, what it gets, and how full a node is."""

from dataclasses import dataclass, field
from typing import Literal

from noctule.browser.commands.capturing import CaptureLevel
from noctule.browser.commands.profiles import StoredProfile

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
    ``cdp_url`` drives somebody else's browser, which is only disconnected at release. ``shared_by`` names whose
    sessions may have their browsers in one process, each as a context of its own; nobody else's are ever in it, and
    nothing is captured there, whatever ``capture`` says. ``is_recorded`` says whether it is filmed; ``None`` leaves
    that to the machine. ``profile`` is what the browser remembers from earlier sessions; files among it must be there
    at launch.
    """

    session_id: str
    wants_chromium: bool = False
    viewport: Viewport | None = None
    user_agent: str | None = None
    chrome_args: tuple[str, ...] = ()
    extra_http_headers: tuple[tuple[str, str], ...] = ()
    upstream: Upstream | None = None
    cdp_url: str | None = field(default=None, repr=False)
    shared_by: str | None = None
    is_recorded: bool | None = None
    capture: CaptureLevel = "off"
    profile: StoredProfile | None = None


@dataclass(frozen=True, slots=True)
class Acquired:
    """A browser that is ready: one context with one page at about:blank. ``is_recorded`` says that a recording of it
    has begun, and will be heard of."""

    session_id: str
    user_agent: str
    viewport: Viewport
    is_recorded: bool = False


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
