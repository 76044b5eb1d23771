"""Add tables of profiles and of their objects."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """To the new schema."""
    op.create_table(
        "profile",
        sa.Column("id", sa.String(length=30), nullable=False),
        sa.Column("workspace_id", sa.String(length=36), nullable=False),
        sa.Column("key_id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("deleted_at", sa.BigInteger(), nullable=True),
        sa.Column("domains", sa.Text(), nullable=False),
        sa.Column("state_key", sa.Text(), nullable=True),
        sa.Column("archive_key", sa.Text(), nullable=True),
        sa.Column("save_error", sa.Text(), nullable=True),
        sa.Column("holder_id", sa.String(length=36), nullable=True),
        sa.Column("holder_instance_id", sa.String(length=36), nullable=True),
        sa.Column("holder_boot_id", sa.String(length=36), nullable=True),
        sa.Column("holder_until", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_profile")),
    )
    op.create_index("ix_profile_workspace", "profile", ["workspace_id", "created_at"], unique=False)
    op.create_index("ix_profile_holder", "profile", ["holder_id"], unique=False)
    op.create_table(
        "profile_object",
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("delete_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_profile_object")),
    )
    op.create_index("ix_profile_object_delete_at", "profile_object", ["delete_at"], unique=False)


def downgrade() -> None:
    """Back to the old one."""
    op.drop_index("ix_profile_object_delete_at", table_name="profile_object")
    op.drop_table("profile_object")
    op.drop_index("ix_profile_holder", table_name="profile")
    op.drop_index("ix_profile_workspace", table_name="profile")
    op.drop_table("profile")
