"""How a session comes to be: two transactions with a browser between them.

A: admitted by money and plan, the wish written down as ``starting``. Then the browser, no transaction
open. B: ``active`` and its first minute paid, together. A kill anywhere leaves either nothing, or a
``starting`` row that recovery marks, or an active session whose lease recovery closes.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any, Protocol, get_args

from sqlalchemy import Connection

from noctule.browser.commands import (
    Acquired,
    BrowserSpec,
    CaptureLevel,
    CommandFailed,
    NodeFull,
    Upstream,
    UpstreamRefused,
    Viewport,
)
from noctule.db.engine import Database
from noctule.fleet.protocol import Fleet
from noctule.kit.clock import Clock
from noctule.kit.errors import BrowserFailed, Conflict, InvalidRequest, Overloaded, TooManyRequests, Unavailable
from noctule.kit.failpoints import failpoint
from noctule.metering.service import LeaseOpening, Metering
from noctule.profiles.service import Holding, Profile
from noctule.sessions import store
from noctule.sessions.domain import Session, StartSession, Status

_FULL = "This machine runs as many browsers as it can; try again in a moment."


class ProxyPool(Protocol):
    """The operator's upstream proxies."""

    def choose(self, country: str | None, proxy_id: str | None) -> Upstream | None:
        """A proxy that fits, or ``None``."""
        ...

    def countries(self) -> tuple[str, ...]:
        """Countries that the pool has; empty when there is no pool."""
        ...


@dataclass(frozen=True, slots=True)
class Starter:
    """Who starts a session."""

    workspace_id: str
    key_id: str
    idempotency_key: str | None = None


class Starting:
    """Starts sessions. ``instance_id`` names this server, ``boot_id`` this run of it."""

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        fleet: Fleet,
        metering: Metering,
        proxies: ProxyPool,
        profiles: Holding,
        instance_id: str,
        boot_id: str,
        acquire_timeout_seconds: float,
        capture: CaptureLevel,
        mark_failed: Callable[[str, Exception], Awaitable[None]],
    ) -> None:
        self._database = database
        self._clock = clock
        self._fleet = fleet
        self._metering = metering
        self._proxies = proxies
        self._profiles = profiles
        self._instance_id = instance_id
        self._boot_id = boot_id
        self._acquire_timeout_seconds = acquire_timeout_seconds
        self._capture = capture
        self._mark_failed = mark_failed

    async def start(self, session_id: str, starter: Starter, wish: StartSession) -> tuple[Session, int]:
        """An active session with this id and the nano-dollars of its first minute, which is paid; raises as
        ``SessionService.start`` says."""
        upstream = self._upstream(wish)
        spec = replace(_spec(session_id, starter, wish, upstream), capture=self._level(wish))
        self._admit_by_machine(spec)
        if wish.profile_id is not None:
            await self._profiles.settled(starter.workspace_id, wish.profile_id)
        try:
            intent, profile = await self._database.write(
                lambda connection: self._intend(connection, session_id, starter, wish, upstream is not None)
            )
        except Unavailable as error:
            # The wish may have been written down all the same.
            await self._mark_failed(session_id, error)
            raise
        failpoint("start.after_intent")
        try:
            if profile is not None:
                spec = replace(spec, profile=await self._profiles.load(profile))
            acquired = await self._acquire(spec)
            failpoint("start.after_acquire")
            active = await self._database.write(
                lambda connection: self._activate(connection, intent, acquired, wish.max_cost_nanos)
            )
        except Exception as error:
            await self._give_up(session_id, error)
            raise
        failpoint("start.after_active")
        self._metering.begin(session_id)
        return active

    def _upstream(self, wish: StartSession) -> Upstream | None:
        proxy = wish.proxy
        if proxy.kind == "external":
            assert proxy.server is not None
            return Upstream(proxy.server, proxy.username, proxy.password, proxy.bypass)
        if proxy.kind == "none" or not (countries := self._proxies.countries()):
            return None
        chosen = self._proxies.choose(proxy.country, proxy.pool_id)
        if chosen is None:
            wanted = proxy.pool_id or proxy.country
            raise InvalidRequest.at(("body", "proxies"), f"the pool has no such proxy; countries: {countries}", wanted)
        return chosen

    def _level(self, wish: StartSession) -> CaptureLevel:
        """What is kept of the session: what it asks for, as far as the server allows that; else no bodies."""
        if wish.is_one_shot:
            return "off"
        levels = get_args(CaptureLevel)
        if wish.capture is None:
            return "off" if self._capture == "off" else "on"
        if levels.index(wish.capture) > levels.index(self._capture):
            raise InvalidRequest.at(
                ("header", "x-noctule-capture"),
                f"this server keeps no more than '{self._capture}' of a session (NOCTULE_CAPTURE)",
                wish.capture,
            )
        return wish.capture

    def _admit_by_machine(self, spec: BrowserSpec) -> None:
        try:
            self._fleet.admit(spec)
        except NodeFull as error:
            raise Overloaded(_FULL, headers={"Retry-After": "30"}) from error
        except CommandFailed as error:
            raise InvalidRequest(error.message) from error

    def _intend(
        self, connection: Connection, session_id: str, starter: Starter, wish: StartSession, proxies: bool
    ) -> tuple[Session, Profile | None]:
        """Transaction A: admitted by money and plan, the wish written down, its profile held if it will be saved."""
        # Starts of one workspace count one another, so they come one after the other here.
        self._metering.lock(connection, starter.workspace_id)
        self._metering.admit(connection, starter.workspace_id, api_key_id=starter.key_id, tags=wish.tags)
        plan = self._metering.plan_of(connection, starter.workspace_id)
        if store.count_live(connection, starter.workspace_id) >= plan.concurrency:
            raise TooManyRequests(
                f"Your plan ({plan.name}) allows {plan.concurrency} sessions at a time; stop one first.",
                detail={"reason": "concurrency", "limit": plan.concurrency},
                headers={"Retry-After": "30"},
            )
        max_minutes = min(wish.max_duration_minutes, plan.max_duration_minutes or wish.max_duration_minutes)
        now = self._clock.now()
        intent = Session(
            id=session_id,
            workspace_id=starter.workspace_id,
            key_id=starter.key_id,
            status=Status.STARTING,
            created_at=now,
            last_accessed_at=now,
            idle_timeout_minutes=min(wish.idle_timeout_minutes, max_minutes),
            max_duration_minutes=max_minutes,
            browser_type=wish.browser_type,
            headless=wish.headless,
            solve_captchas=wish.solve_captchas,
            use_file_storage=wish.use_file_storage,
            web_bot_auth=wish.web_bot_auth,
            proxies=proxies,
            tags=wish.tags,
        )
        store.add(connection, intent, instance_id=self._instance_id, boot_id=self._boot_id)
        return intent, self._profile(connection, session_id, starter, wish)

    def _profile(self, connection: Connection, session_id: str, starter: Starter, wish: StartSession) -> Profile | None:
        if wish.profile_id is None:
            return None
        if wish.profile_persist:
            return self._profiles.take(connection, starter.workspace_id, wish.profile_id, session_id)
        return self._profiles.see(connection, starter.workspace_id, wish.profile_id)

    async def _acquire(self, spec: BrowserSpec) -> Acquired:
        try:
            return await self._fleet.acquire(spec, self._acquire_timeout_seconds)
        except NodeFull as error:
            raise Overloaded(_FULL, headers={"Retry-After": "30"}) from error
        except UpstreamRefused as error:
            raise BrowserFailed(f"The proxy of this session cannot be used: {error}") from error
        except CommandFailed as error:
            raise BrowserFailed(f"The browser cannot be started as asked: {error.message}") from error

    def _activate(
        self, connection: Connection, intent: Session, acquired: Acquired, max_cost_nanos: int | None
    ) -> tuple[Session, int]:
        """Transaction B: active and paid for, together."""
        cost_nanos = self._metering.open_lease(
            connection,
            LeaseOpening(
                lease_id=intent.id,
                account_id=intent.workspace_id,
                api_key_id=intent.key_id,
                session_id=intent.id,
                tags=intent.tags,
                max_cost_nanos=max_cost_nanos,
            ),
        )
        now = self._clock.now()
        shape: dict[str, Any] = {
            "user_agent": acquired.user_agent,
            "viewport_width": acquired.viewport.width,
            "viewport_height": acquired.viewport.height,
            "is_recorded": acquired.is_recorded,
        }
        if not store.activate(connection, intent.id, now, **shape):
            raise Conflict(f"Session {intent.id} was ended while it was starting.")
        failpoint("start.in_activation")
        return replace(intent, status=Status.ACTIVE, activated_at=now, last_accessed_at=now, **shape), cost_nanos

    async def _give_up(self, session_id: str, error: Exception) -> None:
        await self._fleet.release(session_id)
        self._metering.forget(session_id)
        await self._mark_failed(session_id, error)


def _spec(session_id: str, starter: Starter, wish: StartSession, upstream: Upstream | None) -> BrowserSpec:
    viewport = None
    if wish.viewport_width is not None and wish.viewport_height is not None:
        viewport = Viewport(wish.viewport_width, wish.viewport_height)
    return BrowserSpec(
        session_id=session_id,
        wants_chromium=wish.browser_type != "chromium",
        viewport=viewport,
        user_agent=wish.user_agent,
        chrome_args=wish.chrome_args,
        extra_http_headers=wish.extra_http_headers,
        upstream=upstream,
        cdp_url=wish.cdp_url,
        shared_by=starter.workspace_id if wish.is_one_shot else None,
        is_recorded=False if wish.is_one_shot else wish.is_recorded,
    )
