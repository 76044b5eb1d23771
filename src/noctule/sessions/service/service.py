"""Start, look at, use and end sessions.

What must always hold: a session is billed from the commit that makes it active to the commit that ends
it, each of which is one transaction over the session and its lease; no transaction is open while a
browser is waited for; a browser never outlives its session, whatever fails in between.
"""

import itertools
import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection

from noctule.browser.commands import (
    BrowserCookie,
    BrowserLost,
    CaptureLevel,
    CommandFailed,
    Cookies,
    GetCookies,
    SetCookies,
    Traffic,
)
from noctule.db.engine import Database
from noctule.fleet.protocol import Fleet
from noctule.kit.clock import Clock
from noctule.kit.errors import BrowserFailed, Conflict, NotFound, Unauthenticated, Unavailable
from noctule.kit.ids import id_for_key, new_id
from noctule.kit.outbox import Outbox
from noctule.kit.paging import Page, PageQuery
from noctule.kit.seal import Sealer
from noctule.kit.tasks import Owned
from noctule.metering.service import Metering
from noctule.profiles.service import Profile, ProfileService
from noctule.sessions import store
from noctule.sessions.domain import CloseReason, Session, StartSession, Status, Step, in_words
from noctule.sessions.service import tokens
from noctule.sessions.service.ending import Closing
from noctule.sessions.service.keeping import Keeping
from noctule.sessions.service.live import LiveSession, LiveSessions, WithProfile
from noctule.sessions.service.starting import ProxyPool, Starter, Starting
from noctule.sessions.service.tokens import Use

log = logging.getLogger(__name__)

_SHUTDOWN_SECONDS = 4.0
_LAST_SAVES_SECONDS = 6.0


@dataclass(frozen=True, slots=True)
class SessionView:
    """A session as its owner sees it: what is stored, what only its holder knows, and what it has cost so far."""

    session: Session
    steps: tuple[Step, ...] = ()
    foreign_cdp_url: str | None = None
    cost_nanos: int = 0


class SessionService:
    """The use cases of sessions; ``ends`` has what workers call."""

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        fleet: Fleet,
        metering: Metering,
        outbox: Outbox,
        proxies: ProxyPool,
        profiles: ProfileService,
        sealer: Sealer,
        instance_id: str,
        boot_id: str,
        acquire_timeout_seconds: float,
        capture: CaptureLevel = "off",
    ) -> None:
        self._database = database
        self._clock = clock
        self._fleet = fleet
        self._metering = metering
        self._sealer = sealer
        self._live = LiveSessions()
        self._tasks = Owned()
        self._closing = False
        self._step_listeners: list[Callable[[str, Step], None]] = []
        self._keeping = Keeping(database, fleet, profiles)
        self.ends = Closing(
            database=database,
            clock=clock,
            fleet=fleet,
            metering=metering,
            outbox=outbox,
            live=self._live,
            tasks=self._tasks,
            profiles=profiles.holding,
            keeping=self._keeping,
            instance_id=instance_id,
            boot_id=boot_id,
        )
        self._starting = Starting(
            database=database,
            clock=clock,
            fleet=fleet,
            metering=metering,
            proxies=proxies,
            profiles=profiles.holding,
            instance_id=instance_id,
            boot_id=boot_id,
            acquire_timeout_seconds=acquire_timeout_seconds,
            capture=capture,
            mark_failed=self.ends.give_up,
        )

    async def start(self, starter: Starter, wish: StartSession) -> SessionView:
        """Start a session: admitted by money and plan, one browser of its own, its first minute paid.

        Raises ``PaymentRequired`` (402), ``TooManyRequests`` for the plan's concurrency (429),
        ``Overloaded`` for this machine's (529), ``NotFound``, ``Deleted`` or ``Conflict`` for a profile that is not
        there or that another session will save, ``BrowserFailed`` for a proxy or browser that cannot be
        had as asked. Whatever it raises, nothing was billed and no browser stays. A caller that goes
        away does not stop a start half-way: the session idles out instead.
        """
        if self._closing:
            raise Unavailable("The server is stopping.")
        return await self._tasks.finish(self._start(starter, wish))

    async def _start(self, starter: Starter, wish: StartSession) -> SessionView:
        session_id = new_id()
        if starter.idempotency_key is not None:
            session_id, is_active = await self._database.read(lambda connection: _attempt(connection, starter))
            if is_active:
                return await self.get(starter.workspace_id, session_id)
        active, cost_nanos = await self._starting.start(session_id, starter, wish)
        profile = WithProfile(wish.profile_id, wish.profile_persist) if wish.profile_id is not None else None
        self._live.add(LiveSession(active, active.last_accessed_at, wish.cdp_url, profile=profile))
        if session_id not in self._fleet.traffic():
            # It died between the acquire and this line, when nobody listened for it yet.
            self.ends.end_soon(session_id, CloseReason.ERROR, "The browser ended right after its start.")
        return SessionView(active, foreign_cdp_url=wish.cdp_url, cost_nanos=cost_nanos)

    # -- look ------------------------------------------------------------------------------------------

    async def get(self, workspace_id: str, session_id: str) -> SessionView:
        """The session with its trajectory and its cost so far. Raises ``NotFound``."""

        def step(connection: Connection) -> tuple[Session | None, tuple[Step, ...], int]:
            cost_nanos = self._metering.cost_of_session(connection, session_id)
            return store.find(connection, session_id), store.steps(connection, session_id), cost_nanos

        found, steps, cost_nanos = await self._database.read(step)
        session = self._seen_by(workspace_id, session_id, found)
        return replace(self._with_live(session, self._fleet.traffic()), steps=steps, cost_nanos=cost_nanos)

    async def page(
        self, workspace_id: str, query: PageQuery, *, only_active: bool, key_id: str | None
    ) -> Page[SessionView]:
        """The workspace's sessions, newest first, without their trajectories."""
        found = await self._database.read(
            lambda connection: store.page(connection, workspace_id, query, only_active=only_active, key_id=key_id)
        )
        traffic = self._fleet.traffic()
        views = tuple(self._with_live(session, traffic) for session in found.items)
        return Page(views, found.page, found.page_size, found.has_next)

    async def find(self, workspace_id: str, session_id: str) -> Session:
        """The session as it is stored, without its trajectory. Raises ``NotFound``."""
        return await self._find(workspace_id, session_id)

    async def known(self, session_ids: Collection[str]) -> frozenset[str]:
        """Which of these are ids of sessions, of whatever workspace."""
        return await self._database.read(lambda connection: store.known(connection, session_ids))

    async def offset(self, workspace_id: str, session_id: str) -> int:
        """Length of the trajectory. Raises ``NotFound``."""
        await self._find(workspace_id, session_id)
        return await self._database.read(lambda connection: store.count_steps(connection, session_id))

    async def check(self, workspace_id: str, session_id: str) -> None:
        """Raises ``NotFound`` for a session of another workspace or none; one that is over is there still."""
        live = self._live.get(session_id)
        if live is None or live.session.workspace_id != workspace_id:
            await self._find(workspace_id, session_id)

    async def workspace_of(self, session_id: str) -> str:
        """Whose session it is, over or not. Raises ``NotFound``."""
        if (live := self._live.get(session_id)) is not None:
            return live.session.workspace_id
        found = await self._database.read(lambda connection: store.find(connection, session_id))
        if found is None:
            raise NotFound(f"Session {session_id!r} was not found.")
        return found.workspace_id

    async def _find(self, workspace_id: str, session_id: str) -> Session:
        found = await self._database.read(lambda connection: store.find(connection, session_id))
        return self._seen_by(workspace_id, session_id, found)

    def _seen_by(self, workspace_id: str, session_id: str, found: Session | None) -> Session:
        if found is None or found.workspace_id != workspace_id or found.activated_at is None:
            raise NotFound(f"Session {session_id!r} was not found.")
        return found

    def _with_live(self, session: Session, traffic: Mapping[str, Traffic]) -> SessionView:
        live = self._live.get(session.id)
        if live is None or session.status is not Status.ACTIVE:
            return SessionView(session)
        seen = traffic.get(session.id, Traffic())
        current = replace(
            session,
            last_accessed_at=max(session.last_accessed_at, live.last_accessed_at),
            request_bytes=max(session.request_bytes, seen.request_bytes),
            response_bytes=max(session.response_bytes, seen.response_bytes),
        )
        return SessionView(current, foreign_cdp_url=live.foreign_cdp_url)

    # -- use -------------------------------------------------------------------------------------------

    async def use(self, workspace_id: str, session_id: str) -> tuple[str, ...]:
        """Note an operation on a live session; answers its tags.

        Raises ``NotFound`` for a session of another workspace or none, ``Conflict`` for one that is over.
        """
        live = self._live.get(session_id)
        if live is None or live.session.workspace_id != workspace_id:
            found = await self._find(workspace_id, session_id)
            raise Conflict(_not_active(found))
        if live.ending is not None:
            why = in_words(live.ending.reason, live.ending.error)
            raise Conflict(f"Session {session_id} is not active: it is closing. {why}")
        live.last_accessed_at = self._clock.now()
        return live.session.tags

    async def record_step(self, session_id: str, kind: str, value: dict[str, Any]) -> None:
        """Append to the trajectory of a live session; one that ended meanwhile keeps what it had."""
        await self.record_steps(session_id, kind, (value,))

    async def record_steps(self, session_id: str, kind: str, values: Sequence[dict[str, Any]]) -> None:
        """``record_step`` for several at once."""
        live = self._live.get(session_id)
        if live is None:
            return

        def step(connection: Connection) -> None:
            for value in values:
                store.add_step(connection, session_id, Step(kind, value))

        async with live.lock:
            await self._database.write(step)
        for value in values:
            self._tell(session_id, Step(kind, value))

    def _tell(self, session_id: str, step: Step) -> None:
        for listener in self._step_listeners:
            try:
                listener(session_id, step)
            except Exception:
                log.exception("a listener failed to hear of a step of session %s", session_id)

    async def cookies(self, workspace_id: str, session_id: str) -> tuple[BrowserCookie, ...]:
        """All cookies of the session's browser."""
        await self.use(workspace_id, session_id)
        try:
            result = await self._fleet.run(session_id, GetCookies())
        except (CommandFailed, BrowserLost) as error:
            raise BrowserFailed(f"The cookies could not be read: {error}") from error
        assert isinstance(result, Cookies)
        return result.cookies

    async def set_cookies(self, workspace_id: str, session_id: str, cookies: tuple[BrowserCookie, ...]) -> None:
        """Add or replace cookies in the session's browser, all or none."""
        await self.use(workspace_id, session_id)
        try:
            await self._fleet.run(session_id, SetCookies(cookies))
        except (CommandFailed, BrowserLost) as error:
            raise BrowserFailed(f"The cookies could not be set: {error}") from error

    async def save_profile(
        self, workspace_id: str, key_id: str, session_id: str, profile_id: str | None, name: str | None
    ) -> Profile:
        """Save what the session's browser remembers while it goes on: into that profile, into a new one of that name,
        or into the one that it was started with; raises as ``Keeping.save_now``."""
        await self.use(workspace_id, session_id)
        live = self._live.get(session_id)
        if live is None or live.foreign_cdp_url is not None:
            raise Conflict("A browser at a cdp_url is not ours to save.")
        return await self._keeping.save_now(live, key_id, profile_id, name)

    # -- streams ---------------------------------------------------------------------------------------

    def cdp_url(self, base_url: str, view: SessionView) -> str | None:
        """Where a CDP client connects to this session; ``None`` once it is over."""
        if view.session.status is not Status.ACTIVE:
            return None
        return view.foreign_cdp_url or tokens.cdp_url(base_url, view.session, self._sealer)

    def viewer_url(self, base_url: str, view: SessionView) -> str | None:
        """Where a person sees this session; ``None`` once it is over."""
        if view.session.status is not Status.ACTIVE:
            return None
        return tokens.viewer_url(base_url, view.session, self._sealer)

    def view_only_url(self, base_url: str, session: Session) -> str:
        """Where a person sees this session and cannot act in it."""
        return tokens.viewer_url(base_url, session, self._sealer, Use.VIEW)

    def new_token(self, use: Use, session: Session) -> str:
        """A token that opens the session for that use alone."""
        return tokens.new_token(use, session, self._sealer)

    def opened(self, token: str, use: Use) -> str:
        """The id of the session that a token is for. Raises ``Unauthenticated`` for one that opens nothing."""
        session_id = tokens.opened(token, use, self._sealer, self._clock.now())
        if session_id is None:
            raise Unauthenticated("This link has expired, or is not one of this server's.")
        return session_id

    async def authorize_stream(self, session_id: str, token: str, *uses: Use) -> Use:
        """Let a stream in by its token; answers which of ``uses`` (CDP if none is named) the token is for.

        Raises ``Unauthenticated`` for a token that does not open this session, ``Conflict`` when the
        session is over.
        """
        now, wanted = self._clock.now(), uses or (Use.CDP,)
        use = next((use for use in wanted if tokens.opens(token, session_id, self._sealer, now, use)), None)
        if use is None:
            raise Unauthenticated("This token does not open this session.")
        live = self._live.get(session_id)
        if live is None:
            found = await self._database.read(lambda connection: store.find(connection, session_id))
            raise Conflict(_not_active(found) if found else f"Session {session_id} is not active.")
        if live.ending is not None:
            why = in_words(live.ending.reason, live.ending.error)
            raise Conflict(f"Session {session_id} is not active: it is closing. {why}")
        live.last_accessed_at = self._clock.now()
        return use

    def on_step(self, listener: Callable[[str, Step], None]) -> None:
        """Call ``listener`` on the event loop with every step of a live session, once it is stored."""
        self._step_listeners.append(listener)

    # -- end -------------------------------------------------------------------------------------------

    async def stop(self, workspace_id: str, session_id: str) -> SessionView:
        """End a session for its owner; ending one that is over changes nothing. Raises ``NotFound``."""
        live = self._live.get(session_id)
        if live is not None and live.session.workspace_id == workspace_id:
            await self._tasks.finish(self.ends.end(session_id, CloseReason.MANUAL))
        return await self.get(workspace_id, session_id)

    async def close(self) -> None:
        """Refuse new starts, finish those under way, then end every session; bounded."""
        self._closing = True
        await self._tasks.drain(_SHUTDOWN_SECONDS)
        await self.ends.end_all(CloseReason.SERVER_STOPPED)
        await self._keeping.close(_LAST_SAVES_SECONDS)


def _not_active(session: Session) -> str:
    text = f"Session {session.id} is not active: it is {session.status.value}."
    return text if session.close_reason is None else f"{text} {in_words(session.close_reason, session.error)}"


def _attempt(connection: Connection, starter: Starter) -> tuple[str, bool]:
    """The id of the session that a key stands for, and whether it ever became active.

    Attempts that died before anything was paid leave their ids behind. The ids of those that follow come from the key
    as well, so that a retry after any number of crashes meets the one session that was paid for.
    """
    for number in itertools.count():
        key = f"{starter.idempotency_key}\x00{number}" if number else str(starter.idempotency_key)
        session_id = id_for_key(starter.workspace_id, key)
        earlier = store.find(connection, session_id)
        if earlier is None or earlier.activated_at is not None:
            return session_id, earlier is not None
    raise AssertionError("there are always more numbers")
