"""A real node with real browsers, for tests."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from noctule.browser.egress.policy import EgressPolicy
from noctule.browser.launcher import Launcher
from noctule.browser.node import Node


@asynccontextmanager
async def running_node(
    data_dir: Path, *, allow: Sequence[str] = (), max_sessions: int = 5, warm: int = 1, concurrency: int = 2
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
