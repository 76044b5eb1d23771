"""``GET /usage`` with a million events in the month, against a trivial authenticated route of the same app.

The events are inserted in bulk together with the ledger and the rollups that belong to them (``bench/_million.py``),
and the audit must find them right before anything is measured. Both routes are asked over a real socket, in turns.

    python -m bench.usage_read [--events 1000000] [--requests 300]
"""

import argparse
import asyncio
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import httpx
import uvicorn
from fastapi import APIRouter, FastAPI

from bench._million import fill
from bench._support import ratio, show
from noctule.db.engine import Database
from noctule.db.migrate import migrate
from noctule.http.app import build_app
from noctule.http.gate import Gatekeeping
from noctule.http.idempotency import Idempotency
from noctule.kit.clock import SystemClock
from noctule.kit.seal import Sealer
from noctule.kit.tasks import Owned
from noctule.kit.web import CallerDep
from noctule.metering.book import PriceBook
from noctule.metering.service import Metering
from noctule.settings import Settings
from noctule.usage.routes import router
from noctule.usage.service import RequestLog, UsageService
from noctule.workspaces.service import WorkspaceService

TARGET = 1.5
_MINUTES = 1_000
_WARM_UP = 30


class Bench:
    """A server's database side: one workspace, its key, and the meter."""

    def __init__(self, folder: Path) -> None:
        self.clock = SystemClock()
        self.database = Database(f"sqlite:///{folder / 'noctule.db'}")
        migrate(self.database.engine)
        self.metering = Metering(self.clock, PriceBook.built_in(), instance_id="bench", boot_id="bench")
        self.workspaces = WorkspaceService(self.database, self.clock, self.metering)
        self.log = RequestLog(self.database, self.clock)

    async def open(self) -> tuple[str, str]:
        """The workspace's id and a key."""
        first = await self.workspaces.bootstrap(None, "admin")
        assert first.new_secret is not None
        return first.workspace.id, first.new_secret

    def app(self) -> FastAPI:
        """The real application with one more route."""
        gate = Gatekeeping(
            authenticate=self.workspaces.authenticate,
            limit_of=lambda workspace_id: self.database.read(
                lambda connection: self.metering.plan_of(connection, workspace_id).requests_per_minute
            ),
            record=self.log.record,
            idempotency=Idempotency(self.database, self.clock, Sealer(bytes(32)), instance_id="b", boot_id="b"),
            clock=self.clock,
            tasks=Owned(),
        )
        usage = router(UsageService(self.database, self.metering, self.log))
        return build_app(settings=Settings(data_dir=Path("unused")), routers=[usage, _trivial()], gate=gate)


def _trivial() -> APIRouter:
    routes = APIRouter()

    @routes.get("/trivial")
    async def trivial(caller: CallerDep) -> dict[str, str]:
        return {"workspace": caller.workspace_id}

    return routes


@contextmanager
def _served(app: FastAPI) -> Iterator[str]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off"))
        thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(10)


def _timed(client: httpx.Client, path: str) -> float:
    started = time.perf_counter()
    client.get(path).raise_for_status()
    return time.perf_counter() - started


def main() -> int:
    """Print the medians and the ratio; 1 if it misses the target."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--requests", type=int, default=300)
    parser.add_argument("--skip-audit", action="store_true", help="do not check the million events first")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder))
        account_id, key = asyncio.run(bench.open())
        now = bench.clock.now()
        filled = bench.database.submit(
            lambda connection: fill(connection, account_id, options.events, at=now, minutes=_MINUTES)
        )
        filled.result(timeout=600)
        if not options.skip_audit:
            started = time.perf_counter()
            report = asyncio.run(bench.database.read(bench.metering.audit))
            broken = [check.name for check in report.checks if not check.ok]
            print(
                f"audit of {report.events:,} events: {time.perf_counter() - started:.1f} s, broken: {broken or 'none'}"
            )
            if broken:
                return 1
        trivial, usage = [], []
        with (
            _served(bench.app()) as url,
            httpx.Client(
                base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=timedelta(seconds=30).total_seconds()
            ) as client,
        ):
            cost = client.get("/usage").raise_for_status().json()["browser_usage_cost"]
            for turn in range(options.requests + _WARM_UP):
                one, two = _timed(client, "/trivial"), _timed(client, "/usage")
                if turn >= _WARM_UP:
                    trivial.append(one)
                    usage.append(two)
        print(f"browser cost of the month: ${cost}")
        show("trivial authenticated route", trivial)
        show(f"GET /usage, {options.events:,} events", usage)
        value = ratio("GET /usage / trivial", usage, trivial, TARGET)
        bench.database.close()
    return int(value > TARGET)


if __name__ == "__main__":
    sys.exit(main())
