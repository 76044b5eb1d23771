"""Navigation, waiting, JavaScript, pictures and cookies."""

from dataclasses import dataclass
from typing import Literal

WaitUntil = Literal["commit", "domcontentloaded", "load", "networkidle"]


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
