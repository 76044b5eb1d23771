"""Identifiers: what they look like and where their randomness comes from."""

import secrets
import uuid

_IDEMPOTENT = uuid.UUID("6a1f3c1e-6a5b-5d7e-9a55-0d3a4b8f2c11")

KEY_PREFIX = "noct_"


def new_id() -> str:
    """A fresh lower-case UUID (8-4-4-4-12): clients find session ids in logs by that shape."""
    return str(uuid.uuid4())


def id_for_key(workspace_id: str, idempotency_key: str) -> str:
    """The one id that a write with this idempotency key may create, so that a retry after a crash
    meets the first attempt's row instead of making a second one."""
    return str(uuid.uuid5(_IDEMPOTENT, f"{workspace_id}\x00{idempotency_key}"))


def new_api_key() -> str:
    """A fresh secret API key, ``noct_`` and 43 characters of 256 random bits."""
    return KEY_PREFIX + secrets.token_urlsafe(32)
