"""Clients that use a server as hard as they can, until it dies, and write down whatever it told them."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from random import Random

import httpx

from tests.support.journal import Journal, Start
from tests.support.server import Server

# What a healthy server may answer under load. Whatever else it says is written down as a surprise.
_REFUSALS = frozenset({429, 529})
_MOST_SESSIONS = 5
_PAUSE_SECONDS = 0.25
_DEEDS = {"start": 20, "execute": 45, "stop": 20, "usage": 12, "again": 3}


@dataclass(frozen=True, slots=True)
class Tenant:
    """One workspace and a key of it."""

    workspace_id: str
    key: str


@dataclass(slots=True)
class Load:
    """Concurrent clients of some workspaces.

    ``extra`` is what one of them does besides, as the operator say. ``allowed`` are further statuses that may be
    answered while something is broken: such an answer leaves in doubt whether the work was done, but not for long.
    """

    server: Server
    tenants: list[Tenant]
    journal: Journal
    random: Random
    clients: int = 10
    timeout_seconds: float = 30.0
    allowed: frozenset[int] = frozenset()
    extra: Callable[[httpx.AsyncClient, Random], Awaitable[None]] | None = None
    slowest_seconds: float = 0.0
    _live: dict[str, list[str]] = field(default_factory=dict)
    _doubtful: deque[Start] = field(default_factory=deque)
    _stopping: bool = False

    async def run(self) -> None:
        """Work until ``stop``, or until the server is not there any more."""
        self._live = {tenant.workspace_id: [] for tenant in self.tenants}
        self._doubtful = deque(start for start in self.journal.starts if start.key is not None and start.is_in_doubt)
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=self.clients)
        async with httpx.AsyncClient(
            base_url=self.server.url, timeout=self.timeout_seconds, limits=limits, trust_env=False
        ) as http:
            await asyncio.gather(*(self._client(http, number) for number in range(self.clients)))

    def stop(self) -> None:
        """Let every client end after what it is at."""
        self._stopping = True

    async def _client(self, http: httpx.AsyncClient, number: int) -> None:
        tenant, chance = self.tenants[number % len(self.tenants)], Random(self.random.random())
        caller = _Caller(self, http, tenant, chance, self._live[tenant.workspace_id])
        while not self._stopping:
            try:
                await caller.act(self._doubtful)
                if self.extra is not None and number == 0:
                    await self.extra(http, chance)
            except httpx.TimeoutException:
                self.journal.surprises.append(f"no answer within {self.timeout_seconds} s")
                return
            except httpx.TransportError:
                return


@dataclass(slots=True)
class _Caller:
    """One client. ``live`` are the sessions that it shares with the others of its workspace."""

    load: Load
    http: httpx.AsyncClient
    tenant: Tenant
    random: Random
    live: list[str]

    @property
    def journal(self) -> Journal:
        """Where answers are written down."""
        return self.load.journal

    async def act(self, doubtful: deque[Start]) -> None:
        """One request: first those again that an earlier life left without an answer."""
        if (start := self._take(doubtful)) is not None:
            await self._start(start)
            return
        match self.random.choices(list(_DEEDS), list(_DEEDS.values()))[0]:
            case "execute" if self.live:
                await self._execute(self.random.choice(self.live))
            case "stop" if self.live:
                await self._stop(self.live.pop(self.random.randrange(len(self.live))))
            case "usage":
                await self._usage()
            case "again":
                await self._again()
            case _ if len(self.live) < _MOST_SESSIONS:
                key = f"start-{self.random.getrandbits(64):x}" if self.random.random() < 0.6 else None
                start = Start(self.tenant.workspace_id, key)
                self.journal.starts.append(start)
                await self._start(start)
            case _:
                await asyncio.sleep(0.01)

    def _take(self, doubtful: deque[Start]) -> Start | None:
        for start in doubtful:
            if start.workspace_id == self.tenant.workspace_id:
                doubtful.remove(start)
                return start
        return None

    async def _start(self, start: Start) -> None:
        headers = {} if start.key is None else {"Idempotency-Key": start.key}
        start.sent += 1
        status, body = await self._ask("POST", "/sessions/start", json={}, headers=headers)
        if status < 500 or status == 529:
            start.answered += 1
        if body is None:
            return
        self.journal.take_start(start, body)
        if body["status"] == "active":
            self.live.append(str(body["session_id"]))

    async def _again(self) -> None:
        """Send something again that was acknowledged before."""
        mine = [
            start
            for start in self.journal.starts[-200:]
            if start.key is not None and start.session_id is not None and start.workspace_id == self.tenant.workspace_id
        ]
        if not mine:
            return
        start = self.random.choice(mine)
        headers = {"Idempotency-Key": str(start.key)}
        _, body = await self._ask("POST", "/sessions/start", json={}, headers=headers)
        if body is not None:
            self.journal.take_start(start, body)
        if start.session_id in self.journal.stops:
            await self._stop(start.session_id)

    async def _execute(self, session_id: str) -> None:
        action = {"type": "wait", "time_ms": 5}
        path = f"/sessions/{session_id}/page/execute"
        # Another client may stop the session at any moment.
        _, body = await self._ask("POST", path, json=action, refusals=frozenset({409}))
        if body is not None:
            self.journal.steps[session_id] += 1

    async def _stop(self, session_id: str) -> None:
        _, body = await self._ask("DELETE", f"/sessions/{session_id}/stop")
        if body is not None:
            self.journal.take_stop(body)

    async def _usage(self) -> None:
        workspace_id = self.tenant.workspace_id
        seen_nanos, acknowledged = self.journal.seen_nanos[workspace_id], self.journal.acknowledged(workspace_id)
        _, body = await self._ask("GET", "/usage")
        if body is not None:
            self.journal.take_usage(workspace_id, body, seen_nanos=seen_nanos, acknowledged=acknowledged)

    async def _ask(
        self,
        method: str,
        path: str,
        *,
        json: object = None,
        headers: Mapping[str, str] | None = None,
        refusals: frozenset[int] = frozenset(),
    ) -> tuple[int, dict[str, object] | None]:
        """The status, and the body of a 200; whatever nobody should be told is written down as a surprise."""
        began = asyncio.get_running_loop().time()
        authorized = {"Authorization": f"Bearer {self.tenant.key}", **(headers or {})}
        answer = await self.http.request(method, path, json=json, headers=authorized)
        took_seconds = asyncio.get_running_loop().time() - began
        self.load.slowest_seconds = max(self.load.slowest_seconds, took_seconds)
        self.journal.answers[f"{method} {path.rsplit('/', 1)[-1]} {answer.status_code}"] += 1
        if answer.status_code == 200:
            body: dict[str, object] = answer.json()
            return 200, body
        known = answer.status_code in _REFUSALS | refusals | self.load.allowed
        if not known or "message" not in answer.json():
            self.journal.surprises.append(f"{method} {path} answered {answer.status_code}: {answer.text[:300]}")
        if answer.status_code == 503:
            await asyncio.sleep(_PAUSE_SECONDS)
        return answer.status_code, None
