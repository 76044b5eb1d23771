"""``noctule usage`` on a data folder of its own."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import text

from noctule.cli.main import main
from noctule.db.engine import Database
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
    account_id = made.output.split()[0]
    database = Database(f"sqlite:///{folder / 'noctule.db'}")
    meter = Metering(SystemClock(), PriceBook.built_in(), instance_id="test", boot_id="test")
    write(database, meter.open_lease, LeaseOpening(SESSION, account_id, session_id=SESSION))
    meter.begin(SESSION)
    write(database, meter.close_lease, SESSION, proxied_bytes=1_000)
    database.close()
    return folder


def run(data_dir: Path, *arguments: str) -> Result:
    environment = {"NOCTULE_DATA_DIR": str(data_dir), "NOCTULE_DATABASE_URL": None, "NOCTULE_API_KEY": None}
    return CliRunner().invoke(main, list(arguments), env=environment)


def _damage(data_dir: Path, sql: str) -> None:
    database = Database(f"sqlite:///{data_dir / 'noctule.db'}")
    with database.engine.begin() as connection:
        connection.execute(text(sql))
    database.close()


def test_show_tells_a_month_and_verifies_it(data_dir: Path) -> None:
    shown = run(data_dir, "usage", "show", "--workspace", "acme", "--verify")
    assert shown.exit_code == 0, shown.output
    for words in (
        "acme · ",
        "plan pro",
        "browser (1 session)  $0.000833333",
        "$0.000843333",
        "$4.999156667",
        "Verified",
    ):
        assert words in shown.output
    past = run(data_dir, "usage", "show", "--workspace", "acme", "--period", "may 2019")
    assert "May 2019" in past.output


def test_show_fails_if_the_events_say_otherwise(data_dir: Path) -> None:
    _damage(data_dir, "UPDATE usage_month SET proxy_nanos = 1")
    assert run(data_dir, "usage", "show", "--workspace", "acme").exit_code == 0
    verified = run(data_dir, "usage", "show", "--workspace", "acme", "--verify")
    assert verified.exit_code == 1
    assert "proxy_nanos: 1 is shown, the events say 10000" in verified.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("show", "--workspace", "nobody"), "nobody"),
        (("show", "--period", "13/2025"), "'May 2025', 'Sept 2025' or '2025-05'"),
        (("explain", "no-such-session"), "no-such-session"),
    ],
)
def test_bad_arguments_get_a_plain_sentence(data_dir: Path, arguments: tuple[str, ...], message: str) -> None:
    refused = run(data_dir, "usage", *arguments)
    assert refused.exit_code != 0
    assert message in refused.output
    assert "Traceback" not in refused.output


def test_explain_tells_each_event_and_the_credit_that_paid(data_dir: Path) -> None:
    told = run(data_dir, "usage", "explain", SESSION)
    assert told.exit_code == 0, told.output
    for words in (
        f"session {SESSION} · closed",
        "browser-2025",
        "1 minute",
        "1,000 bytes",
        "plan credit",
        "$0.000843333",
    ):
        assert words in told.output


def test_audit_passes_on_good_books_and_exits_with_1_on_broken_ones(data_dir: Path) -> None:
    good = run(data_dir, "usage", "audit")
    assert (good.exit_code, "Every invariant holds." in good.output) == (0, True)
    _damage(data_dir, "UPDATE usage_event SET quantity = 999 WHERE meter = 'proxy'")
    bad = run(data_dir, "usage", "audit")
    assert bad.exit_code == 1
    assert "BROKEN  proxy-ranges" in bad.output
