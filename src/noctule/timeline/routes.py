"""The routes of timelines: wire in, service, wire out."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated

import msgspec
from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse
from pydantic import AwareDatetime

from noctule.kit.errors import InvalidRequest
from noctule.kit.web import CallerDep
from noctule.timeline.service import KINDS, BadCursor, Cursor, Event, EventQuery, TimelineService
from noctule.timeline.wire import TimelineResponse

_CHUNK_BYTES = 64 * 1024

_Kinds = Annotated[list[str] | None, Query(description=f"Only these kinds, of {', '.join(KINDS)}.")]
_Since = Annotated[AwareDatetime | None, Query(description="Only what was over at this instant or later.")]
_Until = Annotated[AwareDatetime | None, Query(description="Only what was over before this instant.")]


def router(service: TimelineService) -> APIRouter:
    """The timelines of ``service``."""
    routes = APIRouter(tags=["debug"])

    @routes.get("/sessions/{session_id}/timeline", operation_id="session_timeline", summary="Session Timeline")
    async def timeline(
        caller: CallerDep,
        session_id: str,
        kind: _Kinds = None,
        since: _Since = None,
        until: _Until = None,
        cursor: Annotated[str | None, Query(description="Go on after a page that gave this out.")] = None,
        limit: Annotated[int, Query(ge=1, le=1000)] = 200,
    ) -> TimelineResponse:
        """What happened in a session, in the order of one clock: requests, console, errors, steps, costs and more."""
        query = _query(kind, since, until, cursor)
        return TimelineResponse.of(session_id, await service.page(caller.workspace_id, session_id, query, limit))

    @routes.get(
        "/sessions/{session_id}/timeline.ndjson",
        operation_id="session_timeline_ndjson",
        summary="Session Timeline Ndjson",
        response_class=StreamingResponse,
        responses={200: {"content": {"application/x-ndjson": {}}, "description": "An event a line."}},
    )
    async def whole(
        caller: CallerDep, session_id: str, kind: _Kinds = None, since: _Since = None, until: _Until = None
    ) -> StreamingResponse:
        """All that happened in a session, a JSON object a line."""
        events = await service.events(caller.workspace_id, session_id, _query(kind, since, until, None))
        return StreamingResponse(_lines(events), media_type="application/x-ndjson")

    return routes


def _query(kinds: list[str] | None, since: datetime | None, until: datetime | None, cursor: str | None) -> EventQuery:
    for kind in kinds or ():
        if kind not in KINDS:
            raise InvalidRequest.at(("query", "kind"), f"is one of {', '.join(KINDS)}", kind[:100])
    try:
        after = None if cursor is None else Cursor.parse(cursor)
    except BadCursor:
        raise InvalidRequest.at(("query", "cursor"), "is none that a page gave out", str(cursor)[:100]) from None
    return EventQuery(frozenset(kinds or ()), since, until, after)


async def _lines(events: AsyncIterator[Event]) -> AsyncIterator[bytes]:
    chunk = bytearray()
    async for event in events:
        chunk += msgspec.json.encode(event.as_json()) + b"\n"
        if len(chunk) >= _CHUNK_BYTES:
            yield bytes(chunk)
            chunk.clear()
    if chunk:
        yield bytes(chunk)
