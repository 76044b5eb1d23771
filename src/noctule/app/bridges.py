"""What one part needs of another, where neither may know the other."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from noctule.browser.door import Door
from noctule.browser.node import Node
from noctule.kit.errors import Conflict, NotFound
from noctule.kit.scope import KeyScope
from noctule.llm.protocol import Payer
from noctule.llm.store import ModelUse, SentCall
from noctule.metering.service import Metering, ModelCall
from noctule.sessions.service import SessionService, Use
from noctule.workspaces.service import WorkspaceService


@dataclass(frozen=True, slots=True)
class Streams:
    """Lets CDP clients in: a token opens the door of one live session."""

    sessions: SessionService
    node: Node

    async def open_cdp(self, session_id: str, token: str) -> Door:
        """The door that the token opens. Raises ``Unauthenticated``, ``Conflict``."""
        await self.sessions.authorize_stream(session_id, token)
        door = self.node.door(session_id)
        if door is None:
            raise Conflict(f"Session {session_id} has no browser of this server's to connect to.")
        return door

    async def open_page(self, session_id: str, tab_id: str, token: str) -> Door:
        """The door to one page that the token opens. Raises ``Unauthenticated``, ``Conflict``, ``NotFound``."""
        await self.sessions.authorize_stream(session_id, token, Use.DEVTOOLS)
        door = self.node.page_door(session_id, tab_id)
        if door is None:
            raise NotFound(f"Session {session_id} has no such tab (any more).")
        return door


@dataclass(frozen=True, slots=True)
class WorkspaceKeys:
    """Whose sessions an API key in the address of a stream opens."""

    workspaces: WorkspaceService

    async def workspace_of(self, secret: str) -> str | None:
        """The workspace of a key that is known and not an operator's."""
        identity = await self.workspaces.authenticate(secret)
        return None if identity is None or identity.scope is not KeyScope.WORKSPACE else identity.workspace_id


class MeterCharging:
    """The meter, as the model gateway needs it."""

    def __init__(self, metering: Metering) -> None:
        self._metering = metering

    def admit(self, connection: Connection, payer: Payer) -> None:
        """Let a call in while something is left to pay with. Raises ``PaymentRequired``."""
        self._metering.admit(
            connection, payer.workspace_id, api_key_id=payer.api_key_id, agent_id=payer.agent_id, tags=payer.tags
        )

    def charge(self, connection: Connection, call: SentCall, use: ModelUse, finished_at: datetime) -> bool:
        """Book a finished call; answers whether it was new."""
        payer = call.payer
        booked = ModelCall(
            call_id=call.id,
            account_id=payer.workspace_id,
            model=f"{call.provider}/{call.model}",
            tokens=use.tokens.by_kind(),
            cost_nanos=use.cost_nanos,
            price_id=use.entry.id,
            finished_at=finished_at,
            session_id=payer.session_id,
            agent_id=payer.agent_id,
            function_id=payer.function_id,
            function_run_id=payer.function_run_id,
            api_key_id=payer.api_key_id,
            tags=payer.tags,
        )
        return self._metering.charge_model_call(connection, booked)
