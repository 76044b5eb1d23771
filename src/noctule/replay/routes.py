"""The routes of replays: wire in, service, wire out."""

from typing import Annotated

from fastapi import APIRouter, Query, Response
from fastapi.responses import StreamingResponse

from noctule.kit.web import CallerDep
from noctule.replay.service import ReplayService, reads_raw_video
from noctule.replay.wire import MouseReplayPage, ReplayResponse


def router(service: ReplayService) -> APIRouter:
    """The replays over ``service``."""
    routes = APIRouter(tags=["sessions", "debug"])

    @routes.get(
        "/sessions/{session_id}/replay",
        operation_id="session_replay",
        summary="Session Replay",
        response_model=ReplayResponse,
    )
    async def replay(caller: CallerDep, session_id: str) -> Response | ReplayResponse:
        """The film of a session that is over, once it is ready."""
        if reads_raw_video(caller.sdk_version):
            size, video = await service.video(caller.workspace_id, session_id)
            return StreamingResponse(video, media_type="video/mp4", headers={"content-length": str(size)})
        return ReplayResponse.of(await service.find(caller.workspace_id, session_id, caller.base_url))

    @routes.get("/sessions/{session_id}/replay/mouse", include_in_schema=False)
    async def mouse(caller: CallerDep, session_id: str, offset: Annotated[int, Query(ge=0)] = 0) -> MouseReplayPage:
        """Where the pointer was, apart from the film: nowhere."""
        await service.check(caller.workspace_id, session_id)
        return MouseReplayPage()

    return routes
