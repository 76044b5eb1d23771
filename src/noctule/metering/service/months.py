"""Sealed months: a digest of the figures of every month that is over, which must never change again.

A month is sealed by the instant of its account's newest booking, not by the wall clock: until something is
booked after it, nothing can tell whether it is over.
"""

import hashlib
from dataclasses import astuple, dataclass
from datetime import datetime

import msgspec
from sqlalchemy import Connection

from noctule.metering.domain.months import Month
from noctule.metering.domain.usage import MonthRollup
from noctule.metering.store import months as store


@dataclass(frozen=True, slots=True)
class MonthView:
    """One month's figures. ``sealed_at`` is ``None`` while they may still change."""

    month: Month
    usage: MonthRollup
    sealed_at: datetime | None


def views(connection: Connection, account_id: str) -> list[MonthView]:
    """Every month of an account in which something happened, oldest first."""
    return [MonthView(month, rollup, sealed_at) for month, rollup, sealed_at in store.months(connection, account_id)]


def seal(connection: Connection, now: datetime) -> int:
    """Seal what can be sealed; answers how many months."""
    ripe = [
        (account_id, month.key, booked_at, digest(account_id, month, rollup))
        for account_id, month, rollup, booked_at in store.unsealed(connection, Month.of(now))
        if month.is_sealed(booked_at)
    ]
    store.seal(connection, ripe)
    return len(ripe)


def digest(account_id: str, month: Month, rollup: MonthRollup) -> str:
    """SHA-256 over everything that a month's figures say, in hex."""
    return hashlib.sha256(msgspec.json.encode([account_id, month.key, *astuple(rollup)])).hexdigest()
