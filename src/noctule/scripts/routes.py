"""The route that answers with a session's code."""

from fastapi import APIRouter

from noctule.kit.web import CallerDep, LooseBool
from noctule.scripts.service import ScriptService
from noctule.scripts.wire import AgentFunctionCodeResponse


def router(service: ScriptService) -> APIRouter:
    """``GET /sessions/{session_id}/workflow/code`` over ``service``."""
    routes = APIRouter(tags=["sessions"])

    @routes.get("/sessions/{session_id}/workflow/code", operation_id="get_session_script", summary="Get Session Script")
    async def code(
        caller: CallerDep, session_id: str, as_workflow: LooseBool, infer_response_format: LooseBool = False
    ) -> AgentFunctionCodeResponse:
        """What the session did, as Python for the official clients."""
        found = await service.of_session(
            caller.workspace_id, session_id, as_workflow=as_workflow, infer_response_format=infer_response_format
        )
        return AgentFunctionCodeResponse.of(found)

    return routes
