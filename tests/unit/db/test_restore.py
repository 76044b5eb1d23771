"""Backups back into either database, from either."""

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Connection, insert, text

from noctule.db import revisions
from noctule.db.backup import back_up, key_beside
from noctule.db.engine import Database
from noctule.db.files import file_engine
from noctule.db.migrate import migrate
from noctule.db.restore import restore
from noctule.db.schema import metadata
from noctule.metering.book import PriceBook
from noctule.metering.service import LeaseOpening, Metering
from tests.support.clock import FrozenClock
from tests.support.units import read, write
from tests.unit.db.books import AT, SESSION, WORKSPACE, contents, fill

_HOLD = """
import sys
from noctule.db.engine import Database
connection = Database(sys.argv[1]).engine.connect()
connection.exec_driver_sql("SELECT 1 FROM workspace")
print("open", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """Where the key of the data folder would be."""
    return tmp_path / "data" / "secret.key"


@pytest.fixture
def backup(migrated_sqlite: Path, tmp_path: Path) -> Path:
    """A backup with rows in it."""
    path = tmp_path / "source.db"
    path.write_bytes(migrated_sqlite.read_bytes())
    database = Database(f"sqlite:///{path}")
    write(database, fill)
    made = back_up(f"sqlite:///{path}", tmp_path / "backup.db")
    database.close()
    return made.file


@contextmanager
def _opened(url: str) -> Iterator[Database]:
    database = Database(url)
    try:
        yield database
    finally:
        database.close()


def _file_contents(file: Path) -> dict[str, list[tuple[object, ...]]]:
    with file_engine(file).connect() as connection, connection.begin():
        return contents(connection)


def test_a_restored_database_has_every_row_and_goes_on(backup: Path, empty_database_url: str, secret: Path) -> None:
    done = restore(backup, empty_database_url, secret=secret)
    assert (done.revision, done.migrated_from, done.has_key) == (revisions.head(), None, False)
    with _opened(empty_database_url) as database:
        assert read(database, contents) == _file_contents(backup)
        transaction = {"account_id": WORKSPACE, "booked_at": AT, "key": "after"}
        write(
            database, lambda connection: connection.execute(insert(metadata.tables["ledger_transaction"]), transaction)
        )
        newest = "SELECT id FROM ledger_transaction WHERE key = 'after'"
        assert read(database, lambda connection: connection.execute(text(newest)).scalar_one()) == 4


def test_what_goes_from_one_database_to_the_other_and_back_is_the_same(
    backup: Path, postgres_url: str, tmp_path: Path, secret: Path
) -> None:
    restore(backup, postgres_url, secret=secret)
    again = back_up(postgres_url, tmp_path / "again.db").file
    restore(again, f"sqlite:///{tmp_path / 'home' / 'noctule.db'}", secret=secret)
    assert _file_contents(again) == _file_contents(tmp_path / "home" / "noctule.db") == _file_contents(backup)


def test_a_database_with_tables_but_no_rows_is_empty(backup: Path, database_url: str, secret: Path) -> None:
    restore(backup, database_url, secret=secret)
    with _opened(database_url) as database:
        assert read(database, contents) == _file_contents(backup)


def test_a_database_with_rows_is_replaced_only_if_that_is_wanted(backup: Path, database_url: str, secret: Path) -> None:
    stranger = {"id": "other", "name": "other", "created_at": AT}
    with _opened(database_url) as database:
        write(database, lambda connection: connection.execute(insert(metadata.tables["workspace"]), stranger))
        before = read(database, contents)
    with pytest.raises(FileExistsError, match="--replace"):
        restore(backup, database_url, secret=secret)
    with _opened(database_url) as database:
        assert read(database, contents) == before
    restore(backup, database_url, secret=secret, replace=True)
    with _opened(database_url) as database:
        assert read(database, contents) == _file_contents(backup)


def test_nothing_is_restored_under_a_server_at_work(backup: Path, database_url: str, secret: Path) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", _HOLD, database_url], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert holder.stdout is not None
    try:
        assert holder.stdout.readline() == b"open\n"
        with pytest.raises(RuntimeError, match="stop it first"):
            restore(backup, database_url, secret=secret, replace=True)
    finally:
        holder.communicate(timeout=20)
    restore(backup, database_url, secret=secret, replace=True)


def test_an_older_backup_is_migrated_and_a_newer_one_refused(
    empty_database_url: str, tmp_path: Path, secret: Path
) -> None:
    file = tmp_path / "older.db"
    sqlite3.connect(file).close()
    row = {"id": WORKSPACE, "name": "old", "created_at": 1}
    with file_engine(file, writable=True).connect() as connection, connection.begin():
        revisions.upgrade(connection, "0001")
        connection.execute(text("INSERT INTO workspace (id, name, created_at) VALUES (:id, :name, :created_at)"), row)
    done = restore(file, empty_database_url, secret=secret)
    assert (done.migrated_from, done.revision) == ("0001", revisions.head())
    with _opened(empty_database_url) as database:
        assert read(database, contents)["workspace"] == [(1, WORKSPACE, "old")]
        assert read(database, revisions.current) == revisions.head()
    with closing(sqlite3.connect(file)) as driver:
        driver.execute("UPDATE alembic_version SET version_num = '9999'")
        driver.commit()
    with pytest.raises(revisions.NotOurs, match="use a newer one"):
        restore(file, empty_database_url, secret=secret, replace=True)


@pytest.mark.parametrize("damage", ["cut", "text", "rows"])
def test_a_damaged_backup_changes_nothing(backup: Path, database_url: str, secret: Path, damage: str) -> None:
    if damage == "cut":
        backup.write_bytes(backup.read_bytes()[: backup.stat().st_size // 2])
    elif damage == "text":
        backup.write_text("not a database, whatever its name says" * 100)
    else:
        with closing(sqlite3.connect(backup)) as connection:
            connection.execute("DELETE FROM session")
            connection.commit()
    with pytest.raises(RuntimeError):
        restore(backup, database_url, secret=secret, replace=True)
    with _opened(database_url) as database:
        assert read(database, contents)["workspace"] == []


def test_what_a_killed_server_left_in_its_wal_does_not_reach_the_restored_database(
    backup: Path, sqlite: Database, tmp_path: Path, secret: Path
) -> None:
    stranger = {"id": "other", "name": "other", "created_at": AT}
    write(sqlite, lambda connection: connection.execute(insert(metadata.tables["workspace"]), stranger))
    # The files as a kill leaves them: the newest row is in the WAL alone.
    target = tmp_path / "killed" / "noctule.db"
    target.parent.mkdir()
    for suffix in ("", "-wal", "-shm"):
        path = Path(f"{sqlite.engine.url.database}{suffix}")
        target.with_name(target.name + suffix).write_bytes(path.read_bytes())
    restore(backup, f"sqlite:///{target}", secret=secret, replace=True)
    assert _file_contents(target) == _file_contents(backup)
    assert sorted(path.name for path in target.parent.iterdir()) == ["noctule.db"]


@pytest.mark.parametrize("suffix", ["-wal", "-journal"])
def test_a_stray_file_of_a_lost_database_is_kept_away_from_the_new_one(
    backup: Path, tmp_path: Path, secret: Path, suffix: str
) -> None:
    target = tmp_path / "lost" / "noctule.db"
    target.parent.mkdir()
    target.with_name(target.name + suffix).write_bytes(b"stray" * 1000)
    restore(backup, f"sqlite:///{target}", secret=secret)
    assert _file_contents(target) == _file_contents(backup)
    assert target.with_name(f"{target.name}{suffix}.damaged").exists()


def test_a_damaged_database_is_put_aside(backup: Path, tmp_path: Path, secret: Path) -> None:
    target = tmp_path / "broken" / "noctule.db"
    target.parent.mkdir()
    target.write_bytes(b"not a database" * 1000)
    with pytest.raises(FileExistsError, match="is damaged; --replace"):
        restore(backup, f"sqlite:///{target}", secret=secret)
    done = restore(backup, f"sqlite:///{target}", secret=secret, replace=True)
    assert done.aside is not None
    assert done.aside.read_bytes().startswith(b"not a database")
    assert _file_contents(target) == _file_contents(backup)


def test_the_key_beside_a_backup_goes_where_none_is(backup: Path, empty_database_url: str, secret: Path) -> None:
    key_beside(backup).write_bytes(bytes(32))
    assert restore(backup, empty_database_url, secret=secret).has_key
    assert (secret.read_bytes(), secret.stat().st_mode & 0o777) == (bytes(32), 0o600)


def test_another_key_in_the_data_folder_stops_a_restore(backup: Path, database_url: str, secret: Path) -> None:
    key_beside(backup).write_bytes(bytes(32))
    secret.parent.mkdir()
    secret.write_bytes(b"another")
    with pytest.raises(RuntimeError, match="another key"):
        restore(backup, database_url, secret=secret)
    with _opened(database_url) as database:
        assert read(database, contents)["workspace"] == []


def test_tables_of_others_in_the_same_postgres_are_left_alone(backup: Path, postgres_url: str, secret: Path) -> None:
    def make(connection: Connection) -> None:
        connection.execute(text("CREATE TABLE stranger (a integer)"))
        connection.execute(text("INSERT INTO stranger VALUES (1)"))

    with _opened(postgres_url) as database:
        write(database, make)
    restore(backup, postgres_url, secret=secret)
    restore(backup, postgres_url, secret=secret, replace=True)
    with _opened(postgres_url) as database:
        assert read(database, lambda connection: connection.execute(text("SELECT a FROM stranger")).scalar_one()) == 1


@pytest.mark.parametrize("instance_id", ["the same server", "another server"])
def test_what_was_live_in_a_backup_is_closed_without_a_charge_by_whoever_goes_on(
    database_url: str, tmp_path: Path, secret: Path, instance_id: str
) -> None:
    clock, book = FrozenClock(), PriceBook.built_in()
    source = f"sqlite:///{tmp_path / 'live.db'}"
    with _opened(source) as database:
        migrate(database.engine)
        meter = Metering(clock, book, instance_id="the same server", boot_id="before")
        write(database, meter.open_account, WORKSPACE, "admin")
        write(database, meter.open_lease, LeaseOpening(SESSION, WORKSPACE, session_id=SESSION))
        meter.begin(SESSION)
        clock.advance(61)
        assert write(database, meter.tick_step({})).charges == 1
    back_up(source, tmp_path / "live-backup.db")
    restore(tmp_path / "live-backup.db", database_url, secret=secret)
    with _opened(database_url) as database:
        heir = Metering(clock, book, instance_id=instance_id, boot_id="after")
        cost = read(database, heir.cost_of_session, SESSION)
        clock.advance(1)
        at_once = write(database, heir.abandon)
        assert at_once == ((SESSION,) if instance_id == "the same server" else ())
        clock.advance(600)
        assert write(database, heir.tick_step({})).charges == 0
        assert {*at_once, *write(database, heir.abandon)} == {SESSION}
        assert read(database, heir.cost_of_session, SESSION) == cost > 0
        assert read(database, heir.audit).ok
