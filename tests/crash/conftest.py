"""What the crash suite shares."""

import itertools
from collections.abc import Callable

import pytest

from tests.support import postgres

_numbers = itertools.count()


@pytest.fixture
def make_postgres_url(postgres_server: str) -> Callable[[], str]:
    """Makes an empty database on the tests' PostgreSQL each time that it is called; answers its URL."""
    return lambda: postgres.create_database(postgres_server, f"crash_{next(_numbers)}")
