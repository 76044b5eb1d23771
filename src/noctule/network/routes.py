"""The routes of the network tag: wire in, service, wire out."""

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse

from noctule.kit.web import CallerDep, LooseBool
from noctule.network.service import NetworkService
from noctule.network.wire import NetworkLogsResponse


def router(service: NetworkService) -> APIRouter:
    """The network tag over ``service``."""
    routes = APIRouter(tags=["sessions", "network"])

    @routes.get(
        "/sessions/{session_id}/network/logs", operation_id="session_network_logs", summary="Session Network Logs"
    )
    async def logs(
        caller: CallerDep,
        session_id: str,
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
        download: Annotated[LooseBool, Query()] = True,
    ) -> NetworkLogsResponse:
        """Files of what the session's browser exchanged, an exchange a line, each with a link that lasts an hour."""
        found = await service.logs(
            caller.workspace_id, session_id, limit, base_url=caller.base_url, with_links=download
        )
        return NetworkLogsResponse.of(found)

    @routes.get(
        "/sessions/{session_id}/har",
        operation_id="session_har",
        summary="Session Har",
        response_class=StreamingResponse,
        responses={200: {"content": {"application/json": {}}, "description": "HAR 1.2"}},
    )
    async def har(caller: CallerDep, session_id: str) -> StreamingResponse:
        """All that the session's browser exchanged, as HAR 1.2."""
        name = f"{session_id}.har"
        headers = {"content-disposition": f'attachment; filename="{name}"'}
        pieces = await service.har(caller.workspace_id, session_id)
        return StreamingResponse(pieces, media_type="application/json", headers=headers)

    return routes
