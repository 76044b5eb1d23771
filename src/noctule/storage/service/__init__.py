"""The use cases of files; the only door that other tags may open."""

from noctule.storage.service.keeping import too_large
from noctule.storage.service.linked import LinkedFile, LinkedFiles
from noctule.storage.service.service import FilesPage, Given, Sessions, StorageService

__all__ = ["FilesPage", "Given", "LinkedFile", "LinkedFiles", "Sessions", "StorageService", "too_large"]
