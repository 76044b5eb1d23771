"""The books as plain rows, read past the code that writes them, and the meter's own audit beside them.

Everything comes from one snapshot, so a server may be at work meanwhile.
"""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, text

from noctule.metering.service import AuditReport, Metering

_TOP_UP = "grant:topup:"


@dataclass(frozen=True, slots=True)
class SessionFacts:
    """What is written down about one session; instants are microseconds since 1970."""

    workspace_id: str
    status: str
    activated_at: int | None
    closed_at: int | None
    close_reason: str | None
    steps: int


@dataclass(slots=True)
class Facts:
    """What is written down. ``minutes`` has each booked minute's (number, cost, payments) by session, ``ranges`` each
    booked range of proxied bytes as (first byte, bytes, cost, payments), ``top_ups`` (account, amount) by key."""

    sessions: dict[str, SessionFacts] = field(default_factory=dict)
    minutes: dict[str, list[tuple[int, int, int]]] = field(default_factory=lambda: defaultdict(list))
    ranges: dict[str, list[tuple[int, int, int, int]]] = field(default_factory=lambda: defaultdict(list))
    open_leases: set[str] = field(default_factory=set)
    top_ups: dict[str, tuple[str, int]] = field(default_factory=dict)
    violations: tuple[str, ...] = ()
    events: int = 0

    def cost_nanos(self, session_id: str) -> int:
        """What the session's minutes and bytes came to."""
        return sum(cost for _, cost, _ in self.minutes.get(session_id, ())) + sum(
            cost for _, _, cost, _ in self.ranges.get(session_id, ())
        )

    def finished(self) -> dict[str, tuple[Any, ...]]:
        """Everything about the sessions that are over, none of which may ever change again."""
        return {
            id: (session, tuple(self.minutes.get(id, ())), tuple(self.ranges.get(id, ())))
            for id, session in self.sessions.items()
            if session.closed_at is not None
        }


def facts(metering: Metering) -> Callable[[Connection], Facts]:
    """A step that reads everything there is."""

    def step(connection: Connection) -> Facts:
        found = Facts()
        _sessions(connection, found)
        _events(connection, found)
        leases = connection.execute(text("SELECT lease_id FROM meter_lease WHERE closed_at IS NULL"))
        found.open_leases = set(leases.scalars())
        grants = connection.execute(text("SELECT key, account_id, amount_nanos FROM credit_grant"))
        found.top_ups = {
            key.removeprefix(_TOP_UP): (account_id, amount)
            for key, account_id, amount in grants
            if key.startswith(_TOP_UP)
        }
        found.violations = violations(metering.audit(connection))
        return found

    return step


def violations(report: AuditReport) -> tuple[str, ...]:
    """Whatever an audit found, in words."""
    return tuple(f"{check.name}: {'; '.join(check.violations)}" for check in report.checks if not check.ok)


def _sessions(connection: Connection, found: Facts) -> None:
    steps = connection.execute(text("SELECT session_id, count(*) FROM session_step GROUP BY session_id"))
    count = {row[0]: row[1] for row in steps}
    rows = connection.execute(
        text("SELECT id, workspace_id, status, activated_at, closed_at, close_reason FROM session")
    )
    for row in rows:
        found.sessions[row[0]] = SessionFacts(row[1], row[2], row[3], row[4], row[5], count.get(row[0], 0))


def _events(connection: Connection, found: Facts) -> None:
    rows = connection.execute(
        text(
            "SELECT e.meter, e.session_id, e.position, e.quantity, e.cost_nanos, count(t.id)"
            " FROM usage_event e LEFT JOIN ledger_transaction t ON t.id = e.id"
            " WHERE e.meter IN ('browser', 'proxy') AND e.position >= 0"
            " GROUP BY e.id, e.meter, e.session_id, e.position, e.quantity, e.cost_nanos"
            " ORDER BY e.session_id, e.position"
        )
    )
    for meter, session_id, position, quantity, cost_nanos, payments in rows:
        found.events += 1
        if meter == "browser":
            found.minutes[session_id].append((position, cost_nanos, payments))
        else:
            found.ranges[session_id].append((position, quantity, cost_nanos, payments))
