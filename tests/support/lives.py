"""A server and the tests' own view of its database, for tests that follow one set of books over many lives."""

import random
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

import httpx
import psutil

from noctule.db.engine import Database
from noctule.db.migrate import migrate
from noctule.kit.clock import SystemClock
from noctule.kit.scope import KeyScope
from noctule.metering.book import PriceBook
from noctule.metering.service import Metering
from noctule.workspaces.service import WorkspaceService
from tests.support.books import Facts, facts
from tests.support.forge import Forge
from tests.support.journal import Journal
from tests.support.load import Tenant
from tests.support.server import KEY, Server

SHOP = "shop"
# Alembic keeps what it is at in globals, so two threads cannot migrate at a time.
_migrating = Lock()
_PLANS = ("pro", "growth", "enterprise")


@dataclass(slots=True)
class House:
    """One data directory: its server, its books, and two workspaces (``default`` and ``shop``)."""

    server: Server
    database: Database
    metering: Metering
    operator_key: str
    tenants: list[Tenant]
    journal: Journal

    async def facts(self) -> Facts:
        """What is written down now."""
        return await self.database.read(facts(self.metering))

    async def change_credit(self, http: httpx.AsyncClient, chance: random.Random) -> None:
        """Now and then put the shop on another plan or top it up, first what an earlier life left without an answer,
        sometimes with a key that was used before."""
        if chance.random() > 0.3:
            return
        headers = {"Authorization": f"Bearer {self.operator_key}"}
        path = f"/operator/workspaces/{SHOP}"
        if chance.random() < 0.3:
            answer = await http.put(f"{path}/plan", headers=headers, json={"plan": chance.choice(_PLANS)})
            self._take(answer)
            return
        asked, told = self.journal.asked_top_ups, self.journal.top_ups
        doubtful = [key for key in asked if key not in told]
        if doubtful or (told and chance.random() < 0.3):
            key = chance.choice(doubtful or list(told))
        else:
            key = f"credit-{chance.getrandbits(64):x}"
            asked[f"{self.tenants[1].workspace_id}:{key}"] = 1_000_000 + chance.randrange(1000)
        key = key.removeprefix(f"{self.tenants[1].workspace_id}:")
        full = f"{self.tenants[1].workspace_id}:{key}"
        amount = f"{asked[full] / 1e9:.9f}"
        answer = await http.post(f"{path}/topups", headers=headers, json={"amount": amount, "key": key})
        if self._take(answer):
            told[full] = asked[full]

    def _take(self, answer: httpx.Response) -> bool:
        self.journal.answers[f"operator {answer.status_code}"] += 1
        if answer.status_code not in (200, 503):
            self.journal.surprises.append(f"{answer.request.url} answered {answer.status_code}: {answer.text[:300]}")
        return answer.status_code == 200

    def start(self, extra: Mapping[str, str] | None = None) -> None:
        """Start the server, with ``extra`` settings for this life, at once after the end of the one before: a browser
        that was just being launched may hold the port for a moment longer than the server that was killed."""
        deadline = time.monotonic() + 5
        while True:
            try:
                self.server.start(extra)
                return
            except AssertionError as error:
                if "Address already in use" not in str(error).splitlines()[-1] or time.monotonic() > deadline:
                    raise
            time.sleep(0.1)

    async def check(self) -> None:
        """Compare everything with the journal. The server must be up, and nothing but it at work."""
        found = await self.facts()
        problems = self.journal.problems(found)
        for tenant in self.tenants:
            problems += self._problems_of_usage(tenant, found)
        assert not problems, "\n".join(problems) + "\n" + self.server.tail()

    def _problems_of_usage(self, tenant: Tenant, found: Facts) -> list[str]:
        with self.server.client(tenant.key) as http:
            body = http.get("/usage").raise_for_status().json()
        mine = [id for id, session in found.sessions.items() if session.workspace_id == tenant.workspace_id]
        cost_nanos = sum(found.cost_nanos(id) for id in mine)
        topped_up = sum(amount for account_id, amount in found.top_ups.values() if account_id == tenant.workspace_id)
        problems = []
        if round(body["total_cost"] * 1e9) != cost_nanos or cost_nanos < self.journal.seen_nanos[tenant.workspace_id]:
            seen = self.journal.seen_nanos[tenant.workspace_id]
            problems.append(f"/usage says {body}, the events {cost_nanos} nanos, {seen} were seen before")
        if round(body["topup_limit_amount"] * 1e9) != topped_up:
            problems.append(f"/usage says {body}, {topped_up} nanos were topped up")
        limits = round(body["subscription_limit_amount"] * 1e9) + topped_up
        if round(body["balance_amount"] * 1e9) != limits - cost_nanos:
            problems.append(f"/usage says {body}, which does not add up")
        return problems

    def strangers(self) -> list[int]:
        """Browsers of this data directory that are not children of the server that runs now."""
        children = {child.pid for child in self.server.process.children(recursive=True)}
        return [pid for pid in self.server.browsers() if pid not in children and psutil.pid_exists(pid)]


@asynccontextmanager
async def house(
    folder: Path,
    database_url: str | None,
    environment: dict[str, str],
    forge: Forge | None = None,
    *,
    plan: str = "pro",
) -> AsyncIterator[House]:
    """A house whose server is not started yet; ``plan`` is the shop's."""
    extra = {} if database_url is None else {"NOCTULE_DATABASE_URL": database_url}
    server = Server(folder / "data", {**extra, **environment}, forge=forge)
    server.data_dir.mkdir(parents=True)
    database = Database(database_url or f"sqlite:///{server.data_dir / 'noctule.db'}")
    try:
        with _migrating:
            migrate(database.engine)
        clock = SystemClock()
        metering = Metering(clock, PriceBook.built_in(), instance_id="tests", boot_id="tests")
        workspaces = WorkspaceService(database, clock, metering)
        await workspaces.bootstrap(KEY, "admin")
        await workspaces.create(SHOP, plan)
        _, secret = await workspaces.create_key(SHOP, "of the load")
        tenants = [
            Tenant((await workspaces.get("default")).id, KEY),
            Tenant((await workspaces.get(SHOP)).id, secret),
        ]
        _, operator_key = await workspaces.create_key("default", "of the operator", KeyScope.OPERATOR)
        yield House(server, database, metering, operator_key, tenants, Journal())
        await workspaces.close()
    finally:
        server.close()
        database.close()
