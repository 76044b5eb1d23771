"""What an operator and a workspace do to credit and budgets, as rules of the machine."""

import copy
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import rule
from sqlalchemy import Connection

from noctule.kit.errors import Conflict, InvalidRequest
from noctule.metering.service import BudgetAction, BudgetPeriod, BudgetScope, Correction, Month
from noctule.metering.service import Meter as MeterKind
from tests.properties import model
from tests.properties.machine import ACCOUNTS, Machine


class CreditMachine(Machine):
    """A machine whose accounts get credit with an end, lose grants, are corrected, and have budgets."""

    @rule(
        id=st.sampled_from(ACCOUNTS),
        amount=st.one_of(st.integers(1, 3_000_000), st.integers(1, 10**12)),
        months=st.integers(-1, 2),
        key=st.sampled_from("abcdef"),
    )
    def grant_for_months(self, id: str, amount: int, months: int, key: str) -> None:
        account = self.accounts[id]
        month = Month.of(self.now(account))
        month = month.previous if months < 0 else month
        for _ in range(months):
            month = month.next
        content = (id, amount, month)

        def step(link: Connection) -> None:
            self.meter.grant(link, id, amount, key, expires_after=month)

        if self.credits.get(key, content) != content:
            with pytest.raises(Conflict):
                self.write(step)
        elif key in self.credits:
            self.write(step)
        elif months < 0:
            with pytest.raises(InvalidRequest):
                self.write(step)
        else:
            self.write(step)
            self.write(step)
            self.credits[key] = content
            at = account.catch_up(self.clock.now())
            account.give(model.Credit(f"grant:credit:{key}", "plan", amount, at, month.end))

    @rule(id=st.sampled_from(ACCOUNTS), data=st.data())
    def void_a_grant(self, id: str, data: st.DataObject) -> None:
        grants = self.read(self.meter.grants, id)
        account = self.accounts[id]
        assert {(each.key, each.amount_nanos, each.remaining_nanos) for each in grants} == {
            (credit.key, credit.amount, credit.left) for credit in account.credits
        }
        if not grants:
            return
        grant = data.draw(st.sampled_from(grants))
        # Credit that the void's own catching up expires cannot be taken back any more.
        ahead = copy.deepcopy(account)
        taken = ahead.void(grant.key, self.clock.now())
        assert self.write(self.meter.void_grant, id, grant.id) == taken
        assert self.write(self.meter.void_grant, id, grant.id) == 0
        if taken:
            self.accounts[id] = ahead

    @rule(
        id=st.sampled_from(ACCOUNTS),
        amount=st.one_of(st.integers(-3_000_000, 3_000_000), st.integers(-(10**10), 10**10)).filter(bool),
        ago=st.integers(0, 5_000_000),
    )
    def correct(self, id: str, amount: int, ago: int) -> None:
        account = self.accounts[id]
        at = self.now(account) - timedelta(seconds=ago)
        correction = Correction(f"{next(self.ids)}", amount, "a slip", MeterKind.BROWSER, occurred_at=at)
        assert self.write(self.meter.correct, id, correction)
        assert not self.write(self.meter.correct, id, correction)
        use = model.Use(f"correction:{correction.key}", "browser", at, amount, "", False)
        account.charge(use, self.clock.now())

    @rule(
        id=st.sampled_from(ACCOUNTS),
        name=st.sampled_from("pqr"),
        whose=st.sampled_from([("workspace", ""), ("key", "k1"), ("tag", "x"), ("session", "browser-1")]),
        monthly=st.booleans(),
        limit=st.sampled_from([1, 833_333, 2_500_000, 100_000_000, 10**10]),
        stops=st.booleans(),
    )
    def set_a_budget(self, id: str, name: str, whose: tuple[str, str], monthly: bool, limit: int, stops: bool) -> None:
        account = self.accounts[id]
        known = {each.budget.name: each.budget for each in self.read(self.meter.budgets, id)}
        if name in known and stops:
            self.write(self.meter.remove_budget, id, known[name].id)
            del account.budgets[name]
            return
        if name in known:
            self.write(self.meter.change_budget, id, known[name].id, limit_nanos=limit)
            account.budgets[name].limit = limit
            return
        terms: Any = {
            "scope": BudgetScope(whose[0]),
            "subject": whose[1],
            "period": BudgetPeriod.MONTH if monthly else BudgetPeriod.TOTAL,
            "limit_nanos": limit,
            "action": BudgetAction.STOP if stops else BudgetAction.WARN,
        }

        def step(link: Connection) -> None:
            self.meter.add_budget(link, id, name=name, **terms)

        self.write(step)
        account.budgets[name] = model.Budget(name, *whose, monthly, limit, stops)
