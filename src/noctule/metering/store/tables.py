"""The tables. Events, grants and the ledger are only ever added to; rollups can be rebuilt from them.

A usage event and the ledger transaction that pays for it share their ``id``; within one account ids
grow in the order of booking. There are no foreign keys on the hot tables: they double the price of a
charge, and ``audit`` looks for what they would forbid.
"""

from sqlalchemy import BigInteger, Column, Index, Integer, Table, Text, literal_column, or_

from noctule.db.schema import Instant, metadata

# Keys are compared byte by byte, so that a prefix is a range of the index on every database.
_KEY = Text().with_variant(Text(collation="C"), "postgresql")
_ID = BigInteger().with_variant(Integer(), "sqlite")

meter_account = Table(
    "meter_account",
    metadata,
    Column("id", Text, primary_key=True),
    Column("plan", Text, nullable=False),
    Column("plan_changes", Integer, nullable=False),
    Column("opened_at", Instant, nullable=False),
    Column("booked_at", Instant, nullable=False),
    # The credit of the month of ``booked_at``: what was there at its start and what came since.
    Column("month_credit_nanos", BigInteger, nullable=False, server_default="0"),
    # The highest share of it that was announced as spent, in percent.
    Column("noticed_percent", Integer, nullable=False, server_default="0"),
)

plan_period = Table(
    "plan_period",
    metadata,
    Column("account_id", Text, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("plan", Text, nullable=False),
    Column("began_at", Instant, nullable=False),
)

usage_event = Table(
    "usage_event",
    metadata,
    Column("id", _ID, primary_key=True, autoincrement=False),
    Column("key", _KEY, nullable=False, unique=True),
    Column("account_id", Text, nullable=False),
    Column("meter", Text, nullable=False),
    Column("occurred_at", Instant, nullable=False),
    Column("booked_at", Instant, nullable=False),
    # When a correction really occurred, in a month that was sealed by then; null for everything else.
    Column("origin_at", Instant),
    Column("position", BigInteger, nullable=False),
    Column("quantity", BigInteger, nullable=False),
    Column("unit", Text, nullable=False),
    Column("price_id", Text, nullable=False),
    Column("cost_nanos", BigInteger, nullable=False),
    Column("session_id", Text),
    Column("agent_id", Text),
    Column("function_run_id", Text),
    Column("api_key_id", Text),
    Column("tags", Text, nullable=False),
    Column("detail", Text),
    Column("function_id", Text),
)
# Minutes and bytes of a session are found by their keys; model calls and corrections need to be looked up by session.
LOOSE = or_(usage_event.c.meter == literal_column("'llm'", Text), usage_event.c.position < literal_column("0", Integer))
Index("ix_usage_event_loose", usage_event.c.session_id, sqlite_where=LOOSE, postgresql_where=LOOSE)

credit_grant = Table(
    "credit_grant",
    metadata,
    Column("id", Text, primary_key=True),
    Column("key", _KEY, nullable=False, unique=True),
    Column("account_id", Text, nullable=False, index=True),
    Column("bucket", Integer, nullable=False),
    Column("amount_nanos", BigInteger, nullable=False),
    Column("effective_at", Instant, nullable=False),
    Column("expires_at", Instant),
)

ledger_transaction = Table(
    "ledger_transaction",
    metadata,
    Column("id", _ID, primary_key=True, autoincrement=True),
    # Null where the transaction pays for an event: then its key is the event's, which has the same id.
    Column("key", _KEY, unique=True),
    Column("account_id", Text, nullable=False),
    Column("booked_at", Instant, nullable=False),
)

ledger_entry = Table(
    "ledger_entry",
    metadata,
    Column("transaction_id", BigInteger, primary_key=True, autoincrement=False),
    Column("account", Text, primary_key=True),
    Column("amount_nanos", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

grant_balance = Table(
    "grant_balance",
    metadata,
    Column("account_id", Text, primary_key=True),
    # ``grant:<id>``, or ``overage`` with what is owed as a negative amount.
    Column("account", Text, primary_key=True),
    Column("remaining_nanos", BigInteger, nullable=False),
)

usage_month = Table(
    "usage_month",
    metadata,
    Column("account_id", Text, primary_key=True),
    Column("month", Text, primary_key=True),
    Column("session_count", BigInteger, nullable=False),
    Column("function_count", BigInteger, nullable=False),
    Column("browser_nanos", BigInteger, nullable=False),
    Column("proxy_nanos", BigInteger, nullable=False),
    Column("llm_nanos", BigInteger, nullable=False),
    Column("function_nanos", BigInteger, nullable=False),
    Column("plan_granted_nanos", BigInteger, nullable=False),
    Column("topup_granted_nanos", BigInteger, nullable=False),
    Column("plan_spent_nanos", BigInteger, nullable=False),
    Column("topup_spent_nanos", BigInteger, nullable=False),
    Column("overage_nanos", BigInteger, nullable=False),
)

meter_lease = Table(
    "meter_lease",
    metadata,
    Column("lease_id", Text, primary_key=True),
    Column("account_id", Text, nullable=False),
    Column("meter", Text, nullable=False),
    Column("session_id", Text),
    Column("agent_id", Text),
    Column("function_run_id", Text),
    Column("api_key_id", Text),
    Column("tags", Text, nullable=False),
    Column("opened_at", Instant, nullable=False),
    Column("witnessed_microseconds", BigInteger, nullable=False),
    Column("paid_minutes", BigInteger, nullable=False),
    Column("proxied_bytes", BigInteger, nullable=False),
    Column("cost_nanos", BigInteger, nullable=False),
    Column("instance_id", Text, nullable=False),
    Column("boot_id", Text, nullable=False),
    Column("seen_at", Instant, nullable=False),
    Column("closed_at", Instant),
    Column("function_id", Text),
    sqlite_with_rowid=False,
)
Index(
    "ix_meter_lease_open",
    meter_lease.c.instance_id,
    sqlite_where=meter_lease.c.closed_at.is_(None),
    postgresql_where=meter_lease.c.closed_at.is_(None),
)

# What each session, agent, function, model and key used on a day: one row for all events that agree in everything but
# their instant. Absent ids are empty texts, since they are part of the key.
usage_day = Table(
    "usage_day",
    metadata,
    Column("account_id", Text, primary_key=True),
    Column("day", Text, primary_key=True),
    Column("meter", Text, primary_key=True),
    Column("session_id", Text, primary_key=True),
    Column("agent_id", Text, primary_key=True),
    Column("function_id", Text, primary_key=True),
    Column("function_run_id", Text, primary_key=True),
    Column("api_key_id", Text, primary_key=True),
    Column("model", Text, primary_key=True),
    Column("tags", Text, primary_key=True),
    Column("events", BigInteger, nullable=False),
    Column("quantity", BigInteger, nullable=False),
    Column("cost_nanos", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

budget = Table(
    "budget",
    metadata,
    Column("id", Text, primary_key=True),
    Column("account_id", Text, nullable=False),
    Column("name", Text, nullable=False),
    # workspace, key, tag, agent or session; the subject is its id, the tag's text, or empty for the workspace.
    Column("scope", Text, nullable=False),
    Column("subject", Text, nullable=False),
    # month or total.
    Column("period", Text, nullable=False),
    Column("limit_nanos", BigInteger, nullable=False),
    # warn or stop.
    Column("action", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("removed_at", Instant),
)
Index(
    "ix_budget_live",
    budget.c.account_id,
    sqlite_where=budget.c.removed_at.is_(None),
    postgresql_where=budget.c.removed_at.is_(None),
)
Index(
    "ix_budget_live_subject",
    budget.c.subject,
    sqlite_where=budget.c.removed_at.is_(None),
    postgresql_where=budget.c.removed_at.is_(None),
)

# What counts against a budget in one of its periods (YYYY-MM, or ``total``).
budget_period = Table(
    "budget_period",
    metadata,
    Column("budget_id", Text, primary_key=True),
    Column("period", Text, primary_key=True),
    Column("spent_nanos", BigInteger, nullable=False),
    Column("noticed_percent", Integer, nullable=False),
)

# A digest of a month's figures, made when the month was sealed: they must never change again.
month_seal = Table(
    "month_seal",
    metadata,
    Column("account_id", Text, primary_key=True),
    Column("month", Text, primary_key=True),
    Column("sealed_at", Instant, nullable=False),
    Column("digest", Text, nullable=False),
)
