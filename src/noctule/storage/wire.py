"""The API's models of the storage tag, of both generations."""

from datetime import datetime
from typing import Any

from noctule.kit.web import WireResponse
from noctule.storage.domain import FileSource, StoredFile, ending
from noctule.storage.service import FilesPage

FORM: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "title": "FileForm",
                    "properties": {
                        "file": {"type": "string", "contentMediaType": "application/octet-stream", "title": "File"}
                    },
                    "required": ["file"],
                }
            }
        },
    }
}
"""A form with one file, for the schema: it is read as it streams in, which the framework knows nothing of."""


class FileInfo(WireResponse):
    """A file in a list."""

    name: str
    size: int
    file_ext: str
    updated_at: datetime | None = None

    @classmethod
    def of(cls, file: StoredFile) -> "FileInfo":
        """The entry for a file."""
        return cls(name=file.name, size=file.size, file_ext=ending(file.filename), updated_at=file.created_at)


class ListFilesResponse(WireResponse):
    """Files, oldest first."""

    files: list[FileInfo]

    @classmethod
    def of(cls, files: list[StoredFile]) -> "ListFilesResponse":
        """The reply for these files."""
        return cls(files=[FileInfo.of(file) for file in files])


class FileLinkResponse(WireResponse):
    """Where a file is read, without a key, for a while."""

    url: str


class FileUploadResponse(WireResponse):
    """The file is kept."""

    success: bool


class SessionFile(WireResponse):
    """A file of a session, as newer clients see it."""

    id: str
    session_id: str
    filename: str
    mime_type: str
    size: int
    checksum: str
    created_at: datetime
    expires_at: datetime
    source: FileSource

    @classmethod
    def of(cls, file: StoredFile, expires_at: datetime) -> "SessionFile":
        """The reply for a file of a session."""
        return cls(
            id=file.id,
            session_id=file.session_id or "",
            filename=file.filename,
            mime_type=file.mime_type,
            size=file.size,
            checksum=file.checksum,
            created_at=file.created_at,
            expires_at=expires_at,
            source=file.source,
        )


class SessionFilesPage(WireResponse):
    """Some files of a session."""

    files: list[SessionFile]
    total: int
    limit: int
    offset: int

    @classmethod
    def of(cls, page: FilesPage, files: list[SessionFile], limit: int, offset: int) -> "SessionFilesPage":
        """The reply for a page."""
        return cls(files=files, total=page.total, limit=limit, offset=offset)
