"""The fleet, as everything above it sees it: sessions by id, commands in, results out.

Nothing above this line may hold a page, a socket or a process of a browser.
"""

from collections.abc import Callable, Mapping
from typing import Protocol

from noctule.browser.commands import (
    SESSION_OVER,
    Acquired,
    BrowserGone,
    BrowserSpec,
    Capacity,
    Captured,
    Command,
    DownloadListener,
    KeepProfile,
    KeptProfile,
    Result,
    SandboxLevel,
    Traffic,
)


class Fleet(Protocol):
    """Browsers, wherever they run."""

    async def start(self) -> None:
        """Sweep orphans of an earlier boot and begin to fill the warm pools."""
        ...

    async def close(self) -> None:
        """End every browser and leave nothing behind, inside a bounded time."""
        ...

    def admit(self, spec: BrowserSpec) -> None:
        """Say at once, before any work, whether ``acquire`` may be tried.

        Raises ``NodeFull`` when every node is at its limit.
        """
        ...

    async def acquire(self, spec: BrowserSpec, timeout_seconds: float) -> Acquired:
        """A ready browser of the session's own.

        Raises ``NodeFull`` if none can be had inside the deadline, ``UpstreamRefused`` if its proxy does
        not work, ``CommandFailed`` if the browser cannot be made as asked. Whatever it raises, nothing
        of the browser stays.
        """
        ...

    async def release(self, session_id: str, reason: str = SESSION_OVER, *, is_kept: bool = False) -> Traffic:
        """Take the browser away and answer at once with its final traffic; the cleaning goes on behind,
        supervised. Every stream of the session is closed. Idempotent: an unknown session has no traffic.

        ``is_kept``: it waits for half a minute, without a network and for no command, for ``keep_profile``.
        """
        ...

    async def keep_profile(self, session_id: str, wish: KeepProfile) -> KeptProfile:
        """Keep what a session's browser remembers: of a live one as of a moment, while it goes on; of one that was
        released for this in its final state, once.

        Raises ``BrowserLost``, ``CommandFailed`` (``ProfileTooLarge`` for more than it may have; nothing is
        kept then), and ``Unavailable`` if the archive cannot be written.
        """
        ...

    async def run(self, session_id: str, command: Command) -> Result:
        """Carry out one command. Every command is bounded in time.

        Raises ``BrowserLost`` for a session that has no browser, ``CommandFailed`` for what the browser
        could not do.
        """
        ...

    def traffic(self) -> Mapping[str, Traffic]:
        """Traffic of every live session, by session id."""
        ...

    def on_gone(self, listener: Callable[[BrowserGone], None]) -> None:
        """Call ``listener`` on the event loop whenever a browser ends unasked."""
        ...

    def on_download(self, listener: DownloadListener) -> None:
        """Give ``listener`` every download that is complete and that no command asked for, until it has read it.

        What it raises is logged and ends nothing. A session that is released gives what is complete by then.
        """
        ...

    def on_captured(self, listener: Callable[[Captured], None]) -> None:
        """Call ``listener`` on the event loop with batches of what happened in the browsers of sessions whose spec
        says so. The last batch of a session says that it is; it comes within a moment of its end, which does not
        wait for it.
        """
        ...

    def capacity(self) -> Capacity:
        """How full the machines are, added up."""
        ...

    def sandbox(self) -> SandboxLevel:
        """The weakest sandbox level in force."""
        ...
