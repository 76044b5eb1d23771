"""Budgets as a workspace makes and looks at them: what they are for is checked here, what they do is metering's."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Connection

from noctule.db.engine import Database
from noctule.kit.errors import InvalidRequest, NotFound
from noctule.kit.ids import id_for_key, new_id
from noctule.kit.scope import KeyScope
from noctule.kit.tags import tag_problem
from noctule.metering.service import BudgetAction, BudgetPeriod, BudgetScope, BudgetStatus, Metering
from noctule.workspaces.service import WorkspaceService

__all__ = ["BudgetAction", "BudgetPeriod", "BudgetScope", "BudgetService", "BudgetStatus", "BudgetWish"]

_ID = re.compile(r"[A-Za-z0-9-]{8,64}")
_SHORTEST_PREFIX = 8


@dataclass(frozen=True, slots=True)
class BudgetWish:
    """A budget that somebody wants. ``subject`` is ``None`` for the workspace; a key's may be the start of its id."""

    name: str
    scope: BudgetScope
    subject: str | None
    period: BudgetPeriod
    limit_nanos: int
    action: BudgetAction


class BudgetService:
    """The budgets of workspaces. A budget of another workspace is one that does not exist."""

    def __init__(self, database: Database, metering: Metering, workspaces: WorkspaceService) -> None:
        self._database = database
        self._metering = metering
        self._workspaces = workspaces

    async def list(self, workspace_id: str) -> list[BudgetStatus]:
        """The budgets in force and how they stand, oldest first."""
        return await self._database.read(lambda connection: self._metering.budgets(connection, workspace_id))

    async def get(self, workspace_id: str, budget_id: str) -> BudgetStatus:
        """One budget in force and how it stands. Raises ``NotFound``."""
        return await self._database.read(lambda connection: self._find(connection, workspace_id, budget_id))

    async def add(self, workspace_id: str, wish: BudgetWish, *, idempotency_key: str | None = None) -> BudgetStatus:
        """A new budget; what its subject has cost in the period so far counts.

        Its id follows from the ``idempotency_key``, so a retry meets what an earlier try made. Raises
        ``InvalidRequest`` for a subject that is none, ``Conflict`` for a name in use and beyond 100 budgets.
        """
        if problem := tag_problem(wish.name, "a name"):
            raise InvalidRequest.at(("body", "name"), problem, wish.name)
        subject = await self._subject(workspace_id, wish)
        id = new_id() if idempotency_key is None else id_for_key(workspace_id, idempotency_key)

        def step(connection: Connection) -> BudgetStatus:
            made = {status.budget.id: status for status in self._metering.budgets(connection, workspace_id)}
            if id in made:
                return made[id]
            self._metering.add_budget(
                connection,
                workspace_id,
                name=wish.name,
                scope=wish.scope,
                subject=subject,
                period=wish.period,
                limit_nanos=wish.limit_nanos,
                action=wish.action,
                id=id,
            )
            return self._find(connection, workspace_id, id)

        return await self._database.write(step)

    async def change(
        self, workspace_id: str, budget_id: str, *, limit_nanos: int | None = None, action: BudgetAction | None = None
    ) -> BudgetStatus:
        """Another limit or action, at once. Raises ``NotFound``."""

        def step(connection: Connection) -> BudgetStatus:
            self._find(connection, workspace_id, budget_id)
            self._metering.change_budget(connection, workspace_id, budget_id, limit_nanos=limit_nanos, action=action)
            return self._find(connection, workspace_id, budget_id)

        return await self._database.write(step)

    async def remove(self, workspace_id: str, budget_id: str) -> BudgetStatus:
        """End a budget, at once; answers how it stood. Raises ``NotFound``."""

        def step(connection: Connection) -> BudgetStatus:
            found = self._find(connection, workspace_id, budget_id)
            self._metering.remove_budget(connection, workspace_id, budget_id)
            return found

        return await self._database.write(step)

    def _find(self, connection: Connection, workspace_id: str, budget_id: str) -> BudgetStatus:
        for status in self._metering.budgets(connection, workspace_id):
            if status.budget.id == budget_id:
                return status
        raise NotFound(f"There is no budget {budget_id!r}.")

    # -- subjects ----------------------------------------------------------------------------------------

    async def _subject(self, workspace_id: str, wish: BudgetWish) -> str:
        """What the budget is for, as metering knows it. Raises ``InvalidRequest``."""
        given = wish.subject
        if wish.scope is BudgetScope.WORKSPACE:
            if given:
                raise _no_subject("a budget of the workspace has no subject", given)
            return ""
        if given is None:
            raise _no_subject(f"a budget of one {wish.scope.value} says which, as its subject", given)
        if wish.scope is BudgetScope.TAG:
            if problem := tag_problem(given):
                raise _no_subject(problem, given)
            return given
        if wish.scope is BudgetScope.KEY:
            return await self._key(workspace_id, given)
        if _ID.fullmatch(given) is None:
            raise _no_subject(f"this is not the id of any {wish.scope.value}", given)
        if wish.scope is BudgetScope.SESSION:
            await self._database.read(self._session_check(workspace_id, given))
        return given

    async def _key(self, workspace_id: str, id_or_prefix: str) -> str:
        found = [
            key.id
            for _, key in await self._workspaces.list_keys(workspace_id)
            if key.id.startswith(id_or_prefix) and key.revoked_at is None and key.scope is KeyScope.WORKSPACE
        ]
        if len(id_or_prefix) < _SHORTEST_PREFIX or not found:
            raise _no_subject("no key of this workspace has this id; `noctule keys list` shows them", id_or_prefix)
        if len(found) > 1:
            raise _no_subject("several keys begin so; give more of the id", id_or_prefix)
        return found[0]

    def _session_check(self, workspace_id: str, session_id: str) -> Callable[[Connection], None]:
        def step(connection: Connection) -> None:
            try:
                self._metering.explain(connection, workspace_id, session_id)
            except NotFound:
                raise _no_subject(
                    "no session of this workspace that ever became active has this id", session_id
                ) from None

        return step


def _no_subject(problem: str, given: str | None) -> InvalidRequest:
    return InvalidRequest.at(("body", "subject"), problem, given)
