"""The stored form of a profile's state: JSON, which holds any text that a page can make."""

import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import msgspec

from noctule.browser.commands import BrowserState
from noctule.profiles.domain import domains_of

_VERSION = 1


@dataclass(frozen=True, slots=True)
class StoredState:
    """A state, and the hosts that the files are known to have something of."""

    state: BrowserState = field(default_factory=BrowserState)
    hosts: tuple[str, ...] = ()

    @property
    def domains(self) -> tuple[str, ...]:
        """Every domain that the profile has something of."""
        cookies = (kept.cookie.domain for kept in self.state.cookies)
        origins = (urlsplit(each.origin).hostname or "" for each in self.state.origins if each.local or each.session)
        return domains_of((*self.hosts, *cookies, *origins))


def encode(stored: StoredState) -> bytes:
    """The bytes to be kept."""
    # Not msgspec's own encoder: text of a page may hold half a surrogate pair, which UTF-8 has no form for.
    return json.dumps({"version": _VERSION, **msgspec.to_builtins(stored)}).encode()


def decode(data: bytes) -> StoredState:
    """What was encoded. Raises ``ValueError`` for anything else."""
    found: Any = json.loads(data)
    if not isinstance(found, dict) or found.pop("version", None) != _VERSION:
        raise ValueError("not a profile's state of a version that is known")
    try:
        return msgspec.convert(found, StoredState)
    except msgspec.ValidationError as error:
        raise ValueError("not a profile's state") from error
