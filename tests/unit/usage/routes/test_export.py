"""``GET /usage/export`` behind the real gate."""

import asyncio
import csv
import io
from decimal import Decimal

import pytest

from noctule.db.engine import Database
from noctule.kit.errors import TooManyRequests
from noctule.metering.service import Meter, UsageEvent
from noctule.usage.service import ExportFormat, RequestLog, UsageService
from tests.unit.usage.served import Served, serve


async def spend(served: Served, count: int) -> None:
    now = served.clock.now()
    events = [
        UsageEvent(f"llm:{number}", served.workspace_id, Meter.LLM, now, 0, 1, "token", "p", number)
        for number in range(count)
    ]
    await served.database.write(lambda link: served.metering.deliver(link, events))


@pytest.mark.parametrize("format", ["csv", "focus"])
def test_a_month_comes_as_a_file_whose_costs_are_the_months(database: Database, format: str) -> None:
    async def body(served: Served) -> None:
        await spend(served, 2_100)
        reply = await served.client.get("/usage/export", params={"format": format, "period": "2026-03"})
        assert reply.status_code == 200
        assert reply.headers["content-type"] == "text/csv; charset=utf-8"
        assert reply.headers["content-disposition"] == f'attachment; filename="noctule-{format}-2026-03.csv"'
        rows = list(csv.DictReader(io.StringIO(reply.content.decode(), newline=""), strict=True))
        cost = "EffectiveCost" if format == "focus" else "cost"
        assert sum(Decimal(row[cost]) for row in rows) * 10**9 == sum(range(2_100))
        assert {row["BillingAccountName" if format == "focus" else "workspace"] for row in rows} == {"default"}
        foreign = (await served.stranger.get("/usage/export")).text
        assert foreign.count("\r\n") == 1

    serve(database, body)


@pytest.mark.parametrize("query", ["format=xml", "period=Mai"])
def test_what_cannot_be_understood_is_a_422_before_anything_is_sent(sqlite: Database, query: str) -> None:
    async def body(served: Served) -> None:
        reply = await served.client.get(f"/usage/export?{query}")
        assert reply.status_code == 422
        assert reply.json()["detail"][0]["loc"] == ["query", query.partition("=")[0]]

    serve(sqlite, body)


def test_a_workspace_has_two_exports_at_once_and_whoever_goes_away_makes_room(sqlite: Database) -> None:
    async def body(served: Served) -> None:
        await spend(served, 5_000)
        service = UsageService(sqlite, served.metering, RequestLog(sqlite, served.clock))

        async def begin() -> object:
            document = await service.export(served.workspace_id, None, ExportFormat.CSV)
            await anext(document.pieces)
            return document.pieces

        first, second = await begin(), await begin()
        with pytest.raises(TooManyRequests):
            await begin()
        del first
        await asyncio.sleep(0)
        third = await begin()
        assert second is not third

    serve(sqlite, body)
