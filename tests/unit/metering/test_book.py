"""Dated prices and plans, and files of them that are bad."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from noctule.kit.errors import InvalidRequest
from noctule.metering import book as book_module
from noctule.metering.book import BadRates, PriceBook, Standing
from noctule.metering.domain.events import Meter
from noctule.metering.domain.months import Month
from noctule.metering.service import Metering, Usage
from tests.unit.metering.conftest import Bench

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
        (_PRICES.replace('"b2"', '"b1"') + _PLAN.format(begins="2025-01-01", monthly="1"), "2 prices have the id b1"),
        (
            _PRICES.replace("2026-01-01T06:00:00Z", "2025-01-01") + _PLAN.format(begins="2025-01-01", monthly="1"),
            "2 prices of one meter begin at 2025-01-01 .*, browser",
        ),
        (_PRICES + 2 * _PLAN.format(begins="2025-01-01", monthly="1"), "2 rows of one plan begin at .*, club"),
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


def test_every_row_is_told_as_it_stands_at_an_instant(tmp_path: Path) -> None:
    book = _good(tmp_path)

    def standings(at: datetime) -> list[str]:
        prices = [(each.row.id, each.standing) for each in book.dated_prices(at)]
        plans = [(f"{each.row.monthly_nanos / 10**9}", each.standing) for each in book.dated_plans(at)]
        return [f"{name} {standing}" for name, standing in prices + plans]

    always = ["f in force", "p in force"]
    assert standings(datetime(2026, 1, 1, 5, tzinfo=UTC)) == [
        "b1 in force", "b2 later", *always, "1.0 in force", "2.5 later",
    ]  # fmt: skip
    assert standings(datetime(2026, 4, 1, tzinfo=UTC)) == [
        "b1 past", "b2 in force", *always, "1.0 past", "2.5 in force",
    ]  # fmt: skip
    # Before any row began, the first one holds.
    assert standings(datetime(2020, 1, 1, tzinfo=UTC))[0] == "b1 in force"
    assert [each.row.per_unit for each in book.dated_prices(datetime(2026, 1, 1, tzinfo=UTC))] == [
        "hour", "hour", "minute", "GB",
    ]  # fmt: skip
    assert Standing("in force") is Standing.IN_FORCE


_DEARER = """
[[price]]
id = "browser-dearer"
meter = "browser"
from = 2026-03-10T12:02:00Z
dollars = "0.10"
per = "hour"
[[plan]]
name = "pro"
from = 2026-04-01
monthly = "9"
once = "0"
concurrency = 25
max_duration_minutes = 30
requests_per_minute = 600
"""


class _TwoBooks:
    """One database and clock under two price books, of which the second has a dearer row of 12:02 and of April."""

    def __init__(self, bench: Bench, tmp_path: Path) -> None:
        built_in = Path(book_module.__file__).with_name("rates.toml").read_text()
        self.bench = bench
        self.before = bench.meter
        self.after = Metering(bench.clock, _book(tmp_path, built_in + _DEARER), instance_id="one", boot_id="boot")
        bench.account("pro")

    def usage(self, month: Month | None = None) -> tuple[Usage, Usage]:
        """A month, as either book sees it."""
        both = self.before, self.after
        return tuple(self.bench.read(meter.usage, "a", month) for meter in both)  # type: ignore[return-value]

    def costs(self) -> list[tuple[str, str, int]]:
        """Key, price and cost of every event."""
        bill = self.bench.read(self.after.explain, "a", "s")
        return [(line.event.key, line.event.price_id, line.event.cost_nanos) for line in bill.lines]

    def broken(self) -> list[str]:
        """Names of the invariants that do not hold by the later book."""
        return [check.name for check in self.bench.read(self.after.audit).checks if not check.ok]


@pytest.fixture
def books(bench: Bench, tmp_path: Path) -> _TwoBooks:
    return _TwoBooks(bench, tmp_path)


def test_a_row_of_a_later_date_does_not_touch_the_present(books: _TwoBooks) -> None:
    bench = books.bench
    bench.open()
    bench.clock.advance(61)
    bench.tick(books.before)
    bench.close()
    before, after = books.usage()
    assert before == after
    assert before.browser_nanos == 1_666_667
    assert books.broken() == []
    bench.open("t", meter=books.after)
    bench.write(books.after.close_lease, "t", proxied_bytes=0)
    assert bench.usage().browser_nanos == 1_666_667 + 833_333
    assert bench.broken() == books.broken() == []


def test_a_session_across_the_date_pays_the_old_price_before_it_and_the_new_one_after(books: _TwoBooks) -> None:
    bench = books.bench
    bench.open(meter=books.after)
    for _ in range(4):
        bench.clock.advance(60.5)
        bench.tick(books.after)
    bench.write(books.after.close_lease, "s", proxied_bytes=0)
    # Sixty minutes of the new price are ten cents: 1,666,667 and 1,666,666 in turn, by the number of the minute.
    assert books.costs() == [
        ("browser:s:0", "browser-2025", 833_333),
        ("browser:s:1", "browser-2025", 833_334),
        ("browser:s:2", "browser-dearer", 1_666_667),
        ("browser:s:3", "browser-dearer", 1_666_667),
        ("browser:s:4", "browser-dearer", 1_666_666),
    ]
    assert books.broken() == []
    assert "prices" in bench.broken()


def test_what_is_past_stays_as_it_was_when_rows_are_added(books: _TwoBooks) -> None:
    bench = books.bench
    bench.open()
    bench.clock.advance(61)
    bench.tick(books.before)
    bench.close()
    march, _ = books.usage()
    bench.clock.advance(60 * 86400)
    told = books.usage(Month(2026, 3))
    assert told == (march, march)
    # Nothing is booked in these months yet: what their rows will grant is told all the same.
    assert [usage.subscription_limit_nanos for usage in books.usage(Month(2026, 4))] == [5 * 10**9, 9 * 10**9]
    bench.open("t", meter=books.after)
    bench.write(books.after.close_lease, "t", proxied_bytes=0)
    assert [usage.subscription_limit_nanos for usage in books.usage(Month(2026, 4))] == [9 * 10**9] * 2
    assert books.usage(Month(2026, 3)) == (march, march)
    assert books.broken() == []
    bench.write(books.after.rebuild)
    assert books.usage(Month(2026, 3)) == (march, march)
    assert books.broken() == []
