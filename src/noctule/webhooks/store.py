"""The outbox and its endpoints: rows in, domain out. Nothing here commits."""

from sqlalchemy import Column, Index, Integer, LargeBinary, String, Table, Text

from noctule.db.schema import Instant, metadata

webhook_endpoint = Table(
    "webhook_endpoint",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("workspace_id", String(36), nullable=False, index=True),
    Column("url", Text, nullable=False),
    # The types that it wants, as a JSON list; an empty one means all.
    Column("types", Text, nullable=False),
    Column("description", Text, nullable=False),
    # Sealed; the one before it still signs until ``previous_until``.
    Column("secret", LargeBinary, nullable=False),
    Column("previous_secret", LargeBinary),
    Column("previous_until", Instant),
    Column("created_at", Instant, nullable=False),
    Column("disabled_at", Instant),
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
    Column("delivered_at", Instant),
)
Index(
    "ix_webhook_delivery_due",
    webhook_delivery.c.next_attempt_at,
    sqlite_where=webhook_delivery.c.state == "pending",
    postgresql_where=webhook_delivery.c.state == "pending",
)
Index("ix_webhook_delivery_message", webhook_delivery.c.message_id)
