"""The request log: batches, bounds, and reading what one has just written."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from noctule.db.engine import Database
from noctule.kit.errors import Unavailable
from noctule.kit.paging import PageQuery
from noctule.metering.book import PriceBook
from noctule.metering.service import Metering
from noctule.usage.service import RequestLog, UsageService
from tests.support.clock import FrozenClock

_START = datetime(2026, 3, 10, tzinfo=UTC)


@dataclass(frozen=True)
class Line:
    workspace_id: str = "w"
    key_id: str = "k"
    method: str = "GET"
    endpoint: str = "/sessions"
    status: int = 200
    duration_ms: int = 3
    created_at: datetime = _START


def _run(database: Database, body: Callable[[RequestLog, UsageService], Coroutine[Any, Any, None]]) -> None:
    async def main() -> None:
        clock = FrozenClock()
        log = RequestLog(database, clock)
        metering = Metering(clock, PriceBook.built_in(), instance_id="one", boot_id="one")
        await body(log, UsageService(database, metering, log))

    asyncio.run(main())


def test_a_reader_sees_every_request_before_its_own_newest_first(database: Database) -> None:
    async def body(log: RequestLog, service: UsageService) -> None:
        for number in range(450):
            log.record(Line(endpoint=f"/sessions/{number}", created_at=_START + timedelta(seconds=number)))
        page = await service.logs("w", PageQuery(1, 2))
        assert [line.endpoint for line in page.items] == ["/sessions/449", "/sessions/448"]
        assert (page.has_next, page.has_previous) == (True, False)
        last = await service.logs("w", PageQuery(5, 100))
        assert (len(last.items), last.has_next, last.has_previous) == (50, False, True)
        assert last.items[-1].created_at == _START

    _run(database, body)


def test_lines_are_filtered_by_part_of_the_path_and_by_key_and_never_cross_workspaces(database: Database) -> None:
    async def body(log: RequestLog, service: UsageService) -> None:
        log.record(Line(endpoint="/sessions/start"))
        log.record(Line(endpoint="/usage", key_id="other"))
        log.record(Line(endpoint="/odd_path%"))
        log.record(Line(endpoint="/sessions/x", workspace_id="foreign"))

        async def found(**filters: str) -> list[str]:
            return sorted(line.endpoint for line in (await service.logs("w", PageQuery(), **filters)).items)

        assert await found() == ["/odd_path%", "/sessions/start", "/usage"]
        assert await found(endpoint="SESSIONS/St") == ["/sessions/start"]
        assert await found(endpoint="s") == ["/sessions/start", "/usage"]
        assert await found(endpoint="") == await found()
        assert await found(endpoint="%") == await found(endpoint="_") == ["/odd_path%"]
        assert await found(endpoint="\x00") == await found(endpoint="'; --") == []
        assert await found(key_id="other") == ["/usage"]

    _run(database, body)


def test_lines_are_written_behind_the_requests_and_at_the_end(database: Database) -> None:
    async def body(log: RequestLog, service: UsageService) -> None:
        await log.start()
        log.record(Line())
        for _ in range(100):
            await asyncio.sleep(0.05)
            if not log.waiting:
                break
        assert log.waiting == 0
        log.record(Line())
        await log.close()
        assert log.waiting == 0
        assert len((await service.logs("w", PageQuery())).items) == 2

    _run(database, body)


def test_ten_thousand_lines_may_wait_and_the_oldest_give_way(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    async def body(log: RequestLog, service: UsageService) -> None:
        for number in range(10_005):
            log.record(Line(endpoint=f"/{number}", created_at=_START + timedelta(seconds=number)))
        assert log.waiting == 10_000
        page = await service.logs("w", PageQuery(100, 100))
        assert page.items[-1].endpoint == "/5"
        assert "5 lines of the request log were dropped" in caplog.text

    _run(database, body)


def test_lines_wait_while_the_database_is_away(tmp_path: Any) -> None:
    folder = tmp_path / "no-file.db"
    folder.mkdir()
    database = Database(f"sqlite:///{folder}")

    async def body(log: RequestLog, service: UsageService) -> None:
        log.record(Line(endpoint="/1"))
        log.record(Line(endpoint="/2"))
        with pytest.raises(Unavailable):
            await log.flush()
        assert log.waiting == 2

    _run(database, body)
    database.close()


def test_lines_older_than_thirty_days_are_deleted(database: Database) -> None:
    async def body(log: RequestLog, service: UsageService) -> None:
        for days in (0, 29, 31, 400):
            log.record(Line(endpoint=f"/{days}", created_at=FrozenClock().now() - timedelta(days=days)))
        await log.flush()
        await log.purge()
        assert [line.endpoint for line in (await service.logs("w", PageQuery())).items] == ["/0", "/29"]

    _run(database, body)
