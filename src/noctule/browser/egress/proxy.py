"""One browser's way out: a proxy on a loopback port of its own.

What must hold: nothing is connected to that the policy did not hand out for this very connection; every byte
exchanged with the remote side is counted; closing leaves no connection behind. Time and memory are bounded
for each connection and their number for each listener.
"""

import asyncio
import errno
import logging
from collections.abc import Coroutine
from typing import Any

from noctule.browser.commands import Upstream, UpstreamRefused
from noctule.browser.egress import peer
from noctule.browser.egress.client import ClientConnection, Unreachable
from noctule.browser.egress.policy import EgressPolicy, EgressRefused
from noctule.browser.egress.remote import Remote, dial, keep_alive
from noctule.browser.egress.resolver import ResolveFailed
from noctule.browser.egress.traffic import Refusal, Refusals, Traffic
from noctule.browser.egress.upstream import UpstreamFailed, UpstreamRoute

MAX_CONNECTIONS = 512
_MAX_LOOKUPS = 16
_SWEEP_SECONDS = 60.0
_QUIET_SWEEPS = 60
_HALF_OPEN_SWEEPS = 2
_CLOSE_TIMEOUT_SECONDS = 5.0

log = logging.getLogger(__name__)


class EgressProxy:
    """The listener of one browser."""

    def __init__(self, policy: EgressPolicy) -> None:
        self.port = 0
        self._policy = policy
        self._only_uid: int | None = None
        self._traffic = Traffic()
        self._refusals = Refusals()
        self._route: UpstreamRoute | None = None
        self._server: asyncio.Server | None = None
        self._connections: set[ClientConnection] = set()
        self._work: set[asyncio.Task[None]] = set()
        self._lookups = asyncio.Semaphore(_MAX_LOOKUPS)
        self._sweeper: asyncio.TimerHandle | None = None
        self._closed = False

    async def start(self) -> None:
        """Listen; ``port`` is known afterwards, and one of the policy's own ports."""
        if self._only_uid is not None and not peer.available():
            log.warning(
                "this machine does not tell whose connections are whose: the egress proxy serves any local user"
            )
            self._only_uid = None
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: ClientConnection(self), "127.0.0.1", 0, backlog=256)
        self.port = self._server.sockets[0].getsockname()[1]
        self._policy.own_ports.add(self.port)
        self._sweeper = loop.call_later(_SWEEP_SECONDS, self._sweep)

    def serve_only(self, uid: int) -> bool:
        """Refuse new connections of any other user's processes from now on.

        For a browser that runs as a user of its own: nothing else on the machine, another session's browser
        least of all, then leaves at this session's cost. ``False`` where the kernel does not tell whose a
        connection is; then everybody local is still served.
        """
        if not peer.available():
            return False
        self._only_uid = uid
        return True

    async def use_upstream(self, upstream: Upstream | None) -> None:
        """Leave through this upstream from now on, or directly. What is connected at the moment is closed.

        Raises ``UpstreamRefused`` when it does not work; then everything stays as it was.
        """
        route = None
        if upstream is not None:
            route = UpstreamRoute(upstream, self._policy, self._traffic)
            await route.check()
        if self._closed:
            raise UpstreamRefused("The browser was closed.")
        self._route = route
        await self._drop_connections()

    @property
    def request_bytes(self) -> int:
        """Bytes sent to the remote side since the last reset."""
        return self._traffic.request_bytes

    @property
    def response_bytes(self) -> int:
        """Bytes received from the remote side since the last reset."""
        return self._traffic.response_bytes

    @property
    def proxied_bytes(self) -> int:
        """Bytes of both directions that went through an upstream of the operator's pool."""
        return self._traffic.proxied_bytes

    def reset_counters(self) -> None:
        """Count from zero."""
        self._traffic.reset()

    def mark(self) -> int:
        """Now, for ``refusals_since``."""
        return self._refusals.mark()

    def refusals_since(self, mark: int) -> list[Refusal]:
        """What was not reached since then, oldest first; the last 256 are remembered."""
        return self._refusals.since(mark)

    async def close(self) -> None:
        """Stop listening and end every connection at once."""
        self._closed = True
        if self._sweeper is not None:
            self._sweeper.cancel()
        if self._server is not None:
            self._server.close()
            self._policy.own_ports.discard(self.port)
        await self._drop_connections()

    async def _drop_connections(self) -> None:
        """End all connections; their totals stay."""
        work = list(self._work)
        for task in work:
            task.cancel()
        for connection in list(self._connections):
            connection.abort()
        for remote in list(self._traffic.live):
            remote.abort()
        if work:
            await asyncio.wait(work, timeout=_CLOSE_TIMEOUT_SECONDS)
        await asyncio.sleep(0)  # Transports tell of their end on the next turn of the loop.

    # -- what a connection asks for (client.Gate) ---------------------------------------------------------

    def admits(self, connection: ClientConnection, transport: asyncio.Transport) -> Unreachable | None:
        self._connections.add(connection)
        keep_alive(transport)
        if self._closed:
            return Unreachable(503, "closed", "The browser's proxy is closed.")
        if len(self._connections) > MAX_CONNECTIONS:
            return Unreachable(503, "too-many-connections", f"A browser may hold {MAX_CONNECTIONS} connections.")
        if self._only_uid is not None and not self._is_ours(transport):
            return Unreachable(403, "foreign-client", "This proxy serves one browser only.")
        return None

    def forget(self, connection: ClientConnection) -> None:
        self._connections.discard(connection)

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._work.add(task)
        task.add_done_callback(self._work_done)

    async def open(self, host: str, port: int) -> Remote:
        try:
            return await self._open(host, port)
        except Unreachable as error:
            self._refusals.add(Refusal(host, port, error.rule, error.message))
            raise

    async def _open(self, host: str, port: int) -> Remote:
        route = self._route
        try:
            async with self._lookups:
                addresses = await self._policy.resolve(host, port)
            if route is None or route.bypasses(host, addresses[0][0]):
                return await dial(addresses, lambda: Remote(self._traffic))
            return await route.open(addresses)
        except EgressRefused as error:
            raise Unreachable(403, error.rule, error.message) from None
        except ResolveFailed as error:
            raise Unreachable(504 if error.timed_out else 502, "name-not-resolved", f"{error.message}.") from None
        except UpstreamFailed as error:
            raise Unreachable(502, "upstream-failed", error.message) from None
        except TimeoutError:
            raise Unreachable(504, "connect-timeout", f"{host}:{port} did not answer in time.") from None
        except OSError as error:
            why = "refused the connection" if error.errno == errno.ECONNREFUSED else "could not be reached"
            raise Unreachable(502, "connect-failed", f"{host}:{port} {why}.") from None

    def _is_ours(self, transport: asyncio.Transport) -> bool:
        try:
            name, sock = transport.get_extra_info("peername"), transport.get_extra_info("sockname")
            return peer.owner(name, sock) == self._only_uid
        except peer.PeerUnknown:
            return False

    def _work_done(self, task: asyncio.Task[None]) -> None:
        self._work.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("a connection of the egress proxy failed", exc_info=error)

    def _sweep(self) -> None:
        """Drop connections over which nothing has passed for long."""
        for connection in list(self._connections):
            connection.quiet_sweeps += 1
            if connection.quiet_sweeps > (_HALF_OPEN_SWEEPS if connection.half_open else _QUIET_SWEEPS):
                connection.abort()
        self._sweeper = asyncio.get_running_loop().call_later(_SWEEP_SECONDS, self._sweep)
