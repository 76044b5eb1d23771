"""One file with everything in it: a SQLite database of its own, whichever database the server works on.

The rows are those of one instant, read beside a server that goes on writing. The file gets its name only
when it is complete, checked and flushed; whatever happens before leaves the name as it was.

What was sealed under ``secret.key`` stays sealed in the file, so the key belongs to it. It goes beside
the file only if that is asked for: whoever holds both can read every secret.
"""

import os
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection

from noctule.db import copying, revisions
from noctule.db.check import require_sound
from noctule.db.connect import backend, snapshot, sqlite_path, work_engine
from noctule.db.files import (
    SIDECARS,
    draft,
    draft_engine,
    file_engine,
    open_draft,
    open_sqlite,
    publish,
    write_private,
)
from noctule.kit.failpoints import failpoint

DRAFT_SUFFIX = ".partial"
KEY_SUFFIX = ".key"

_STEP_PAGES = 2000
_PAUSE_SECONDS = 0.002


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup that was made; ``rows`` by table, ``key_file`` if the key went with it."""

    file: Path
    revision: str
    rows: Mapping[str, int]
    size_bytes: int
    seconds: float
    key_file: Path | None


def back_up(url: str, file: Path, *, replace: bool = False, secret: Path | None = None) -> Backup:
    """Write the database at ``url`` to ``file``; ``secret`` is a key file to put beside it.

    Raises ``FileExistsError`` unless ``replace``, ``FileNotFoundError`` if there is no database or no key,
    ``RuntimeError`` for a database that is not ours or not sound, ``OSError``, SQLAlchemy's errors.
    """
    began = time.monotonic()
    file = file.absolute()
    _check_place(url, file, replace)
    key = secret.read_bytes() if secret is not None else None
    with draft(file, DRAFT_SUFFIX) as path:
        revision, rows = _copy_sqlite(url, path) if backend(url) == "sqlite" else _copy_postgres(url, path)
        failpoint("backup.copied")
        with snapshot(file_engine(path)) as connection:
            require_sound(connection, "The backup", revision, rows)
        size_bytes = path.stat().st_size
        key_file = None if key is None else _put_key(file, key)
        failpoint("backup.before_rename")
        publish(path, file, replace=replace)
    return Backup(file, revision, rows, size_bytes, time.monotonic() - began, key_file)


def key_beside(file: Path) -> Path:
    """Where the key of a backup is, if it went with it."""
    return file.with_name(file.name + KEY_SUFFIX)


def _check_place(url: str, file: Path, replace: bool) -> None:
    if backend(url) == "sqlite":
        path = sqlite_path(url).absolute()
        if not path.exists():
            raise FileNotFoundError(f"There is no database at {path} yet.")
        taken = [path, *(path.with_name(path.name + suffix) for suffix in SIDECARS)]
        if any(os.path.realpath(file) == os.path.realpath(each) for each in taken):
            raise FileExistsError(f"{file} is the database itself; name another file.")
    if file.is_dir() or not file.parent.is_dir():
        raise FileNotFoundError(f"{file} is not a file in a folder that exists.")
    if os.path.lexists(file) and not replace:
        raise FileExistsError(f"{file} exists already; --force replaces it.")


def _put_key(file: Path, key: bytes) -> Path:
    target = key_beside(file)
    if not target.exists():
        write_private(target, key)
    elif target.read_bytes() != key:
        raise FileExistsError(f"{target} holds the key of another installation; move it away first.")
    return target


def _copy_sqlite(url: str, path: Path) -> tuple[str, dict[str, int]]:
    with snapshot(file_engine(sqlite_path(url), writable=True)) as connection:
        revision, rows = _described(connection)
        source = connection.connection.driver_connection
        assert source is not None
        with closing(open_draft(path)) as target:
            # Inside one read transaction all steps copy the same instant, whatever is written meanwhile. The
            # pauses leave the disk to the server.
            source.backup(target, pages=_STEP_PAGES, progress=lambda *_: time.sleep(_PAUSE_SECONDS))
    with closing(open_sqlite(path, writable=True)) as target:
        # The copy says WAL like the original, and would need files beside it to be read.
        target.execute("PRAGMA journal_mode=DELETE")
    return revision, rows


def _copy_postgres(url: str, path: Path) -> tuple[str, dict[str, int]]:
    with snapshot(work_engine(url)) as source, draft_engine(path).connect() as target:
        revision = revisions.known(source, "The database")
        with target.begin():
            revisions.upgrade(target, revision)
            names = copying.tables(target)
            rows = copying.counts(source, names)
            copying.from_postgres(source, target, names)
    return revision, rows


def _described(connection: Connection) -> tuple[str, dict[str, int]]:
    return revisions.known(connection, "The database"), copying.counts(connection, copying.tables(connection))
