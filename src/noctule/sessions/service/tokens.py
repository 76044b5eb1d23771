"""Tokens that stand in a session's stream URLs: they open one session, until its last possible minute.

The URL authenticates itself, since neither Playwright nor Puppeteer sends headers there, and the API key
never appears in it. The token dies with the session; the time in it only bounds what a leaked one is
worth to the life that the session was given.
"""

from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from noctule.kit.seal import Sealer
from noctule.sessions.domain import Session

_PURPOSE = "cdp"
_GRACE = timedelta(minutes=1)


def cdp_url(base_url: str, session: Session, sealer: Sealer) -> str:
    """The browser-level websocket URL of a session, at the address the client called."""
    expires = int((session.ends_by + _GRACE).timestamp())
    token = sealer.sign(_PURPOSE, f"{session.id}|{expires}".encode())
    parts = urlsplit(base_url)
    scheme = "wss" if parts.scheme == "https" else "ws"
    return f"{scheme}://{parts.netloc}{parts.path.rstrip('/')}/sessions/{session.id}/cdp?token={token}"


def opens(token: str, session_id: str, sealer: Sealer, now: datetime) -> bool:
    """Whether the token is ours, is of this session and has not expired."""
    payload = sealer.verify(_PURPOSE, token)
    if payload is None:
        return False
    owner, _, expires = payload.decode().partition("|")
    return owner == session_id and now < datetime.fromtimestamp(int(expires), UTC)
