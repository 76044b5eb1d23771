"""The embedded fleet: one node, in this process. The default, and all that a single machine needs."""

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


class LocalNode(Protocol):
    """What a fleet asks of a node; ``browser/node.py`` has it. See ``protocol.Fleet`` for every promise."""

    async def start(self) -> None: ...
    async def close(self) -> None: ...
    def admit(self, spec: BrowserSpec) -> None: ...
    async def acquire(self, spec: BrowserSpec, timeout_seconds: float) -> Acquired: ...
    async def release(self, session_id: str, reason: str, *, is_kept: bool = False) -> Traffic: ...
    async def keep_profile(self, session_id: str, wish: KeepProfile) -> KeptProfile: ...
    async def run(self, session_id: str, command: Command) -> Result: ...
    def traffic(self) -> Mapping[str, Traffic]: ...
    def on_gone(self, listener: Callable[[BrowserGone], None]) -> None: ...
    def on_download(self, listener: DownloadListener) -> None: ...
    def on_captured(self, listener: Callable[[Captured], None]) -> None: ...
    def capacity(self) -> Capacity: ...
    def sandbox(self) -> SandboxLevel: ...


class LocalFleet:
    """Calls the node directly; commands and results stay plain messages, so that nothing above can tell."""

    def __init__(self, node: LocalNode) -> None:
        self._node = node

    async def start(self) -> None:
        await self._node.start()

    async def close(self) -> None:
        await self._node.close()

    def admit(self, spec: BrowserSpec) -> None:
        self._node.admit(spec)

    async def acquire(self, spec: BrowserSpec, timeout_seconds: float) -> Acquired:
        return await self._node.acquire(spec, timeout_seconds)

    async def release(self, session_id: str, reason: str = SESSION_OVER, *, is_kept: bool = False) -> Traffic:
        return await self._node.release(session_id, reason, is_kept=is_kept)

    async def keep_profile(self, session_id: str, wish: KeepProfile) -> KeptProfile:
        return await self._node.keep_profile(session_id, wish)

    async def run(self, session_id: str, command: Command) -> Result:
        return await self._node.run(session_id, command)

    def traffic(self) -> Mapping[str, Traffic]:
        return self._node.traffic()

    def on_gone(self, listener: Callable[[BrowserGone], None]) -> None:
        self._node.on_gone(listener)

    def on_download(self, listener: DownloadListener) -> None:
        self._node.on_download(listener)

    def on_captured(self, listener: Callable[[Captured], None]) -> None:
        self._node.on_captured(listener)

    def capacity(self) -> Capacity:
        return self._node.capacity()

    def sandbox(self) -> SandboxLevel:
        return self._node.sandbox()
