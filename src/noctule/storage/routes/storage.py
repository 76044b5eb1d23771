"""``/storage``: files of the workspace and downloads of its sessions, by name."""

from typing import Any

from fastapi import APIRouter, Request

from noctule.kit.web import CallerDep
from noctule.storage.routes.names import name_in_path
from noctule.storage.routes.parts import file_part
from noctule.storage.service import Given, StorageService
from noctule.storage.wire import FORM, FileLinkResponse, FileUploadResponse, ListFilesResponse

_OF_UPLOADS = 2
_OF_DOWNLOADS = 3


def router(service: StorageService) -> APIRouter:
    """The storage tag over ``service``."""
    routes = APIRouter(prefix="/storage", tags=["storage"])

    @routes.get("/uploads", operation_id="file_list_uploads", summary="File List Uploads")
    async def uploads(caller: CallerDep) -> ListFilesResponse:
        """The files that were given to the workspace."""
        return ListFilesResponse.of(await service.uploads(caller.workspace_id))

    @routes.post("/uploads/{filename:anything}", operation_id="file_upload", summary="File Upload", openapi_extra=FORM)
    async def upload(caller: CallerDep, request: Request, filename: str) -> FileUploadResponse:
        """Keep a file under a name, in place of the one that was there."""
        given = await _given(request, _OF_UPLOADS)
        await service.upload(caller.workspace_id, None, given, idempotency_key=caller.idempotency_key)
        return FileUploadResponse(success=True)

    @routes.post("/uploads", include_in_schema=False)
    async def nameless(caller: CallerDep, request: Request) -> None:
        """Say that the name is missing."""
        name_in_path(request, _OF_UPLOADS)

    @routes.get("/uploads/{filename:anything}", include_in_schema=False)
    async def uploaded(caller: CallerDep, request: Request, filename: str) -> FileLinkResponse:
        """Where a file of the workspace can be read; newer clients ask for it."""
        name = name_in_path(request, _OF_UPLOADS)
        return FileLinkResponse(url=await service.link_to_upload(caller.workspace_id, caller.base_url, name))

    @routes.get("/{session_id}/downloads", operation_id="file_list_downloads", summary="File List Downloads")
    async def downloads(caller: CallerDep, session_id: str) -> ListFilesResponse:
        """The files that a session brought."""
        return ListFilesResponse.of(await service.downloads(caller.workspace_id, session_id))

    @routes.get(
        "/{session_id}/downloads/{filename:anything}",
        operation_id="file_download",
        summary="File Download",
        response_model=FileLinkResponse | Any,
    )
    async def download(caller: CallerDep, request: Request, session_id: str, filename: str) -> FileLinkResponse:
        """Where a download of a session can be read."""
        name = name_in_path(request, _OF_DOWNLOADS)
        url = await service.link_to_download(caller.workspace_id, session_id, caller.base_url, name)
        return FileLinkResponse(url=url)

    @routes.post(
        "/{session_id}/downloads/{filename:anything}",
        operation_id="file_upload_downloaded_file",
        summary="File Upload Downloaded File",
        openapi_extra=FORM,
    )
    async def add_download(caller: CallerDep, request: Request, session_id: str, filename: str) -> FileUploadResponse:
        """Keep a file among the downloads of a session."""
        given = await _given(request, _OF_DOWNLOADS)
        await service.add_download(caller.workspace_id, session_id, given, idempotency_key=caller.idempotency_key)
        return FileUploadResponse(success=True)

    @routes.post("/{session_id}/downloads", include_in_schema=False)
    async def nameless_download(caller: CallerDep, request: Request, session_id: str) -> None:
        """Say that the name is missing."""
        name_in_path(request, _OF_DOWNLOADS)

    return routes


async def _given(request: Request, before: int) -> Given:
    name = name_in_path(request, before)
    part = await file_part(request)
    return Given(name, part.content_type, part.chunks())
