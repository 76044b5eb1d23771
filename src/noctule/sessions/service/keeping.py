"""How the profiles of sessions are saved: at their end behind everybody's back, and in between when asked.

A session whose browser died leaves nothing behind: what its files are worth nobody knows, and the profile stays as it
was at the start.
"""

import contextlib
import logging

from noctule.browser.commands import KeepProfile, KeptProfile
from noctule.db.engine import Database
from noctule.fleet.protocol import Fleet
from noctule.kit.errors import Conflict, NoctuleError
from noctule.kit.tasks import Owned
from noctule.profiles.service import CHANGE_LASTS, Keep, Profile, ProfileService
from noctule.sessions.domain import CloseReason
from noctule.sessions.service.live import LiveSession

log = logging.getLogger(__name__)


class Keeping:
    """Saves the profiles of this process's sessions; ``close`` waits for what is under way."""

    def __init__(self, database: Database, fleet: Fleet, profiles: ProfileService) -> None:
        self._database = database
        self._fleet = fleet
        self._profiles = profiles
        self._saves = Owned()

    def is_due(self, live: LiveSession, reason: CloseReason) -> bool:
        """Whether a session that ends for this reason leaves its profile behind."""
        return live.profile is not None and live.profile.persists and reason is not CloseReason.ERROR

    def save_last(self, live: LiveSession) -> None:
        """Save the profile of a session whose browser was released for that."""
        assert live.profile is not None
        self._saves.spawn(self._save_last(live, live.profile.id))

    async def save_now(self, live: LiveSession, key_id: str, profile_id: str | None, name: str | None) -> Profile:
        """Save a live session's profile: into the one that is named, into a new one, or into its own.

        Raises ``NotFound``, ``Deleted``, ``Conflict`` for one that another session holds or for too much,
        ``BrowserFailed``.
        """
        workspace_id = live.session.workspace_id
        if name is not None:
            return await self._save_new(live, await self._profiles.create(workspace_id, key_id, name))
        if profile_id is None:
            if live.profile is None:
                raise Conflict("The session was started without a profile: say which one to save to, or give a name.")
            profile_id = live.profile.id
        return await self._save(live, profile_id)

    async def _save_new(self, live: LiveSession, new: Profile) -> Profile:
        try:
            return await self._save(live, new.id)
        except Exception:
            with contextlib.suppress(NoctuleError):
                await self._profiles.delete(new.workspace_id, new.id)
            raise

    async def _save(self, live: LiveSession, target: str) -> Profile:
        # To its end even if the caller goes away: the next save waits for it, and nothing stays held.
        return await self._saves.finish(self._save_while_live(live, target))

    async def _save_while_live(self, live: LiveSession, target: str) -> Profile:
        workspace_id, session_id, holding = live.session.workspace_id, live.session.id, self._profiles.holding
        is_its_own = live.profile is not None and live.profile.persists and live.profile.id == target
        async with live.saving:
            if live.ending is not None:
                raise Conflict(f"Session {session_id} is not active: it is closing.")
            profile = await self._database.write(
                lambda link: holding.take(link, workspace_id, target, session_id, lasts=CHANGE_LASTS)
            )
            return await holding.keep(profile, session_id, self._kept(session_id), lets_go=not is_its_own)

    async def close(self, timeout_seconds: float) -> None:
        """Wait for saves that are under way."""
        await self._saves.drain(timeout_seconds)

    async def _save_last(self, live: LiveSession, profile_id: str) -> None:
        session_id, holding = live.session.id, self._profiles.holding
        async with live.saving:
            try:
                profile = await self._profiles.get(live.session.workspace_id, profile_id)
                await holding.keep(profile, session_id, self._kept(session_id), lets_go=True)
            except Exception as error:
                log.warning("the profile of session %s was not saved: %s", session_id, error)

    def _kept(self, session_id: str) -> Keep:
        async def keep(wish: KeepProfile) -> KeptProfile:
            return await self._fleet.keep_profile(session_id, wish)

        return keep
