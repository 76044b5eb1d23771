"""A forecast is arithmetic: what follows from the facts, to the microsecond, and nothing where they say nothing."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from noctule.metering.domain.forecast import (
    HORIZON_MONTHS,
    Change,
    Credit,
    Facts,
    Outlook,
    Pace,
    end_of_credit,
    foretell,
)
from noctule.metering.domain.months import Month

NOW = datetime(2026, 3, 15, 12, tzinfo=UTC)
LONG_AGO = datetime(2025, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
# A thousand a day: half of today is over.
STEADY = Facts(NOW, LONG_AGO, (1_000,) * 7, 500, spent_nanos=14_500)

nanos = st.integers(0, 10**15)
facts = st.builds(
    Facts,
    now=st.just(NOW),
    opened_at=st.datetimes(datetime(2025, 1, 1), datetime(2026, 3, 15, 11)).map(lambda at: at.replace(tzinfo=UTC)),
    days=st.tuples(*[nanos] * 7),
    today_nanos=nanos,
    spent_nanos=nanos,
    credits=st.lists(
        st.builds(Credit, st.integers(1, 10**15), st.sampled_from([None, Month(2026, 3).end, Month(2026, 5).end])),
        max_size=4,
    ).map(tuple),
    coming=st.lists(nanos, min_size=HORIZON_MONTHS, max_size=HORIZON_MONTHS).map(tuple),
    avoidable=st.dictionaries(st.sampled_from(Change), nanos, max_size=3),
)
deterministic = settings(derandomize=True, max_examples=200, deadline=None, database=None)


def with_credit(amount: int, expires_at: datetime | None = None, **changes: object) -> Facts:
    return replace(STEADY, credits=(Credit(amount, expires_at),), **changes)  # type: ignore[arg-type]


def test_a_steady_week_is_continued_to_the_microsecond() -> None:
    found = foretell(with_credit(10_000))
    assert (found.outlook, found.whole_days, found.balance_nanos) == (Outlook.ENDS, 7, 10_000)
    assert found.pace is not None
    assert found.pace.a_day == 1_000
    assert found.ends_at == NOW + 10 * DAY
    assert found.left == 10 * DAY
    assert found.is_enough_for_month is False
    assert found.projection is not None
    assert found.projection.expected_nanos == 14_500 + 16_500
    assert found.projection.low_nanos == found.projection.high_nanos == found.projection.expected_nanos


def test_today_counts_by_the_part_of_it_that_is_over() -> None:
    slow = foretell(replace(STEADY, today_nanos=0))
    assert slow.pace == Pace(7_000, 7.5 * DAY)


def test_low_and_high_are_the_quietest_and_the_busiest_days() -> None:
    found = foretell(replace(STEADY, days=(0, 0, 0, 1_000, 2_000, 3_000, 4_000), today_nanos=500, spent_nanos=0))
    assert found.projection is not None
    assert (found.projection.low_nanos, found.projection.high_nanos) == (0, 16 * 3_000 + 1_500)


@pytest.mark.parametrize("age", [timedelta(minutes=1), timedelta(hours=12), timedelta(hours=35, minutes=59)])
def test_less_than_one_whole_day_is_too_little_to_tell(age: timedelta) -> None:
    found = foretell(with_credit(10_000, opened_at=NOW - age))
    assert (found.outlook, found.pace, found.projection, found.ends_at) == (Outlook.TOO_LITTLE_DATA, None, None, None)
    assert found.is_enough_for_month is None
    assert found.balance_nanos == 10_000


def test_a_young_account_is_measured_by_its_own_age() -> None:
    found = foretell(with_credit(10_000, opened_at=NOW - 2.5 * DAY, days=(0, 0, 0, 0, 0, 1_000, 1_000)))
    assert found.whole_days == 2
    assert found.pace == Pace(2_500, 2.5 * DAY)


def test_nothing_used_and_nothing_left_are_said_as_they_are() -> None:
    idle = foretell(with_credit(5, days=(0,) * 7, today_nanos=0))
    assert (idle.outlook, idle.ends_at, idle.is_enough_for_month) == (Outlook.NOTHING_USED, None, True)
    broke = foretell(replace(STEADY, owed_nanos=3))
    assert (broke.outlook, broke.balance_nanos, broke.is_enough_for_month) == (Outlook.USED_UP, -3, False)


def test_credit_that_expires_is_spent_first_and_lost_at_its_end() -> None:
    month_end = Month.of(NOW).end
    both = replace(STEADY, credits=(Credit(5_000, None), Credit(100_000, month_end)))
    # 16.5 days until the month ends take 16,500 of what expires; then the 5,000 that stay last five days.
    assert foretell(replace(both, coming=(0, 0))).ends_at == month_end + 5 * DAY


def test_what_the_plan_gives_each_month_counts() -> None:
    enough = with_credit(16_500, Month.of(NOW).end, coming=(31_000,) * HORIZON_MONTHS)
    assert foretell(enough).outlook is Outlook.LASTS
    found = foretell(replace(enough, coming=(30_000, 30_000, 0)))
    # April has thirty days, May thirty-one.
    assert found.ends_at == Month(2026, 5).start + 30 * DAY
    assert found.is_enough_for_month is True
    assert found.coming_nanos == 30_000


def test_a_debt_is_paid_before_anything_else() -> None:
    owing = replace(STEADY, owed_nanos=400, credits=(Credit(10_400, None),))
    assert foretell(owing).ends_at == NOW + 10 * DAY


def test_savings_are_told_by_their_size_and_never_exceed_the_cost() -> None:
    avoidable = {Change.PROXIES_OFF: 3_750, Change.IDLE_TIMEOUT: 75, Change.FEWER_SESSIONS: 0}
    found = foretell(with_credit(10_000, avoidable=avoidable, coming=(0,) * HORIZON_MONTHS))
    assert [(saving.change, saving.a_day_nanos) for saving in found.savings] == [
        (Change.PROXIES_OFF, 500),
        (Change.IDLE_TIMEOUT, 10),
    ]
    assert found.savings[0].ends_at == NOW + 20 * DAY
    whole = foretell(with_credit(10_000, avoidable={Change.PROXIES_OFF: 10**9})).savings
    assert [(saving.a_day_nanos, saving.ends_at) for saving in whole] == [(1_000, None)]


@deterministic
@given(facts=facts)
def test_doubled_usage_halves_the_time_that_is_left_unless_the_plan_brings_more(facts: Facts) -> None:
    once, twice = foretell(facts), foretell(_doubled(facts))
    assert once.whole_days == twice.whole_days
    if once.pace is None or once.outlook is Outlook.USED_UP:
        return
    if twice.left is not None and once.left is not None:
        assert twice.left <= once.left
    stays = replace(facts, credits=tuple(replace(each, expires_at=None) for each in facts.credits), coming=(0,) * 24)
    slow, fast = (
        end_of_credit(stays, once.pace),
        end_of_credit(_doubled(stays), Pace(2 * once.pace.cost_nanos, once.pace.span)),
    )
    if slow is not None:
        assert fast is not None
        assert abs((slow - facts.now) - 2 * (fast - facts.now)) <= timedelta(microseconds=2)


@deterministic
@given(facts=facts, more=st.integers(1, 10**12))
def test_more_credit_never_ends_earlier_and_less_use_never_either(facts: Facts, more: int) -> None:
    richer = replace(facts, credits=(*facts.credits, Credit(more, None)))
    here, there = foretell(facts), foretell(richer)
    if here.ends_at is not None:
        assert there.ends_at is None or there.ends_at >= here.ends_at
        for saving in here.savings:
            assert saving.ends_at is None or saving.ends_at >= here.ends_at


@deterministic
@given(facts=facts)
def test_a_forecast_is_consistent_in_itself(facts: Facts) -> None:
    found = foretell(facts)
    assert (found.outlook is Outlook.ENDS) == (found.ends_at is not None)
    if found.ends_at is not None:
        assert found.ends_at >= facts.now
    if found.projection is not None:
        low, expected, high = (
            found.projection.low_nanos,
            found.projection.expected_nanos,
            found.projection.high_nanos,
        )
        assert facts.spent_nanos <= low <= expected <= high
    assert (found.outlook is Outlook.TOO_LITTLE_DATA) <= (found.projection is None)
    assert all(saving.a_day_nanos > 0 for saving in found.savings)


def _doubled(facts: Facts) -> Facts:
    return replace(facts, days=tuple(2 * cost for cost in facts.days), today_nanos=2 * facts.today_nanos)
