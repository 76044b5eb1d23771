"""The use cases of the operator: every workspace, its plan, its credit; the only door to them.

A workspace is named by its name or its id. Each use case is one transaction over workspaces and metering. What
moves money takes a key, which is bound to the workspace: the same key and content again change nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

from sqlalchemy import Connection

from noctule.db.engine import Database
from noctule.kit.clock import Clock
from noctule.kit.errors import InvalidRequest
from noctule.kit.failpoints import failpoint
from noctule.kit.paging import Page, PageQuery
from noctule.metering.book import Dated, Plan, Price, PriceBook
from noctule.metering.service import Correction, GrantView, Metering, Month, MonthView, Usage
from noctule.workspaces.service import Workspace, WorkspaceService

T = TypeVar("T")

LONGEST_KEY = 255


@dataclass(frozen=True, slots=True)
class Overview:
    """A workspace and the current month of its account."""

    workspace: Workspace
    usage: Usage


@dataclass(frozen=True, slots=True)
class Account:
    """A workspace, the current month of its account, and how many budgets are in force."""

    workspace: Workspace
    usage: Usage
    budget_count: int


@dataclass(frozen=True, slots=True)
class Rates:
    """Every dated price and plan as it stands at an instant."""

    at: datetime
    prices: list[Dated[Price]]
    plans: list[Dated[Plan]]


class OperatorService:
    """All workspaces of one database."""

    def __init__(
        self, *, database: Database, clock: Clock, metering: Metering, workspaces: WorkspaceService, book: PriceBook
    ) -> None:
        self._database = database
        self._clock = clock
        self._metering = metering
        self._workspaces = workspaces
        self._book = book

    # -- workspaces --------------------------------------------------------------------------------------

    async def page(self, query: PageQuery) -> Page[Overview]:
        """Workspaces, newest first."""

        def step(connection: Connection) -> list[Overview]:
            found = self._workspaces.page(connection, query)
            return [Overview(each, self._metering.usage(connection, each.id, None)) for each in found]

        return Page.of(await self._database.read(step), query)

    async def create(self, name: str, plan: str, *, id: str | None = None) -> Account:
        """A new workspace; with ``id``, the one that was made under that id before is the answer.

        Raises ``InvalidRequest`` for a bad name or an unknown plan, ``Conflict`` if the name is taken or the id
        stands for another name.
        """

        def step(connection: Connection) -> Account:
            return self._account(connection, self._workspaces.add(connection, name, plan, id=id))

        return await self._database.write(step)

    async def get(self, workspace: str) -> Account:
        """One workspace. Raises ``NotFound``."""
        return await self._database.read(lambda step: self._account(step, self._workspaces.find(step, workspace)))

    async def set_plan(self, workspace: str, plan: str) -> Account:
        """Put a workspace on another plan, at once. Raises ``InvalidRequest``, ``NotFound``."""

        def step(connection: Connection) -> Account:
            found = self._workspaces.find(connection, workspace)
            self._metering.change_plan(connection, found.id, plan)
            return self._account(connection, found)

        return await self._database.write(step)

    # -- credit ------------------------------------------------------------------------------------------

    async def top_up(self, workspace: str, amount_nanos: int, key: str) -> Account:
        """Add credit that does not expire.

        Raises ``InvalidRequest`` unless the amount is positive and the account can hold it, ``Conflict`` if the
        key was used for something else, ``NotFound``.
        """

        def step(connection: Connection) -> Account:
            found = self._workspaces.find(connection, workspace)
            self._metering.top_up(connection, found.id, amount_nanos, _bound(found, key))
            return self._account(connection, found)

        return await self._moved(step)

    async def grant(self, workspace: str, amount_nanos: int, key: str, *, expires_after: Month | None) -> Account:
        """Add credit that is spent before top-ups and gone at the end of a month; ``None``: a top-up.

        Raises as ``top_up``, and ``InvalidRequest`` for a month that is over.
        """

        def step(connection: Connection) -> Account:
            found = self._workspaces.find(connection, workspace)
            bound = _bound(found, key)
            self._metering.grant(connection, found.id, amount_nanos, bound, expires_after=expires_after)
            return self._account(connection, found)

        return await self._moved(step)

    async def grants(self, workspace: str) -> list[GrantView]:
        """All credit that a workspace was ever given, oldest first. Raises ``NotFound``."""
        return await self._database.read(
            lambda connection: self._metering.grants(connection, self._workspaces.find(connection, workspace).id)
        )

    async def void_grant(self, workspace: str, grant_id: str) -> tuple[int, Account]:
        """Take back what is left of a grant; nano-dollars taken back, 0 if nothing was left. Raises ``NotFound``."""

        def step(connection: Connection) -> tuple[int, Account]:
            found = self._workspaces.find(connection, workspace)
            taken = self._metering.void_grant(connection, found.id, grant_id)
            return taken, self._account(connection, found)

        return await self._moved(step)

    async def correct(self, workspace: str, correction: Correction) -> tuple[bool, Account]:
        """Book a correction: negative gives back, positive charges; whether it was new.

        Raises ``InvalidRequest`` for an amount of zero or beyond what an account holds and for an instant to come,
        ``Conflict`` if the key was used for something else, ``NotFound`` for the workspace or its session.
        """

        def step(connection: Connection) -> tuple[bool, Account]:
            found = self._workspaces.find(connection, workspace)
            if correction.session_id is not None:
                # Only looks: a correction of another workspace's session would mix two bills.
                self._metering.explain(connection, found.id, correction.session_id)
            bound = replace(correction, key=_bound(found, correction.key))
            is_new = self._metering.correct(connection, found.id, bound)
            return is_new, self._account(connection, found)

        return await self._moved(step)

    async def months(self, workspace: str) -> list[MonthView]:
        """Every month in which something happened, oldest first. Raises ``NotFound``."""
        return await self._database.read(
            lambda connection: self._metering.months(connection, self._workspaces.find(connection, workspace).id)
        )

    # -- prices and plans --------------------------------------------------------------------------------

    def rates(self, at: datetime | None = None) -> Rates:
        """Every dated row as it stands at ``at``, unset: now."""
        at = at or self._clock.now()
        return Rates(at, self._book.dated_prices(at), self._book.dated_plans(at))

    async def _moved(self, step: Callable[[Connection], T]) -> T:
        result = await self._database.write(step)
        failpoint("grant.after_commit")
        return result

    def _account(self, connection: Connection, workspace: Workspace) -> Account:
        usage = self._metering.usage(connection, workspace.id, None)
        return Account(workspace, usage, len(self._metering.budgets(connection, workspace.id)))


def _bound(workspace: Workspace, key: str) -> str:
    """The key as the ledger keeps it: each workspace has its own."""
    if not 1 <= len(key) <= LONGEST_KEY or not key.isprintable():
        raise InvalidRequest.at(("body", "key"), f"a key is 1 to {LONGEST_KEY} printable characters", key[:300])
    return f"{workspace.id}:{key}"
