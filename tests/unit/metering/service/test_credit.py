"""Credit that the operator gives and takes, and corrections."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from noctule.kit.errors import Conflict, InvalidRequest, NotFound
from noctule.metering.service import Correction, GrantView, Meter, Metering, Month
from tests.support.outbox import KeptOutbox
from tests.unit.metering.conftest import MINUTE_NANOS, Bench

_DOLLAR = 10**9
_MARCH, _APRIL, _MAY, _JUNE = (Month(2026, number) for number in (3, 4, 5, 6))


def _go_to(bench: Bench, at: datetime) -> None:
    bench.clock.advance((at - bench.clock.now()).total_seconds())


def _grant(bench: Bench, nanos: int, until: Month | None, key: str = "k") -> None:
    bench.write(bench.meter.grant, "a", nanos, key, expires_after=until)


def _correct(bench: Bench, nanos: int, key: str = "k", **more: Any) -> bool:
    return bench.write(bench.meter.correct, "a", Correction(key, nanos, "a slip", Meter.BROWSER, **more))


def _grants(bench: Bench) -> dict[str, GrantView]:
    return {each.key: each for each in bench.read(bench.meter.grants, "a")}


def test_credit_with_an_end_is_spent_first_carried_from_month_to_month_and_expires(bench: Bench) -> None:
    bench.account("free")
    _grant(bench, 10 * _DOLLAR, _APRIL)
    usage = bench.usage()
    assert (usage.subscription_limit_nanos, usage.topup_limit_nanos) == (10 * _DOLLAR, 5 * _DOLLAR)
    bench.spend(4 * _DOLLAR, "llm:march")
    _go_to(bench, datetime(2026, 4, 10, tzinfo=UTC))
    unbooked = bench.usage()
    assert (unbooked.subscription_limit_nanos, unbooked.balance_nanos) == (6 * _DOLLAR, 11 * _DOLLAR)
    bench.spend(_DOLLAR, "llm:april")
    booked = bench.usage()
    assert (booked.subscription_limit_nanos, booked.subscription_balance_nanos) == (6 * _DOLLAR, 5 * _DOLLAR)
    _go_to(bench, datetime(2026, 5, 1, tzinfo=UTC))
    assert (bench.usage().subscription_limit_nanos, bench.usage().balance_nanos) == (0, 5 * _DOLLAR)
    bench.spend(_DOLLAR, "llm:may")
    assert (bench.usage().subscription_limit_nanos, bench.usage().balance_nanos) == (0, 4 * _DOLLAR)
    assert bench.usage(_MARCH).subscription_balance_nanos == 6 * _DOLLAR
    assert bench.usage(_APRIL).subscription_balance_nanos == 5 * _DOLLAR
    assert bench.broken() == []


def test_carried_credit_is_right_after_months_without_any_booking(bench: Bench) -> None:
    bench.account("pro")
    _grant(bench, 3 * _DOLLAR, _MAY)
    _go_to(bench, datetime(2026, 5, 20, tzinfo=UTC))
    before = [bench.usage(month) for month in (_MARCH, _APRIL, _MAY, _JUNE)]
    bench.spend(1)
    after = [bench.usage(month) for month in (_MARCH, _APRIL, _MAY, _JUNE)]
    assert before[:2] == after[:2]
    assert before[1].subscription_limit_nanos == 8 * _DOLLAR
    assert after[2].balance_nanos == before[2].balance_nanos - 1 == 8 * _DOLLAR - 1
    verified = [bench.read(bench.meter.verified_usage, "a", month) for month in (_MARCH, _APRIL, _MAY, _JUNE)]
    assert verified == after
    bench.write(bench.meter.rebuild)
    assert [bench.usage(month) for month in (_MARCH, _APRIL, _MAY, _JUNE)] == after
    assert bench.broken() == []


def test_a_larger_plan_still_raises_the_credit_whatever_the_operator_gave(bench: Bench) -> None:
    bench.account("pro")
    _grant(bench, 100 * _DOLLAR, _MARCH)
    bench.write(bench.meter.change_plan, "a", "growth")
    assert bench.usage().balance_nanos == 125 * _DOLLAR
    _go_to(bench, datetime(2026, 4, 2, tzinfo=UTC))
    bench.write(bench.meter.change_plan, "a", "pro")
    assert bench.usage().balance_nanos == 25 * _DOLLAR


def test_credit_without_an_end_is_a_top_up(bench: Bench) -> None:
    bench.account("prepaid")
    _grant(bench, _DOLLAR, None)
    assert bench.usage().topup_balance_nanos == _DOLLAR
    bench.write(bench.meter.top_up, "a", _DOLLAR, "k")
    assert bench.usage().topup_balance_nanos == _DOLLAR


def test_the_same_key_gives_once_and_another_content_is_refused(bench: Bench) -> None:
    bench.account("prepaid")
    bench.account("prepaid", "b")
    for _ in range(2):
        _grant(bench, _DOLLAR, _APRIL)
    for nanos, until in ((2 * _DOLLAR, _APRIL), (_DOLLAR, _MAY)):
        with pytest.raises(Conflict):
            _grant(bench, nanos, until)
    with pytest.raises(Conflict):
        bench.write(bench.meter.grant, "b", _DOLLAR, "k", expires_after=_APRIL)
    assert bench.usage().balance_nanos == _DOLLAR


def test_credit_that_makes_no_sense_is_refused(bench: Bench) -> None:
    bench.account("prepaid")
    for nanos, until in ((0, _APRIL), (-1, None), (_DOLLAR, Month(2026, 2)), (10**19, _APRIL)):
        with pytest.raises(InvalidRequest):
            _grant(bench, nanos, until)
    with pytest.raises(NotFound):
        bench.write(bench.meter.grant, "nobody", 1, "k", expires_after=None)
    assert bench.read(bench.meter.grants, "a") == []


def test_what_is_left_of_a_grant_can_be_taken_back_once(bench: Bench) -> None:
    bench.account("prepaid")
    bench.account("prepaid", "b")
    bench.write(bench.meter.top_up, "a", 5 * _DOLLAR, "slip")
    _grant(bench, 2 * _DOLLAR, _APRIL)
    bench.spend(3 * _DOLLAR)
    topup, credit = _grants(bench)["grant:topup:slip"], _grants(bench)["grant:credit:k"]
    assert (topup.remaining_nanos, topup.bucket, topup.expires_at) == (4 * _DOLLAR, "topup", None)
    assert (credit.remaining_nanos, credit.bucket, credit.expires_at) == (0, "plan", _APRIL.end)
    with pytest.raises(NotFound):
        bench.write(bench.meter.void_grant, "b", topup.id)
    with pytest.raises(NotFound):
        bench.write(bench.meter.void_grant, "a", "unknown")
    assert bench.write(bench.meter.void_grant, "a", topup.id) == 4 * _DOLLAR
    assert bench.write(bench.meter.void_grant, "a", topup.id) == 0
    assert bench.write(bench.meter.void_grant, "a", credit.id) == 0
    usage = bench.usage()
    assert (usage.topup_limit_nanos, usage.balance_nanos, usage.is_limit_exceeded) == (_DOLLAR, 0, True)
    assert not bench.is_admitted()
    assert bench.broken() == []
    before = bench.usage()
    bench.write(bench.meter.rebuild)
    assert bench.usage() == before


def test_a_refund_is_a_negative_cost_and_credit_that_stays(bench: Bench) -> None:
    bench.account("prepaid")
    bench.write(bench.meter.top_up, "a", _DOLLAR, "t")
    bench.open()
    bench.close()
    assert _correct(bench, -MINUTE_NANOS, session_id="s")
    assert not _correct(bench, -MINUTE_NANOS, session_id="s")
    usage = bench.usage()
    assert (usage.browser_nanos, usage.total_nanos, usage.session_count) == (0, 0, 1)
    assert (usage.topup_limit_nanos, usage.balance_nanos) == (_DOLLAR + MINUTE_NANOS, _DOLLAR)
    assert bench.read(bench.meter.cost_of_session, "s") == 0
    bill = bench.read(bench.meter.explain, "a", "s")
    assert [line.event.cost_nanos for line in bill.lines] == [MINUTE_NANOS, -MINUTE_NANOS]
    assert bill.total_nanos == 0
    assert bench.broken() == []


def test_a_refund_pays_what_is_owed_first(bench: Bench) -> None:
    bench.account("prepaid")
    bench.spend(10)
    _correct(bench, -4)
    assert bench.usage().balance_nanos == -6
    _correct(bench, -10, "again")
    assert (bench.usage().balance_nanos, bench.is_admitted()) == (4, True)
    assert bench.broken() == []


def test_a_correction_can_charge_and_is_paid_like_any_use(bench: Bench) -> None:
    bench.account("pro")
    _correct(bench, 6 * _DOLLAR)
    usage = bench.usage()
    assert (usage.browser_nanos, usage.session_count) == (6 * _DOLLAR, 0)
    assert usage.balance_nanos == -_DOLLAR
    assert bench.broken() == []


def test_a_correction_of_a_sealed_month_counts_in_the_open_one_and_names_its_origin(bench: Bench) -> None:
    bench.account("pro")
    bench.spend(_DOLLAR)
    was = bench.clock.now()
    _go_to(bench, datetime(2026, 4, 1, 2, tzinfo=UTC))
    bench.spend(1, "llm:april")
    bench.write(bench.meter.seal_months)
    before = bench.usage(_MARCH)
    _correct(bench, -_DOLLAR, occurred_at=was)
    assert bench.usage(_MARCH) == before
    assert bench.usage(_APRIL).total_nanos == 1 - _DOLLAR
    assert bench.broken() == []


def test_a_correction_of_an_open_month_counts_there(bench: Bench) -> None:
    bench.account("pro")
    bench.spend(_DOLLAR)
    was = bench.clock.now()
    _go_to(bench, datetime(2026, 4, 1, 0, 30, tzinfo=UTC))
    _correct(bench, -_DOLLAR, occurred_at=was)
    assert (bench.usage(_MARCH).total_nanos, bench.usage(_APRIL).total_nanos) == (0, 0)
    assert bench.broken() == []


def test_corrections_that_make_no_sense_are_refused(bench: Bench) -> None:
    bench.account("pro")
    _correct(bench, -1)
    for nanos, key in ((-2, "k"), (1, "k")):
        with pytest.raises(Conflict):
            _correct(bench, nanos, key)
    future = bench.clock.now() + timedelta(hours=1)
    for nanos, more in ((0, {}), (10**19, {}), (-(10**19), {}), (1, {"occurred_at": future})):
        with pytest.raises(InvalidRequest):
            _correct(bench, nanos, "other", **more)
    assert bench.usage().total_nanos == -1


def test_shares_of_the_months_credit_and_its_end_are_announced(bench: Bench) -> None:
    outbox = KeptOutbox()
    bench.meter = Metering(bench.clock, bench.book, instance_id="one", boot_id="boot", outbox=outbox)
    bench.account("pro")
    for number in range(5):
        bench.spend(_DOLLAR, f"llm:{number}")
    said = outbox.of_type("usage.threshold")
    assert [each.data["percent"] for each in said] == [50, 80, 100]
    assert said[0].data == {
        "percent": 50,
        "month": "2026-03",
        "credit": "5.00",
        "spent": "3.00",
        "balance": "2.00",
    }
    assert [each.data for each in outbox.of_type("usage.exhausted")] == [{"month": "2026-03", "balance": "0.00"}]
    bench.write(bench.meter.top_up, "a", 20 * _DOLLAR, "t")
    bench.spend(21 * _DOLLAR, "llm:more")
    assert len(outbox.of_type("usage.threshold")) == 3
    assert [each.data["balance"] for each in outbox.of_type("usage.exhausted")] == ["0.00", "-1.00"]
    _go_to(bench, datetime(2026, 4, 2, tzinfo=UTC))
    bench.spend(2 * _DOLLAR, "llm:april")
    assert [each.data["percent"] for each in outbox.of_type("usage.threshold")[3:]] == [50]
    assert [each.workspace_id for each in outbox.by_key.values()] == ["a"] * len(outbox.by_key)


def test_credit_that_expires_unspent_is_announced_as_gone(bench: Bench) -> None:
    outbox = KeptOutbox()
    bench.meter = Metering(bench.clock, bench.book, instance_id="one", boot_id="boot", outbox=outbox)
    bench.account("prepaid")
    _grant(bench, _DOLLAR, _MARCH)
    _go_to(bench, datetime(2026, 4, 2, tzinfo=UTC))
    bench.spend(1)
    assert [each.data["balance"] for each in outbox.of_type("usage.exhausted")] == ["-0.000000001"]
