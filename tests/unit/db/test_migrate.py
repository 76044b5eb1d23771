"""Migrations, on both engines."""

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

import noctule.app.running  # noqa: F401  (every store registers its tables)
from noctule.db.engine import Database
from noctule.db.migrate import migrate, pending
from noctule.db.schema import metadata


def test_the_migrations_make_the_tables_that_the_stores_describe(database: Database) -> None:
    with database.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_an_empty_database_is_pending_and_a_migrated_one_is_not(empty_database_url: str) -> None:
    database = Database(empty_database_url)
    assert pending(database.engine)
    migrate(database.engine)
    assert not pending(database.engine)
    migrate(database.engine)
    database.close()
