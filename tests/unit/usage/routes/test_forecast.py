"""``GET /usage/forecast`` behind the real gate, on both databases."""

from datetime import datetime

from fastapi import APIRouter
from sqlalchemy import Connection

from noctule.db.engine import Database
from noctule.usage.routes.forecast import router
from noctule.usage.service.forecast import ForecastService
from tests.unit.usage.calling import Calling, calling


def make(here: Calling) -> APIRouter:
    def idle_ends(connection: Connection, workspace_id: str, since: datetime) -> list[tuple[int, int]]:
        assert since.isoformat() == "2026-03-12T00:00:00+00:00"
        return [(3, 2)] if workspace_id == here.ids["home"] else []

    return router(ForecastService(here.database, here.clock, here.metering, here.book, idle_ends))


def test_a_forecast_is_told_with_what_it_rests_on(database: Database) -> None:
    async def body(here: Calling) -> None:
        for number in range(10):
            await here.call(str(number), 700_000_000)
            here.clock.advance(86_400 if number < 9 else 0)
        told = (await here.client.get("/usage/forecast")).json()
        assert told == {
            "as_of": "2026-03-19T12:00:00Z",
            "outlook": "lasts",
            "whole_days": 7,
            "cost_per_day": 0.746666666,
            "balance": 18.0,
            "ends_at": None,
            "days_left": None,
            "month_ends_at": "2026-04-01T00:00:00Z",
            "is_enough_for_month": True,
            "next_month_credit": 25.0,
            "month_cost_so_far": 7.0,
            "month_cost_low": 15.75,
            "month_cost_expected": 16.333333333,
            "month_cost_high": 16.333333333,
            "savings": [{"change": "idle_timeout", "cost_per_day": 0.000444444, "ends_at": None}],
        }
        foreign = (await here.clients["foreign"].get("/usage/forecast")).json()
        assert (foreign["outlook"], foreign["cost_per_day"], foreign["savings"]) == ("nothing_used", None, [])
        await here.call("much", 15_000_000_000)
        told = (await here.client.get("/usage/forecast")).json()
        assert (told["outlook"], told["is_enough_for_month"]) == ("ends", False)
        assert told["days_left"] == 1.09
        assert told["ends_at"].startswith("2026-03-20T14:")

    calling(database, make, body)
