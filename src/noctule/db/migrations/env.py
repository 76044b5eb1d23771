"""Alembic's entry: runs the migrations on the connection that ``migrate`` hands over."""

from typing import Any, Literal

from alembic import context

from noctule.db.schema import Instant, Json, metadata


def render(kind: str, item: Any, _: Any) -> str | Literal[False]:
    """Our column types as what they are in the database, so that no migration depends on later code."""
    if kind == "type" and isinstance(item, Instant):
        return "sa.BigInteger()"
    if kind == "type" and isinstance(item, Json):
        return "sa.Text()"
    return False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_item=render,
)
with context.begin_transaction():
    context.run_migrations()
