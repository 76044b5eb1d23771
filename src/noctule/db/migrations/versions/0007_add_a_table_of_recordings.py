"""Add a table of recordings."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """To the new schema."""
    op.create_table(
        "recording",
        sa.Column("session_id", sa.String(length=36), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("video_start_ms", sa.BigInteger(), nullable=True),
        sa.Column("video_duration_ms", sa.BigInteger(), nullable=True),
        sa.Column("width", sa.Integer(), nullable=True),
        sa.Column("height", sa.Integer(), nullable=True),
        sa.Column("mp4_bytes", sa.BigInteger(), nullable=False),
        sa.Column("hls_bytes", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("session_id", name=op.f("pk_recording")),
    )
    op.create_index("ix_recording_expiry", "recording", ["state", "expires_at"], unique=False)


def downgrade() -> None:
    """Back to the old one."""
    op.drop_index("ix_recording_expiry", table_name="recording")
    op.drop_table("recording")
