"""What a workspace and a key are, and the rules about their names and about listening; no I/O."""

import hashlib
import ipaddress
import re
from dataclasses import dataclass
from datetime import datetime

from noctule.kit.scope import KeyScope

DEFAULT_WORKSPACE = "default"

ENVIRONMENT_KEY_NAME = "NOCTULE_API_KEY"
"""The name of the key that came from the environment; no other key may have it."""

SHORTEST_KEY = 24
LONGEST_KEY = 255

_ID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._@-]{0,63}")
_KEY = re.compile(rf"[!-~]{{{SHORTEST_KEY},{LONGEST_KEY}}}")


@dataclass(frozen=True, slots=True)
class Workspace:
    """One tenant. ``id`` is its metering account's id too."""

    id: str
    name: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key, without its secret. ``hint`` is the secret's last four characters."""

    id: str
    workspace_id: str
    name: str
    hint: str
    created_at: datetime
    revoked_at: datetime | None = None
    last_used_at: datetime | None = None
    scope: KeyScope = KeyScope.WORKSPACE


@dataclass(frozen=True, slots=True)
class Identity:
    """Whom a key speaks for. An operator's speaks for nobody's workspace; ``workspace_id`` is where it is logged."""

    workspace_id: str
    key_id: str
    key_name: str
    scope: KeyScope = KeyScope.WORKSPACE


def key_hash(secret: str) -> str:
    """How a key is stored: SHA-256 in hex."""
    return hashlib.sha256(secret.encode()).hexdigest()


def key_hint(secret: str) -> str:
    """The part of a key that may be shown again."""
    return secret[-4:]


def could_be_key(secret: str) -> bool:
    """Whether the text has the shape of any key, so that a look-up makes sense."""
    return _KEY.fullmatch(secret) is not None


def name_problem(name: str) -> str | None:
    """What is wrong with a name for a workspace or a key, if anything."""
    if _NAME.fullmatch(name):
        return None
    return (
        "a name has 1 to 64 letters, digits, spaces or any of . _ @ -, and begins with a letter or a digit "
        f"(got {name[:80]!r})"
    )


def is_id(text: str) -> bool:
    """Whether the text has the shape of an id."""
    return _ID.fullmatch(text) is not None


def workspace_name_problem(name: str) -> str | None:
    """What is wrong with a name for a workspace, if anything: it must not be taken for the id of another."""
    return f"a name does not look like an id (got {name!r})" if is_id(name) else name_problem(name)


def is_loopback(host: str) -> bool:
    """Whether listening on this address admits this machine alone."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def check_binding(host: str, api_key: str | None, has_keys: bool) -> str | None:
    """Why the server must not start like this, in a sentence for the operator; ``None`` if it may.

    ``has_keys`` says whether the database holds a workspace's key that is not revoked.
    """
    if api_key is not None and len(api_key) < SHORTEST_KEY:
        return (
            f"NOCTULE_API_KEY has {len(api_key)} characters; a key needs at least {SHORTEST_KEY}. "
            "Unset it and Noctule makes a good one."
        )
    if api_key is not None and not could_be_key(api_key):
        return (
            f"NOCTULE_API_KEY must be {SHORTEST_KEY} to {LONGEST_KEY} printable ASCII characters without spaces, "
            "since it travels in an HTTP header."
        )
    if not is_loopback(host) and api_key is None and not has_keys:
        return (
            f"Listening on {host or 'every address'} would open this server to other machines, and no key is "
            "configured yet. Set NOCTULE_API_KEY, or make a key first with `noctule keys create`."
        )
    return None
