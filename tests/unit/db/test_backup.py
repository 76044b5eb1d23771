"""Backups of either database, beside a writer."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Event, Thread

import pytest
from sqlalchemy import Connection, text

from noctule.db.backup import back_up, key_beside
from noctule.db.engine import Database
from noctule.db.files import file_engine
from noctule.db.revisions import NotOurs, head
from tests.support.units import read, write
from tests.unit.db.books import STEPS, WORKSPACE, contents, fill


def _url(database: Database) -> str:
    return database.engine.url.render_as_string(hide_password=False).replace("+pg8000", "")


@contextmanager
def _open(file: Path) -> Iterator[Connection]:
    with file_engine(file).connect() as connection, connection.begin():
        yield connection


def test_a_backup_is_one_private_sqlite_file_with_every_row(database: Database, tmp_path: Path) -> None:
    write(database, fill)
    folder = tmp_path / "kept"
    folder.mkdir()
    made = back_up(_url(database), folder / "backup.db")
    assert [path.name for path in folder.iterdir()] == ["backup.db"]
    assert made.file.stat().st_mode & 0o777 == 0o600
    assert (made.revision, made.size_bytes) == (head(), made.file.stat().st_size)
    assert made.rows["session_step"] == STEPS
    with _open(made.file) as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar_one() == "delete"
        assert contents(connection) == read(database, contents)


def test_a_backup_is_of_one_instant_while_others_write(database: Database, tmp_path: Path) -> None:
    write(database, fill)
    stop = Event()

    def both(connection: Connection) -> None:
        for column in ("request_bytes", "response_bytes"):
            connection.execute(text(f"UPDATE session SET {column} = {column} + 1 WHERE workspace_id = '{WORKSPACE}'"))

    def write_on() -> None:
        write(database, lambda connection: connection.execute(text("UPDATE session SET request_bytes = 0")))
        while not stop.is_set():
            write(database, both)

    writer = Thread(target=write_on)
    writer.start()
    try:
        for number in range(3):
            made = back_up(_url(database), tmp_path / f"{number}.db")
            with _open(made.file) as connection:
                sent, received = connection.execute(text("SELECT request_bytes, response_bytes FROM session")).one()
            assert sent == received or sent == 2**62
    finally:
        stop.set()
        writer.join()


def test_a_file_that_exists_is_replaced_only_by_force(database: Database, tmp_path: Path) -> None:
    file = tmp_path / "backup.db"
    file.write_text("precious")
    with pytest.raises(FileExistsError, match="--force"):
        back_up(_url(database), file)
    assert file.read_text() == "precious"
    back_up(_url(database), file, replace=True)
    with _open(file) as connection:
        assert set(contents(connection)) == set(read(database, contents))


@pytest.mark.parametrize("suffix", ["", "-wal", "-shm"])
def test_the_database_itself_is_never_overwritten(sqlite: Database, suffix: str) -> None:
    path = Path(f"{sqlite.engine.url.database}{suffix}")
    with pytest.raises(FileExistsError, match="is the database itself"):
        back_up(_url(sqlite), path, replace=True)
    assert read(sqlite, contents)["workspace"] == []


def test_the_key_goes_beside_it_only_if_asked_and_for_its_owner_alone(sqlite: Database, tmp_path: Path) -> None:
    secret = tmp_path / "secret.key"
    secret.write_bytes(bytes(32))
    file = tmp_path / "backup.db"
    assert back_up(_url(sqlite), file).key_file is None
    assert not key_beside(file).exists()
    made = back_up(_url(sqlite), file, replace=True, secret=secret)
    assert made.key_file == key_beside(file)
    assert (key_beside(file).read_bytes(), key_beside(file).stat().st_mode & 0o777) == (bytes(32), 0o600)
    back_up(_url(sqlite), file, replace=True, secret=secret)


def test_the_key_of_another_installation_is_not_overwritten(sqlite: Database, tmp_path: Path) -> None:
    secret, file = tmp_path / "secret.key", tmp_path / "backup.db"
    secret.write_bytes(bytes(32))
    key_beside(file).write_bytes(b"another")
    with pytest.raises(FileExistsError, match="another installation"):
        back_up(_url(sqlite), file, secret=secret)
    assert not file.exists()


def test_a_database_without_tables_of_ours_is_refused_and_leaves_nothing(
    empty_database_url: str, tmp_path: Path
) -> None:
    Database(empty_database_url).close()
    if empty_database_url.startswith("sqlite"):
        with closing(sqlite3.connect(empty_database_url.removeprefix("sqlite:///"))) as stranger:
            stranger.execute("CREATE TABLE t (a)")
    folder = tmp_path / "kept"
    folder.mkdir()
    with pytest.raises(NotOurs, match="no schema revision"):
        back_up(empty_database_url, folder / "backup.db")
    assert list(folder.iterdir()) == []


def test_no_database_is_made_where_there_is_none(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        back_up(f"sqlite:///{tmp_path / 'missing.db'}", tmp_path / "backup.db")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_does_not_exist_is_said_to_be_missing(sqlite: Database, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="folder that exists"):
        back_up(_url(sqlite), tmp_path / "missing" / "backup.db")


def test_a_damaged_copy_never_gets_the_name(sqlite: Database, tmp_path: Path) -> None:
    write(sqlite, fill)
    with sqlite.engine.begin() as connection:
        connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
    with closing(sqlite3.connect(str(sqlite.engine.url.database))) as vandal:
        vandal.execute("DELETE FROM session")
        vandal.commit()
    with pytest.raises(RuntimeError, match="is not sound"):
        back_up(_url(sqlite), tmp_path / "backup.db")
    assert not (tmp_path / "backup.db").exists()
