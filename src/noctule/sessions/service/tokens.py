"""Tokens that stand in a session's addresses: each opens one session for one use, until its last possible minute.

The address authenticates itself, since neither a browser's WebSocket nor Playwright nor Puppeteer sends headers there,
and the API key never appears in it. The token dies with the session; the time in it only bounds what a leaked one is
worth to the life that the session was given. What was made for one use opens nothing in another: who may watch may not
act.
"""

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from urllib.parse import urlsplit

from noctule.kit.seal import Sealer
from noctule.sessions.domain import Session

_GRACE = timedelta(minutes=1)


class Use(StrEnum):
    """What a token is for."""

    CDP = "cdp"
    VIEW = "view"
    INTERACT = "interact"
    RECORDING = "recording"
    LOGS = "logs"
    DEVTOOLS = "devtools"


def new_token(use: Use, session: Session, sealer: Sealer) -> str:
    """A token of that use for the session."""
    expires = int((session.ends_by + _GRACE).timestamp())
    return sealer.sign(use.value, f"{session.id}|{expires}".encode())


def cdp_url(base_url: str, session: Session, sealer: Sealer) -> str:
    """The browser-level websocket URL of a session, at the address the client called."""
    return f"{websocket_root(base_url)}/sessions/{session.id}/cdp?token={new_token(Use.CDP, session, sealer)}"


def viewer_url(base_url: str, session: Session, sealer: Sealer, use: Use = Use.INTERACT) -> str:
    """The page on which a person sees the session and, unless ``use`` is ``VIEW``, can act in it. Options may be
    appended with ``&``."""
    return f"{base_url.rstrip('/')}/viewer?session={session.id}&token={new_token(use, session, sealer)}"


def websocket_root(base_url: str) -> str:
    """The root of this server for websockets."""
    parts = urlsplit(base_url)
    scheme = "wss" if parts.scheme == "https" else "ws"
    return f"{scheme}://{parts.netloc}{parts.path.rstrip('/')}"


def opened(token: str, use: Use, sealer: Sealer, now: datetime) -> str | None:
    """The id of the session that the token opens for that use; ``None`` if it is not ours, for another use, or over."""
    payload = sealer.verify(use.value, token)
    if payload is None:
        return None
    owner, _, expires = payload.decode().partition("|")
    return owner if now < datetime.fromtimestamp(int(expires), UTC) else None


def opens(token: str, session_id: str, sealer: Sealer, now: datetime, use: Use = Use.CDP) -> bool:
    """Whether the token is ours, is for that use of this session and has not expired."""
    return opened(token, use, sealer, now) == session_id
