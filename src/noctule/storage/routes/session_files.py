"""``/sessions/{session_id}/files``: files of one session, by id; what newer clients call."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response, status

from noctule.kit.errors import InvalidRequest
from noctule.kit.web import CallerDep
from noctule.storage.domain import FileSource, StoredFile
from noctule.storage.routes.parts import file_part
from noctule.storage.routes.serving import send
from noctule.storage.service import Given, StorageService
from noctule.storage.wire import SessionFile, SessionFilesPage

_MOST_OFFSET = 1_000_000_000


def router(service: StorageService) -> APIRouter:
    """The files of sessions over ``service``. The published contract does not have them."""
    routes = APIRouter(prefix="/sessions/{session_id}/files", include_in_schema=False)

    def shown(file: StoredFile) -> SessionFile:
        return SessionFile.of(file, service.expires_at(file))

    @routes.post("")
    async def upload(caller: CallerDep, request: Request, session_id: str) -> SessionFile:
        """Keep a file for this session, in place of one of the same name."""
        part = await file_part(request)
        if part.name is None:
            raise InvalidRequest.at(("body", "file"), "the part has no filename", None)
        given = Given(part.name, part.content_type, part.chunks())
        return shown(
            await service.upload(caller.workspace_id, session_id, given, idempotency_key=caller.idempotency_key)
        )

    @routes.get("")
    async def page(
        caller: CallerDep,
        session_id: str,
        source: FileSource | None = None,
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
        offset: Annotated[int, Query(ge=0, le=_MOST_OFFSET)] = 0,
    ) -> SessionFilesPage:
        """The files that were given to this session, and those that it brought."""
        found = await service.page(caller.workspace_id, session_id, source, limit=limit, offset=offset)
        return SessionFilesPage.of(found, [shown(file) for file in found.files], limit, offset)

    @routes.get("/{file_id}")
    async def read(caller: CallerDep, request: Request, session_id: str, file_id: str) -> Response:
        """The bytes of a file."""
        file = await service.open(caller.workspace_id, session_id, file_id)
        return await send(
            request, partial(service.read, file), file.size, name=file.filename, content_type=file.mime_type
        )

    @routes.delete("/{file_id}", status_code=status.HTTP_204_NO_CONTENT)
    async def delete(caller: CallerDep, session_id: str, file_id: str) -> None:
        """Remove a file."""
        await service.delete(caller.workspace_id, session_id, file_id)

    return routes
