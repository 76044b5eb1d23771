"""The API's request and response models of the sessions tag.

What is published is the contract's schema, to the letter. What is understood is more: bodies of older
and newer clients with their other names, missing and ``null`` fields. What is malformed is said here,
in words, with its place; whether the server can do what was asked is the service's to say.
"""

from noctule.profiles.wire import Cookie, GetCookiesResponse, ProfileResponse, SetCookiesRequest
from noctule.sessions.wire.billing import CaptureHeader, MaxCostHeader, RecordHeader, TagsHeader, with_headers
from noctule.sessions.wire.profile import SessionProfileSaveRequest
from noctule.sessions.wire.proxies import ExternalProxy, NotteProxy, TailnetProxy
from noctule.sessions.wire.replies import (
    ExecutionResponse,
    SessionOffsetResponse,
    SessionPage,
    SessionResponse,
)
from noctule.sessions.wire.start import ApiSessionStartRequest, SessionProfile

__all__ = [
    "ApiSessionStartRequest",
    "CaptureHeader",
    "Cookie",
    "ExecutionResponse",
    "ExternalProxy",
    "GetCookiesResponse",
    "MaxCostHeader",
    "NotteProxy",
    "ProfileResponse",
    "RecordHeader",
    "SessionOffsetResponse",
    "SessionPage",
    "SessionProfile",
    "SessionProfileSaveRequest",
    "SessionResponse",
    "SetCookiesRequest",
    "TagsHeader",
    "TailnetProxy",
    "with_headers",
]
