"""A backup into the configured database: whole, or not at all.

The database must be empty or meant to be replaced, and nobody may be at work on it. On SQLite the new file
is made and checked beside the old one and takes its place in one rename; on PostgreSQL everything happens
in one transaction. A kill at any point leaves what was there before, or all of the backup.

A restored session or lease is nobody's: the next start of a server closes it as of when it was last seen,
and bills nothing.
"""

import fcntl
import os
import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from noctule.db import copying, revisions
from noctule.db.backup import key_beside
from noctule.db.check import require_sound
from noctule.db.connect import AT_WORK, backend, snapshot, sqlite_path, work_engine
from noctule.db.files import (
    SIDECARS,
    draft,
    draft_engine,
    file_engine,
    flush,
    open_draft,
    open_sqlite,
    publish,
    write_private,
)
from noctule.db.schema import metadata
from noctule.kit.failpoints import failpoint

DRAFT_SUFFIX = ".restoring"
ASIDE_SUFFIX = ".damaged"

# The bytes that every connection of SQLite's, on Unix, locks for as long as it has a WAL database open:
# https://www.sqlite.org/src/file/src/os.h ("PENDING_BYTE"; pending, reserved and 510 shared ones).
_LOCK_BYTE, _LOCK_BYTES = 0x40000000, 512
_HELD = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
_UNREADABLE = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_BUSY = "A server or another program has the database open; stop it first."
_TAKEN = "The database is not empty; --replace takes the place of everything in it."


@dataclass(frozen=True, slots=True)
class Restored:
    """What was restored; ``rows`` by table, as in the backup. ``migrated_from`` if the backup was older.

    ``aside`` is where a damaged database was put, ``has_key`` whether the data folder has a key file now.
    """

    rows: Mapping[str, int]
    revision: str
    migrated_from: str | None
    seconds: float
    aside: Path | None
    has_key: bool


def restore(file: Path, url: str, *, secret: Path, replace: bool = False) -> Restored:
    """Put a backup into the database at ``url``; the key beside it goes to ``secret`` if none is there.

    Raises ``FileNotFoundError``, ``FileExistsError`` for a database that is not empty unless ``replace``,
    ``RuntimeError`` if somebody is at work, or the backup is not sound, not ours, too new, or brings
    another key than the one that is there; ``OSError``, SQLAlchemy's errors.
    """
    began = time.monotonic()
    file = file.absolute()
    if not file.is_file():
        raise FileNotFoundError(f"There is no backup at {file}.")
    revision, rows = _described(file)
    _check_key(file, secret)
    if backend(url) == "sqlite":
        aside = _into_sqlite(file, sqlite_path(url).absolute(), secret, replace)
    else:
        aside = None
        _into_postgres(file, url, secret, replace, revision, rows)
    newest = revisions.head()
    migrated_from = revision if revision != newest else None
    return Restored(rows, newest, migrated_from, time.monotonic() - began, aside, secret.exists())


def _described(file: Path) -> tuple[str, dict[str, int]]:
    with snapshot(file_engine(file)) as connection:
        try:
            revision = revisions.known(connection, str(file))
            rows = copying.counts(connection, copying.tables(connection))
            require_sound(connection, str(file), revision, rows)
        except DBAPIError as error:
            raise RuntimeError(f"{file} cannot be read: {error.orig}.") from error
    return revision, rows


# -- the key ---------------------------------------------------------------------------------------------


def _check_key(file: Path, secret: Path) -> None:
    key = key_beside(file)
    if key.exists() and secret.exists() and key.read_bytes() != secret.read_bytes():
        raise RuntimeError(
            f"{key} is another key than {secret}: what the backup has sealed cannot be opened with that one. "
            "Move one of the two away first."
        )


def _place_key(file: Path, secret: Path) -> None:
    key = key_beside(file)
    if key.exists() and not secret.exists():
        secret.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_private(secret, key.read_bytes())


# -- SQLite ----------------------------------------------------------------------------------------------


def _into_sqlite(file: Path, target: Path, secret: Path, replace: bool) -> Path | None:
    if os.path.realpath(file) == os.path.realpath(target):
        raise FileExistsError(f"{file} is the database itself.")
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    _settle(target, replace)
    with draft(target, DRAFT_SUFFIX) as path:
        with closing(open_sqlite(file)) as source, closing(open_draft(path)) as copy:
            source.backup(copy)
        _migrate(path)
        # Again, since a server may have come meanwhile; from here on none can.
        is_sound = _settle(target, replace)
        _place_key(file, secret)
        with _alone(target) as old:
            aside = None if is_sound else _put_aside(target)
            failpoint("restore.before_commit")
            publish(path, target, replace=old is not None)
            if old is not None:
                _spoil(old)
    return aside


def _migrate(path: Path) -> None:
    with closing(open_sqlite(path, writable=True)) as copy:
        copy.execute("PRAGMA journal_mode=DELETE")
    with draft_engine(path).connect() as connection:
        with connection.begin():
            revisions.upgrade(connection, revisions.head())
        with connection.begin():
            rows = copying.counts(connection, copying.tables(connection))
            require_sound(connection, "The restored database", revisions.head(), rows)


def _settle(target: Path, replace: bool) -> bool:
    """Fold a database into its one file, if nobody has it open; answers whether it can be read at all."""
    if not target.exists():
        return False
    try:
        with closing(open_sqlite(target, writable=True)) as old:
            old.execute("PRAGMA busy_timeout=0")
            # Refused while anybody else has it open; takes in what a killed server left beside it.
            old.execute("PRAGMA journal_mode=DELETE")
        with snapshot(file_engine(target)) as connection:
            taken = any(copying.counts(connection, copying.tables(connection)).values())
    except (sqlite3.Error, DBAPIError) as error:
        code = getattr(getattr(error, "orig", error), "sqlite_errorcode", None)
        if code is None:
            raise
        if code & 0xFF in _HELD:
            raise RuntimeError(_BUSY) from error
        if code & 0xFF not in _UNREADABLE:
            raise
        if not replace:
            raise FileExistsError(f"{target} is damaged; --replace puts it aside.") from error
        return False
    if taken and not replace:
        raise FileExistsError(_TAKEN)
    return True


@contextmanager
def _alone(target: Path) -> Iterator[int | None]:
    """Hold the old file, if there is one, as SQLite would to keep everyone else out of it."""
    if not target.exists():
        yield None
        return
    descriptor = os.open(target, os.O_RDWR | os.O_CLOEXEC)
    try:
        try:
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, _LOCK_BYTES, _LOCK_BYTE)
        except OSError as error:
            raise RuntimeError(_BUSY) from error
        yield descriptor
    finally:
        os.close(descriptor)


def _put_aside(target: Path) -> Path | None:
    """Keep a damaged database under another name, and whatever lies beside it away from the new one."""
    aside = None
    if target.exists():
        aside = target.with_name(target.name + ASIDE_SUFFIX)
        aside.unlink(missing_ok=True)
        os.link(target, aside)
    for suffix in SIDECARS:
        beside = target.with_name(target.name + suffix)
        if beside.exists():
            os.replace(beside, beside.with_name(beside.name + ASIDE_SUFFIX))
    flush(target.parent)
    return aside


def _spoil(old: int) -> None:
    """Turn away a server that opened the old file an instant before it lost its name, and waits for it."""
    if os.fstat(old).st_nlink == 0:
        os.pwrite(old, b"replaced by `noctule db restore`", 0)


# -- PostgreSQL ------------------------------------------------------------------------------------------


def _into_postgres(file: Path, url: str, secret: Path, replace: bool, revision: str, rows: Mapping[str, int]) -> None:
    engine = work_engine(url, alone=True)
    with engine.connect() as connection, connection.begin():
        if not connection.exec_driver_sql(f"SELECT pg_try_advisory_xact_lock({AT_WORK})").scalar_one():
            raise RuntimeError(_BUSY)
        _clear(connection, replace, rows)
        revisions.upgrade(connection, revision)
        with closing(open_sqlite(file)) as source:
            source.execute("BEGIN")
            ordered = [name for name in copying.tables(connection) if name in rows]
            copying.to_postgres(source, connection, ordered)
        require_sound(connection, "The restored database", revision, rows)
        revisions.upgrade(connection, revisions.head())
        _place_key(file, secret)
        failpoint("restore.before_commit")


def _clear(connection: Connection, replace: bool, rows: Mapping[str, int]) -> None:
    """Drop our tables, with what is in them only if it may be replaced."""
    names = copying.tables(connection)
    if revisions.current(connection) is not None:
        revisions.known(connection, "The configured database")
    ours = [name for name in names if name in metadata.tables or name in rows]
    if any(copying.counts(connection, ours).values()) and not replace:
        raise FileExistsError(_TAKEN)
    for name in (*reversed(ours), copying.VERSION_TABLE):
        connection.exec_driver_sql(f'DROP TABLE IF EXISTS "{name}"')
