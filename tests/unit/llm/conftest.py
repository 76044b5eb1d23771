"""A gateway that talks to the local model server, with a meter behind it, on each database."""

from collections.abc import Iterator

import pytest

from noctule.db.engine import Database
from tests.support.model_server import ModelServer
from tests.unit.llm.house import House


@pytest.fixture
def model() -> Iterator[ModelServer]:
    """A model behind HTTP."""
    with ModelServer() as server:
        yield server


@pytest.fixture
def house(database: Database, model: ModelServer) -> House:
    """A gateway's surroundings, once on each database."""
    return House(database, model)


@pytest.fixture
def lone(sqlite: Database, model: ModelServer) -> House:
    """The same on SQLite alone, for what the database has no part in."""
    return House(sqlite, model)
