"""WebSocket upgrades: ``GET /sessions/{id}/cdp?token=…`` goes to the CDP relay, as does
``/sessions/{id}/devtools/{tab}``, which speaks to one page alone; all else goes to uvicorn.

The relay works on the connection's own transport, because ASGI's message per frame costs more than the
whole round trip may. The token in the address is the credential, so neither an Authorization header nor the
Origin is looked at: a page of anywhere that knows the token may drive the browser, and no other can. The
token is never logged; answers to a refused upgrade are plain HTTP with the API's error body.
"""

import asyncio
import re
from collections import Counter
from dataclasses import dataclass
from typing import Any, Final, Protocol, cast
from urllib.parse import parse_qs, unquote

from uvicorn.config import Config
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState

from noctule.browser.door import Door
from noctule.browser.relay import Patience, Relay, handshake, open_relay
from noctule.kit.errors import NoctuleError, TooManyRequests, Unauthenticated, Unavailable

CLIENTS_PER_SESSION: Final = 32
GATE_TIMEOUT_SECONDS: Final = 10.0

_CDP_PATH: Final = re.compile(r"/+sessions/+([^/]+)/+cdp/*")
_PAGE_PATH: Final = re.compile(r"/+sessions/+([^/]+)/+devtools/+([^/]+)/*")


class CdpGate(Protocol):
    """Who may open the CDP stream of a session."""

    async def open_cdp(self, session_id: str, token: str) -> Door:
        """The door to the session's browser.

        Raises ``Unauthenticated`` for a token that is not this session's, ``NotFound`` for a session that
        does not exist, ``Conflict`` for one that has no browser (any more).
        """
        ...

    async def open_page(self, session_id: str, tab_id: str, token: str) -> Door:
        """The door to one page of the session's browser; raises as ``open_cdp`` does, ``NotFound`` for a tab that is
        not open."""
        ...


@dataclass(frozen=True)
class _Shared:
    """What all connections of one server have in common."""

    gate: CdpGate
    patience: Patience
    clients: Counter[str]


def websocket_protocol(gate: CdpGate, patience: Patience | None = None) -> type[asyncio.Protocol]:
    """The class to give uvicorn as ``ws``; all its instances share one count of clients per session."""
    shared = _Shared(gate, patience or Patience(), Counter())

    class Upgrade(_Upgrade):
        def __init__(self, config: Config, server_state: ServerState, app_state: dict[str, Any]) -> None:
            super().__init__(shared, config, server_state, app_state)

    return Upgrade


class _OtherSocket(WebSocketsSansIOProtocol):
    """uvicorn's protocol, which closes a connection whose client reads nothing by waiting for it without end."""

    _deadline: asyncio.TimerHandle | None = None

    def __init__(
        self, patience_seconds: float, config: Config, server_state: ServerState, app_state: dict[str, Any]
    ) -> None:
        super().__init__(config=config, server_state=server_state, app_state=app_state)
        self._patience_seconds = patience_seconds

    async def run_asgi(self) -> None:
        await super().run_asgi()
        if not self.disconnected:
            self._deadline = self.loop.call_later(self._patience_seconds, self.transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        super().connection_lost(exc)


class _Upgrade(asyncio.Protocol):
    """Reads the handshake that uvicorn hands over, and decides who speaks on this connection from now on."""

    def __init__(self, shared: _Shared, config: Config, state: ServerState, app_state: dict[str, Any]) -> None:
        self._shared = shared
        self._clients = shared.clients
        self._config = config
        self._state = state
        self._app_state = app_state
        self._opening: asyncio.Task[None] | None = None
        self._other: asyncio.Protocol | None = None
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        if self._other is not None:
            self._other.data_received(data)
        elif self._opening is None:
            self._handshake_received(data)

    def eof_received(self) -> bool | None:
        return self._other.eof_received() if self._other is not None else None

    def connection_lost(self, exc: Exception | None) -> None:
        if self._other is not None:
            self._other.connection_lost(exc)
        if self._opening is not None:
            self._opening.cancel()

    def pause_writing(self) -> None:
        if self._other is not None:
            self._other.pause_writing()

    def resume_writing(self) -> None:
        if self._other is not None:
            self._other.resume_writing()

    def _handshake_received(self, data: bytes) -> None:
        try:
            head = handshake.parse_head(data.partition(b"\r\n\r\n")[0])
        except handshake.BadHandshake as bad:
            self._refuse(bad.status, bad.message, bad.headers)
            return
        path, _, query = head.first_line[1].partition("?")
        match = _CDP_PATH.fullmatch(path) or _PAGE_PATH.fullmatch(path)
        if match is None:
            patience_seconds = self._shared.patience.stuck_after_seconds
            self._other = _OtherSocket(patience_seconds, self._config, self._state, self._app_state)
            self._other.connection_made(self._transport)
            self._other.data_received(data)
            return
        # Nothing is read until the relay reads it, so an impatient client fills its own buffers.
        self._transport.pause_reading()
        self._opening = asyncio.get_running_loop().create_task(
            self._open(head, *map(unquote, match.groups()), query=query)
        )
        self._state.tasks.add(self._opening)
        self._opening.add_done_callback(self._state.tasks.discard)

    async def _open(self, head: handshake.Head, session_id: str, tab_id: str | None = None, *, query: str) -> None:
        counted = False
        try:
            response = handshake.accept(head)
            token = parse_qs(query).get("token", [""])[-1]
            if not token:
                raise Unauthenticated("The address has no token.")
            async with asyncio.timeout(GATE_TIMEOUT_SECONDS):
                gate = self._shared.gate
                opening = (
                    gate.open_cdp(session_id, token) if tab_id is None else gate.open_page(session_id, tab_id, token)
                )
                door = await opening
            if self._clients[session_id] >= CLIENTS_PER_SESSION:
                raise TooManyRequests(f"{CLIENTS_PER_SESSION} clients are connected to this session already.")
            self._clients[session_id] += 1
            counted = True
            await self._join(response, door, session_id)
            counted = False
        except handshake.BadHandshake as bad:
            self._refuse(bad.status, bad.message, bad.headers)
        except NoctuleError as error:
            self._refuse(error.status, error.message, error.headers)
        except TimeoutError:
            self._refuse(Unavailable.status, "The server is too busy to open this session.", {})
        finally:
            if counted:
                self._forget(session_id)

    async def _join(self, response: bytes, door: Door, session_id: str) -> None:
        relay: Relay | None = None

        def closed() -> None:
            self._state.connections.discard(cast(Any, relay))
            self._forget(session_id)

        try:
            relay = await open_relay(self._transport, response, door, closed, self._shared.patience)
        except (OSError, handshake.BadHandshake):
            raise Unavailable("The session's browser does not answer.") from None
        # uvicorn calls ``shutdown`` of what is in here when it stops, and waits for it to leave.
        self._state.connections.add(cast(Any, relay))

    def _forget(self, session_id: str) -> None:
        self._clients[session_id] -= 1
        if self._clients[session_id] <= 0:
            del self._clients[session_id]

    def _refuse(self, status: int, message: str, headers: Any) -> None:
        if not self._transport.is_closing():
            self._transport.write(handshake.refusal(status, message, headers))
            self._transport.close()
