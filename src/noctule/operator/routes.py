"""The routes of the operator tag: wire in, service, wire out. The gate lets operators' keys alone come here."""

from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import AfterValidator, AwareDatetime

from noctule.kit.errors import InvalidRequest
from noctule.kit.ids import id_for_key
from noctule.kit.money import dollars
from noctule.kit.paging import Page
from noctule.kit.web import Caller, CallerDep, PageParams, PaginatedResponse
from noctule.metering.service import Correction
from noctule.operator.service import OperatorService
from noctule.operator.wire import (
    CorrectionRequest,
    CorrectionResponse,
    GrantRequest,
    GrantResponse,
    MonthResponse,
    PlanRequest,
    RatesResponse,
    TopUpRequest,
    VoidResponse,
    WorkspaceRequest,
    WorkspaceResponse,
    WorkspaceSummary,
    that_can_be,
)

_Workspace = Annotated[str, Path(description="The workspace's name or id.", max_length=64)]
_Instant = Annotated[AwareDatetime, AfterValidator(that_can_be)]


def router(service: OperatorService) -> APIRouter:
    """The operator tag over ``service``."""
    routes = APIRouter(tags=["operator"], prefix="/operator")

    @routes.get("/workspaces", operation_id="operator_list_workspaces", summary="List Workspaces")
    async def workspaces(caller: CallerDep, params: PageParams) -> PaginatedResponse[WorkspaceSummary]:
        """Every workspace, newest first. The two filters change nothing here."""
        found = await service.page(params.query)
        items = tuple(WorkspaceSummary.of(each) for each in found.items)
        return PaginatedResponse[WorkspaceSummary].of(Page(items, found.page, found.page_size, found.has_next))

    @routes.post("/workspaces", operation_id="operator_create_workspace", summary="Create Workspace")
    async def create(caller: CallerDep, body: WorkspaceRequest) -> WorkspaceResponse:
        """Make a workspace. It has no key yet: `noctule keys create --workspace` makes one."""
        key = caller.idempotency_key
        id = None if key is None else id_for_key(caller.workspace_id, key)
        return WorkspaceResponse.of(await service.create(body.name, body.plan, id=id))

    @routes.get("/workspaces/{workspace}", operation_id="operator_get_workspace", summary="Get Workspace")
    async def workspace(caller: CallerDep, workspace: _Workspace) -> WorkspaceResponse:
        """One workspace: its plan, its balance, what it used in the current month, its budgets in force."""
        return WorkspaceResponse.of(await service.get(workspace))

    @routes.put("/workspaces/{workspace}/plan", operation_id="operator_change_plan", summary="Change Plan")
    async def plan(caller: CallerDep, workspace: _Workspace, body: PlanRequest) -> WorkspaceResponse:
        """Put a workspace on another plan, at once: a larger one raises this month's credit by the difference, a
        smaller one takes nothing back and grants less from the next month on."""
        return WorkspaceResponse.of(await service.set_plan(workspace, body.plan))

    @routes.post("/workspaces/{workspace}/topups", operation_id="operator_top_up", summary="Top Up")
    async def top_up(caller: CallerDep, workspace: _Workspace, body: TopUpRequest) -> WorkspaceResponse:
        """Add credit that does not expire. It needs a `key`, or an `Idempotency-Key`: the same one again adds nothing,
        however much later."""
        return WorkspaceResponse.of(await service.top_up(workspace, body.amount_nanos, _key(caller, body.key)))

    @routes.get("/workspaces/{workspace}/grants", operation_id="operator_list_grants", summary="List Grants")
    async def grants(caller: CallerDep, workspace: _Workspace) -> list[GrantResponse]:
        """All credit that a workspace was ever given, by its plan or by the operator, oldest first."""
        return [GrantResponse.of(grant) for grant in await service.grants(workspace)]

    @routes.post("/workspaces/{workspace}/grants", operation_id="operator_grant", summary="Grant Credit")
    async def grant(caller: CallerDep, workspace: _Workspace, body: GrantRequest) -> WorkspaceResponse:
        """Add credit that is spent before top-ups and gone after a month. It needs a `key` as a top-up does; without an
        expiry it is a top-up."""
        key = _key(caller, body.key)
        return WorkspaceResponse.of(
            await service.grant(workspace, body.amount_nanos, key, expires_after=body.last_month)
        )

    @routes.delete(
        "/workspaces/{workspace}/grants/{grant_id}", operation_id="operator_void_grant", summary="Void Grant"
    )
    async def void(
        caller: CallerDep, workspace: _Workspace, grant_id: Annotated[str, Path(max_length=64)]
    ) -> VoidResponse:
        """Take back what is left of a grant. What it paid for stays paid; again takes nothing more."""
        taken, account = await service.void_grant(workspace, grant_id)
        return VoidResponse(grant_id=grant_id, amount=dollars(taken), workspace=WorkspaceResponse.of(account))

    @routes.post("/workspaces/{workspace}/corrections", operation_id="operator_correct", summary="Correct")
    async def correct(caller: CallerDep, workspace: _Workspace, body: CorrectionRequest) -> CorrectionResponse:
        """Book money for what was billed wrongly, with the reason. It needs a `key` as a top-up does."""
        correction = Correction(
            key=_key(caller, body.key),
            amount_nanos=body.amount_nanos,
            reason=body.reason,
            meter=body.meter,
            occurred_at=body.occurred_at,
            session_id=body.session_id,
        )
        is_new, account = await service.correct(workspace, correction)
        return CorrectionResponse(is_new=is_new, workspace=WorkspaceResponse.of(account))

    @routes.get("/workspaces/{workspace}/months", operation_id="operator_list_months", summary="List Months")
    async def months(caller: CallerDep, workspace: _Workspace) -> list[MonthResponse]:
        """Every month in which something happened, oldest first, and whether its figures are final."""
        return [MonthResponse.of(month) for month in await service.months(workspace)]

    @routes.get("/plans", operation_id="operator_list_plans", summary="List Prices And Plans")
    async def plans(
        caller: CallerDep, at: Annotated[_Instant | None, Query(description="An instant; unset: now.")] = None
    ) -> RatesResponse:
        """Every dated price and plan that this server works with: past, in force, and to come."""
        return RatesResponse.of(service.rates(at))

    return routes


def _key(caller: Caller, key: str | None) -> str:
    """The key of a write that moves money. Raises ``InvalidRequest`` where there is none."""
    found = key or caller.idempotency_key
    if found is None:
        message = "send a key here or an Idempotency-Key header, so that a retry moves no money twice"
        raise InvalidRequest(
            f"body.key: {message}", detail=[{"type": "missing", "loc": ["body", "key"], "msg": message, "input": None}]
        )
    return found
