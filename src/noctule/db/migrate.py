"""Bring a database to the newest schema; run at ``noctule serve`` before anything else touches it."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine

from noctule.kit.failpoints import failpoint

_SCRIPTS = Path(__file__).parent / "migrations"


def migrate(engine: Engine) -> None:
    """Apply every migration that is missing, all in one transaction: a kill leaves the old schema whole."""
    with engine.begin() as connection:
        config = alembic_config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        failpoint("migrate.before_commit")


def pending(engine: Engine) -> bool:
    """Whether the database is behind the code (or empty)."""
    with engine.connect() as connection:
        current = MigrationContext.configure(connection).get_current_revision()
    return current != ScriptDirectory.from_config(alembic_config()).get_current_head()


def alembic_config() -> Config:
    """Where the migrations are; the connection goes into ``attributes``."""
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS))
    return config
