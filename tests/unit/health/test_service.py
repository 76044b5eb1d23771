"""What readiness means."""

import asyncio
import shutil
from pathlib import Path

import pytest

from noctule.browser.commands import Capacity
from noctule.db.engine import Database
from noctule.health.service import HealthService, status_of
from tests.support.fleet import FakeFleet


@pytest.mark.parametrize(
    ("database", "capacity", "status"),
    [
        (True, Capacity(live=0, limit=5, warm=3, warm_target=3), "ready"),
        (True, Capacity(live=2, limit=5, warm=0, warm_target=3), "ready"),
        (True, Capacity(live=0, limit=5, warm=0, warm_target=0), "ready"),
        (True, Capacity(live=0, limit=5, warm=0, warm_target=3), "starting"),
        (True, Capacity(live=5, limit=5, warm=0, warm_target=3), "full"),
        (False, Capacity(live=0, limit=5, warm=3, warm_target=3), "unavailable"),
        (False, Capacity(live=5, limit=5, warm=0, warm_target=3), "unavailable"),
    ],
)
def test_the_status_follows_the_database_and_the_browsers(database: bool, capacity: Capacity, status: str) -> None:
    assert status_of(database, capacity) == status


def test_a_full_machine_still_serves_its_sessions(database: Database) -> None:
    found = asyncio.run(HealthService(database, FakeFleet(limit=0)).readiness())
    assert found.status == "full"
    assert found.serves


def test_a_database_that_is_away_is_found_out_and_not_raised() -> None:
    nowhere = Database("postgresql://nobody@127.0.0.1:1/none")
    try:
        found = asyncio.run(HealthService(nowhere, FakeFleet()).readiness())
        assert found.status == "unavailable"
        assert not found.database
        assert not found.serves
    finally:
        nowhere.close()


def test_a_database_file_that_vanished_is_found_out(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'gone' / 'x.db'}")
    shutil.rmtree(tmp_path / "gone")
    try:
        assert not asyncio.run(HealthService(database, FakeFleet()).readiness()).database
    finally:
        database.close()
