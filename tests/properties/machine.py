"""What the machine of ``test_meter`` stands on: the meter under test, the model beside it, and its charges."""

import itertools
import tempfile
from collections.abc import Callable
from datetime import timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

from hypothesis.stateful import RuleBasedStateMachine
from sqlalchemy import Connection

from noctule.db.engine import Database
from noctule.db.schema import metadata
from noctule.metering.service import Metering, ModelCall, Month
from tests.properties import model, replaying
from tests.support import units
from tests.support.clock import FrozenClock

P = ParamSpec("P")
T = TypeVar("T")
ACCOUNTS = ("ant", "bee")
CHECKPOINT_BYTES, CHECKPOINT_SECONDS = 10_000_000, 10


class Held:
    """What the model knows of a lease."""

    def __init__(
        self, id: str, account: str, meter: str, opened: Any, began: float, api_key: str, tags: tuple[str, ...]
    ) -> None:
        self.id, self.account, self.meter, self.opened = id, account, meter, opened
        self.api_key, self.tags = api_key, tags
        self.began, self.paid, self.bytes, self.committed = began, 0, 0, 0
        self.checked = began
        self.unpaid: int | None = None


class Machine(RuleBasedStateMachine):
    """A meter on an empty database, and the model of it."""

    make_database: Callable[[Path], Database] = staticmethod(lambda folder: Database(f"sqlite:///{folder}/noctule.db"))

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.database = type(self).make_database(Path(self.folder.name))
        metadata.create_all(self.database.engine)
        self.clock = FrozenClock()
        self.boots = itertools.count()
        self.ids = itertools.count()
        self.accounts: dict[str, model.Account] = {}
        self.held: dict[str, Held] = {}
        self.calls: list[tuple[ModelCall, str]] = []
        self.top_ups: dict[str, tuple[str, int]] = {}
        self.credits: dict[str, tuple[str, int, Month]] = {}
        self.sealed: dict[tuple[str, Month], bytes] = {}
        self.boot()

    def boot(self) -> None:
        self.meter = Metering(self.clock, replaying.book(), instance_id="one", boot_id=str(next(self.boots)))

    def write(self, step: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        return units.write(self.database, step, *args, **kwargs)

    def read(self, step: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        return units.read(self.database, step, *args, **kwargs)

    def now(self, account: model.Account) -> Any:
        return max(self.clock.now(), account.mark)

    def end_budgets(self, *lease_ids: str) -> None:
        """Forget the budgets of sessions that are over, whoever set them."""
        for account in self.accounts.values():
            for name in [each.name for each in account.budgets.values() if each.is_of(lease_ids)]:
                del account.budgets[name]

    def expect_tick(self) -> set[str]:
        """Charge in the model what a tick charges; answers which leases have to stop."""
        stops = set()
        for held in self.held.values():
            account = self.accounts[held.account]
            owed = model.minutes_owed(self.witnessed(held))
            elapsed = self.clock.monotonic() - held.checked
            pending = held.bytes - held.committed
            size = pending if held.unpaid is None else held.bytes - held.unpaid
            due = size >= CHECKPOINT_BYTES or (pending > 0 and elapsed >= CHECKPOINT_SECONDS)
            if owed > held.paid or due:
                account.catch_up(self.clock.now())
            while held.paid < owed and not self.refused(held):
                self.charge_minute(held)
            if held.paid < owed:
                stops.add(held.id)
            elif due and not self.refused(held):
                before, held.unpaid = held.committed, None
                held.checked = self.clock.monotonic()
                if pending:
                    self.charge_bytes(held)
                    held.unpaid = before if self.refused(held) else None
            elif due and size >= CHECKPOINT_BYTES:
                stops.add(held.id)
        return stops

    def refused(self, held: Held) -> bool:
        """Whether no more of a lease may be booked; functions have no session."""
        session = held.id if held.meter == "browser" else ""
        return self.accounts[held.account].refuses(self.clock.now(), session, held.api_key, held.tags)

    # -- the model's side ----------------------------------------------------------------------------------

    def witnessed(self, held: Held) -> Fraction:
        return Fraction(int((self.clock.monotonic() - held.began) * 1_000_000), 1_000_000)

    def charge_minute(self, held: Held) -> None:
        account, minute = self.accounts[held.account], held.paid
        key, occurred = f"{held.meter}:{held.id}:{minute}", held.opened + timedelta(minutes=minute)
        use = model.Use(
            key, held.meter, occurred, model.minute_cost(minute), held.id, minute == 0, held.api_key, held.tags
        )
        account.charge(use, self.clock.now())
        held.paid += 1

    def charge_bytes(self, held: Held) -> None:
        account = self.accounts[held.account]
        key, cost = f"proxy:{held.id}:{held.committed}", 10 * (held.bytes - held.committed)
        use = model.Use(key, "proxy", self.now(account), cost, held.id, False, held.api_key, held.tags)
        account.charge(use, self.clock.now())
        held.committed = held.bytes

    def cost(self, lease_id: str) -> int:
        return sum(use.cost for account in self.accounts.values() for use in account.uses if use.session == lease_id)
