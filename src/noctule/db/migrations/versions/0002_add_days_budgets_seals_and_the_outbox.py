"""Add days, budgets, seals and the outbox."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """To the new schema."""
    op.create_table(
        "budget",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("limit_nanos", sa.BigInteger(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("removed_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_budget")),
    )
    for name, column in (("ix_budget_live", "account_id"), ("ix_budget_live_subject", "subject")):
        live = sa.text("removed_at IS NULL")
        op.create_index(name, "budget", [column], unique=False, sqlite_where=live, postgresql_where=live)
    op.create_table(
        "budget_period",
        sa.Column("budget_id", sa.Text(), nullable=False),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("spent_nanos", sa.BigInteger(), nullable=False),
        sa.Column("noticed_percent", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("budget_id", "period", name=op.f("pk_budget_period")),
    )
    op.create_table(
        "month_seal",
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("month", sa.Text(), nullable=False),
        sa.Column("sealed_at", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "month", name=op.f("pk_month_seal")),
    )
    op.create_table(
        "usage_day",
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("meter", sa.Text(), nullable=False),
        sa.Column("session_id", sa.Text(), nullable=False),
        sa.Column("agent_id", sa.Text(), nullable=False),
        sa.Column("function_id", sa.Text(), nullable=False),
        sa.Column("function_run_id", sa.Text(), nullable=False),
        sa.Column("api_key_id", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("tags", sa.Text(), nullable=False),
        sa.Column("events", sa.BigInteger(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("cost_nanos", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(
            "account_id",
            "day",
            "meter",
            "session_id",
            "agent_id",
            "function_id",
            "function_run_id",
            "api_key_id",
            "model",
            "tags",
            name=op.f("pk_usage_day"),
        ),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "webhook_delivery",
        sa.Column("endpoint_id", sa.String(length=36), nullable=False),
        sa.Column("message_id", sa.String(length=40), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", sa.BigInteger(), nullable=False),
        sa.Column("last_attempt_at", sa.BigInteger(), nullable=True),
        sa.Column("last_status", sa.Integer(), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("settled_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("endpoint_id", "message_id", name=op.f("pk_webhook_delivery")),
    )
    op.create_index(
        "ix_webhook_delivery_due",
        "webhook_delivery",
        ["next_attempt_at"],
        unique=False,
        sqlite_where=sa.text("state = 'pending'"),
        postgresql_where=sa.text("state = 'pending'"),
    )
    op.create_index(
        "ix_webhook_delivery_endpoint",
        "webhook_delivery",
        ["endpoint_id", "state", "next_attempt_at"],
        unique=False,
    )
    op.create_index("ix_webhook_delivery_message", "webhook_delivery", ["message_id"], unique=False)
    op.create_index(
        "ix_webhook_delivery_settled",
        "webhook_delivery",
        ["settled_at", "state"],
        unique=False,
        sqlite_where=sa.text("settled_at IS NOT NULL"),
        postgresql_where=sa.text("settled_at IS NOT NULL"),
    )
    op.create_table(
        "webhook_endpoint",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("workspace_id", sa.String(length=36), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("types", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("secrets", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("served_at", sa.BigInteger(), nullable=False),
        sa.Column("disabled_at", sa.BigInteger(), nullable=True),
        sa.Column("disabled_reason", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_endpoint")),
    )
    op.create_index(op.f("ix_webhook_endpoint_workspace_id"), "webhook_endpoint", ["workspace_id"], unique=False)
    op.create_table(
        "webhook_message",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("workspace_id", sa.String(length=36), nullable=False),
        sa.Column("type", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_message")),
        sa.UniqueConstraint("key", name=op.f("uq_webhook_message_key")),
    )
    op.create_index("ix_webhook_message_workspace", "webhook_message", ["workspace_id", "created_at"], unique=False)
    op.add_column("api_key", sa.Column("scope", sa.String(length=16), server_default="workspace", nullable=False))
    op.add_column("meter_account", sa.Column("month_credit_nanos", sa.BigInteger(), server_default="0", nullable=False))
    op.add_column("meter_account", sa.Column("noticed_percent", sa.Integer(), server_default="0", nullable=False))
    op.add_column("meter_lease", sa.Column("function_id", sa.Text(), nullable=True))
    op.add_column("session", sa.Column("tags", sa.Text(), server_default="[]", nullable=False))
    op.add_column("usage_event", sa.Column("function_id", sa.Text(), nullable=True))
    op.drop_index("ix_usage_event_llm_session", table_name="usage_event")
    loose = sa.text("meter = 'llm' OR position < 0")
    op.create_index("ix_usage_event_loose", "usage_event", ["session_id"], sqlite_where=loose, postgresql_where=loose)
    _fill_days()
    _fill_month_credit()


def downgrade() -> None:
    """Back to the old one."""
    op.drop_index("ix_usage_event_loose", table_name="usage_event")
    calls = sa.text("meter = 'llm'")
    op.create_index(
        "ix_usage_event_llm_session", "usage_event", ["session_id"], sqlite_where=calls, postgresql_where=calls
    )
    op.drop_column("usage_event", "function_id")
    op.drop_column("session", "tags")
    op.drop_column("meter_lease", "function_id")
    op.drop_column("meter_account", "noticed_percent")
    op.drop_column("meter_account", "month_credit_nanos")
    op.drop_column("api_key", "scope")
    op.drop_index("ix_webhook_message_workspace", table_name="webhook_message")
    op.drop_table("webhook_message")
    op.drop_index(op.f("ix_webhook_endpoint_workspace_id"), table_name="webhook_endpoint")
    op.drop_table("webhook_endpoint")
    op.drop_index(
        "ix_webhook_delivery_settled",
        table_name="webhook_delivery",
        sqlite_where=sa.text("settled_at IS NOT NULL"),
        postgresql_where=sa.text("settled_at IS NOT NULL"),
    )
    op.drop_index("ix_webhook_delivery_message", table_name="webhook_delivery")
    op.drop_index("ix_webhook_delivery_endpoint", table_name="webhook_delivery")
    op.drop_index(
        "ix_webhook_delivery_due",
        table_name="webhook_delivery",
        sqlite_where=sa.text("state = 'pending'"),
        postgresql_where=sa.text("state = 'pending'"),
    )
    op.drop_table("webhook_delivery")
    op.drop_table("usage_day")
    op.drop_table("month_seal")
    op.drop_table("budget_period")
    op.drop_index("ix_budget_live_subject", table_name="budget")
    op.drop_index("ix_budget_live", table_name="budget")
    op.drop_table("budget")


def _fill_days() -> None:
    """What was used on each day, from the events that are there."""
    if op.get_bind().dialect.name == "sqlite":
        day, model = "date(occurred_at / 1000000, 'unixepoch')", "json_extract(detail, '$.model')"
    else:
        day = "to_char(to_timestamp(occurred_at / 1000000) AT TIME ZONE 'UTC', 'YYYY-MM-DD')"
        model = "CAST(detail AS json) ->> 'model'"
    op.execute(
        "INSERT INTO usage_day (account_id, day, meter, session_id, agent_id, function_id, function_run_id,"
        " api_key_id, model, tags, events, quantity, cost_nanos)"
        f" SELECT account_id, {day}, meter, coalesce(session_id, ''), coalesce(agent_id, ''), '',"
        f" coalesce(function_run_id, ''), coalesce(api_key_id, ''), coalesce({model}, ''), tags,"
        " count(*), sum(quantity), sum(cost_nanos)"
        " FROM usage_event GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10"
    )


def _fill_month_credit() -> None:
    """The credit of each account's month: what was left at its start, and what came since."""
    if op.get_bind().dialect.name == "sqlite":
        month = "strftime('%Y-%m', booked_at / 1000000, 'unixepoch')"
    else:
        month = "to_char(to_timestamp(booked_at / 1000000) AT TIME ZONE 'UTC', 'YYYY-MM')"
    op.execute(
        "UPDATE meter_account SET month_credit_nanos = coalesce(("
        f"SELECT sum(CASE WHEN month = {month} THEN plan_granted_nanos + topup_granted_nanos"
        " ELSE topup_granted_nanos - topup_spent_nanos + overage_nanos END)"
        f" FROM usage_month WHERE account_id = meter_account.id AND month <= {month}), 0)"
    )
