"""Fixtures that every suite shares."""

import itertools
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Connection, create_engine, text

import noctule.app.running  # noqa: F401  (every store registers its tables)
from noctule.db.engine import Database
from noctule.db.migrate import migrate
from noctule.db.schema import metadata
from tests.support import postgres, s3

pytest_plugins = ["tests.support.no_skips"]

_names = itertools.count()

# Files are given to workers in this order, so that those of minutes are not begun when all others are done.
_LONGEST_FIRST = ("crash", "properties", "e2e", "contract")
_TESTS = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the suites that take longest first."""
    ranks = {name: rank for rank, name in enumerate(_LONGEST_FIRST)}
    items.sort(key=lambda item: ranks.get(item.path.relative_to(_TESTS).parts[0], len(ranks)))


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """URL of a running PostgreSQL; skips where the program is missing."""
    if postgres.find_bin() is None:
        pytest.skip("PostgreSQL is not installed (Debian: apt-get install postgresql)")
    with postgres.server() as url:
        yield url


@pytest.fixture(scope="session")
def s3_server() -> Iterator[s3.S3]:
    """An S3-compatible server; skips where the program is missing."""
    if not s3.PYTHON.exists():
        pytest.skip("the S3-compatible server is not installed: `make test` makes .venvs/s3-server")
    with s3.serving_s3() as server:
        yield server


@pytest.fixture(scope="session")
def migrated_postgres(postgres_server: str) -> str:
    """URL of a migrated database that tests share one after the other: a new one for each takes a second."""
    url = _create(postgres_server, "migrated")
    database = Database(url)
    migrate(database.engine)
    database.close()
    return url


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite database without rows, to be copied."""
    path = tmp_path_factory.mktemp("template") / "migrated.db"
    database = Database(f"sqlite:///{path}")
    migrate(database.engine)
    database.close()
    return path


@pytest.fixture
def sqlite(migrated_sqlite: Path, tmp_path: Path) -> Iterator[Database]:
    """An open, migrated SQLite database, for what no other engine would do otherwise."""
    path = tmp_path / "only.db"
    shutil.copyfile(migrated_sqlite, path)
    database = Database(f"sqlite:///{path}")
    yield database
    database.close()


@pytest.fixture
def postgres_url(postgres_server: str) -> str:
    """URL of an empty database on that server. Its end is the server's end."""
    return _create(postgres_server, f"test_{next(_names)}")


@pytest.fixture(params=["sqlite", "postgres"])
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """URL of a database without tables, once on each engine."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'noctule.db'}"
    url: str = request.getfixturevalue("postgres_url")
    return url


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """URL of a migrated database without rows, once on each engine."""
    if request.param == "sqlite":
        path = tmp_path / "noctule.db"
        shutil.copyfile(request.getfixturevalue("migrated_sqlite"), path)
        return f"sqlite:///{path}"
    url: str = request.getfixturevalue("migrated_postgres")
    _empty(url)
    return url


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """An open, migrated database, once on each engine."""
    database = Database(database_url)
    yield database
    database.close()


def _create(server: str, name: str) -> str:
    with _connected(server) as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    return server.rsplit("/", 1)[0] + "/" + name


def _empty(url: str) -> None:
    """Take every row out, and every table that a test made for itself."""
    with _connected(url) as connection:
        names = set(connection.execute(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")).scalars())
        for stranger in names - metadata.tables.keys() - {"alembic_version"}:
            connection.execute(text(f"DROP TABLE {stranger}"))
        kept = names & metadata.tables.keys()
        connection.execute(text(f"TRUNCATE {', '.join(sorted(kept))} RESTART IDENTITY"))


@contextmanager
def _connected(url: str) -> Iterator[Connection]:
    engine = create_engine(url.replace("postgresql:", "postgresql+pg8000:"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        yield connection
    engine.dispose()
