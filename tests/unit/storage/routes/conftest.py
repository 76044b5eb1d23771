"""The tag behind the gate, on one database: what differs between databases is below the service."""

from pathlib import Path

import pytest

from noctule.db.engine import Database
from tests.unit.storage.house import House


@pytest.fixture
def house(sqlite: Database, tmp_path: Path) -> House:
    return House(sqlite, tmp_path / "objects")
