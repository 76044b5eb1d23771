"""The invariants of metering, as a machine that does anything in any order and a model in plain integers.

The numbers in names and comments are those of the list of invariants in METERING.
"""

import copy
import math
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict
from datetime import timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    consumes,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import Connection, select

from noctule.db.engine import Database
from noctule.db.schema import metadata
from noctule.kit.errors import Conflict, PaymentRequired
from noctule.metering.service import (
    KeyReused,
    LeaseOpening,
    ModelCall,
    Month,
)
from noctule.metering.service.leases import Doubtful
from noctule.metering.store import reading
from noctule.metering.store.tables import usage_day
from noctule.usage.wire import UsageResponse
from tests.properties import model, replaying
from tests.properties.credit import CreditMachine
from tests.properties.machine import ACCOUNTS, Held
from tests.properties.seeds import SEED
from tests.support.clock import FrozenClock


class Meter(CreditMachine):
    """Two accounts, some leases, a clock that jumps, a server that dies."""

    leases = Bundle("leases")

    def teardown(self) -> None:
        try:
            self.everything_agrees()
        finally:
            self.database.close()
            self.folder.cleanup()

    # -- what may happen -----------------------------------------------------------------------------------

    @initialize(plans=st.tuples(*[st.sampled_from(sorted(model.PLANS))] * len(ACCOUNTS)))
    def open_accounts(self, plans: tuple[str, ...]) -> None:
        for id, plan in zip(ACCOUNTS, plans, strict=True):
            self.write(self.meter.open_account, id, plan)
            now = self.clock.now()
            self.accounts[id] = model.Account(id, plan, now, now)
            self.accounts[id].take_plan(plan, now)

    @rule(id=st.sampled_from(ACCOUNTS), plan=st.sampled_from(sorted(model.PLANS)))
    def change_plan(self, id: str, plan: str) -> None:
        self.write(self.meter.change_plan, id, plan)
        if self.accounts[id].plan != plan:
            self.accounts[id].take_plan(plan, self.clock.now())

    @rule(
        id=st.sampled_from(ACCOUNTS),
        amount=st.one_of(st.integers(1, 3_000_000), st.integers(1, 10**12)),
        key=st.sampled_from("abcdef"),
    )
    def top_up(self, id: str, amount: int, key: str) -> None:
        def step(link: Connection) -> None:
            self.meter.top_up(link, id, amount, key)

        if self.top_ups.get(key, (id, amount)) != (id, amount):
            with pytest.raises(Conflict):
                self.write(step)
            return
        self.write(step)
        self.write(step)
        if key not in self.top_ups:
            self.top_ups[key] = (id, amount)
            account = self.accounts[id]
            at = account.catch_up(self.clock.now())
            account.give(model.Credit(f"grant:topup:{key}", "topup", amount, at, model._FOREVER))

    @rule(
        target=leases,
        id=st.sampled_from(ACCOUNTS),
        meter=st.sampled_from(["browser", "browser", "function"]),
        api_key=st.sampled_from(["k1", "k2"]),
        tags=st.sampled_from([(), ("x",), ("y",), ("x", "y")]),
    )
    def open_lease(self, id: str, meter: Any, api_key: str, tags: tuple[str, ...]) -> Any:
        lease_id = f"{meter}-{next(self.ids)}"
        session, run = (lease_id, None) if meter == "browser" else (None, lease_id)
        opening = LeaseOpening(lease_id, id, api_key, meter, session_id=session, function_run_id=run, tags=tags)
        account = self.accounts[id]
        ahead = copy.deepcopy(account)
        ahead.catch_up(self.clock.now())
        if ahead.refuses(self.clock.now(), session or "", api_key, tags):  # 10
            with pytest.raises(PaymentRequired):
                self.write(self.meter.open_lease, opening)
            return multiple()
        self.write(self.meter.open_lease, opening)
        at = account.catch_up(self.clock.now())
        held = Held(lease_id, id, meter, at, self.clock.monotonic(), api_key, tags)
        self.held[lease_id] = held
        self.charge_minute(held)
        self.meter.begin(lease_id)
        return lease_id

    @rule(seconds=st.one_of(st.integers(0, 90), st.sampled_from([9.999999, 59.999999, 60, 60.000001, 600, 5_000])))
    def pass_time(self, seconds: float) -> None:
        self.clock.advance(seconds)

    @precondition(lambda self: not self.held)
    @rule(days=st.integers(1, 40))
    def pass_days(self, days: int) -> None:
        self.clock.advance(days * 86_400 - 7)

    @rule(seconds=st.sampled_from([-40 * 86_400, -86_400, -61, -1, 1, 3_000, 86_400, 40 * 86_400]))
    def jump(self, seconds: float) -> None:
        self.clock.jump(seconds)
        # Reading writes nothing, so a reader in a false future seals no month for good; a posting does.
        self.sealed = {
            (id, month): body for (id, month), body in self.sealed.items() if month.is_sealed(self.accounts[id].mark)
        }

    @precondition(lambda self: not self.held)
    @rule()
    def go_to_the_end_of_the_month(self) -> None:
        now = self.clock.now()
        self.clock.advance((Month.of(now).end - now - timedelta(seconds=30)).total_seconds() % (31 * 86_400))

    @rule(lease=leases, count=st.one_of(st.integers(1, 5_000), st.integers(9_000_000, 30_000_000)))
    def move_bytes(self, lease: str, count: int) -> None:
        if lease in self.held and self.held[lease].meter == "browser":
            self.held[lease].bytes += count

    @rule()
    def tick(self) -> None:
        totals = {held.id: held.bytes for held in self.held.values()}
        outcome = self.write(self.meter.tick_step(totals))
        assert {stop.lease_id for stop in outcome.stops} == self.expect_tick()

    @rule(lease=consumes(leases), at_paid_minute=st.booleans())
    def close(self, lease: str, at_paid_minute: bool) -> None:
        held = self.held.pop(lease, None)
        if held is None:
            return
        self.clock.advance(0.5)
        witnessed = self.witnessed(held)
        if at_paid_minute:
            witnessed = min(witnessed, Fraction(60 * held.paid))
        while held.paid < model.minutes_owed(witnessed):
            self.charge_minute(held)
        if held.bytes > held.committed:
            self.charge_bytes(held)
        self.accounts[held.account].catch_up(self.clock.now())

        def step(link: Connection) -> Any:
            return self.meter.close_lease(link, lease, proxied_bytes=held.bytes)

        self.meter.freeze(lease, at_paid_minute=at_paid_minute)
        closed = self.write(step)
        if any(each.is_of((lease,)) for each in self.accounts[held.account].budgets.values()):
            self.end_budgets(lease)
        self.clock.advance(100)
        assert self.write(step) == closed
        self.meter.forget(lease)
        assert self.write(step) == closed
        assert closed.minutes == held.paid  # 7
        assert round(closed.witnessed_seconds * 1_000_000) == int(witnessed * 1_000_000)
        assert closed.cost_nanos == self.cost(lease)
        assert self.read(self.meter.cost_of_session, lease) == closed.cost_nanos

    @rule(
        id=st.sampled_from(ACCOUNTS),
        cost=st.one_of(st.integers(0, 5_000_000), st.integers(0, 10**10)),
        ago=st.integers(0, 90_000),
    )
    def finish_call(self, id: str, cost: int, ago: int) -> None:
        at = self.clock.now() - timedelta(seconds=ago)
        call = ModelCall(f"call-{next(self.ids)}", id, "some/model", (("input", 3), ("output", 4)), cost, "price", at)
        self.write(self.meter.charge_model_call, call)
        self.calls.append((call, id))
        self.accounts[id].charge(model.Use(call.event().key, "llm", at, cost, "", False), self.clock.now())

    @precondition(lambda self: self.calls)
    @rule(data=st.data())
    def deliver_again(self, data: st.DataObject) -> None:
        call, id = data.draw(st.sampled_from(self.calls))
        assert not self.write(self.meter.charge_model_call, call)  # 4
        self.accounts[id].catch_up(self.clock.now())
        forged = call.event()._replace(cost_nanos=call.cost_nanos + 1)
        with pytest.raises(KeyReused):
            self.write(self.meter.deliver, [forged])

    @rule(
        id=st.sampled_from(ACCOUNTS), costs=st.lists(st.integers(0, 4_000_000), min_size=2, max_size=4), data=st.data()
    )
    def deliver_in_any_order(self, id: str, costs: list[int], data: st.DataObject) -> None:
        at = self.clock.now()
        calls = [ModelCall(f"call-{next(self.ids)}", id, "m", (), cost, "price", at) for cost in costs]
        account = self.accounts[id]
        for call in calls:
            account.charge(model.Use(call.event().key, "llm", at, call.cost_nanos, "", False), at)
        shuffled = data.draw(st.permutations([call.event() for call in calls]))
        assert self.write(self.meter.deliver, shuffled) == len(calls)
        assert self.write(self.meter.deliver, shuffled[::-1]) == 0

    @rule(commit_first=st.booleans())
    def die(self, commit_first: bool) -> None:
        """The server is killed in the middle of a tick that was, or was not, committed; another one starts."""
        if commit_first:
            self.tick()
        else:
            with pytest.raises(ZeroDivisionError):
                self.write(self.killed_in(self.meter.tick_step({held.id: held.bytes for held in self.held.values()})))
        self.boot()
        assert set(self.write(self.meter.abandon)) == set(self.held)
        for lease_id, held in self.held.items():
            closed = self.write(self.meter.close_lease, lease_id, proxied_bytes=10**9)
            assert closed.minutes == held.paid
            assert closed.cost_nanos == self.cost(lease_id)
        self.end_budgets(*self.held)
        self.held.clear()

    @rule()
    def seal(self) -> None:
        self.write(self.meter.seal_months)

    @rule()
    def lose_a_commit(self) -> None:
        """A tick is rolled back although the server lives on: what it charged is charged later, once."""
        totals = {held.id: held.bytes for held in self.held.values()}
        with pytest.raises(ZeroDivisionError):
            self.write(self.killed_in(self.meter.tick_step(totals)))
        # Past the next sign of life, by which the server finds out at the latest.
        self.clock.advance(10.5)
        try:
            self.tick()
        except Doubtful:
            for held in self.held.values():
                held.checked, held.unpaid = -math.inf, None
            self.tick()

    def killed_in(self, step: Callable[[Connection], Any]) -> Callable[[Connection], Any]:
        def doomed(link: Connection) -> None:
            step(link)
            raise ZeroDivisionError

        return doomed

    # -- what must hold ------------------------------------------------------------------------------------

    @invariant()
    def the_current_month_is_right(self) -> None:
        for id, account in self.accounts.items():
            month = model.month_of(self.now(account))
            self.check_month(id, Month(*month))
            exceeded = account.usage(month, self.clock.now())["is_limit_exceeded"]
            ahead = copy.deepcopy(account)
            ahead.catch_up(self.clock.now())
            if exceeded or ahead.refuses(self.clock.now(), "", "k1", ("x",)):  # 10
                with pytest.raises(PaymentRequired):
                    self.read(self.meter.admit, id, api_key_id="k1", tags=("x",))
            else:
                self.read(self.meter.admit, id, api_key_id="k1", tags=("x",))
            stands = {each.budget.name: each.spent_nanos for each in self.read(self.meter.budgets, id)}
            assert stands == {name: account.spent_of(each, month) for name, each in account.budgets.items()}

    def check_month(self, id: str, month: Month) -> bytes:
        usage = self.read(self.meter.usage, id, month)
        expected = self.accounts[id].usage((month.year, month.month), self.clock.now())
        figures = asdict(usage)
        del figures["month"]
        assert figures == expected
        body = UsageResponse.of(usage).model_dump_json().encode()
        assert usage.total_nanos == (
            usage.browser_nanos + usage.proxy_nanos + usage.llm_nanos + usage.function_nanos
        )  # 2
        assert usage.balance_nanos == usage.subscription_balance_nanos + usage.topup_balance_nanos  # 2
        return body

    def months(self, account: model.Account) -> list[Month]:
        month, months = Month.of(account.opened), []
        last = Month.of(self.now(account)).next
        while month <= last:
            months.append(month)
            month = month.next
        first = months[0]
        return [Month(first.year - 1, first.month), *months]

    @rule()
    def look_at_past_months(self) -> None:
        for id, account in self.accounts.items():
            for month in self.months(account):
                body = self.check_month(id, month)
                if month.is_sealed(self.now(account)):
                    assert self.sealed.setdefault((id, month), body) == body  # 11

    def everything_agrees(self) -> None:
        self.look_at_past_months()
        report = self.read(self.meter.audit)  # 1, 3, 7, 8, 9
        assert [check for check in report.checks if not check.ok] == []
        before = self.state()
        self.write(self.meter.rebuild)  # 6
        assert self.state() == before
        for id, account in self.accounts.items():
            for month in self.months(account):
                shown, verified = (
                    self.read(self.meter.usage, id, month),
                    self.read(self.meter.verified_usage, id, month),
                )
                assert shown == verified
        self.sums_agree()
        self.replay_is_identical()

    def sums_agree(self) -> None:
        """8, from the rows themselves."""
        by_session: Counter[str] = Counter()
        by_day: Counter[Any] = Counter()
        by_key: Counter[str | None] = Counter()
        by_month: Counter[Any] = Counter()
        for posting in self.read(replaying.log):
            if event := posting.event:
                assert posting.occurred_at is not None
                by_session[event.session_id or event.key] += event.cost_nanos
                by_day[posting.occurred_at.date()] += event.cost_nanos
                by_key[event.api_key_id] += event.cost_nanos
                by_month[Month.of(posting.occurred_at)] += event.cost_nanos
        total = sum(rollup.total_nanos for rollup in self.read(reading.rollups).values())
        assert {by_session.total(), by_day.total(), by_key.total(), by_month.total()} == {total}

    def state(self) -> Any:
        """Rollups and balances, without empty ones."""

        def step(link: Connection) -> Any:
            rollups = {where: asdict(rollup) for where, rollup in reading.rollups(link).items()}
            balances = {where: left for where, left in reading.balances(link).items() if left}
            days = sorted(tuple(row) for row in link.execute(select(usage_day)))
            return {where: figures for where, figures in rollups.items() if any(figures.values())}, balances, days

        return self.read(step)

    def replay_is_identical(self) -> None:
        """5: the log, in the order of booking, into an empty database."""
        assert self.read(replaying.differences, self.clock.now()) == []
        log, plans = self.read(replaying.log), self.read(replaying.plans)
        with replaying.replayed(log, plans, FrozenClock(self.clock.now())) as (clock, meter, read):
            for id, account in self.accounts.items():
                clock.jump((self.now(account) - clock.now()).total_seconds())
                for month in self.months(account):
                    ours = UsageResponse.of(self.read(self.meter.usage, id, month))
                    assert ours.model_dump_json() == UsageResponse.of(read(meter.usage, id, month)).model_dump_json()
                first, second = (
                    [(each.key, each.booked_at, each.entries) for each in postings if each.account_id == id]
                    for postings in (log, read(replaying.log))
                )
                # What is due at a month's start is booked by the next posting, which may not have come.
                assert first[: len(second)] == second
                assert all(key.startswith(("grant:plan:", "settle:", "expire:")) for key, _, _ in first[len(second) :])


TestMeter = seed(SEED)(Meter).TestCase


def test_the_machine_runs_on_postgresql_too(postgres_url: str) -> None:
    def emptied(folder: Path) -> Database:
        database = Database(postgres_url)
        metadata.drop_all(database.engine)
        return database

    machine = seed(SEED)(type("MeterOnPostgres", (Meter,), {"make_database": staticmethod(emptied)}))
    run_state_machine_as_test(machine, settings=settings(max_examples=2, stateful_step_count=25))
