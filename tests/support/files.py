"""Files of sessions, in dictionaries: what ``page.service.Files`` asks of whoever keeps them.

What a test may set: ``uploads``, by name, and ``is_full``. What it may read: ``kept``, by name.
"""

from noctule.browser.commands import File
from noctule.kit.errors import Conflict, NotFound


class FakeFiles:
    """Keeps what it is given, for every session alike."""

    def __init__(self, *uploads: File) -> None:
        self.uploads = {file.name: file for file in uploads}
        self.kept: dict[str, File] = {}
        self.is_full = False

    async def fetch(self, workspace_id: str, session_id: str, name: str) -> File:
        if name not in self.uploads:
            raise NotFound(f"No uploaded file is called {name!r}.")
        return self.uploads[name]

    async def keep(self, workspace_id: str, session_id: str, file: File) -> str:
        if self.is_full:
            raise Conflict("There is no room for this file.")
        name = file.name if file.name not in self.kept else f"{len(self.kept)}-{file.name}"
        self.kept[name] = file
        return name
