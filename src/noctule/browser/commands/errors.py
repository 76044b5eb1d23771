"""What can go wrong with a command, or on the way to a browser."""

from typing import Any


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
