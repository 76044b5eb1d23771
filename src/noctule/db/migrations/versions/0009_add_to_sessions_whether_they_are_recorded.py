"""Add to sessions whether they are recorded."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """To the new schema."""
    op.add_column("session", sa.Column("is_recorded", sa.Boolean(), server_default=sa.false(), nullable=False))


def downgrade() -> None:
    """Back to the old one."""
    op.drop_column("session", "is_recorded")
