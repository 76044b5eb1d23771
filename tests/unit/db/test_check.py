"""What is found in a database that is not as it should be."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from noctule.db import revisions
from noctule.db.check import examine, require_sound
from noctule.db.connect import snapshot
from noctule.db.engine import Database
from noctule.db.files import file_engine
from tests.support.units import read, write
from tests.unit.db.books import STEPS, fill


def test_a_sound_database_is_found_sound_and_counted(database: Database) -> None:
    write(database, fill)
    found = read(database, examine)
    assert [check.problems for check in found.checks] == [(), (), ()]
    assert found.ok
    assert found.is_current
    assert (found.rows["session_step"], found.revision) == (STEPS, revisions.head())


@pytest.mark.parametrize(
    ("change", "name", "words"),
    [
        ("ALTER TABLE workspace ADD COLUMN stranger INTEGER", "schema", "stranger"),
        ("DROP INDEX ix_session_status", "schema", "ix_session_status"),
        ("UPDATE alembic_version SET version_num = '0001'", "schema", "its revision is 0001"),
        ("DROP TABLE alembic_version", "schema", "never migrated"),
    ],
)
def test_a_schema_that_is_another_one_is_found(empty_database_url: str, change: str, name: str, words: str) -> None:
    database = Database(empty_database_url)
    with database.engine.begin() as connection:
        revisions.upgrade(connection, revisions.head())
    with database.engine.begin() as connection:
        connection.execute(text(change))
    found = read(database, examine)
    database.close()
    assert not found.ok
    assert [check.name for check in found.checks if not check.ok] == [name]
    assert any(words in problem for check in found.checks for problem in check.problems)


def _orphan_on_sqlite(connection: Connection) -> None:
    connection.execute(text("DELETE FROM session"))


def _orphan_on_postgres(connection: Connection) -> None:
    connection.execute(text("SET LOCAL session_replication_role = replica"))
    connection.execute(text("DELETE FROM session"))


def test_a_reference_to_nothing_is_found(database: Database) -> None:
    write(database, fill)
    orphan: Callable[[Connection], None] = _orphan_on_sqlite if database.is_sqlite else _orphan_on_postgres
    with database.engine.connect() as connection:
        if database.is_sqlite:
            connection.connection.driver_connection.execute("PRAGMA foreign_keys=OFF")  # type: ignore[union-attr]
        with connection.begin():
            orphan(connection)
        if database.is_sqlite:
            connection.connection.driver_connection.execute("PRAGMA foreign_keys=ON")  # type: ignore[union-attr]
    found = read(database, examine)
    assert [check.name for check in found.checks if not check.ok] == ["references"]
    with pytest.raises(RuntimeError, match=r"is not sound: .*session"):
        read(database, lambda connection: require_sound(connection, "It", revisions.head(), {}))


def test_a_damaged_page_is_found(migrated_sqlite: Path, tmp_path: Path) -> None:
    path = tmp_path / "damaged.db"
    path.write_bytes(migrated_sqlite.read_bytes())
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")
        page = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'ix_session_status'").fetchone()[0]
        size = connection.execute("PRAGMA page_size").fetchone()[0]
    content = bytearray(path.read_bytes())
    content[(page - 1) * size : page * size] = b"\xa5" * size
    path.write_bytes(content)
    with snapshot(file_engine(path)) as connection:
        found = examine(connection)
    assert next(check.name for check in found.checks if not check.ok) == "storage"


def test_a_copy_with_other_rows_or_another_schema_is_not_sound(database: Database) -> None:
    with pytest.raises(RuntimeError, match="workspace has 0 rows, not 1"):
        read(database, lambda connection: require_sound(connection, "It", revisions.head(), {"workspace": 1}))
    with pytest.raises(RuntimeError, match="its schema is"):
        read(database, lambda connection: require_sound(connection, "It", "0001", {}))
