"""``noctule usage forecast`` on a data folder of its own."""

from datetime import timedelta
from pathlib import Path

import pytest

from noctule.db.engine import Database
from noctule.kit.clock import SystemClock
from noctule.metering.book import PriceBook
from noctule.metering.service import LeaseOpening, Metering
from tests.support.clock import FrozenClock
from tests.support.units import write
from tests.unit.cli.usage import books

DAY = 86_400


def used(folder: Path, plan: str, *, cents_a_day: int, days: int = 9) -> None:
    """A workspace ``acme`` that used so much, through a proxy, on each of the last days, and today nothing."""
    database = Database(f"sqlite:///{folder / 'noctule.db'}")
    now = SystemClock().now()
    clock = FrozenClock(now - timedelta(days=days))
    meter = Metering(clock, PriceBook.built_in(), instance_id="test", boot_id="test")
    write(database, meter.open_account, "acme-id", plan)
    with database.engine.begin() as connection:
        connection.exec_driver_sql("INSERT INTO workspace (id, name, created_at) VALUES ('acme-id', 'acme', 0)")
    for number in range(days - 1):
        lease_id = f"session-{number}"
        write(database, meter.open_lease, LeaseOpening(lease_id, "acme-id", session_id=lease_id))
        write(database, meter.close_lease, lease_id, proxied_bytes=cents_a_day * 1_000_000)
        clock.advance(DAY)
    database.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    data = tmp_path / "data"
    assert books.run(data, "workspaces", "list").exit_code == 0
    return data


def test_days_left_and_what_would_help_are_told(folder: Path) -> None:
    used(folder, "free", cents_a_day=10)
    told = books.run(folder, "usage", "forecast", "--workspace", "acme")
    assert told.exit_code == 0, told.output
    for words in (
        "acme · ",
        "enough for ",
        "days at this pace",
        "from 7 whole days and today",
        "this month, as this week",
        "then the plan gives",
        "- no proxies where none are needed",
        "- one session for several jobs",
    ):
        assert words in told.output
    assert "idle time-out" not in told.output


def test_a_time_out_that_could_be_shorter_is_told(folder: Path) -> None:
    used(folder, "enterprise", cents_a_day=100)
    books.damage(
        folder,
        "INSERT INTO session (id, workspace_id, key_id, instance_id, boot_id, status, created_at, last_accessed_at,"
        " close_reason, idle_timeout_minutes, max_duration_minutes, browser_type, headless, solve_captchas,"
        " use_file_storage, web_bot_auth, proxies, request_bytes, response_bytes)"
        f" VALUES ('s', 'acme-id', 'k', 'i', 'b', 'timed_out', {int(SystemClock().now().timestamp())} * 1000000, 0,"
        " 'idle_timeout', 30, 60, 'chromium', 1, 0, 1, 0, 0, 0, 0)",
    )
    told = books.run(folder, "usage", "forecast", "--workspace", "acme")
    assert told.exit_code == 0, told.output
    assert "its end is not in sight" in told.output
    assert "- an idle time-out of one minute" in told.output


def test_too_little_and_nothing_are_said_so(folder: Path) -> None:
    assert books.run(folder, "workspaces", "create", "new", "--plan", "pro").exit_code == 0
    told = books.run(folder, "usage", "forecast", "--workspace", "new")
    assert (told.exit_code, "too little to tell more" in told.output) == (0, True)
    nobody = books.run(folder, "usage", "forecast", "--workspace", "nobody")
    assert (nobody.exit_code, "nobody" in nobody.output) == (1, True)


def test_a_balance_that_is_gone_is_said_so(folder: Path) -> None:
    used(folder, "playground", cents_a_day=100, days=2)
    told = books.run(folder, "usage", "forecast", "--workspace", "acme")
    assert "The balance is used up (-$0.5" in told.output
