"""The door to one session's browser: all that the CDP proxy is told about it.

A door is handed out only for a live session; whoever holds one must close what it opened when the
callback given to ``on_release`` is called.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

Closer = Callable[[str], None]
"""Closes a stream; told why, in a sentence for its client."""


def _ignore(*_: object) -> None:
    """Nobody follows the downloads of that browser."""


@dataclass(frozen=True)
class Door:
    """Where a browser listens, and what its session wants to hear.

    ``path`` is the browser-level DevTools endpoint on ``host:port``. ``downloads`` is the only folder of
    the session that its clients may name. ``touch`` marks activity and is cheap enough for every message.
    ``on_release`` registers a closer that is called on the event loop when the session ends, with a sentence
    that says why, and returns a function that takes the closer back. ``has_window`` says that the browser
    acts on key strokes that its pages leave, as full Chromium does (even headless) and the headless shell
    does not. ``downloads_denied`` is told the context in which a client wants no downloads, an empty text for
    the default one, and ``downloads_left`` that a client is gone which had wishes for downloads.
    ``page_is_open`` is set where the endpoint is that of one page, and says whether it is one of the web now.
    """

    host: str
    port: int
    path: str
    downloads: Path
    touch: Callable[[], None]
    on_release: Callable[[Closer], Callable[[], None]]
    has_window: bool = True
    downloads_denied: Callable[[str], None] = _ignore
    downloads_left: Callable[[], None] = _ignore
    page_is_open: Callable[[], bool] | None = None
