"""Which schema a database has, and how to bring one to a given schema."""

from alembic import command
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from noctule.db.migrate import alembic_config


class NotOurs(RuntimeError):
    """The database holds no Noctule state, or that of a Noctule newer than this one."""


def head() -> str:
    """The revision of this code."""
    newest = _scripts().get_current_head()
    assert newest is not None, "there are migrations"
    return newest


def current(connection: Connection) -> str | None:
    """The revision of a database; ``None`` if it was never migrated."""
    return MigrationContext.configure(connection).get_current_revision()


def known(connection: Connection, what: str) -> str:
    """The revision of a database, which this code knows. Raises ``NotOurs``; ``what`` names it there."""
    revision = current(connection)
    if revision is None:
        raise NotOurs(f"{what} is not a database of Noctule's: it has no schema revision.")
    if revision not in {script.revision for script in _scripts().walk_revisions()}:
        raise NotOurs(f"{what} has the schema {revision}, and this Noctule knows {head()} at most: use a newer one.")
    return revision


def upgrade(connection: Connection, revision: str) -> None:
    """Apply the migrations that are missing up to a revision, in the caller's transaction."""
    config = alembic_config()
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(alembic_config())
