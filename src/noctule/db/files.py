"""Files that are there whole or not at all, and SQLite files that nobody serves from.

A draft is written beside its place under a name of its own, readable by its owner alone, and moved into
place when it is complete and flushed. A process that dies leaves at most the draft, which the next run
takes over; two runs at once are kept apart by a lock on it.
"""

import fcntl
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.pool import NullPool

SIDECARS = ("-wal", "-shm", "-journal")


def open_sqlite(path: Path, *, writable: bool = False) -> sqlite3.Connection:
    """A connection to a file that is there, which says BEGIN and COMMIT itself."""
    mode = "rw" if writable else "ro"
    return sqlite3.connect(f"file:{quote(str(path))}?mode={mode}", uri=True, isolation_level=None, timeout=10)


def open_draft(path: Path) -> sqlite3.Connection:
    """A connection to a draft, which need not survive anything before it is published."""
    connection = open_sqlite(path, writable=True)
    connection.execute("PRAGMA journal_mode=MEMORY")
    connection.execute("PRAGMA synchronous=OFF")
    return connection


def file_engine(path: Path, *, writable: bool = False) -> Engine:
    """An engine on a file that is there; it leaves the file in the journal mode that it has."""
    return _engine(lambda: open_sqlite(path, writable=writable))


def draft_engine(path: Path) -> Engine:
    """An engine on a draft."""
    return _engine(lambda: open_draft(path))


@contextmanager
def draft(target: Path, suffix: str) -> Iterator[Path]:
    """An empty file beside ``target``, removed with the block unless it was published.

    Raises ``RuntimeError`` if another process writes it, ``OSError`` if it cannot be made.
    """
    path = target.with_name(target.name + suffix)
    # The descriptor stays open to the end: closing it would take away the locks that SQLite holds on the file.
    descriptor = _held(path)
    try:
        remove_sidecars(path)
        os.ftruncate(descriptor, 0)
        os.fchmod(descriptor, 0o600)
        yield path
    finally:
        remove_sidecars(path)
        path.unlink(missing_ok=True)
        os.close(descriptor)


def publish(draft_path: Path, target: Path, *, replace: bool) -> None:
    """Move a complete draft into its place, through a power cut as well.

    Raises ``FileExistsError`` if the place is taken, unless ``replace``.
    """
    flush(draft_path)
    if replace:
        os.replace(draft_path, target)
    else:
        try:
            # Unlike a rename, a link never replaces what came there meanwhile.
            os.link(draft_path, target)
        except FileExistsError:
            raise
        except OSError:
            # Not every file system has links.
            if target.exists():
                raise FileExistsError(f"{target} exists already.") from None
            os.rename(draft_path, target)
    flush(target.parent)


def write_private(target: Path, content: bytes) -> None:
    """Put a small secret into a file of its own, readable by its owner alone. Raises ``FileExistsError``."""
    with draft(target, ".partial") as path:
        path.write_bytes(content)
        publish(path, target, replace=False)


def flush(path: Path) -> None:
    """Make what was written to a file, or the names in a folder, survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove_sidecars(path: Path) -> None:
    """Remove what SQLite keeps beside a database that nobody has open and nobody needs."""
    for suffix in SIDECARS:
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def _held(path: Path) -> int:
    for _ in range(10):
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            break
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(descriptor), os.stat(path)):
                return descriptor
        # Its writer finished and moved it away just now.
        os.close(descriptor)
    raise RuntimeError(f"Another process is writing {path}; wait for it to end.")


def _engine(connect: Callable[[], sqlite3.Connection]) -> Engine:
    engine = create_engine("sqlite://", creator=connect, poolclass=NullPool, hide_parameters=True)

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN")

    return engine
