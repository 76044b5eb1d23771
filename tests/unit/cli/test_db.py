"""``noctule db`` on a data folder of its own."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from noctule.cli.main import main
from noctule.db.engine import Database
from noctule.db.files import file_engine
from noctule.db.revisions import head, upgrade
from noctule.kit.clock import SystemClock
from noctule.metering.book import PriceBook
from noctule.metering.service import LeaseOpening, Metering
from tests.support.units import write

SESSION = "5f3a52f0-0000-4000-8000-000000000001"


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """A folder with a workspace that has used one minute and 1,000 proxied bytes."""
    folder = tmp_path / "data"
    made = run(folder, "workspaces", "create", "acme", "--plan", "pro")
    assert made.exit_code == 0, made.output
    database = Database(f"sqlite:///{folder / 'noctule.db'}")
    meter = Metering(SystemClock(), PriceBook.built_in(), instance_id="test", boot_id="test")
    write(database, meter.open_lease, LeaseOpening(SESSION, made.output.split()[0], session_id=SESSION))
    meter.begin(SESSION)
    write(database, meter.close_lease, SESSION, proxied_bytes=1_000)
    database.close()
    (folder / "secret.key").write_bytes(bytes(32))
    return folder


def run(data_dir: Path, *arguments: str, database_url: str | None = None) -> Result:
    environment = {"NOCTULE_DATA_DIR": str(data_dir), "NOCTULE_DATABASE_URL": database_url, "NOCTULE_API_KEY": None}
    return CliRunner().invoke(main, list(arguments), env=environment)


def _damage(file: Path, sql: str) -> None:
    with closing(sqlite3.connect(file)) as connection:
        connection.execute(sql)
        connection.commit()


def test_a_backup_tells_what_is_in_it_and_what_belongs_to_it(data_dir: Path, tmp_path: Path) -> None:
    file = tmp_path / "backup.db"
    made = run(data_dir, "db", "backup", str(file))
    assert made.exit_code == 0, made.output
    for words in (str(file), "rows in", "MB", f"schema {head()}", f"{data_dir / 'secret.key'} belongs to it"):
        assert words in made.output
    again = run(data_dir, "db", "backup", str(file))
    assert again.exit_code == 1
    assert "--force" in again.output
    assert run(data_dir, "db", "backup", "--force", str(file)).exit_code == 0


def test_a_backup_with_its_secret_makes_a_new_installation(data_dir: Path, tmp_path: Path) -> None:
    file, home = tmp_path / "backup.db", tmp_path / "home"
    made = run(data_dir, "db", "backup", "--with-secret", str(file))
    assert "Who has both can read every secret" in made.output
    restored = run(home, "db", "restore", str(file))
    assert restored.exit_code == 0, restored.output
    assert "is missing" not in restored.output
    assert (home / "secret.key").read_bytes() == bytes(32)
    assert run(home, "usage", "show", "--workspace", "acme", "--verify").exit_code == 0
    assert "Everything holds." in run(home, "db", "check").output


def test_a_restore_says_that_the_key_is_missing(data_dir: Path, tmp_path: Path) -> None:
    run(data_dir, "db", "backup", str(tmp_path / "backup.db"))
    restored = run(tmp_path / "home", "db", "restore", str(tmp_path / "backup.db"))
    assert restored.exit_code == 0
    assert "secret.key is missing" in restored.output


def test_a_database_moves_to_postgres(data_dir: Path, tmp_path: Path, postgres_url: str) -> None:
    run(data_dir, "db", "backup", str(tmp_path / "backup.db"))
    moved = run(data_dir, "db", "restore", str(tmp_path / "backup.db"), database_url=postgres_url)
    assert moved.exit_code == 0, moved.output
    for arguments in (("db", "check"), ("usage", "audit"), ("usage", "show", "--workspace", "acme", "--verify")):
        checked = run(data_dir, *arguments, database_url=postgres_url)
        assert checked.exit_code == 0, checked.output
    refused = run(data_dir, "db", "restore", str(tmp_path / "backup.db"), database_url=postgres_url)
    assert refused.exit_code == 1
    assert "--replace" in refused.output


def test_check_passes_a_good_database_and_a_good_backup(data_dir: Path, tmp_path: Path) -> None:
    file = tmp_path / "backup.db"
    run(data_dir, "db", "backup", str(file))
    for arguments in ((), (str(file),)):
        checked = run(data_dir, "db", "check", *arguments)
        assert checked.exit_code == 0, checked.output
        for words in ("ok      storage", "ok      schema", "ok      ledger-balanced", "Everything holds."):
            assert words in checked.output


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("UPDATE usage_event SET quantity = 999 WHERE meter = 'proxy'", "BROKEN  proxy-ranges"),
        ("DELETE FROM workspace", "BROKEN  references"),
        ("DROP INDEX ix_session_status", "BROKEN  schema"),
    ],
)
@pytest.mark.parametrize("what", ["database", "backup"])
def test_check_finds_what_is_broken_and_exits_with_1(
    data_dir: Path, tmp_path: Path, what: str, sql: str, words: str
) -> None:
    run(data_dir, "keys", "create", "--workspace", "acme")
    file = tmp_path / "backup.db"
    run(data_dir, "db", "backup", str(file))
    _damage(file if what == "backup" else data_dir / "noctule.db", sql)
    checked = run(data_dir, "db", "check", *([str(file)] if what == "backup" else []))
    assert checked.exit_code == 1
    assert words in checked.output
    assert "Something is not right." in checked.output


def test_check_of_an_older_backup_looks_at_what_a_restore_would_make_of_it(data_dir: Path, tmp_path: Path) -> None:
    file = tmp_path / "older.db"
    file.touch()
    with file_engine(file, writable=True).connect() as connection, connection.begin():
        upgrade(connection, "0001")
    checked = run(data_dir, "db", "check", str(file))
    assert checked.exit_code == 0, checked.output
    assert "checked as a restore would make it" in checked.output


def test_check_of_a_database_with_an_older_schema_says_what_to_do(data_dir: Path) -> None:
    _damage(data_dir / "noctule.db", "UPDATE alembic_version SET version_num = '0001'")
    checked = run(data_dir, "db", "check")
    assert checked.exit_code == 1
    assert "`noctule serve` migrates it" in checked.output
    assert "The books were not looked at." in checked.output


@pytest.mark.parametrize(
    "arguments",
    [("backup", "copy.db"), ("check",), ("check", "missing.db"), ("restore", "missing.db")],
    ids=" ".join,
)
def test_what_is_missing_gets_a_plain_sentence_and_nothing_is_made(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    named = [str(tmp_path / argument) if argument.endswith(".db") else argument for argument in arguments]
    refused = run(tmp_path / "data", "db", *named)
    assert refused.exit_code == 1
    assert "There is no " in refused.output
    assert "Traceback" not in refused.output
    assert list(tmp_path.iterdir()) == []
