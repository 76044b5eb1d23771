"""The route by which newer clients take a file to a page, or out of one. The published contract does not have it."""

from dataclasses import replace

from fastapi import APIRouter, Request
from fastapi.responses import Response

from noctule.kit.web import CallerDep
from noctule.page.routes.deeds import deed_of
from noctule.page.service import PageService, Upload
from noctule.page.wire import FileExecutionRequest, execution_reply, json_reply
from noctule.page.wire.base import UpdateMetadata


def add(routes: APIRouter, service: PageService) -> None:
    """Add ``POST /execute/file`` to the routes of the page."""

    @routes.post("/execute/file", include_in_schema=False)
    async def execute_file(
        caller: CallerDep,
        request: Request,
        session_id: str,
        body: FileExecutionRequest,
        update_metadata: UpdateMetadata = True,
    ) -> Response:
        """``execute`` for a file that may be named by its id; what is not to be recorded is no step."""
        own_json = (await request.json())["action"]
        deed = deed_of(body.action)
        if isinstance(deed, Upload):
            deed = replace(deed, file_id=body.target_id)
        outcome = await service.execute(
            caller.workspace_id, session_id, deed, own_json, api_key_id=caller.key_id, record=body.record
        )
        return json_reply(execution_reply(own_json, outcome), outcome.cost_nanos)
