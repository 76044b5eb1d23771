"""The tag on each database and a folder."""

from pathlib import Path

import pytest

from noctule.db.engine import Database
from tests.unit.storage.house import House


@pytest.fixture
def house(database: Database, tmp_path: Path) -> House:
    return House(database, tmp_path / "objects")
