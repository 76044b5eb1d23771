"""The code of a session is made of its own trajectory and wishes, live or over, and is nobody else's."""

import asyncio
from typing import Any

import pytest

from noctule.kit.errors import NotFound
from noctule.scripts.service import ScriptService
from noctule.sessions.domain import StartSession
from tests.unit.sessions.conftest import CALLER, House

HOME = CALLER.workspace_id


def _step(**action: Any) -> dict[str, Any]:
    return {"action": action, "success": True, "message": "", "data": None}


def test_a_session_has_its_code_while_it_lives_and_after(house: House) -> None:
    async def story() -> None:
        wish = StartSession(browser_type="chrome", viewport_width=800, viewport_height=600, user_agent="Mine/1.0")
        session_id = (await house.sessions.start(CALLER, wish)).session.id
        await house.sessions.record_step(session_id, "execution_result", _step(type="goto", url="https://x.example"))
        await house.sessions.record_step(session_id, "observation", {"metadata": {}})
        scrape = _step(type="scrape", instructions="names")
        scrape["data"] = {"structured": {"success": True, "data": {"name": "Bat"}}}
        await house.sessions.record_step(session_id, "execution_result", scrape)
        codes = ScriptService(house.sessions)
        live = await codes.of_session(HOME, session_id, as_workflow=True)
        await house.sessions.stop(HOME, session_id)
        assert await codes.of_session(HOME, session_id, as_workflow=True) == live
        for wished in ('browser_type="chrome"', "viewport_width=800", 'user_agent="Mine/1.0"'):
            assert wished in live.python_script
        assert [action["type"] for action in live.json_actions] == ["goto", "scrape"]
        typed = await codes.of_session(HOME, session_id, as_workflow=True, infer_response_format=True)
        assert "class ScrapedData(BaseModel):" in typed.python_script
        lines = await codes.of_session(HOME, session_id, as_workflow=False)
        assert lines.python_script.startswith('session.execute(type="goto"')

    asyncio.run(asyncio.wait_for(story(), 30))


def test_a_session_of_others_has_no_code(house: House) -> None:
    async def story() -> None:
        session_id = (await house.sessions.start(CALLER, StartSession())).session.id
        with pytest.raises(NotFound):
            await ScriptService(house.sessions).of_session("workspace-2", session_id, as_workflow=True)

    asyncio.run(asyncio.wait_for(story(), 30))
