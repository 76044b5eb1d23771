"""Days of a busy server: its traffic, what people do about money meanwhile, and what goes wrong."""

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import Connection

from noctule.db.engine import Database
from noctule.metering.service import BudgetAction, BudgetPeriod, BudgetScope, Correction, Meter, Month
from tests.properties.model import after, start_of
from tests.properties.tally import TOTAL, Budget, Tally, Whose
from tests.properties.traffic import AGENTS, DAY, HOUR, KEYS, MINUTE, TAGS, Traffic

CHANGING = {"ant": ("growth", "pro"), "cat": ("free", "pro"), "elk": ("free", "pro", "growth")}
SCOPES = ("workspace", "key", "tag", "agent", "session")


class Simulation(Traffic):
    """One run, from the first day to the end of the last session."""

    def __init__(
        self,
        database: Database,
        seed: int,
        start: datetime,
        *,
        days: int,
        sessions_a_day: int,
        jumps: Mapping[int, int],
        is_direct: bool,
    ) -> None:
        """``jumps``: by how many seconds the wall clock is set wrong in the morning of a day, besides other times."""
        super().__init__(database, seed, start, is_direct=is_direct)
        self.budget_ids: dict[str, str] = {}
        self.days = days
        for day in range(days):
            self.plan_sessions(day * DAY, sessions_a_day)
            # On some days everything happens, so that it does in every run.
            self.plan_deeds(day * DAY, is_eventful=day % 6 == 1)
            if day in jumps:
                self.at(day * DAY + 9 * HOUR, partial(self.jump_by, jumps[day]))
            self.at((day + 1) * DAY, self.end_of_day)

    def end_of_day(self) -> None:
        """A day is over."""

    def plan_sessions(self, midnight: int, count: int) -> None:
        """Three batches a day and some around midnight; a few at any time, and some that last for hours."""
        draw = self.random
        for number in range(count):
            when = draw.choice((8, 13, 18)) * HOUR + draw.randrange(15 * MINUTE)
            lasts = draw.randrange(MINUTE, 10 * MINUTE)
            match draw.random():
                case chance if chance < 0.015:
                    when = draw.randrange(DAY)
                case chance if chance < 0.025:
                    lasts = draw.randrange(HOUR, 3 * HOUR)
                case chance if chance < 0.06:
                    when = DAY - draw.randrange(1, 12 * MINUTE)
                case chance if chance < 0.15:
                    lasts = draw.randrange(1, MINUTE)
            self.at(midnight + when, partial(self.open, "browser", lasts))
            if number % 20 == 0:
                self.at(midnight + when + MINUTE, partial(self.open, "function", lasts))

    def plan_deeds(self, midnight: int, *, is_eventful: bool) -> None:
        """What people do, and what goes wrong."""
        chances: list[tuple[float, Callable[[], None]]] = [
            (1.0, self.top_up_the_dry),
            (0.3, self.change_plan),
            (0.2, self.top_up),
            (0.3, self.grant),
            (0.5, self.refund),
            (0.3, self.charge_more),
            (0.12, self.void),
            (0.5, self.change_budget),
            (0.3, self.remove_budget),
            (0.2, self.jump),
        ]
        draw = self.random
        for chance, deed in chances:
            if is_eventful or draw.random() < chance:
                self.at(midnight + draw.randrange(7 * HOUR, 20 * HOUR), deed)
        # In the middle of a batch, where it matters to somebody.
        if is_eventful or draw.random() < 0.9:
            self.at(midnight + 13 * HOUR + draw.randrange(15 * MINUTE), self.add_budget)
        if is_eventful or draw.random() < 0.15:
            self.at(midnight + 13 * HOUR + draw.randrange(15 * MINUTE), self.restart)

    # -- credit and plans ----------------------------------------------------------------------------------

    def top_up_the_dry(self) -> None:
        for tally in self.tallies.values():
            if tally.ahead(self.clock.now()).balance <= 0:
                self.top_up(tally)
                self.seen["topped up when dry"] += 1

    def top_up(self, tally: Tally | None = None) -> None:
        tally = tally or self.any_tally()
        amount, key = self.random.randrange(10**8, 10**9), f"t{next(self.ids)}"
        with tally.posting(self.clock.now()) as at:
            tally.give(f"grant:topup:{key}", "topup", amount, at)
        for _ in range(2):
            self.write(self.meter.top_up, tally.id, amount, key)
        self.seen["top-ups"] += 1

    def grant(self) -> None:
        tally, amount, key = self.any_tally(), self.random.randrange(10**8, 2 * 10**9), f"g{next(self.ids)}"
        month = tally.month(self.clock.now())
        last = self.random.choice((month, month, after(month)))
        with tally.posting(self.clock.now()) as at:
            tally.give(f"grant:credit:{key}", "plan", amount, at, start_of(after(last)))
        self.write(self.meter.grant, tally.id, amount, key, expires_after=Month(*last))
        self.seen["grants"] += 1

    def void(self) -> None:
        # Credit of a month that nobody has booked in yet cannot be taken back, for nobody can name it.
        found = [
            (tally, credit.key)
            for tally in self.tallies.values()
            for credit in tally.ahead(self.clock.now()).live
            if any(each.key == credit.key for each in tally.credits)
        ]
        if not found:
            return
        tally, key = self.random.choice(found)
        (grant,) = (each for each in self.read(self.meter.grants, tally.id) if each.key == key)
        with tally.posting(self.clock.now()) as at:
            taken = tally.void(key, at)
        assert self.write(self.meter.void_grant, tally.id, grant.id) == taken
        self.seen["voids"] += 1

    def refund(self) -> None:
        self.correct(-self.random.randrange(1, 400_000_000))

    def charge_more(self) -> None:
        self.correct(self.random.randrange(1, 300_000_000))

    def correct(self, amount: int) -> None:
        tally, key = self.any_tally(), f"c{next(self.ids)}"
        old = [held.id for held in self.closed.values() if held.account == tally.id and held.meter == "browser"]
        session = self.random.choice(old) if old and self.random.random() < 0.5 else ""
        meter = self.random.choice(("browser", "proxy", "llm"))
        occurred = max(tally.opened, self.clock.now() - timedelta(seconds=self.random.randrange(20 * 86_400)))
        correction = Correction(key, amount, "a slip", Meter(meter), occurred_at=occurred, session_id=session or None)
        with tally.posting(self.clock.now()):
            tally.charge(f"correction:{key}", meter, occurred, amount, 0, Whose(session=session))
        assert self.write(self.meter.correct, tally.id, correction)
        assert not self.write(self.meter.correct, tally.id, correction)
        self.seen["refunds" if amount < 0 else "extra charges"] += 1

    def change_plan(self) -> None:
        tally = self.tallies[self.random.choice(tuple(CHANGING))]
        plan = self.random.choice([each for each in CHANGING[tally.id] if each != tally.plan])
        with tally.posting(self.clock.now()) as at:
            tally.take_plan(plan, at)
        self.write(self.meter.change_plan, tally.id, plan)
        self.seen["plan changes"] += 1

    def any_tally(self) -> Tally:
        return self.random.choice(tuple(self.tallies.values()))

    # -- budgets -------------------------------------------------------------------------------------------

    def add_budget(self) -> None:
        tally, draw = self.any_tally(), self.random
        scope = SCOPES[len(self.budget_ids) % len(SCOPES)]
        live = [held.id for held in self.held.values() if held.account == tally.id and held.meter == "browser"]
        if scope == "session" and not live:
            scope = "key"
        subjects = {"workspace": ("",), "key": KEYS, "tag": TAGS, "agent": AGENTS[2:], "session": live}
        new = Budget(
            f"b{next(self.ids)}", scope, draw.choice(subjects[scope]), draw.random() < 0.6, 1, draw.random() < 0.6
        )
        period = new.period(tally.month(self.clock.now()))
        new.limit = self.near(tally.spent_of(new, period))
        tally.set_budget(new, self.clock.now())

        def step(link: Connection) -> str:
            return self.meter.add_budget(
                link,
                tally.id,
                name=new.name,
                scope=BudgetScope(new.scope),
                subject=new.subject,
                period=BudgetPeriod.MONTH if new.monthly else BudgetPeriod.TOTAL,
                limit_nanos=new.limit,
                action=BudgetAction.STOP if new.stops else BudgetAction.WARN,
            ).id

        self.budget_ids[new.name] = self.write(step)
        self.seen[f"budgets by {scope}"] += 1

    def near(self, spent: int) -> int:
        """A limit that may be reached already, or will be soon."""
        return max(1, spent * self.random.randrange(90, 180) // 100 + self.random.randrange(10**8))

    def change_budget(self) -> None:
        tally, budget = self.any_budget()
        if budget is None:
            return
        month = tally.month(self.clock.now())
        assert budget.spent[budget.period(month)] == tally.spent_of(budget, budget.period(month))
        budget.limit = self.near(budget.spent[budget.period(month)])
        budget.stops = self.random.random() < 0.5
        tally.set_budget(budget, self.clock.now())
        action = BudgetAction.STOP if budget.stops else BudgetAction.WARN
        self.write(
            self.meter.change_budget,
            tally.id,
            self.budget_ids[budget.name],
            limit_nanos=budget.limit,
            action=action,
        )
        self.seen["budgets changed"] += 1

    def remove_budget(self) -> None:
        tally, budget = self.any_budget()
        if budget is not None:
            del tally.budgets[budget.name]
            self.write(self.meter.remove_budget, tally.id, self.budget_ids[budget.name])
            self.seen["budgets removed"] += 1

    def any_budget(self) -> tuple[Tally, Budget | None]:
        """One that was made by hand."""
        made = [
            (tally, each)
            for tally in self.tallies.values()
            for each in tally.budgets.values()
            if each.name in self.budget_ids
        ]
        return self.random.choice(made) if made else (self.any_tally(), None)

    # -- mishaps -------------------------------------------------------------------------------------------

    def restart(self) -> None:
        """The server is gone and another one comes: what was committed stays, nothing more is billed."""
        self.boot()
        assert set(self.write(self.meter.abandon)) == set(self.held)
        for held in list(self.held.values()):
            del self.held[held.id]
            closed = self.write(self.meter.close_lease, held.id, proxied_bytes=held.bytes + 10**9)
            assert (closed.minutes, closed.cost_nanos) == (held.paid, held.cost)
            self.let_go(held)
            self.seen["abandoned leases"] += 1
        self.seen["restarts"] += 1

    def jump(self) -> None:
        self.jump_by(self.random.choice((-1, 1)) * self.random.randrange(1, 10_000))

    def jump_by(self, seconds: int) -> None:
        """The wall clock is set wrong, and right again after some hours; jumps may overlap."""
        self.clock.jump(seconds)
        self.at(self.now + self.random.randrange(MINUTE, 6 * HOUR), partial(self.clock.jump, -seconds))
        self.seen["jumps"] += 1

    # -- what is compared ----------------------------------------------------------------------------------

    def expected_announcements(self) -> Counter[tuple[object, ...]]:
        """Every announcement that there must be, with its figures."""
        found: Counter[tuple[object, ...]] = Counter()
        for id, tally in self.tallies.items():
            found.update(
                ("usage.threshold", id, key(month), *rest, *figures) for (month, *rest), figures in tally.shares.items()
            )
            found.update(("usage.exhausted", id, key(month), *rest) for month, *rest in tally.ends)
            found.update(
                ("usage.budget", id, name, key(period), *rest, *figures)
                for (name, period, *rest), figures in tally.budget_shares.items()
            )
        return found


def key(period: tuple[int, int]) -> str:
    return "total" if period == TOTAL else f"{period[0]:04d}-{period[1]:02d}"
