"""Properties of prices, of the waterfall and of the tick that need no machine."""

import itertools
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from math import floor
from typing import Concatenate, ParamSpec, TypeVar

from hypothesis import given, seed, settings
from hypothesis import strategies as st
from sqlalchemy import Connection

from noctule.db.engine import Database
from noctule.db.schema import metadata
from noctule.metering.book import Price, PriceBook
from noctule.metering.domain.journal import AccountState, Bucket, Journal
from noctule.metering.domain.posting import AccountBooks
from noctule.metering.service import LeaseOpening, Meter, Metering, Month, UsageEvent
from noctule.metering.store import reading
from tests.properties.seeds import SEED
from tests.support import units
from tests.support.clock import FrozenClock

P = ParamSpec("P")
T = TypeVar("T")
_AT = datetime(2026, 3, 10, tzinfo=UTC)
CHECKPOINT_NANOS_A_BYTE = 10


_Grant = tuple[str, Bucket, int, datetime | None]


def _postings(connection: Connection) -> list[reading.Posting]:
    return list(reading.postings(connection))


class Server:
    """A meter on an empty SQLite."""

    def __init__(self, folder: str) -> None:
        self.database = Database(f"sqlite:///{folder}/noctule.db")
        metadata.create_all(self.database.engine)
        self.clock = FrozenClock()
        self.meter = Metering(self.clock, PriceBook.built_in(), instance_id="one", boot_id="one")

    def write(self, step: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        return units.write(self.database, step, *args, **kwargs)

    def open(self, lease_id: str) -> None:
        opening = LeaseOpening(lease_id, "account", session_id=lease_id)
        self.write(self.meter.open_lease, opening)
        self.meter.begin(lease_id)


@contextmanager
def server() -> Iterator[Server]:
    with tempfile.TemporaryDirectory() as folder:
        made = Server(folder)
        yield made
        made.database.close()


@seed(SEED)
@given(
    rate=st.integers(0, 10**12),
    per=st.sampled_from([1, 60, 7, 10**9]),
    cuts=st.lists(st.integers(0, 10**10), min_size=2, max_size=9),
)
def test_however_a_chain_is_cut_its_parts_cost_the_rounded_total(rate: int, per: int, cuts: list[int]) -> None:
    price = Price("p", Meter.BROWSER, _AT, rate, per, "minute")
    ends = sorted({0, *cuts})
    parts = [price.cost(start, end - start) for start, end in itertools.pairwise(ends)]
    assert all(part >= 0 for part in parts)
    assert sum(parts) == floor(Fraction(rate * ends[-1], per) + Fraction(1, 2))


@seed(SEED)
@given(
    amounts=st.lists(st.integers(1, 1000), min_size=1, max_size=6),
    shuffled=st.randoms(use_true_random=False),
    costs=st.lists(st.integers(0, 1500), max_size=6),
    plan=st.integers(0, 1000),
)
def test_credit_is_spent_in_one_order_however_it_was_inserted(
    amounts: list[int], shuffled: object, costs: list[int], plan: int
) -> None:
    grants: list[_Grant] = [
        (f"grant:topup:{number}", Bucket.TOPUP, amount, None) for number, amount in enumerate(amounts)
    ]
    if plan:
        grants.append(("grant:plan:a:2026-03", Bucket.PLAN, plan, Month.of(_AT).end))
    reordered = list(grants)
    shuffled.shuffle(reordered)  # type: ignore[attr-defined]

    def play(order: list[_Grant]) -> list[tuple[int, str, int]]:
        journal = Journal(itertools.count())
        books = AccountBooks(AccountState("a", "plan", _AT, _AT, 1), journal, _AT, lambda plan, month: 0)
        for key, bucket, amount, expires_at in order:
            books.grant(key, bucket, amount, expires_at=expires_at)
        journal.entries.clear()
        for number, cost in enumerate(costs):
            books.charge(UsageEvent(f"llm:{number}", "a", Meter.LLM, _AT, 0, 1, "token", "p", cost))
        return journal.entries

    entries = play(grants)
    assert play(reordered) == entries
    spent_on_topups = False
    plan_left = plan
    for _, account, amount in entries:
        if account.startswith("grant:") and plan_left and amount:
            plan_left += amount
            assert not spent_on_topups
        elif account.startswith("grant:"):
            spent_on_topups = True


@seed(SEED)
@given(seconds=st.floats(0.0, 900.0), ticks=st.lists(st.floats(0.0, 900.0), max_size=5))
def test_one_run_books_what_two_runs_over_its_parts_book(seconds: float, ticks: list[float]) -> None:
    def run(at: list[float]) -> list[tuple[str, int, datetime]]:
        with server() as one:
            one.write(one.meter.open_account, "account", "admin")
            one.open("s")
            passed = 0.0
            for instant in sorted(each for each in at if each < seconds):
                one.clock.advance(instant - passed)
                passed = instant
                one.write(one.meter.tick_step({}))
            one.clock.advance(seconds - passed)
            one.write(one.meter.close_lease, "s", proxied_bytes=0)
            postings = one.write(_postings)
            return [(each.key, each.event.cost_nanos, each.event.occurred_at) for each in postings if each.event]

    assert run(ticks) == run([])


@seed(SEED)
@settings(max_examples=settings().max_examples // 2)
@given(
    credit=st.integers(1, 6 * 833_334),
    starts=st.lists(st.integers(0, 90), min_size=1, max_size=5),
    rates=st.lists(st.integers(0, 400_000), min_size=5, max_size=5),
)
def test_overage_never_exceeds_a_minute_and_a_checkpoint_a_lease(
    credit: int, starts: list[int], rates: list[int]
) -> None:
    with server() as one:
        one.write(one.meter.open_account, "account", "pro")
        one.write(one.meter.change_plan, "account", "free")
        spend = 10 * 10**9 - credit
        drained = UsageEvent("llm:x", "account", Meter.LLM, one.clock.now(), 0, 1, "token", "p", spend)
        one.write(one.meter.deliver, [drained])
        moved: dict[str, int] = {}
        ended = 0
        for second in range(301):
            # Who has begun a minute on the last credit may finish it: wait for its end, and no longer.
            if second >= 240 and not (moved and one.write(one.meter.usage, "account", None).is_limit_exceeded):
                break
            for number, start in enumerate(starts):
                if start == second:
                    usage = one.write(one.meter.usage, "account", None)
                    if not usage.is_limit_exceeded:
                        one.open(f"s{number}")
                        moved[f"s{number}"] = 0
            one.clock.advance(1)
            for name in moved:
                moved[name] += rates[int(name[1:])]
            outcome = one.write(one.meter.tick_step(moved))
            for stop in outcome.stops:
                total = moved.pop(stop.lease_id)
                one.meter.freeze(stop.lease_id, at_paid_minute=True)
                one.write(one.meter.close_lease, stop.lease_id, proxied_bytes=total)
                one.meter.forget(stop.lease_id)
                ended += 1
        usage = one.write(one.meter.usage, "account", None)
        # A checkpoint is at most 10 MB and what one more tick brings.
        checkpoint = CHECKPOINT_NANOS_A_BYTE * (10_000_000 + max(rates))
        assert -usage.balance_nanos <= (ended + len(moved)) * (833_334 + checkpoint)
        assert moved == {} or not usage.is_limit_exceeded
        assert one.write(one.meter.audit).ok


def test_a_day_of_minutes_costs_exactly_twenty_four_hours() -> None:
    price = PriceBook.built_in().price(Meter.BROWSER, _AT)
    assert [price.cost(minute, 1) for minute in range(3)] == [833_333, 833_334, 833_333]
    assert sum(price.cost(minute, 1) for minute in range(60)) == 50_000_000
    assert sum(price.cost(minute, 1) for minute in range(24 * 60)) == 1_200_000_000
    assert PriceBook.built_in().price(Meter.PROXY, _AT + timedelta(days=1)).cost(7, 123) == 1230
