"""The routes of the sessions tag: wire in, service, wire out."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from noctule.kit.clock import Clock
from noctule.kit.paging import Page
from noctule.kit.web import Caller, CallerDep, LooseBool, PageParams, show_cost
from noctule.sessions.service import SessionService, SessionView, Starter
from noctule.sessions.wire import (
    ApiSessionStartRequest,
    CaptureHeader,
    ExecutionResponse,
    GetCookiesResponse,
    MaxCostHeader,
    ProfileResponse,
    RecordHeader,
    SessionOffsetResponse,
    SessionPage,
    SessionProfileSaveRequest,
    SessionResponse,
    SetCookiesRequest,
    TagsHeader,
    with_headers,
)

_UpdateMetadata = Annotated[LooseBool, Query(description="Whether the call counts as activity; it always does.")]


def router(service: SessionService, clock: Clock) -> APIRouter:
    """The sessions tag over ``service``."""
    routes = APIRouter(tags=["sessions"])

    def shown(view: SessionView, caller: Caller) -> SessionResponse:
        return SessionResponse.of(
            view.session,
            now=clock.now(),
            steps=view.steps,
            cdp_url=service.cdp_url(caller.base_url, view),
            viewer_url=service.viewer_url(caller.base_url, view),
        )

    def priced(view: SessionView, caller: Caller, response: Response) -> SessionResponse:
        show_cost(response, view.cost_nanos)
        if view.session.tags:
            response.headers["x-noctule-tags"] = ",".join(view.session.tags)
        return shown(view, caller)

    @routes.post("/sessions/start", operation_id="session_start", summary="Session Start")
    async def start(
        caller: CallerDep,
        response: Response,
        body: ApiSessionStartRequest,
        tags: TagsHeader = None,
        max_cost: MaxCostHeader = None,
        record: RecordHeader = None,
        capture: CaptureHeader = None,
    ) -> SessionResponse:
        """Start a browser session and answer when its browser is ready."""
        starter = Starter(caller.workspace_id, caller.key_id, caller.idempotency_key)
        view = await service.start(starter, with_headers(body.to_command(), tags, max_cost, record, capture))
        return priced(view, caller, response)

    @routes.get("/sessions", operation_id="list_sessions", summary="List Sessions")
    async def sessions(caller: CallerDep, params: PageParams) -> SessionPage:
        """The workspace's sessions, newest first, without their steps."""
        found = await service.page(
            caller.workspace_id,
            params.query,
            only_active=params.only_active,
            key_id=caller.key_id if params.only_current_token else None,
        )
        items = tuple(shown(view, caller) for view in found.items)
        return SessionPage.of(Page(items, found.page, found.page_size, found.has_next))

    @routes.get("/sessions/{session_id}", operation_id="session_status", summary="Session Status")
    async def status(caller: CallerDep, response: Response, session_id: str) -> SessionResponse:
        """One session with its steps. Asking does not count as activity."""
        return priced(await service.get(caller.workspace_id, session_id), caller, response)

    @routes.delete("/sessions/{session_id}/stop", operation_id="session_stop", summary="Session Stop")
    async def stop(caller: CallerDep, response: Response, session_id: str) -> SessionResponse:
        """Stop a session. Stopping one that is over answers as the first stop did."""
        view = await service.stop(caller.workspace_id, session_id)
        # Clients take anything but "closed" here for a failed stop.
        return priced(view, caller, response).model_copy(update={"status": "closed"})

    routes.add_api_route(
        "/sessions/{session_id}/stop",
        stop,
        methods=["POST"],
        include_in_schema=False,
    )

    @routes.get("/sessions/{session_id}/cookies", operation_id="session_cookies_get", summary="Session Cookies Get")
    async def cookies(
        caller: CallerDep, session_id: str, update_metadata: _UpdateMetadata = True
    ) -> GetCookiesResponse:
        """All cookies of the session's browser."""
        return GetCookiesResponse.of(await service.cookies(caller.workspace_id, session_id))

    @routes.post("/sessions/{session_id}/cookies", operation_id="session_cookies_set", summary="Session Cookies Set")
    async def set_cookies(
        caller: CallerDep, session_id: str, body: SetCookiesRequest, update_metadata: _UpdateMetadata = True
    ) -> ExecutionResponse:
        """Add or replace cookies in the session's browser, all or none."""
        given = body.to_command()
        await service.set_cookies(caller.workspace_id, session_id, given)
        return ExecutionResponse(success=True, message=f"Set {len(given)} cookies.")

    @routes.post(
        "/sessions/{session_id}/profile/save", operation_id="session_profile_save", summary="Session Profile Save"
    )
    async def save_profile(
        caller: CallerDep, session_id: str, body: SessionProfileSaveRequest | None = None
    ) -> ProfileResponse:
        """Save what the session's browser remembers, while it goes on."""
        body = body or SessionProfileSaveRequest()
        body.check()
        return ProfileResponse.of(
            await service.save_profile(caller.workspace_id, caller.key_id, session_id, body.profile_id, body.name)
        )

    @routes.get(
        "/sessions/{session_id}/offset",
        operation_id="session_offset",
        summary="Session Offset",
        tags=["debug"],
    )
    async def offset(caller: CallerDep, session_id: str) -> SessionOffsetResponse:
        """Length of the session's trajectory."""
        return SessionOffsetResponse(offset=await service.offset(caller.workspace_id, session_id))

    return routes
