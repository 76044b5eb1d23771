"""Endpoints, messages and deliveries: what they are, and the rules that need no database and no network.

::

    pending ──> delivered      an answer of 2xx
       │ ▲
       ▼ │                     the last attempt of the schedule failed, the endpoint was disabled or said 410;
      dead                     only a redelivery leads back

Signatures, headers and the schedule are those of the Standard Webhooks specification, 1.0.
"""

import base64
import hmac
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum
from urllib.parse import urlsplit

import msgspec

MOST_ENDPOINTS = 20
LONGEST_URL = 2048
LONGEST_DESCRIPTION = 200
MOST_OLD_SECRETS = 4
OLD_SECRET_SIGNS_FOR = timedelta(hours=24)
RETRY_SECONDS = (5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400)
"""Waits between one attempt and the next; the first attempt waits for nothing."""

_LONGEST_RETRY_AFTER_SECONDS = 3600
_MOST_JITTER = 0.1
_SECRET_PREFIX = "whsec_"
_SECRET_BYTES = 32
# What RFC 3986 lets a URL be written with, less the fragment: two parsers cannot read two hosts out of that.
_URL = re.compile(r"[A-Za-z0-9\-._~:/?\[\]@!$&'()*+,;=%]+")
_PORTS = {"http": 80, "https": 443}


class EventType(StrEnum):
    """What an endpoint may ask for."""

    THRESHOLD = "usage.threshold"
    EXHAUSTED = "usage.exhausted"
    BUDGET = "usage.budget"
    SESSION_ENDED = "session.ended"
    TEST = "webhook.test"


class DeliveryState(StrEnum):
    """Where a delivery stands."""

    PENDING = "pending"
    DELIVERED = "delivered"
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A URL that a workspace wants messages sent to. No ``types`` means every type, later ones included."""

    id: str
    workspace_id: str
    url: str
    types: tuple[str, ...]
    description: str
    created_at: datetime
    disabled_at: datetime | None = None
    disabled_reason: str | None = None

    def wants(self, type: str) -> bool:
        """Whether messages of this type go there."""
        return not self.types or type in self.types


@dataclass(frozen=True, slots=True)
class Message:
    """What is sent: ``body`` is the very text that is signed. ``id`` stays the same over all attempts."""

    id: str
    key: str
    workspace_id: str
    type: str
    created_at: datetime
    body: str


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message on its way to one endpoint. ``attempts`` counts since it was last queued."""

    endpoint_id: str
    message_id: str
    type: str
    created_at: datetime
    body: str
    state: DeliveryState
    attempts: int
    next_attempt_at: datetime
    last_attempt_at: datetime | None
    last_status: int | None
    last_error: str | None
    settled_at: datetime | None


@dataclass(frozen=True, slots=True)
class Target:
    """A URL taken apart. ``host`` is as it was written."""

    url: str
    host: str
    port: int


class BadTarget(ValueError):
    """A URL that no message can be sent to; the text says why and does not repeat it."""


def parse_target(url: str) -> Target:
    """The target that a URL names. Raises ``BadTarget``.

    Whether it may be reached is for the egress policy to say, not for this.
    """
    if len(url) > LONGEST_URL:
        raise BadTarget(f"a URL has at most {LONGEST_URL} characters")
    if "#" in url:
        raise BadTarget("a URL has no #fragment: it would never be sent")
    if _URL.fullmatch(url) is None:
        raise BadTarget("a URL is written in ASCII and without spaces; other characters are percent-encoded")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise BadTarget("this is not a URL") from None
    if parts.scheme not in _PORTS:
        raise BadTarget("a URL begins with https:// or http://")
    if "@" in parts.netloc:
        raise BadTarget("a URL carries no user name or password; messages are signed instead")
    if not host or port == 0:
        raise BadTarget("a URL names a host, and a port from 1 to 65535 if any")
    return Target(url, host, port or _PORTS[parts.scheme])


def body_of(type: str, at: datetime, workspace_id: str, data: object) -> str:
    """The JSON text of a message."""
    return msgspec.json.encode({"type": type, "timestamp": at, "workspace_id": workspace_id, "data": data}).decode()


@dataclass(frozen=True, slots=True)
class Secret:
    """A key that signs; the current one has no end."""

    key: bytes = field(repr=False)
    until: datetime | None = None

    @property
    def text(self) -> str:
        """The form in which its owner is told, once."""
        return _SECRET_PREFIX + base64.b64encode(self.key).decode()


class TooManySecrets(ValueError):
    """Too many secrets were replaced in too short a time."""


def new_secret() -> Secret:
    """A fresh secret of 256 random bits."""
    return Secret(secrets.token_bytes(_SECRET_BYTES))


def still_good(held: Sequence[Secret], now: datetime) -> tuple[Secret, ...]:
    """Those that sign now, the current one first."""
    return tuple(secret for secret in held if secret.until is None or now < secret.until)


def rotated(held: Sequence[Secret], fresh: Secret, now: datetime) -> tuple[Secret, ...]:
    """``fresh`` before those that are still good; the current one now has an end.

    Raises ``TooManySecrets`` if more old ones would sign than a header should carry.
    """
    old = [Secret(each.key, each.until or now + OLD_SECRET_SIGNS_FOR) for each in still_good(held, now)]
    if len(old) > MOST_OLD_SECRETS:
        raise TooManySecrets
    return fresh, *old


def sealed_for(endpoint_id: str) -> str:
    """Bound into the seal, so that secrets moved to another endpoint open nothing there."""
    return f"webhook:{endpoint_id}"


def packed(held: Sequence[Secret]) -> bytes:
    """The secrets as bytes, to be sealed."""
    return msgspec.json.encode([[each.key, each.until] for each in held])


def unpacked(data: bytes) -> tuple[Secret, ...]:
    """What ``packed`` was given."""
    pairs = msgspec.json.decode(data, type=list[tuple[bytes, datetime | None]])
    return tuple(Secret(key, until) for key, until in pairs)


def signed_headers(held: Sequence[Secret], message_id: str, body: bytes, now: datetime) -> dict[str, str]:
    """The three headers that prove a message: its id, the time of the attempt, one signature for each secret."""
    seconds = int(now.timestamp())
    content = f"{message_id}.{seconds}.".encode() + body
    signatures = (hmac.digest(each.key, content, "sha256") for each in still_good(held, now))
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(seconds),
        "webhook-signature": " ".join("v1," + base64.b64encode(each).decode() for each in signatures),
    }


def next_attempt_at(attempts: int, now: datetime, *, chance: float, retry_after: str | None) -> datetime | None:
    """When to try again after so many failed attempts; ``None`` after the last one.

    ``chance`` from 0 to 1 adds up to a tenth, so that what failed together does not come back together.
    ``retry_after`` is the header of the answer, which can ask for an hour at most.
    """
    if attempts > len(RETRY_SECONDS):
        return None
    wait = RETRY_SECONDS[attempts - 1] * (1 + _MOST_JITTER * chance)
    return now + timedelta(seconds=max(wait, _asked_wait(retry_after, now)))


def _asked_wait(retry_after: str | None, now: datetime) -> float:
    """Seconds that a ``Retry-After`` asks for, bounded; 0 for none, or for one that says nothing."""
    text = (retry_after or "").strip()
    if text.isascii() and text.isdigit():
        return min(int(text[:9]), _LONGEST_RETRY_AFTER_SECONDS)
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return 0.0
    if at.tzinfo is None:
        at = at.replace(tzinfo=UTC)
    return min(max((at - now).total_seconds(), 0.0), _LONGEST_RETRY_AFTER_SECONDS)
