"""The code of a session: what it did, as the official clients would do it again."""

import asyncio
from dataclasses import dataclass
from typing import Any

from noctule.scripts.domain import Wishes, actions_of, lines_of, script_of
from noctule.sessions.service import SessionService

_STEP = "execution_result"


@dataclass(frozen=True, slots=True)
class SessionCode:
    """What a session did: as Python, and as the actions themselves."""

    python_script: str
    json_actions: list[dict[str, Any]]


class ScriptService:
    """Writes code for sessions, live or over."""

    def __init__(self, sessions: SessionService) -> None:
        self._sessions = sessions

    async def of_session(
        self, workspace_id: str, session_id: str, *, as_workflow: bool, infer_response_format: bool = False
    ) -> SessionCode:
        """The actions that were carried out: with ``as_workflow`` a script of its own, else the calls alone.

        ``infer_response_format`` describes extracted data by models. Raises ``NotFound``.
        """
        view = await self._sessions.get(workspace_id, session_id)
        session, steps = view.session, [step.value for step in view.steps if step.kind == _STEP]
        has_viewport = session.viewport_width is not None and session.viewport_height is not None
        wishes = Wishes(
            recorded_at=session.created_at,
            browser_type=session.browser_type,
            max_duration_minutes=session.max_duration_minutes,
            idle_timeout_minutes=session.idle_timeout_minutes,
            proxies=session.proxies,
            solve_captchas=session.solve_captchas,
            web_bot_auth=session.web_bot_auth,
            user_agent=session.user_agent,
            viewport=(session.viewport_width or 0, session.viewport_height or 0) if has_viewport else None,
        )

        def write() -> SessionCode:
            script = script_of(steps, wishes, infers_models=infer_response_format) if as_workflow else lines_of(steps)
            return SessionCode(script, actions_of(steps))

        # A trajectory may be long, and a server has other things to do meanwhile.
        return await asyncio.to_thread(write)
