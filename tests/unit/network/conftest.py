"""The network tag on each database."""

from pathlib import Path

import pytest

from noctule.db.engine import Database
from tests.unit.timeline.house import HOME, House, build


@pytest.fixture
def house(database: Database, tmp_path: Path) -> House:
    """A house with one workspace on plan ``admin``."""
    house = build(database, tmp_path / "objects")
    database.submit(lambda connection: house.metering.open_account(connection, HOME, "admin")).result(10)
    return house
