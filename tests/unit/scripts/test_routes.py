"""``/sessions/{id}/workflow/code``, behind the real gate."""

import asyncio

from noctule.scripts.routes import router
from noctule.scripts.service import ScriptService
from tests.support.gated import gated
from tests.unit.sessions.conftest import House


def test_a_session_that_is_not_there_is_404_and_a_missing_wish_422(house: House) -> None:
    async def story() -> None:
        async with gated(router(ScriptService(house.sessions)), house.database, house.clock, house.sealer) as tag:
            path = "/sessions/00000000-0000-0000-0000-000000000000/workflow/code"
            missing = await tag.mine.get(path, params={"as_workflow": "True"})
            assert missing.status_code == 404
            assert "was not found" in missing.json()["message"]
            for params in ({}, {"as_workflow": "perhaps"}, {"as_workflow": "true", "infer_response_format": "x"}):
                assert (await tag.mine.get(path, params=params)).status_code == 422

    asyncio.run(asyncio.wait_for(story(), 30))
