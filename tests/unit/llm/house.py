"""The gateway of one server and what is around it: a model behind HTTP, a meter, keys, a database."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection, text

from noctule.app.bridges import MeterCharging
from noctule.db.engine import Database
from noctule.llm import store
from noctule.llm.calls import Calls
from noctule.llm.client import Client
from noctule.llm.gateway import Gateway, Limits
from noctule.llm.prices import OperatorPrice, PriceList
from noctule.llm.protocol import Completed, Completion, Message, Payer
from noctule.llm.providers import CUSTOM, Provider
from noctule.llm.routing import Configured, Router
from noctule.llm.store import StoredCall
from noctule.metering.book import PriceBook
from noctule.metering.service import Metering
from tests.support import units
from tests.support.clock import FrozenClock
from tests.support.llm import FakeKeys
from tests.support.model_server import ModelServer

P = ParamSpec("P")
T = TypeVar("T")

KEY = "sk-server-secret-000000"
PAYER = Payer("a", session_id="s", api_key_id="k", tags=("nightly",))
OWN_ADDRESS = Provider(CUSTOM, None)

PRICED = OperatorPrice(
    "custom/m",
    datetime(2025, 1, 1, tzinfo=UTC),
    (("input_mtok", Decimal(1)), ("output_mtok", Decimal(10)), ("cache_read_mtok", Decimal("0.1"))),
)
"""A dollar a million tokens in, ten out, a tenth from the cache: a thousand nanos, ten thousand, a hundred a token."""

USED = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}
USED_NANOS = 100 * 1_000 + 20 * 10_000


@dataclass
class House:
    """One server's gateway. ``slept`` has the pauses between tries, which pass at once."""

    database: Database
    model: ModelServer
    clock: FrozenClock = field(default_factory=FrozenClock)
    keys: FakeKeys = field(default_factory=FakeKeys)
    slept: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.metering = Metering(self.clock, PriceBook.built_in(), instance_id="one", boot_id="boot")
        self.write(self.metering.open_account, "a", "admin")

    @asynccontextmanager
    async def gateway(
        self,
        limits: Limits | None = None,
        *,
        prices: tuple[OperatorPrice, ...] = (PRICED,),
        server: Configured | None = None,
        is_configured: bool = True,
        most_reply_bytes: int = 1_000_000,
    ) -> AsyncIterator[Gateway]:
        """A gateway whose configured model is the local server's ``m``."""
        listed = PriceList(prices)
        configured = server or Configured(OWN_ADDRESS, self.model.base_url, "m", KEY)
        gateway = Gateway(
            router=Router(configured if is_configured else None, self.keys, listed, self.clock),
            prices=listed,
            client=Client(most_reply_bytes=most_reply_bytes),
            calls=self.calls(),
            clock=self.clock,
            limits=limits or Limits(),
            sleep=self._sleep,
        )
        try:
            yield gateway
        finally:
            await gateway.close()

    def ask(self, request: Completion, limits: Limits | None = None, **kwargs: Any) -> Completed:
        """One question to a gateway of its own."""

        async def story() -> Completed:
            async with self.gateway(limits, **kwargs) as gateway:
                return await gateway.complete(request)

        return asyncio.run(story())

    def calls(self, boot_id: str = "boot") -> Calls:
        """The books of calls of one boot of the server."""
        return Calls(self.database, self.clock, MeterCharging(self.metering), instance_id="one", boot_id=boot_id)

    def write(self, step: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        return units.write(self.database, step, *args, **kwargs)

    def read(self, step: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        return units.read(self.database, step, *args, **kwargs)

    def stored(self) -> list[StoredCall]:
        """Every call in the books, in no order."""
        return self.read(store.of_workspace, "a", 100)

    def statuses(self) -> list[str]:
        """The status, or the failure, of every call in the books, sorted."""
        return sorted(call.error or call.status.value for call in self.stored())

    def events(self) -> list[tuple[str, int, int, str]]:
        """Key, quantity, nano-dollars and price of every usage event."""

        def step(connection: Connection) -> list[tuple[str, int, int, str]]:
            rows = connection.execute(text("SELECT key, quantity, cost_nanos, price_id FROM usage_event ORDER BY id"))
            return [(row[0], row[1], row[2], row[3]) for row in rows]

        return self.read(step)

    def spent_nanos(self) -> int:
        """What the account's models have cost this month."""
        return self.read(self.metering.usage, "a", None).llm_nanos

    def broken(self) -> list[str]:
        """Names of the meter's invariants that do not hold."""
        return [check.name for check in self.read(self.metering.audit).checks if not check.ok]

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.clock.advance(seconds)


def question(text: str = "Hello", **kwargs: Any) -> Completion:
    """A question of the account ``a``."""
    fields: dict[str, Any] = {"payer": PAYER, "purpose": "test", "messages": (Message.user(text),)}
    return Completion(**{**fields, **kwargs})
