"""What acting needs of whoever keeps the files of sessions."""

from typing import Protocol

from noctule.browser.commands import File


class Files(Protocol):
    """Files that were put there for a session's pages, and those that its pages brought."""

    async def fetch(self, workspace_id: str, session_id: str, name: str) -> File:
        """The file that the session finds under that name, or by its id: its own uploads go before its workspace's,
        and both before what was downloaded in it. Raises ``NotFound``."""
        ...

    async def keep(self, workspace_id: str, session_id: str, file: File) -> str:
        """Keep a file that a page brought; answers the name that it has from now on.

        Raises ``Conflict`` where there is no room for it, ``TooLarge``, ``TooManyRequests``.
        """
        ...
