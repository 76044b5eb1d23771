"""A session on a real node that brings files, and what its listener was given."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from noctule.browser.commands import BrowserDownload, BrowserSpec, Click, Command, Result, Target, Upstream
from noctule.browser.node import Node
from tests.support.download_site import DownloadSite, serving_downloads, sha256
from tests.support.nodes import running_node

SESSION = "session"
_SECONDS = 15.0


@dataclass(frozen=True)
class Kept:
    """One download, as it came."""

    name: str
    content_type: str
    size: int
    hash: str
    url: str


@dataclass
class Keeper:
    """A listener that keeps what it is given. It waits for ``gate`` first, and raises ``error`` if there is one."""

    kept: list[Kept] = field(default_factory=list)
    begun: int = 0
    error: Exception | None = None
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    async def take(self, download: BrowserDownload) -> str:
        assert download.session_id == SESSION
        self.begun += 1
        await self.gate.wait()
        if self.error is not None:
            raise self.error
        body = b"".join([chunk async for chunk in download.chunks()])
        self.kept.append(Kept(download.name, download.content_type, len(body), sha256(body), download.url))
        assert download.size == len(body)
        return f"kept-{download.name}"


@dataclass
class DownloadStage:
    """The session, the site, and the listener."""

    node: Node
    site: DownloadSite
    keeper: Keeper

    async def run(self, command: Command) -> Result:
        return await self.node.run(SESSION, command)

    async def click(self, selector: str) -> None:
        await self.run(Click(Target(selectors=(selector,))))

    async def kept(self, count: int = 1) -> list[Kept]:
        """The downloads, once there are so many."""
        await until(lambda: len(self.keeper.kept) >= count)
        return self.keeper.kept

    def has_begun(self, count: int) -> bool:
        """Whether the listener was given so many."""
        return self.keeper.begun >= count

    def folder(self) -> list[Path]:
        """What is in the session's folder."""
        door = self.node.door(SESSION)
        assert door is not None
        return list(door.downloads.iterdir())

    async def empty(self) -> None:
        """Wait until nothing is left in the session's folder."""
        await until(lambda: not self.folder())


async def until(condition: Callable[[], object]) -> None:
    """Wait until it holds, bounded."""
    async with asyncio.timeout(_SECONDS):
        while not condition():
            await asyncio.sleep(0.02)


def staged(
    folder: Path,
    act: Callable[[DownloadStage], Awaitable[None]],
    *,
    wants_chromium: bool = False,
    upstream: Upstream | None = None,
    allow: tuple[str, ...] = (),
    seconds: float = 60.0,
) -> None:
    """Run a test's body on a stage, bounded."""

    async def bounded() -> None:
        spec = BrowserSpec(SESSION, wants_chromium=wants_chromium, upstream=upstream)
        async with asyncio.timeout(seconds), _stage(folder, spec, allow) as stage:
            await act(stage)

    asyncio.run(bounded())


@asynccontextmanager
async def _stage(folder: Path, spec: BrowserSpec, allow: tuple[str, ...]) -> AsyncIterator[DownloadStage]:
    keeper = Keeper()
    keeper.gate.set()
    with serving_downloads() as site:
        async with running_node(folder, allow=(*site.allow, *allow), warm=0 if spec.wants_chromium else 1) as node:
            node.on_download(keeper.take)
            await node.acquire(spec, 30)
            yield DownloadStage(node, site, keeper)
