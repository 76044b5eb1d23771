"""The routes of the page tag: wire in, service, wire out."""

import base64
import json
from typing import Annotated, Any

from fastapi import APIRouter, Body, Query, Request
from fastapi.responses import JSONResponse, Response

from noctule.browser.commands import EvaluateJs, GoBack, GoForward, Goto, Reload, Wait
from noctule.kit.errors import InvalidRequest
from noctule.kit.web import CallerDep, LooseBool
from noctule.page.domain import AskForHelp, Complete, NotSupported
from noctule.page.service import Deed, PageService
from noctule.page.wire import (
    Action,
    ApiExecutionResponse,
    CompletionAction,
    EvaluateJsAction,
    GoBackAction,
    GoForwardAction,
    GotoAction,
    HelpAction,
    ReloadAction,
    WaitAction,
    execution_reply,
)

_UpdateMetadata = Annotated[LooseBool, Query(description="Accepted for older clients; changes nothing.")]

_JPEG = {"schema": {"type": "string", "contentMediaType": "image/jpeg"}}


def router(service: PageService) -> APIRouter:
    """The page tag over ``service``."""
    routes = APIRouter(prefix="/sessions/{session_id}/page", tags=["sessions", "page"])

    @routes.post("/execute", operation_id="page_execute", summary="Page Execute", response_model=ApiExecutionResponse)
    async def execute(
        caller: CallerDep,
        request: Request,
        session_id: str,
        action: Annotated[Action, Body()],
        update_metadata: _UpdateMetadata = True,
    ) -> Response:
        """Carry out one action. One that fails is answered with ``success: false`` and its reason."""
        own_json = await _echoable(request)
        outcome = await service.execute(caller.workspace_id, session_id, deed_of(action), own_json)
        # Escaped, since half a surrogate pair, which JSON may hold, has no UTF-8.
        return Response(json.dumps(execution_reply(own_json, outcome)), media_type="application/json")

    @routes.post(
        "/screenshot",
        operation_id="page_screenshot",
        summary="Page Screenshot",
        response_model=None,
        responses={200: {"content": {"image/jpeg": _JPEG, "application/json": {"schema": {}}}}},
    )
    async def screenshot(
        caller: CallerDep, request: Request, session_id: str, update_metadata: _UpdateMetadata = True
    ) -> Response:
        """A picture of the current tab: JPEG, or base64 in JSON for who accepts nothing but JSON."""
        jpeg = await service.screenshot(caller.workspace_id, session_id)
        if request.headers.get("accept", "").strip().lower() == "application/json":
            return JSONResponse({"raw": base64.b64encode(jpeg).decode("ascii")})
        return Response(jpeg, media_type="image/jpeg")

    return routes


async def _echoable(request: Request) -> dict[str, Any]:
    """The body, which is an action by now, as it came. Raises ``InvalidRequest`` if JSON cannot say it again."""
    action: dict[str, Any] = await request.json()
    try:
        json.dumps(action, allow_nan=False)
    except (ValueError, RecursionError) as error:
        raise InvalidRequest.at(("body",), f"cannot be echoed as JSON: {error}", action.get("type")) from error
    return action


def deed_of(action: Action) -> Deed:
    """What ``action`` asks for."""
    match action:
        case GotoAction(url=url, wait_until=wait_until):
            return Goto(url.strip(), wait_until)
        case WaitAction(time_ms=time_ms):
            return Wait(time_ms)
        case EvaluateJsAction(code=code):
            return EvaluateJs(code)
        case GoBackAction():
            return GoBack()
        case GoForwardAction():
            return GoForward()
        case ReloadAction():
            return Reload()
        case CompletionAction(success=success, answer=answer):
            return Complete(success, answer)
        case HelpAction(reason=reason):
            return AskForHelp(reason)
        case _:
            return NotSupported(action.type)
