"""What a profile is, who may change it, and how it may be called; no I/O.

What must hold: at most one holder may change a profile at a time. A session that persists holds its profile from its
start until it was saved at its end; everything else holds one for the moment of a change.
"""

import hashlib
import re
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

MOST_PROFILES = 1000
LONGEST_NAME = 200
MOST_DOMAINS = 2000
_LONGEST_HOST = 253

CHANGE_LASTS = timedelta(minutes=2)
"""How long somebody may hold a profile who is not a live session; long enough for the largest save."""

ABANDONED_AFTER = timedelta(hours=1)
"""When an object that no version came of is deleted: later than any save could still want it."""

REPLACED_AFTER = timedelta(minutes=5)
"""When the objects of a replaced version are deleted: later than any start that has just read of them needs them."""

_PREFIX = "notte-profile-"
_ID = re.compile(rf"{_PREFIX}[0-9a-f]{{16}}")


@dataclass(frozen=True, slots=True)
class Holder:
    """Who may change a profile: a session by its id, or a change by one of its own. ``until`` bounds the latter."""

    id: str
    instance_id: str
    boot_id: str
    until: datetime | None = None

    def holds(self, *, instance_id: str, boot_id: str, now: datetime) -> bool:
        """Whether it still does, as this server knows: what an earlier run of it held is free."""
        is_of_earlier_run = self.instance_id == instance_id and self.boot_id != boot_id
        return not is_of_earlier_run and (self.until is None or now < self.until)


@dataclass(frozen=True, slots=True)
class Profile:
    """One profile. The keys name the objects of its version; both are ``None`` until something is kept."""

    id: str
    workspace_id: str
    key_id: str
    name: str | None
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None = None
    domains: tuple[str, ...] = ()
    state_key: str | None = None
    archive_key: str | None = None
    save_error: str | None = None
    holder: Holder | None = None

    @property
    def objects(self) -> tuple[str, ...]:
        """The keys of its objects."""
        return tuple(key for key in (self.state_key, self.archive_key) if key is not None)


@dataclass(frozen=True, slots=True)
class Version:
    """What a profile is to hold from now on."""

    state_key: str
    archive_key: str | None
    domains: tuple[str, ...]

    @property
    def objects(self) -> tuple[str, ...]:
        """The keys of its objects."""
        return (self.state_key,) if self.archive_key is None else (self.state_key, self.archive_key)


def new_profile_id(workspace_id: str, idempotency_key: str | None) -> str:
    """An id for a new profile; for the same key the same one."""
    if idempotency_key is None:
        return _PREFIX + secrets.token_hex(8)
    return _PREFIX + hashlib.sha256(f"profile\0{workspace_id}\0{idempotency_key}".encode()).hexdigest()[:16]


def is_profile_id(text: str) -> bool:
    """Whether a profile could be called so."""
    return _ID.fullmatch(text) is not None


def domains_of(hosts: Iterable[str]) -> tuple[str, ...]:
    """The domains of hosts and of cookies, in order, each once."""
    return tuple(sorted({host.lstrip(".").lower() for host in hosts if host.strip(".")}))[:MOST_DOMAINS]


def within(domains: Iterable[str]) -> Callable[[str], bool]:
    """Says of a host whether it is one of these domains, or below one; thousands of them take no longer than one."""
    names = frozenset(each.lstrip(".").lower() for each in domains)

    def is_within(host: str) -> bool:
        name = host.lstrip(".").lower()
        if len(name) > _LONGEST_HOST:
            return False
        while name and name not in names:
            name = name.partition(".")[2]
        return bool(name)

    return is_within
