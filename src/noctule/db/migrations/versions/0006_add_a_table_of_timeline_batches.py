"""Add a table of timeline batches."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """To the new schema."""
    op.create_table(
        "timeline_batch",
        sa.Column("session_id", sa.String(length=36), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("first_at", sa.BigInteger(), nullable=False),
        sa.Column("last_at", sa.BigInteger(), nullable=False),
        sa.Column("counts", sa.Text(), nullable=False),
        sa.Column("timeline_bytes", sa.BigInteger(), nullable=False),
        sa.Column("network_bytes", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("session_id", "number", name=op.f("pk_timeline_batch")),
    )
    op.create_index("ix_timeline_batch_created_at", "timeline_batch", ["created_at"])


def downgrade() -> None:
    """Back to the old one."""
    op.drop_index("ix_timeline_batch_created_at", "timeline_batch")
    op.drop_table("timeline_batch")
