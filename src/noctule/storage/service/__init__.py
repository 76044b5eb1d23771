"""The use cases of files; the only door that other tags may open."""

from noctule.storage.service.linked import LinkedFile, LinkedFiles

__all__ = ["LinkedFile", "LinkedFiles"]
