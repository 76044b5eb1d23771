"""``/usage/budgets``: what a workspace, or a part of it, may cost."""

from typing import Annotated

from fastapi import APIRouter, Path

from noctule.kit.web import CallerDep
from noctule.usage.service.budgets import BudgetService
from noctule.usage.wire.budgets import BudgetChangeRequest, BudgetListResponse, BudgetRequest, BudgetResponse

_Id = Annotated[str, Path(description="The budget's id.", max_length=64)]


def router(service: BudgetService) -> APIRouter:
    """The budgets over ``service``."""
    routes = APIRouter(tags=["usage"], prefix="/usage/budgets")

    @routes.get("", operation_id="budget_list", summary="List Budgets")
    async def budgets(caller: CallerDep) -> BudgetListResponse:
        """The workspace's budgets in force and how they stand, oldest first."""
        found = await service.list(caller.workspace_id)
        return BudgetListResponse(items=[BudgetResponse.of(status) for status in found])

    @routes.post("", operation_id="budget_create", summary="Create Budget")
    async def create(caller: CallerDep, body: BudgetRequest) -> BudgetResponse:
        """Make a budget. What its subject has cost in the period so far counts, so it may be reached at once."""
        made = await service.add(caller.workspace_id, body.wish(), idempotency_key=caller.idempotency_key)
        return BudgetResponse.of(made)

    @routes.get("/{budget_id}", operation_id="budget_get", summary="Get Budget")
    async def budget(caller: CallerDep, budget_id: _Id) -> BudgetResponse:
        """One budget and how it stands."""
        return BudgetResponse.of(await service.get(caller.workspace_id, budget_id))

    @routes.patch("/{budget_id}", operation_id="budget_change", summary="Change Budget")
    async def change(caller: CallerDep, budget_id: _Id, body: BudgetChangeRequest) -> BudgetResponse:
        """Give a budget another limit or another action, at once."""
        changed = await service.change(caller.workspace_id, budget_id, limit_nanos=body.limit, action=body.action)
        return BudgetResponse.of(changed)

    @routes.delete("/{budget_id}", operation_id="budget_remove", summary="Remove Budget")
    async def remove(caller: CallerDep, budget_id: _Id) -> BudgetResponse:
        """End a budget, at once; the reply says how it stood."""
        return BudgetResponse.of(await service.remove(caller.workspace_id, budget_id))

    return routes
