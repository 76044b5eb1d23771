"""An ``Accounts`` that remembers, in place of the meter."""

from sqlalchemy import Connection

from noctule.kit.errors import InvalidRequest

PLANS = ("free", "admin")


class RememberedAccounts:
    """Accounts in memory; knows two plans."""

    def __init__(self) -> None:
        self.plans: dict[str, str] = {}

    def open_account(self, connection: Connection, account_id: str, plan: str, /) -> None:
        self.change_plan(connection, account_id, plan)

    def change_plan(self, connection: Connection, account_id: str, plan: str, /) -> None:
        if plan not in PLANS:
            raise InvalidRequest.at(("plan",), f"the plans are {', '.join(PLANS)}", plan)
        self.plans[account_id] = plan
