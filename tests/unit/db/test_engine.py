"""The unit of work, on both engines."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import Column, Connection, Integer, MetaData, String, Table, insert, select
from sqlalchemy.exc import IntegrityError

from noctule.db.engine import Database
from noctule.db.schema import Instant, Json

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
