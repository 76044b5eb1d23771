"""``noctule plans show`` on the built-in rates and on a file of the operator's."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from noctule.cli.main import main
from noctule.metering import book

_MORE = """
[[price]]
id = "browser-2031"
meter = "browser"
from = 2031-01-01T06:00:00Z
dollars = "0.055"
per = "hour"
[[plan]]
name = "pro"
from = 2032-01-01
monthly = "9"
once = "0"
concurrency = 50
max_duration_minutes = 60
requests_per_minute = 700
"""


@pytest.fixture
def rates(tmp_path: Path) -> Path:
    """The built-in rates with two rows that begin later."""
    path = tmp_path / "rates.toml"
    path.write_text(Path(book.__file__).with_name("rates.toml").read_text() + _MORE)
    return path


def _show(rates: Path | None, *arguments: str) -> Result:
    environment = {"NOCTULE_PLANS_FILE": None if rates is None else str(rates)}
    return CliRunner().invoke(main, ["plans", "show", *arguments], env=environment)


def _rows(text: str, first: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines() if line.startswith(first)]


def test_the_built_in_rates_are_a_table_that_people_can_read() -> None:
    shown = _show(None)
    assert shown.exit_code == 0, shown.output
    assert "UTC, from the built-in rates" in shown.output
    assert _rows(shown.output, "browser") == [["browser", "$0.05", "hour", "2025-01-01", "browser-2025"]]
    assert _rows(shown.output, "proxy") == [["proxy", "$10.00", "GB", "2025-01-01", "proxy-2025"]]
    assert _rows(shown.output, "free") == [["free", "$0.00", "$5.00", "5", "15", "min", "100/min", "2025-01-01"]]
    assert "Model tokens" in shown.output
    assert "later" not in shown.output


def test_rows_that_begin_later_are_shown_apart(rates: Path) -> None:
    shown = _show(rates).output
    assert f"from {rates}" in shown
    now, _, later = shown.partition("Prices that begin later:")
    assert _rows(now, "browser") == [["browser", "$0.05", "hour", "2025-01-01", "browser-2025"]]
    assert _rows(later, "browser") == [["browser", "$0.055", "hour", "2031-01-01", "06:00", "browser-2031"]]
    _, _, plans = later.partition("Plans that begin later:")
    assert _rows(plans, "pro") == [["pro", "$9.00", "$0.00", "50", "60", "min", "700/min", "2032-01-01"]]


@pytest.mark.parametrize(
    ("at", "price", "monthly"),
    [
        ("2031-01-01T05:59", "$0.05", "$5.00"),
        ("2031-01-01T06:00:00", "$0.055", "$5.00"),
        ("2032-01-01", "$0.055", "$9.00"),
        ("2000-01-01", "$0.05", "$5.00"),
    ],
)
def test_another_date_shows_what_holds_then(rates: Path, at: str, price: str, monthly: str) -> None:
    shown = _show(rates, "--at", at).output.partition(" later:")[0]
    assert _rows(shown, "browser")[0][1] == price
    assert _rows(shown, "pro ")[0][1] == monthly


def test_every_row_is_shown_with_where_it_stands(rates: Path) -> None:
    shown = _show(rates, "--all", "--at", "2031-06-01").output
    assert [row[-2:] for row in _rows(shown, "browser")] == [["browser-2025", "past"], ["in", "force"]]
    assert [row[-1] for row in _rows(shown, "pro ")] == ["force", "later"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nonsense", "not TOML"),
        (_MORE, "no price for the meter function"),
        (_MORE * 2, "browser-2031"),
        (_MORE.replace('"0.055"', "0.055"), "price.0.dollars"),
        (_MORE.replace("concurrency = 50", "concurrency = 0"), "plan.0.concurrency"),
    ],
)
def test_a_bad_file_is_one_sentence_with_the_place(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "rates.toml"
    path.write_text(text)
    refused = _show(path)
    assert refused.exit_code == 1
    assert message in refused.output
    assert str(path) in refused.output
    assert "Traceback" not in refused.output


@pytest.mark.parametrize("at", ["soon", "2031-13-01", ""])
def test_a_bad_date_is_refused(at: str) -> None:
    assert _show(None, "--at", at).exit_code == 2
