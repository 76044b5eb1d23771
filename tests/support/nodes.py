"""A real node with real browsers, for tests."""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from noctule.browser.egress.policy import EgressPolicy
from noctule.browser.launcher import Launcher
from noctule.browser.node import Node
from noctule.browser.profile.keeping import Archives
from noctule.browser.recording import Recordings


class KeptInMemory:
    """Archives of profiles that last as long as a test."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}

    async def read(self, name: str) -> AsyncIterator[bytes]:
        """The bytes of an archive."""
        yield self.kept[name]

    async def write(self, name: str, content: AsyncIterable[bytes]) -> int:
        """Keep an archive."""
        self.kept[name] = b"".join([chunk async for chunk in content])
        return len(self.kept[name])


@asynccontextmanager
async def running_node(
    data_dir: Path,
    *,
    allow: Sequence[str] = (),
    max_sessions: int = 5,
    warm: int = 1,
    concurrency: int = 2,
    archives: Archives | None = None,
    recordings: Recordings | None = None,
) -> AsyncIterator[Node]:
    """A started node with its pool filled; ended with everything that it started."""
    launcher = Launcher(
        data_dir=data_dir,
        headless_shell=None,
        chromium=None,
        sandbox="auto",
        uid_base=61900,
        concurrency=concurrency,
    )
    node = Node(
        launcher=launcher,
        policy=EgressPolicy(allow),
        max_sessions=max_sessions,
        warm_pool_size=warm,
        launch_concurrency=concurrency,
        archives=archives,
        recordings=recordings,
    )
    await node.start()
    try:
        await filled(node)
        yield node
    finally:
        await node.close()


async def filled(node: Node, timeout_seconds: float = 30.0) -> None:
    """Wait until the warm pool is at its target."""
    async with asyncio.timeout(timeout_seconds):
        while node.capacity().warm < node.capacity().warm_target:
            await asyncio.sleep(0.01)
