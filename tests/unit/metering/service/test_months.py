"""Sealed months: what seals them, and that a change is found."""

from datetime import UTC, datetime

from sqlalchemy import Connection, text

from noctule.metering.service import Month
from tests.unit.metering.conftest import Bench

_MARCH, _APRIL = Month(2026, 3), Month(2026, 4)


def _go_to(bench: Bench, at: datetime) -> None:
    bench.clock.advance((at - bench.clock.now()).total_seconds())


def _sealed(bench: Bench) -> list[str]:
    return [each.month.key for each in bench.read(bench.meter.months, "a") if each.sealed_at is not None]


def test_a_month_is_sealed_by_the_first_booking_an_hour_after_its_end(bench: Bench) -> None:
    bench.account("pro")
    bench.spend(7)
    _go_to(bench, datetime(2026, 4, 1, 0, 59, tzinfo=UTC))
    bench.spend(1, "llm:early")
    assert bench.write(bench.meter.seal_months) == 0
    _go_to(bench, datetime(2026, 4, 1, 1, 0, tzinfo=UTC))
    assert bench.write(bench.meter.seal_months) == 0
    bench.spend(1, "llm:later")
    assert bench.write(bench.meter.seal_months) == 1
    assert bench.write(bench.meter.seal_months) == 0
    assert _sealed(bench) == ["2026-03"]
    views = bench.read(bench.meter.months, "a")
    assert [(each.month, each.usage.llm_nanos) for each in views] == [(_MARCH, 7), (_APRIL, 2)]
    assert views[0].sealed_at == datetime(2026, 4, 1, 1, 0, tzinfo=UTC)
    assert bench.broken() == []


def test_a_wall_clock_that_runs_ahead_seals_nothing_by_itself(bench: Bench) -> None:
    bench.account("pro")
    bench.spend(7)
    bench.clock.jump(40 * 86_400)
    assert bench.write(bench.meter.seal_months) == 0
    bench.clock.jump(-40 * 86_400)
    assert _sealed(bench) == []


def test_a_change_of_a_sealed_month_is_found_even_if_every_sum_agrees(bench: Bench) -> None:
    bench.account("pro")
    bench.open()
    bench.close()
    _go_to(bench, datetime(2026, 4, 2, tzinfo=UTC))
    bench.spend(1, "llm:april")
    bench.write(bench.meter.seal_months)
    assert bench.broken() == []

    def remove_the_session(connection: Connection) -> None:
        ids = "(SELECT id FROM usage_event WHERE key LIKE 'browser:%')"
        for statement in (
            f"DELETE FROM ledger_entry WHERE transaction_id IN {ids}",
            f"DELETE FROM ledger_transaction WHERE id IN {ids}",
            "DELETE FROM usage_event WHERE key LIKE 'browser:%'",
            "DELETE FROM meter_lease",
        ):
            connection.execute(text(statement))

    bench.write(remove_the_session)
    bench.write(bench.meter.rebuild)
    assert "sealed-months" in bench.broken()
