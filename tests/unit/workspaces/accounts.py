"""An ``Accounts`` that remembers, in place of the meter."""

from sqlalchemy import Connection

from noctule.kit.errors import InvalidRequest

PLANS = ("free", "admin")


class RememberedAccounts:
    """Accounts in memory; knows two plans."""

    def __init__(self) -> None:
        self.plans: dict[str, str] = {}
        self.credit: dict[str, int] = {}
        self._top_ups: set[tuple[str, str]] = set()

    def open_account(self, connection: Connection, account_id: str, plan: str, /) -> None:
        self.change_plan(connection, account_id, plan)

    def change_plan(self, connection: Connection, account_id: str, plan: str, /) -> None:
        if plan not in PLANS:
            raise InvalidRequest.at(("plan",), f"the plans are {', '.join(PLANS)}", plan)
        self.plans[account_id] = plan

    def top_up(self, connection: Connection, account_id: str, amount_nanos: int, key: str, /) -> None:
        if (account_id, key) not in self._top_ups:
            self._top_ups.add((account_id, key))
            self.credit[account_id] = self.credit.get(account_id, 0) + amount_nanos
