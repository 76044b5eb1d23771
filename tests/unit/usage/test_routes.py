"""The usage tag behind the real gate, on a real database."""

from pathlib import Path

import pytest

from noctule.db.engine import Database
from noctule.db.migrate import migrate
from noctule.metering.service import LeaseOpening
from tests.unit.usage.served import Served, serve


def test_usage_is_told_to_the_last_digit_in_the_contracts_order(database: Database) -> None:
    async def body(served: Served) -> None:
        opening = LeaseOpening("s", served.workspace_id, session_id="s")
        await database.write(lambda link: served.metering.open_lease(link, opening))
        served.metering.begin("s")
        served.clock.advance(61)
        await database.write(lambda link: served.metering.close_lease(link, "s", proxied_bytes=7))
        reply = await served.client.get("/usage")
        assert reply.status_code == 200
        assert reply.text == (
            '{"plan_type":"pro","period":"March 2026","session_count":1,"function_count":0,'
            '"browser_usage_cost":0.001666667,"proxy_usage_cost":7e-8,"llm_usage_cost":0.0,"function_usage_cost":0.0,'
            '"total_cost":0.001666737,"subscription_limit_amount":5.0,"topup_limit_amount":0.0,'
            '"subscription_balance_amount":4.998333263,"topup_balance_amount":0.0,"balance_amount":4.998333263,'
            '"is_usage_limit_exceeded":false}'
        )
        foreign = (await served.stranger.get("/usage")).json()
        assert (foreign["session_count"], foreign["balance_amount"]) == (0, 5.0)

    serve(database, body)


def test_a_period_is_echoed_in_its_canonical_form(database: Database) -> None:
    async def body(served: Served) -> None:
        for period, label in (("sept 2025", "September 2025"), ("2026-03", "March 2026"), ("", "March 2026")):
            reply = await served.client.get("/usage", params={"period": period})
            assert (reply.status_code, reply.json()["period"]) == (200, label)

    serve(database, body)


@pytest.mark.parametrize("period", ["13/2025", "Mai 2025", "May 25", "2025-13", "last month", "٢٠٢٥-٠٥"])
def test_a_bad_period_is_a_422_that_echoes_it_and_says_what_is_accepted(tmp_path: Path, period: str) -> None:
    database = Database(f"sqlite:///{tmp_path / 'noctule.db'}")
    migrate(database.engine)

    async def body(served: Served) -> None:
        reply = await served.client.get("/usage", params={"period": period})
        assert reply.status_code == 422
        (detail,) = reply.json()["detail"]
        assert (detail["loc"], detail["input"]) == (["query", "period"], period)
        assert "'May 2025', 'Sept 2025' or '2025-05'" in detail["msg"]

    serve(database, body)
    database.close()


def test_the_log_shows_requests_of_the_workspace_and_filters_them(database: Database) -> None:
    async def body(served: Served) -> None:
        await served.client.get("/usage?period=May+2025")
        await served.other_key.get("/nothing/here/")
        await served.stranger.get("/usage/logs")
        served.clock.advance(1)
        reply = await served.client.get("/usage/logs", params={"page_size": "1", "only_active": "False"})
        (line,) = reply.json()["items"]
        assert set(line) == {"created_at", "endpoint", "duration_ms"}
        assert (reply.json()["has_next"], reply.json()["has_previous"]) == (True, False)

        async def endpoints(**query: str) -> list[str]:
            served.clock.advance(1)
            page = (await served.client.get("/usage/logs", params=query)).json()
            return [item["endpoint"] for item in page["items"]]

        assert sorted(await endpoints(endpoint="HERE")) == ["/nothing/here"]
        assert "/nothing/here" not in await endpoints(only_current_token="True")
        assert (await endpoints())[:1] == ["/usage/logs"]

    serve(database, body)


@pytest.mark.parametrize(
    "query", ["page=0", "page=x", "page_size=0", "page_size=101", "only_current_token=perhaps", "page=99999999999999"]
)
def test_bad_pages_are_refused(tmp_path: Path, query: str) -> None:
    database = Database(f"sqlite:///{tmp_path / 'noctule.db'}")
    migrate(database.engine)

    async def body(served: Served) -> None:
        assert (await served.client.get(f"/usage/logs?{query}")).status_code == 422

    serve(database, body)
    database.close()
