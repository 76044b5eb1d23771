"""A data folder with books that the commands of ``noctule usage`` can look at, and a way to run them."""

from pathlib import Path

import click.testing
from sqlalchemy import text

from noctule.cli.main import main
from noctule.db.engine import Database
from noctule.kit.clock import SystemClock
from noctule.metering.book import PriceBook
from noctule.metering.service import LeaseOpening, Metering
from tests.support.units import write

SESSION = "5f3a52f0-0000-4000-8000-000000000001"


def made(folder: Path) -> Path:
    """A folder with a workspace ``acme`` that has used one minute and 1,000 proxied bytes."""
    created = run(folder, "workspaces", "create", "acme", "--plan", "pro")
    assert created.exit_code == 0, created.output
    account_id = created.output.split()[0]
    database = Database(f"sqlite:///{folder / 'noctule.db'}")
    meter = Metering(SystemClock(), PriceBook.built_in(), instance_id="test", boot_id="test")
    write(database, meter.open_lease, LeaseOpening(SESSION, account_id, session_id=SESSION, tags=("red", "blue")))
    meter.begin(SESSION)
    write(database, meter.close_lease, SESSION, proxied_bytes=1_000)
    database.close()
    return folder


def run(data_dir: Path, *arguments: str) -> click.testing.Result:
    """Run a command on that folder."""
    environment = {"NOCTULE_DATA_DIR": str(data_dir), "NOCTULE_DATABASE_URL": None, "NOCTULE_API_KEY": None}
    return click.testing.CliRunner().invoke(main, list(arguments), env=environment)


def damage(data_dir: Path, sql: str) -> None:
    """Change the database behind the meter's back."""
    database = Database(f"sqlite:///{data_dir / 'noctule.db'}")
    with database.engine.begin() as connection:
        connection.execute(text(sql))
    database.close()
