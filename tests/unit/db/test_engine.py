"""The unit of work, on both engines."""

import asyncio
import os
import socket
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from threading import Event

import pytest
from sqlalchemy import Column, Connection, Integer, MetaData, String, Table, insert, make_url, select
from sqlalchemy.exc import IntegrityError

from noctule.db.engine import Database
from noctule.db.schema import Instant, Json
from noctule.kit.errors import Unavailable

_metadata = MetaData()
_thing = Table(
    "thing", _metadata, Column("id", Integer, primary_key=True), Column("name", String(20)), Column("at", Instant),
    Column("data", Json),
)  # fmt: skip


@pytest.fixture
def things(database: Database) -> Database:
    """A database with one empty table."""
    with database.engine.begin() as connection:
        _metadata.create_all(connection)
    return database


def _add(number: int, name: str = "x") -> Callable[[Connection], object]:
    return lambda connection: connection.execute(insert(_thing), {"id": number, "name": name})


def _ids(connection: Connection) -> list[int]:
    return list(connection.execute(select(_thing.c.id).order_by(_thing.c.id)).scalars())


def test_a_write_is_seen_by_the_next_read(things: Database) -> None:
    async def work() -> list[int]:
        await things.write(_add(1))
        return await things.read(_ids)

    assert asyncio.run(work()) == [1]


def test_a_step_that_fails_rolls_back_alone_among_many(things: Database) -> None:
    def fails(connection: Connection) -> None:
        connection.execute(insert(_thing), {"id": 77, "name": "half"})
        raise RuntimeError("no")

    async def work() -> tuple[list[object], list[int]]:
        steps = [_add(1), fails, _add(2), _add(1), _add(3)]
        results = await asyncio.gather(*(things.write(step) for step in steps), return_exceptions=True)
        return list(results), await things.read(_ids)

    results, ids = asyncio.run(work())
    assert ids == [1, 2, 3]
    assert isinstance(results[1], RuntimeError)
    assert sum(isinstance(result, IntegrityError) for result in results) == 1


def test_hundreds_of_writes_at_once_all_commit(things: Database) -> None:
    async def work() -> list[int]:
        await asyncio.gather(*(things.write(_add(number)) for number in range(300)))
        return await things.read(_ids)

    assert asyncio.run(work()) == list(range(300))


def test_a_cancelled_write_does_not_stop_those_after_it(things: Database) -> None:
    async def work() -> list[int]:
        writes: list[asyncio.Future[object]] = [
            asyncio.ensure_future(things.write(_add(number))) for number in range(50)
        ]
        writes[20].cancel()
        await asyncio.gather(*writes, return_exceptions=True)
        await things.write(_add(99))
        return await things.read(_ids)

    ids = asyncio.run(work())
    assert set(range(50)) - {20} <= set(ids)
    assert 99 in ids


def test_a_read_sees_one_snapshot(things: Database) -> None:
    def twice(connection: Connection) -> tuple[list[int], list[int]]:
        before = _ids(connection)
        things.submit(_add(5)).result(timeout=10)
        return before, _ids(connection)

    assert asyncio.run(things.read(twice)) == ([], [])


def test_instants_and_json_come_back_as_they_went(things: Database) -> None:
    at = datetime(2026, 3, 1, 12, 30, 15, 123456, tzinfo=timezone(timedelta(hours=5)))
    data = {"text": "ü", "list": [1, 2.5, None, True]}

    def step(connection: Connection) -> tuple[datetime, object]:
        connection.execute(insert(_thing), {"id": 1, "at": at, "data": data})
        row = connection.execute(select(_thing)).one()
        return row.at, row.data

    stored_at, stored = asyncio.run(things.write(step))
    assert stored_at == at
    assert stored_at.tzinfo is UTC
    assert stored == data


def test_an_in_memory_sqlite_is_refused() -> None:
    with pytest.raises(ValueError, match="in-memory"):
        Database("sqlite:///:memory:")


def test_a_database_of_another_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="begins with postgresql:// or sqlite:///, not with mysql://"):
        Database("mysql://user:hidden@host/name")


# -- faults ----------------------------------------------------------------------------------------------


class _Blocked:
    """Keeps the writer busy, so that what is submitted meanwhile forms one group."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._free = Event()
        self._begun = Event()

    def __enter__(self) -> None:
        self._done = self._database.submit(self._wait)
        assert self._begun.wait(10)

    def __exit__(self, *_: object) -> None:
        self._free.set()
        self._done.result(timeout=10)

    def _wait(self, _: Connection) -> None:
        self._begun.set()
        assert self._free.wait(10)


@pytest.fixture
def sqlite_things(sqlite: Database) -> Database:
    """The same table on SQLite alone."""
    with sqlite.engine.begin() as connection:
        _metadata.create_all(connection)
    return sqlite


@pytest.fixture
def postgres_things(migrated_postgres: str) -> Iterator[Database]:
    """The same table on PostgreSQL alone."""
    database = Database(migrated_postgres)
    with database.engine.begin() as connection:
        _metadata.drop_all(connection)
        _metadata.create_all(connection)
    yield database
    with database.engine.begin() as connection:
        _metadata.drop_all(connection)
    database.close()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of four megabytes; skips where none can be made."""
    folder = tmp_path / "disk"
    folder.mkdir()
    made = os.geteuid() == 0 and subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m", "noctule-test", str(folder)], capture_output=True, check=False
    )
    if not made or made.returncode:
        pytest.skip("a small disk takes root and the right to mount")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def _outcome(future: "Future[object]") -> str:
    error = future.exception(timeout=20)
    return "done" if error is None else f"{type(error).__name__}: {error}"


def test_a_rollback_of_the_whole_group_fails_what_came_before_and_spares_what_comes_after(
    sqlite_things: Database,
) -> None:
    def loses_the_transaction(connection: Connection) -> None:
        # As SQLite does by itself on some faults.
        connection.exec_driver_sql("ROLLBACK")
        connection.exec_driver_sql("INSERT INTO nowhere VALUES (1)")

    with _Blocked(sqlite_things):
        futures = [sqlite_things.submit(step) for step in (_add(1), loses_the_transaction, _add(3), _add(4))]
    outcomes = [_outcome(future) for future in futures]
    assert [outcome.split(":")[0] for outcome in outcomes] == ["Unavailable", "Unavailable", "done", "done"]
    assert asyncio.run(sqlite_things.read(_ids)) == [3, 4]


def test_a_full_disk_fails_what_does_not_fit_and_nothing_that_was_acknowledged(small_disk: Path) -> None:
    database = Database(f"sqlite:///{small_disk / 'noctule.db'}")
    with database.engine.begin() as connection:
        _metadata.create_all(connection)
    filler = small_disk / "filler"
    filler.write_bytes(b"x" * 3_000_000)

    def big(number: int) -> Callable[[Connection], object]:
        return lambda connection: connection.execute(insert(_thing), {"id": number, "data": "y" * 20_000})

    with _Blocked(database):
        futures = {number: database.submit(big(number)) for number in range(150)}
    outcomes = {number: _outcome(future) for number, future in futures.items()}
    kept = {number for number, outcome in outcomes.items() if outcome == "done"}
    assert set(outcomes.values()) - {"done"} == {
        "Unavailable: The database has no disk space left; nothing was changed."
    }
    assert asyncio.run(database.read(_ids)) == sorted(kept)
    filler.unlink()
    asyncio.run(database.write(big(1000)))
    assert asyncio.run(database.read(_ids)) == [*sorted(kept), 1000]
    database.close()


def test_a_database_that_was_read_only_for_a_while_takes_writes_again(sqlite_things: Database) -> None:
    def refused(connection: Connection) -> None:
        connection.exec_driver_sql("PRAGMA query_only=ON")
        connection.execute(insert(_thing), {"id": 1})

    with pytest.raises(Unavailable, match="is read-only right now; nothing was changed"):
        asyncio.run(sqlite_things.write(refused))
    asyncio.run(sqlite_things.write(_add(2)))
    assert asyncio.run(sqlite_things.read(_ids)) == [2]


@pytest.mark.parametrize("how", ["removed", "replaced"])
def test_nothing_is_acknowledged_into_a_file_that_lost_its_name(sqlite_things: Database, how: str) -> None:
    path = Path(str(sqlite_things.engine.url.database))
    asyncio.run(sqlite_things.write(_add(1)))
    aside = path.with_name("aside")
    if how == "replaced":
        copy = path.with_name("copy")
        with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(copy)) as target:
            source.backup(target)
    path.rename(aside)
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).rename(aside.with_name(aside.name + suffix))
    if how == "replaced":
        copy.rename(path)
    for _ in range(1 if how == "replaced" else 3):
        with pytest.raises(Unavailable):
            asyncio.run(sqlite_things.write(_add(2)))
    assert path.exists() == (how == "replaced")
    if how == "replaced":
        asyncio.run(sqlite_things.write(_add(3)))
        with closing(sqlite3.connect(path)) as connection:
            assert connection.execute("SELECT id FROM thing").fetchall() == [(1,), (3,)]


def test_only_so_many_writes_wait(database_url: str) -> None:
    database = Database(database_url, waiting_limit=3)
    free = Event()
    try:
        refused = 0
        futures = []
        for _ in range(40):
            try:
                futures.append(database.submit(lambda _: free.wait(10)))
            except Unavailable:
                refused += 1
        assert refused >= 40 - 14
        free.set()
        assert all(future.result(timeout=10) for future in futures)
        assert asyncio.run(database.write(lambda _: "again")) == "again"
    finally:
        free.set()
        database.close()


def test_a_write_that_does_not_get_its_turn_in_time_is_refused_and_never_done(sqlite_things: Database) -> None:
    impatient = Database(str(sqlite_things.engine.url), waiting_seconds=0.2)
    with _Blocked(impatient), pytest.raises(Unavailable, match="does not keep up right now; nothing was changed"):
        asyncio.run(impatient.write(_add(1)))
    asyncio.run(impatient.write(_add(2)))
    assert asyncio.run(impatient.read(_ids)) == [2]
    impatient.close()


def test_another_program_that_holds_the_file_is_waited_for_and_then_named(sqlite_things: Database) -> None:
    def impatient(connection: Connection) -> None:
        connection.exec_driver_sql("PRAGMA busy_timeout=100")

    with closing(sqlite3.connect(str(sqlite_things.engine.url.database), isolation_level=None)) as other:
        asyncio.run(sqlite_things.write(impatient))
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Unavailable, match="held by another program"):
            asyncio.run(sqlite_things.write(_add(1)))
        other.execute("COMMIT")
    asyncio.run(sqlite_things.write(_add(2)))
    assert asyncio.run(sqlite_things.read(_ids)) == [2]


@pytest.mark.parametrize(
    ("statements", "words"),
    [
        (("SELECT pg_terminate_backend(pg_backend_pid())",), "not available right now; nothing was changed"),
        (("SET LOCAL statement_timeout = '50ms'", "SELECT pg_sleep(5)"), "took too long; nothing was changed"),
        (
            ("SET LOCAL transaction_read_only = on", "INSERT INTO thing (id) VALUES (2)"),
            "is read-only right now; nothing was changed",
        ),
    ],
    ids=["terminated", "too slow", "read-only"],
)
def test_a_fault_of_postgres_is_said_plainly_and_leaves_nothing_behind(
    postgres_things: Database, statements: tuple[str, ...], words: str
) -> None:
    def step(connection: Connection) -> None:
        connection.execute(insert(_thing), {"id": 1})
        for statement in statements:
            connection.exec_driver_sql(statement)

    for _ in range(3):
        with pytest.raises(Unavailable, match=words):
            asyncio.run(postgres_things.write(step))
    asyncio.run(postgres_things.write(_add(3)))
    assert asyncio.run(postgres_things.read(_ids)) == [3]


def test_a_row_that_somebody_else_holds_is_waited_for_no_longer_than_the_lock_time_out(
    postgres_things: Database,
) -> None:
    asyncio.run(postgres_things.write(_add(1)))
    locked, free = Event(), Event()

    def hold(connection: Connection) -> None:
        connection.execute(select(_thing).with_for_update())
        locked.set()
        assert free.wait(20)

    def want(connection: Connection) -> None:
        connection.exec_driver_sql("SET LOCAL lock_timeout = '100ms'")
        connection.execute(select(_thing).with_for_update())

    holder = postgres_things.submit(hold)
    assert locked.wait(10)
    with pytest.raises(Unavailable, match="took too long"):
        postgres_things.submit(want).result(timeout=20)
    free.set()
    holder.result(timeout=10)


def test_a_postgres_that_goes_away_during_the_commit_leaves_it_open_whether_it_was_done(
    postgres_things: Database,
) -> None:
    def step(connection: Connection) -> None:
        connection.execute(insert(_thing), {"id": 1})
        pid = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
        with postgres_things.engine.connect() as other:
            other.exec_driver_sql("SELECT pg_terminate_backend(%s, 5000)", (pid,))

    with pytest.raises(Unavailable, match="not known whether the change was made"):
        asyncio.run(postgres_things.write(step))
    asyncio.run(postgres_things.write(_add(2)))


def test_every_wait_on_postgres_is_bounded(postgres_things: Database) -> None:
    def limits(connection: Connection) -> list[str]:
        names = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout", "tcp_keepalives_count")
        return [connection.exec_driver_sql(f"SHOW {name}").scalar_one() for name in names]

    assert asyncio.run(postgres_things.read(limits)) == ["30s", "10s", "1min", "3"]


def test_a_postgres_that_is_not_there_is_unavailable_and_found_again(postgres_server: str) -> None:
    port = make_url(postgres_server).port
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        away = Database(postgres_server.replace(str(port), str(closed.getsockname()[1])))
        with pytest.raises(Unavailable):
            asyncio.run(away.read(lambda connection: connection.exec_driver_sql("SELECT 1").scalar_one()))
        away.close()


def test_a_mistake_in_a_step_stays_what_it_is(things: Database) -> None:
    def wrong(connection: Connection) -> None:
        connection.execute(insert(_thing), [{"id": 1}, {"id": 1}])

    with pytest.raises(IntegrityError):
        asyncio.run(things.write(wrong))
    assert asyncio.run(things.read(_ids)) == []
