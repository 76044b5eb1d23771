"""Where a session is looked at."""

from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic.json_schema import SkipJsonSchema

from noctule.debug.service import DebugService, TabLinks
from noctule.debug.wire import SessionDebugResponse, TabsData, TabSessionDebugResponse, WebSocketUrls
from noctule.kit.web import CallerDep, LooseBool

_UpdateMetadata = Annotated[LooseBool, Query(description="Whether the call counts as activity; it does not.")]
_WHICH = "Which tab, counted from 0; -1 is the last one. The one in view if absent."
VIEW_ONLY_HEADER = "x-noctule-view-only-url"


def add(routes: APIRouter, service: DebugService) -> None:
    """Add them."""

    @routes.get("/sessions/{session_id}/debug", operation_id="session_debug_info", summary="Session Debug Info")
    async def info(
        caller: CallerDep, response: Response, session_id: str, update_metadata: _UpdateMetadata = True
    ) -> SessionDebugResponse:
        """Where a live session is looked at: pages for people, and streams. Each address is a credential."""
        found = await service.links(caller.workspace_id, session_id, caller.base_url)
        response.headers[VIEW_ONLY_HEADER] = found.view_only_url
        return SessionDebugResponse(
            debug_url=found.debug_url,
            ws=WebSocketUrls(cdp=found.cdp_url, recording=found.recording_url, logs=found.logs_url),
            tabs=[_shown(tab) for tab in found.tabs],
        )

    @routes.get("/sessions/{session_id}/debug/tab", operation_id="session_debug_tab", summary="Session Debug Tab")
    async def tab(
        caller: CallerDep,
        session_id: str,
        tab_idx: Annotated[int | SkipJsonSchema[None], Query(description=_WHICH)] = None,
    ) -> TabSessionDebugResponse:
        """Where one tab of a live session is looked at."""
        return _shown(await service.tab_links(caller.workspace_id, session_id, caller.base_url, tab_idx))


def _shown(links: TabLinks) -> TabSessionDebugResponse:
    metadata = TabsData(tab_id=links.tab.number, title=links.tab.title, url=links.tab.url)
    return TabSessionDebugResponse(metadata=metadata, debug_url=links.debug_url, ws_url=links.ws_url)
