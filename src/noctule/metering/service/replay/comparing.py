"""The books as they are, against the books as they came out: every figure that differs, one by one.

Rows are matched by what they are about, never by their numbers, which another order of accounts would change. The
database of the replayed books is the main one of the connection here, the copy of the live ones is attached.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields

from sqlalchemy import Connection, Engine

from noctule.kit.errors import NotFound
from noctule.metering.domain.budgets import TOTAL
from noctule.metering.domain.months import Month
from noctule.metering.domain.usage import MonthRollup, Usage
from noctule.metering.service.metering import Metering
from noctule.metering.service.months import digest
from noctule.metering.store import budgets, months, reading
from noctule.metering.store.quick import instant


@dataclass(frozen=True, slots=True)
class Difference:
    """One figure that came out differently. ``None`` stands for a row that is not there, or for no value."""

    table: str
    key: str
    column: str
    live: str | None
    replayed: str | None


@dataclass(frozen=True, slots=True)
class _Rows:
    """How the rows of a table are matched and which of their columns are held against each other.

    ``counts``: its columns are sums, so a row of zeros may as well not be there: a booking that changed nothing may
    have left it.
    """

    table: str
    key: tuple[str, ...]
    columns: tuple[str, ...]
    counts: bool = False


_DAY = ("account_id", "day", "meter", "session_id", "agent_id", "function_id", "function_run_id", "api_key_id", "model")
_ROWS = (
    _Rows("usage_event", ("key",), ("account_id", "occurred_at", "booked_at", "origin_at", "cost_nanos")),
    _Rows("credit_grant", ("key",), ("id", "account_id", "bucket", "amount_nanos", "effective_at", "expires_at")),
    _Rows("plan_period", ("account_id", "number"), ("plan", "began_at")),
    _Rows("meter_account", ("id",), ("plan", "plan_changes", "opened_at", "booked_at", "month_credit_nanos")),
    _Rows("grant_balance", ("account_id", "account"), ("remaining_nanos",), counts=True),
    _Rows("usage_month", ("account_id", "month"), tuple(each.name for each in fields(MonthRollup)), counts=True),
    _Rows("usage_day", (*_DAY, "tags"), ("events", "quantity", "cost_nanos")),
)

_POSTINGS = """
CREATE TEMP TABLE {name}_posting AS
SELECT key, id, account_id, booked_at, lag(key) OVER (PARTITION BY account_id ORDER BY id) AS follows
FROM (SELECT coalesce(t.key, e.key, 'transaction ' || t.id) AS key, t.id, t.account_id, t.booked_at
      FROM {schema}.ledger_transaction t LEFT JOIN {schema}.usage_event e ON e.id = t.id)
"""
_ENTRIES = """
SELECT here.key, e.account, e.amount_nanos, other_e.amount_nanos
FROM {here}_posting here
JOIN {here_schema}.ledger_entry e ON e.transaction_id = here.id
JOIN {other}_posting other ON other.key = here.key
LEFT JOIN {other_schema}.ledger_entry other_e ON other_e.transaction_id = other.id AND other_e.account = e.account
WHERE {where}
ORDER BY here.id, e.account
"""
# What a lease's own events come to. Corrections have no place in a chain and belong to no lease.
_LEASES = """
CREATE TEMP TABLE replayed_lease AS
SELECT substr(subject, 1, instr(subject, ':') - 1) AS lease_id,
       sum(CASE meter WHEN 'proxy' THEN 0 ELSE quantity END) AS paid_minutes,
       sum(CASE meter WHEN 'proxy' THEN quantity ELSE 0 END) AS proxied_bytes,
       sum(cost_nanos) AS cost_nanos
FROM (SELECT meter, quantity, cost_nanos, substr(key, length(meter) + 2) AS subject
      FROM main.usage_event WHERE position >= 0 AND meter <> 'llm')
GROUP BY 1
"""


def differences(
    live: Connection,
    replayed: Connection,
    live_meter: Metering,
    replayed_meter: Metering,
    render: Callable[[Usage], str],
) -> Iterator[Difference]:
    """Every figure that differs, table by table.

    The copy of the live books is attached to ``replayed`` as ``live``. The meters stand on one instant, and
    ``render`` turns a month's usage into the reply that a client gets.
    """
    yield from _ledger(replayed)
    for rows in _ROWS:
        yield from _differing(replayed, rows, f"live.{rows.table}", f"main.{rows.table}")
    yield from _leases(replayed)
    yield from _budgets(live, replayed)
    yield from _seals(live, replayed)
    yield from _replies(live, replayed, live_meter, replayed_meter, render)


def attach(engine: Engine, replayed: Connection) -> None:
    """Let ``replayed`` see the database of ``engine`` as ``live``."""
    replayed.exec_driver_sql("ATTACH ? AS live", (engine.url.database,))


def _ledger(link: Connection) -> Iterator[Difference]:
    for name, schema in (("live", "live"), ("replayed", "main")):
        link.exec_driver_sql(_POSTINGS.format(name=name, schema=schema))
        link.exec_driver_sql(f"CREATE UNIQUE INDEX temp.{name}_posting_key ON {name}_posting (key)")
    rows = _Rows("ledger_transaction", ("key",), ("account_id", "booked_at", "follows"))
    yield from _differing(link, rows, "live_posting", "replayed_posting")
    here = {"here": "live", "here_schema": "live", "other": "replayed", "other_schema": "main"}
    differ = _ENTRIES.format(where="e.amount_nanos IS NOT other_e.amount_nanos", **here)
    for key, account, mine, theirs in link.exec_driver_sql(differ):
        yield Difference("ledger_entry", f"{key} {account}", "amount_nanos", _text(mine), _text(theirs))
    there = {"here": "replayed", "here_schema": "main", "other": "live", "other_schema": "live"}
    for key, account, theirs, _ in link.exec_driver_sql(_ENTRIES.format(where="other_e.account IS NULL", **there)):
        yield Difference("ledger_entry", f"{key} {account}", "amount_nanos", None, _text(theirs))


def _differing(link: Connection, rows: _Rows, live: str, replayed: str) -> Iterator[Difference]:
    """Rows that one side lacks, and values that differ, in the order of their keys."""
    first = rows.key[0]
    keys = ", ".join(f"l.{name}" for name in rows.key)
    same_key = " AND ".join(f"l.{name} = r.{name}" for name in rows.key)
    values = [(f"l.{name}", f"r.{name}") for name in rows.columns]
    if rows.counts:
        values = [(f"coalesce({mine}, 0)", f"coalesce({theirs}, 0)") for mine, theirs in values]
    differ = " OR ".join(f"{mine} IS NOT {theirs}" for mine, theirs in values)
    if not rows.counts:
        differ = f"r.{first} IS NULL OR {differ}"
    lost = "FALSE" if rows.counts else f"r.{first} IS NULL"
    new = "FALSE" if rows.counts else "TRUE"
    absent = " OR ".join(f"r.{name} <> 0" for name in rows.columns) if rows.counts else "TRUE"
    none = "0" if rows.counts else "NULL"
    order = ", ".join(str(number) for number in range(1, len(rows.key) + 1))
    query = (
        f"SELECT {keys}, FALSE, {lost}, {', '.join(f'{mine}, {theirs}' for mine, theirs in values)}"
        f" FROM {live} l LEFT JOIN {replayed} r ON {same_key} WHERE {differ}"
        f" UNION ALL SELECT {keys.replace('l.', 'r.')}, {new}, FALSE,"
        f" {', '.join(f'{none}, r.{name}' for name in rows.columns)} FROM {replayed} r"
        f" WHERE ({absent}) AND NOT EXISTS (SELECT 1 FROM {live} l WHERE {same_key}) ORDER BY {order}"
    )
    for row in link.exec_driver_sql(query):
        name = " ".join(str(part) for part in row[: len(rows.key)] if part != "")
        is_new, is_lost, *pairs = row[len(rows.key) :]
        if is_new or is_lost:
            yield Difference(rows.table, name, "row", None if is_new else "there", None if is_lost else "there")
        for column, mine, theirs in zip(rows.columns, pairs[::2], pairs[1::2], strict=True):
            if mine != theirs and not (is_new or is_lost):
                yield Difference(rows.table, name, column, _shown(column, mine), _shown(column, theirs))


def _leases(link: Connection) -> Iterator[Difference]:
    link.exec_driver_sql(_LEASES)
    link.exec_driver_sql("CREATE UNIQUE INDEX temp.replayed_lease_id ON replayed_lease (lease_id)")
    rows = _Rows("meter_lease", ("lease_id",), ("paid_minutes", "proxied_bytes", "cost_nanos"))
    yield from _differing(link, rows, "live.meter_lease", "replayed_lease")


def _budgets(live: Connection, replayed: Connection) -> Iterator[Difference]:
    for account in reading.accounts(live):
        current = Month.of(account.booked_at)
        for book in budgets.of_account(live, account.id, account.booked_at):
            budget = book.budget
            for period in sorted({*book.periods, budget.period_of(current)}):
                month = None if period == TOTAL else Month.from_key(period)
                if month is not None and month < Month.of(budget.created_at):
                    # What came late for a month before the budget's own.
                    continue
                noted = book.periods[period].spent_nanos if period in book.periods else 0
                spent = budgets.spent(replayed, budget, month)
                if noted != spent:
                    yield Difference(
                        "budget_period", f"{budget.id} {period}", "spent_nanos", _text(noted), _text(spent)
                    )


def _seals(live: Connection, replayed: Connection) -> Iterator[Difference]:
    rollups = reading.rollups(replayed)
    for (account_id, month), sealed in sorted(months.seals(live).items()):
        made = digest(account_id, month, rollups.get((account_id, month), MonthRollup()))
        if made != sealed:
            yield Difference("month_seal", f"{account_id} {month.key}", "digest", sealed, made)


def _replies(
    live: Connection,
    replayed: Connection,
    live_meter: Metering,
    replayed_meter: Metering,
    render: Callable[[Usage], str],
) -> Iterator[Difference]:
    for account in reading.accounts(live):
        month = Month.of(account.opened_at)
        last = live_meter.usage(live, account.id, None).month
        while month <= last:
            mine = render(live_meter.usage(live, account.id, month))
            try:
                theirs = render(replayed_meter.usage(replayed, account.id, month))
            except NotFound:
                theirs = None
            if mine != theirs:
                yield Difference("GET /usage", f"{account.id} {month.key}", "reply", mine, theirs)
            month = month.next


def _shown(column: str, value: object) -> str | None:
    return instant(value).isoformat() if column.endswith("_at") and isinstance(value, int) else _text(value)


def _text(value: object) -> str | None:
    return None if value is None else str(value)
