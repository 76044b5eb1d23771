"""What may be asked of a page that no browser can do. Everything else is a command for the browser."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Complete:
    """The end of a task, reported by whoever drives the page; nothing happens to the page."""

    success: bool
    answer: str


@dataclass(frozen=True, slots=True)
class AskForHelp:
    """Whoever drives the page cannot go on."""

    reason: str


@dataclass(frozen=True, slots=True)
class SolveCaptcha:
    """Solve the captcha on the page."""


@dataclass(frozen=True, slots=True)
class ReadMessages:
    """Read the messages of the session's persona."""

    kind: Literal["emails", "text messages", "verification emails"]
