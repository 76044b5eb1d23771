"""Dated prices and plans, and files of them that are bad."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from noctule.kit.errors import InvalidRequest
from noctule.metering.book import BadRates, PriceBook
from noctule.metering.domain.events import Meter
from noctule.metering.domain.months import Month

_PRICES = """
[[price]]
id = "b1"
meter = "browser"
from = 2025-01-01
dollars = "0.05"
per = "hour"
[[price]]
id = "b2"
meter = "browser"
from = 2026-01-01T06:00:00Z
dollars = "0.10"
per = "hour"
[[price]]
id = "p"
meter = "proxy"
from = 2025-01-01
dollars = "3.33"
per = "GB"
[[price]]
id = "f"
meter = "function"
from = 2025-01-01
dollars = "0.01"
per = "minute"
"""
_PLAN = """
[[plan]]
name = "club"
from = {begins}
monthly = "{monthly}"
once = "0"
concurrency = 3
max_duration_minutes = 20
requests_per_minute = 60
"""


def _book(tmp_path: Path, text: str) -> PriceBook:
    path = tmp_path / "rates.toml"
    path.write_text(text)
    return PriceBook.load(path)


def _good(tmp_path: Path) -> PriceBook:
    plans = _PLAN.format(begins="2025-01-01", monthly="1") + _PLAN.format(begins="2026-03-15", monthly="2.5")
    return _book(tmp_path, _PRICES + plans)


@pytest.mark.parametrize(
    ("at", "price"),
    [
        (datetime(2020, 1, 1, tzinfo=UTC), "b1"),
        (datetime(2026, 1, 1, 5, 59, 59, tzinfo=UTC), "b1"),
        (datetime(2026, 1, 1, 6, tzinfo=UTC), "b2"),
        (datetime(2030, 1, 1, tzinfo=UTC), "b2"),
    ],
)
def test_a_use_is_priced_by_the_row_that_was_in_force_when_it_occurred(
    tmp_path: Path, at: datetime, price: str
) -> None:
    assert _good(tmp_path).price(Meter.BROWSER, at).id == price


def test_a_price_that_is_no_whole_number_of_nanos_a_byte_adds_up_anyway(tmp_path: Path) -> None:
    price = _good(tmp_path).price(Meter.PROXY, datetime(2025, 5, 1, tzinfo=UTC))
    assert price.cost(0, 10**9) == 3_330_000_000
    assert sum(price.cost(start, 7) for start in range(0, 700, 7)) == price.cost(0, 700) == 2331


def test_a_plan_grants_a_month_what_its_row_at_the_months_start_says(tmp_path: Path) -> None:
    book = _good(tmp_path)
    assert book.monthly_credit("club", Month(2026, 3)) == 1_000_000_000
    assert book.monthly_credit("club", Month(2026, 4)) == 2_500_000_000


def test_an_unknown_plan_is_refused_with_the_plans_that_there_are(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match="no such plan; plans: club"):
        _good(tmp_path).plan("gold", datetime(2026, 1, 1, tzinfo=UTC))


def test_the_built_in_file_has_the_public_prices_and_the_known_plans() -> None:
    book, now = PriceBook.built_in(), datetime(2026, 11, 23, tzinfo=UTC)
    assert book.price(Meter.BROWSER, now).cost(0, 60) == 50_000_000
    assert book.price(Meter.FUNCTION, now).cost(0, 60) == 50_000_000
    assert book.price(Meter.PROXY, now).cost(0, 10**9) == 10 * 10**9
    assert book.plan_names() == ["admin", "enterprise", "free", "growth", "playground", "prepaid", "pro"]
    assert book.plan("admin", now).monthly_nanos == 10**15
    assert book.plan("free", now).once_nanos == 5 * 10**9


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("nonsense", "not TOML"),
        (_PLAN.format(begins="2025-01-01", monthly="1"), "price: Field required"),
        (_PRICES, "plan: Field required"),
        (_PRICES + _PLAN.format(begins="2025-01-01", monthly="much"), "plan.0.monthly: .*not an amount"),
        (_PRICES + _PLAN.format(begins="2025-01-01", monthly="-1"), "not negative"),
        (_PRICES + _PLAN.format(begins='"soon"', monthly="1"), "plan.0.from: .*write a date"),
        (_PRICES + _PLAN.format(begins="2025-01-01", monthly="1") + 'colour = "red"', "plan.0.colour: Extra"),
        (_PRICES.replace('per = "GB"', 'per = "hour"') + _PLAN.format(begins="2025-01-01", monthly="1"), "in bytes"),
        (_PRICES.replace('"proxy"', '"browser"') + _PLAN.format(begins="2025-01-01", monthly="1"), "in minutes"),
        (_PRICES.replace('dollars = "0.05"', "dollars = 0.05") + _PLAN.format(begins="2025-01-01", monthly="1"), "str"),
    ],
)
def test_a_bad_file_is_refused_with_the_place_and_the_reason(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(BadRates, match=says) as refusal:
        _book(tmp_path, text)
    assert "rates.toml" in str(refusal.value)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadRates, match="No such file"):
        PriceBook.load(tmp_path / "none.toml")
