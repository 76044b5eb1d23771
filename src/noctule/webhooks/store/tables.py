"""The tables of endpoints, messages and deliveries."""

from sqlalchemy import Column, Index, Integer, LargeBinary, String, Table, Text

from noctule.db.schema import Instant, Json, metadata

webhook_endpoint = Table(
    "webhook_endpoint",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("workspace_id", String(36), nullable=False, index=True),
    Column("url", Text, nullable=False),
    # The types that it wants; an empty list means all.
    Column("types", Json, nullable=False),
    Column("description", Text, nullable=False),
    # Sealed: the current one, and those before it that still sign.
    Column("secrets", LargeBinary, nullable=False),
    Column("created_at", Instant, nullable=False),
    # When one of its deliveries was last claimed: whoever waited longest is served first.
    Column("served_at", Instant, nullable=False),
    Column("disabled_at", Instant),
    Column("disabled_reason", Text),
)

webhook_message = Table(
    "webhook_message",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("key", Text, nullable=False, unique=True),
    Column("workspace_id", String(36), nullable=False),
    Column("type", String(64), nullable=False),
    Column("created_at", Instant, nullable=False),
    # The very text that is signed and sent.
    Column("body", Text, nullable=False),
    Index("ix_webhook_message_workspace", "workspace_id", "created_at"),
)

webhook_delivery = Table(
    "webhook_delivery",
    metadata,
    Column("endpoint_id", String(36), primary_key=True),
    Column("message_id", String(40), primary_key=True),
    # pending, delivered or dead.
    Column("state", String(16), nullable=False),
    Column("attempts", Integer, nullable=False),
    # When it is tried next; a server that tries it moves this on first, so that no other tries it meanwhile.
    Column("next_attempt_at", Instant, nullable=False),
    Column("last_attempt_at", Instant),
    Column("last_status", Integer),
    Column("last_error", Text),
    # When it became delivered or dead.
    Column("settled_at", Instant),
)
Index(
    "ix_webhook_delivery_due",
    webhook_delivery.c.next_attempt_at,
    sqlite_where=webhook_delivery.c.state == "pending",
    postgresql_where=webhook_delivery.c.state == "pending",
)
Index(
    "ix_webhook_delivery_endpoint",
    webhook_delivery.c.endpoint_id,
    webhook_delivery.c.state,
    webhook_delivery.c.next_attempt_at,
)
Index("ix_webhook_delivery_message", webhook_delivery.c.message_id)
Index(
    "ix_webhook_delivery_settled",
    webhook_delivery.c.settled_at,
    webhook_delivery.c.state,
    sqlite_where=webhook_delivery.c.settled_at.is_not(None),
    postgresql_where=webhook_delivery.c.settled_at.is_not(None),
)
