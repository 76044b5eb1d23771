"""``noctule db``: keep the state, bring it back, and see that it is right.

None of these migrates the configured database first: a newer command line beside an older server must not
change what that server works on.
"""

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import click
from sqlalchemy import Connection, Engine

import noctule.app.running  # noqa: F401  (every store registers its tables)
from noctule.app.places import database_url, load_book
from noctule.cli.books import AuditedBooks, audit_books
from noctule.cli.common import load_settings, plain_sentences
from noctule.db import backup as backups
from noctule.db.check import Examined, examine
from noctule.db.connect import backend, snapshot, sqlite_path, work_engine
from noctule.db.files import file_engine
from noctule.db.restore import Restored
from noctule.db.restore import restore as restore_backup
from noctule.kit.clock import SystemClock
from noctule.metering.service import Metering
from noctule.settings import Settings

_KEY_FILE = "secret.key"


@click.group()
def db() -> None:
    """Back the database up, restore it, and check it."""


@db.command("backup")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--force", is_flag=True, help="Replace FILE if it exists.")
@click.option("--with-secret", is_flag=True, help="Put the data folder's secret.key beside it, as FILE.key.")
def backup(file: Path, force: bool, with_secret: bool) -> None:
    """Write everything in the database to FILE, one SQLite database of its own; a server may be at work."""
    settings = load_settings()
    secret = settings.data_dir / _KEY_FILE
    with plain_sentences():
        if with_secret and not secret.is_file():
            raise FileNotFoundError(f"There is no key at {secret}.")
        made = backups.back_up(database_url(settings), file, replace=force, secret=secret if with_secret else None)
    size = f"{made.size_bytes / 1e6:,.1f} MB"
    click.echo(f"{made.file}: {_rows(made.rows)}, {size}, schema {made.revision}, in {made.seconds:.1f} s")
    if made.key_file is not None:
        click.echo(f"{made.key_file}: the key of what is sealed in it. Who has both can read every secret.")
    elif secret.is_file():
        click.echo(f"{secret} belongs to it: keep a copy elsewhere, what is sealed cannot be opened without it.")


@db.command("restore")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--replace", is_flag=True, help="Take the place of everything that is in the database.")
def restore(file: Path, replace: bool) -> None:
    """Put the backup FILE into the configured database, SQLite or PostgreSQL; no server may be at work."""
    settings = load_settings()
    secret = settings.data_dir / _KEY_FILE
    with plain_sentences():
        done = restore_backup(file, database_url(settings), secret=secret, replace=replace)
    for line in _told(done, secret):
        click.echo(line)


@db.command("check")
@click.argument("file", type=click.Path(path_type=Path), required=False)
def check(file: Path | None) -> None:
    """Check the configured database, or the backup FILE: its storage, its schema and its books.

    A server may be at work. Exit status 1 if anything is not as it should be.
    """
    settings = load_settings()
    with plain_sentences(), snapshot(_engine(settings, file)) as connection:
        examined = examine(connection)
        if examined.is_current:
            books, note = _audit(settings, connection), ""
        elif file is not None and examined.revision is not None:
            # An older backup is good if what a restore would make of it is.
            examined, books = _check_migrated(settings, file)
            note = "checked as a restore would make it"
        else:
            books, note = None, "not looked at: the schema is another one"
    for line in _report(examined, books, note):
        click.echo(line)
    if not examined.ok or books is None or not books.ok:
        sys.exit(1)


def _engine(settings: Settings, file: Path | None) -> Engine:
    url = database_url(settings)
    if file is None and backend(url) == "postgresql":
        return work_engine(url)
    path = file or sqlite_path(url)
    if not path.is_file():
        raise FileNotFoundError(f"There is no database at {path}.")
    # A live database may have to be written to be read: its shared memory is a file.
    return file_engine(path.absolute(), writable=file is None)


def _check_migrated(settings: Settings, file: Path) -> tuple[Examined, AuditedBooks]:
    with TemporaryDirectory(prefix="noctule-check-") as folder:
        path = Path(folder) / "migrated.db"
        restore_backup(file, f"sqlite:///{path}", secret=Path(folder) / _KEY_FILE)
        with snapshot(file_engine(path)) as connection:
            return examine(connection), _audit(settings, connection)


def _audit(settings: Settings, connection: Connection) -> AuditedBooks:
    metering = Metering(SystemClock(), load_book(settings), instance_id="cli", boot_id="cli")
    return audit_books(metering, connection)


def _told(done: Restored, secret: Path) -> Iterator[str]:
    migrated = f", migrated from {done.migrated_from}" if done.migrated_from else ""
    yield f"Restored {_rows(done.rows)}, schema {done.revision}{migrated}, in {done.seconds:.1f} s"
    if done.aside is not None:
        yield f"The damaged database is kept at {done.aside}"
    if not done.has_key:
        yield f"{secret} is missing: put the backed-up server's there before the next start, or a new one is made"
        yield "and nothing that was sealed can be opened."
    yield "The next server closes the sessions that were live in it as of when they were last seen, and bills nothing."


def _report(examined: Examined, books: AuditedBooks | None, note: str) -> Iterator[str]:
    yield f"{_rows(examined.rows)}, schema {examined.revision or 'none'}{f' ({note})' if note else ''}"
    yield ""
    checks = [(each.name, each.meaning, each.problems, len(each.problems)) for each in examined.checks]
    if books is not None:
        checks += [(each.name, each.meaning, each.violations, each.violation_count) for each in books.checks]
    width = max(len(name) for name, *_ in checks)
    for name, meaning, problems, count in checks:
        yield f"{'BROKEN' if problems else 'ok    '}  {name:<{width}}  {meaning}"
        yield from (f"          {problem}" for problem in problems)
        if count > len(problems):
            yield f"          and {count - len(problems):,} more"
    if books is not None:
        yield from (f"note    {note}" for note in books.notes)
    yield ""
    if books is None:
        yield "The books were not looked at."
    else:
        yield f"{books.transactions:,} ledger transactions, {books.events:,} usage events."
    yield "Everything holds." if examined.ok and books is not None and books.ok else "Something is not right."


def _rows(rows: Mapping[str, int]) -> str:
    total = sum(rows.values())
    return f"{total:,} {'row' if total == 1 else 'rows'} in {len(rows)} tables"
