"""The use cases of sessions; the only door that other tags may open."""

from noctule.sessions.domain import Session, StartSession, Status, Step
from noctule.sessions.service.service import SessionService, SessionView
from noctule.sessions.service.starting import ProxyPool, Starter
from noctule.sessions.service.tokens import Use, websocket_root

__all__ = [
    "ProxyPool",
    "Session",
    "SessionService",
    "SessionView",
    "StartSession",
    "Starter",
    "Status",
    "Step",
    "Use",
    "websocket_root",
]
