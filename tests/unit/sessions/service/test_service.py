"""What other tags ask of sessions."""

import asyncio

import pytest

from noctule.kit.errors import NotFound
from noctule.sessions.domain import StartSession
from tests.unit.sessions.conftest import CALLER, House


def test_a_session_is_its_workspaces_alone_while_it_lives_and_afterwards(house: House) -> None:
    async def story() -> None:
        session_id = (await house.sessions.start(CALLER, StartSession())).session.id
        for _ in range(2):
            await house.sessions.check("workspace-1", session_id)
            for workspace_id, other_id in (("workspace-2", session_id), ("workspace-1", "never"), ("workspace-1", "")):
                with pytest.raises(NotFound):
                    await house.sessions.check(workspace_id, other_id)
            await house.sessions.stop("workspace-1", session_id)

    asyncio.run(asyncio.wait_for(story(), 30))
