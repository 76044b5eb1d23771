"""A million charges as the meter would have booked them, for benchmarks that read.

Events, ledger, leases and every rollup are inserted in bulk and agree with each other: the audit finds
nothing, or the benchmark must not be believed.
"""

from datetime import datetime, timedelta

from sqlalchemy import Connection

from noctule.db import bulk
from noctule.metering.book import PriceBook
from noctule.metering.service import Meter, Month
from noctule.metering.store.tables import ledger_entry, ledger_transaction, meter_lease, usage_day, usage_event

_KEYS = 20
_AGENTS = 50
_TAGS = ('["team-a"]', '["team-b"]', '["team-a","night"]', "[]")


def fill(
    connection: Connection, account_id: str, events: int, *, at: datetime, minutes: int, spread: bool = False
) -> None:
    """So many browser minutes at the instant ``at``, of sessions of ``minutes`` minutes each, in an account
    with one grant and nothing used so far.

    ``spread``: over the days of the month up to ``at``, and over keys, agents and tags.
    """
    sessions = events // minutes
    price = PriceBook.built_in().price(Meter.BROWSER, at)
    costs = [price.cost(minute, 1) for minute in range(minutes)]
    booked = bulk.micros(at)
    ((grant,),) = connection.exec_driver_sql("SELECT id FROM credit_grant").all()
    (newest,) = connection.exec_driver_sql("SELECT max(id) FROM ledger_transaction").one()
    id = int(newest)
    days = (at - Month.of(at).start).days if spread else 0
    for number in range(sessions):
        name = f"session-{number:08d}"
        day = at - timedelta(days=number % (days + 1))
        occurred = bulk.micros(day)
        agent = f"agent-{number % _AGENTS}" if spread and number % 3 else None
        key = f"key-{number % _KEYS}" if spread else None
        tags = _TAGS[number % len(_TAGS)] if spread else "[]"
        rows: list[bulk.Row] = []
        transactions: list[bulk.Row] = []
        entries: list[bulk.Row] = []
        for minute, cost in enumerate(costs):
            id += 1
            fixed = (minute, 1, "minute", price.id, cost, name, agent, None, key, tags, None, None)
            rows.append((id, f"browser:{name}:{minute}", account_id, "browser", occurred, booked, None, *fixed))
            transactions.append((id, None, account_id, booked))
            entries += ((id, "revenue:browser", cost), (id, f"grant:{grant}", -cost))
        bulk.insert(connection, usage_event, rows)
        bulk.insert(connection, ledger_transaction, transactions)
        bulk.insert(connection, ledger_entry, entries)
        used = (minutes * 60_000_000, minutes, 0, sum(costs), "bench", "bench", booked, booked)
        lease = (name, account_id, "browser", name, agent, None, key, tags, occurred, *used, None)
        bulk.insert(connection, meter_lease, [lease])
        ids = (name, agent or "", "", "", key or "", "", tags)
        figures = (minutes, minutes, sum(costs))
        bulk.insert(connection, usage_day, [(account_id, f"{day:%Y-%m-%d}", "browser", *ids, *figures)])
    total = sum(costs) * sessions
    connection.exec_driver_sql(
        "UPDATE usage_month SET session_count = ?, browser_nanos = ?, plan_spent_nanos = ?", (sessions, total, total)
    )
    connection.exec_driver_sql("UPDATE grant_balance SET remaining_nanos = remaining_nanos - ?", (total,))
    connection.exec_driver_sql("UPDATE meter_account SET booked_at = ?", (booked,))
