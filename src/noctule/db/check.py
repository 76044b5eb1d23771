"""Whether a database is sound: its storage, its references, its schema. The books are ``Metering.audit``'s.

Reads one snapshot and locks nothing, so it runs beside a server at work.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, inspect
from sqlalchemy.exc import DBAPIError

from noctule.db import copying, revisions
from noctule.db.schema import metadata

_SHOWN = 20
_READABLE = "every page and row can be read"


@dataclass(frozen=True, slots=True)
class Soundness:
    """One thing that must hold, and where it does not."""

    name: str
    meaning: str
    problems: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether it holds."""
        return not self.problems


@dataclass(frozen=True, slots=True)
class Examined:
    """What was found: ``revision`` is ``None`` for a database that was never migrated, ``rows`` by table."""

    revision: str | None
    rows: Mapping[str, int]
    checks: tuple[Soundness, ...]

    @property
    def ok(self) -> bool:
        """Whether everything holds."""
        return all(check.ok for check in self.checks)

    @property
    def is_current(self) -> bool:
        """Whether the schema is the one of this code, so that its queries work."""
        return self.revision == revisions.head()


def examine(connection: Connection) -> Examined:
    """Look at everything but the books. The stores' tables must be registered (``import noctule.app.running``)."""
    try:
        return _examined(connection)
    except DBAPIError as error:
        # The driver's own words: a database that cannot be read says why.
        return Examined(None, {}, (Soundness("storage", _READABLE, (str(error.orig),)),))


def _examined(connection: Connection) -> Examined:
    names = copying.tables(connection)
    revision = revisions.current(connection)
    checks = (
        Soundness("storage", _READABLE, tuple(_storage(connection))),
        Soundness("references", "what a row refers to is there, and constraints hold", tuple(_references(connection))),
        Soundness("schema", "the tables are those that the migrations make", tuple(_schema(connection, revision))),
    )
    return Examined(revision, copying.counts(connection, names), checks)


def require_sound(connection: Connection, what: str, revision: str, rows: Mapping[str, int]) -> None:
    """Raise ``RuntimeError`` unless a copy is sound and has the revision and rows of its original."""
    problems = _storage(connection) + _references(connection)
    if (found := revisions.current(connection)) != revision:
        problems.append(f"its schema is {found}, not {revision}")
    for name, count in copying.counts(connection, list(rows)).items():
        if count != rows[name]:
            problems.append(f"{name} has {count} rows, not {rows[name]}")
    if problems:
        raise RuntimeError(f"{what} is not sound: {'; '.join(problems[:3])}.")


def _storage(connection: Connection) -> list[str]:
    if connection.dialect.name == "sqlite":
        found = connection.exec_driver_sql(f"PRAGMA integrity_check({_SHOWN})").scalars().all()
        return [] if found == ["ok"] else [str(each) for each in found]
    for name in copying.tables(connection):
        # Every value of every row as text, so that each page, compressed and out-of-line ones too, is read.
        connection.exec_driver_sql(f'SELECT sum(octet_length(CAST(each AS text))) FROM "{name}" AS each')
    return []


def _references(connection: Connection) -> list[str]:
    if connection.dialect.name == "sqlite":
        found = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchmany(_SHOWN)
        return [
            f"row {rowid} of {table} refers to a row of {parent} that is not there" for table, rowid, parent, _ in found
        ]
    invalid = (
        "SELECT 'the constraint ' || conname || ' is not validated' FROM pg_constraint"
        " WHERE NOT convalidated AND connamespace = current_schema()::regnamespace"
        " UNION ALL SELECT 'the index ' || indexrelid::regclass || ' is not valid' FROM pg_index"
        " JOIN pg_class ON pg_class.oid = indexrelid"
        " WHERE NOT indisvalid AND relnamespace = current_schema()::regnamespace"
    )
    problems = [str(each) for each in connection.exec_driver_sql(invalid).scalars()]
    for name in copying.tables(connection):
        for key in inspect(connection).get_foreign_keys(name):
            parent = key["referred_table"]
            pairs = zip(key["constrained_columns"], key["referred_columns"], strict=True)
            same = " AND ".join(f'child."{ours}" = parent."{theirs}"' for ours, theirs in pairs)
            given = " AND ".join(f'child."{ours}" IS NOT NULL' for ours in key["constrained_columns"])
            stray = (
                f'SELECT count(*) FROM "{name}" AS child WHERE {given}'
                f' AND NOT EXISTS (SELECT 1 FROM "{parent}" AS parent WHERE {same})'
            )
            if count := connection.exec_driver_sql(stray).scalar_one():
                problems.append(f"{count} rows of {name} refer to rows of {parent} that are not there")
    return problems


def _schema(connection: Connection, revision: str | None) -> list[str]:
    if revision is None:
        return ["the database was never migrated: `noctule serve` makes its tables"]
    if revision != revisions.head():
        return [f"its revision is {revision}, and this Noctule's {revisions.head()}: `noctule serve` migrates it"]
    differences = compare_metadata(MigrationContext.configure(connection), metadata)
    return [f"differs: {difference}" for difference in differences[:_SHOWN]]
