"""The routes that act on a page, look at it, and take its picture."""

import base64
import json
from typing import Annotated, Any

from fastapi import APIRouter, Body, Request
from fastapi.responses import JSONResponse, Response

from noctule.kit.errors import InvalidRequest
from noctule.kit.web import CallerDep
from noctule.page.routes.deeds import deed_of
from noctule.page.service import PageService
from noctule.page.wire import (
    Action,
    ApiExecutionResponse,
    Observation,
    ObserveRequest,
    execution_reply,
    json_reply,
    observation_json,
)
from noctule.page.wire.base import LONGEST_INSTRUCTIONS, UpdateMetadata, check_length

_JPEG = {"schema": {"type": "string", "contentMediaType": "image/jpeg"}}


def add(routes: APIRouter, service: PageService) -> None:
    """Add them to the routes of the page."""

    @routes.post("/execute", operation_id="page_execute", summary="Page Execute", response_model=ApiExecutionResponse)
    async def execute(
        caller: CallerDep,
        request: Request,
        session_id: str,
        action: Annotated[Action, Body()],
        update_metadata: UpdateMetadata = True,
    ) -> Response:
        """Carry out one action. One that fails is answered with ``success: false`` and its reason."""
        own_json = await _echoable(request)
        outcome = await service.execute(
            caller.workspace_id, session_id, deed_of(action), own_json, api_key_id=caller.key_id
        )
        return json_reply(execution_reply(own_json, outcome), outcome.cost_nanos)

    @routes.post("/observe", operation_id="page_observe", summary="Page Observe", response_model=Observation)
    async def observe(
        caller: CallerDep, session_id: str, body: ObserveRequest, update_metadata: UpdateMetadata = True
    ) -> Response:
        """What is to be seen in the current tab, and what can be done with it."""
        instructions = body.instructions
        check_length("instructions", instructions, LONGEST_INSTRUCTIONS)
        sight = await service.observe(caller.workspace_id, session_id, instructions, api_key_id=caller.key_id)
        return json_reply(observation_json(sight), sight.cost_nanos)

    @routes.post(
        "/screenshot",
        operation_id="page_screenshot",
        summary="Page Screenshot",
        response_model=None,
        responses={200: {"content": {"image/jpeg": _JPEG, "application/json": {"schema": {}}}}},
    )
    async def screenshot(
        caller: CallerDep, request: Request, session_id: str, update_metadata: UpdateMetadata = True
    ) -> Response:
        """A picture of the current tab: JPEG, or base64 in JSON for who accepts nothing but JSON."""
        jpeg = await service.screenshot(caller.workspace_id, session_id)
        if request.headers.get("accept", "").strip().lower() == "application/json":
            return JSONResponse({"raw": base64.b64encode(jpeg).decode("ascii")})
        return Response(jpeg, media_type="image/jpeg")


async def _echoable(request: Request) -> dict[str, Any]:
    """The body, which is an action by now, as it came. Raises ``InvalidRequest`` if JSON cannot say it again."""
    action: dict[str, Any] = await request.json()
    try:
        json.dumps(action, allow_nan=False)
    except (ValueError, RecursionError) as error:
        raise InvalidRequest.at(("body",), f"cannot be echoed as JSON: {error}", action.get("type")) from error
    return action
