"""``noctule usage export``: whole files or none."""

import csv
import io
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from tests.unit.cli.usage.books import damage, run

COST = Decimal("0.000843333")


def rows(document: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(document, newline=""), strict=True))


@pytest.mark.parametrize(("format", "cost"), [("csv", "cost"), ("focus", "EffectiveCost")])
def test_a_file_has_every_charge_and_its_costs_are_the_months(
    data_dir: Path, tmp_path: Path, format: str, cost: str
) -> None:
    file = tmp_path / "out.csv"
    file.write_text("an older export")
    made = run(data_dir, "usage", "export", "--format", format, "--workspace", "acme", "--output", str(file))
    assert made.exit_code == 0, made.output
    assert sum(Decimal(row[cost]) for row in rows(file.read_bytes().decode())) == COST
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["out.csv"]
    assert f"rows in {file}" in made.output


def test_all_workspaces_and_some_days_can_be_written_to_the_terminal(data_dir: Path) -> None:
    today = datetime.now(UTC).date()
    day = ("--from", str(today - timedelta(days=1)), "--to", str(today))
    made = run(data_dir, "usage", "export", "--format", "csv", "--workspace", "all", *day)
    assert made.exit_code == 0, made.output
    assert [row["workspace"] for row in rows(made.stdout)] == ["acme", "acme"]
    before = run(
        data_dir,
        "usage",
        "export",
        "--format",
        "csv",
        "--workspace",
        "all",
        "--from",
        "2019-05-01",
        "--to",
        "2019-05-31",
    )
    assert (before.exit_code, rows(before.stdout)) == (0, [])


def test_an_export_that_fails_leaves_the_older_file_and_no_piece_of_a_new_one(data_dir: Path, tmp_path: Path) -> None:
    damage(data_dir, "UPDATE usage_event SET tags = 'no json' WHERE meter = 'proxy'")
    file = tmp_path / "out.csv"
    file.write_text("an older export")
    failed = run(data_dir, "usage", "export", "--format", "focus", "--workspace", "acme", "--output", str(file))
    assert failed.exit_code != 0
    assert file.read_text() == "an older export"
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["out.csv"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "--format"),
        (("--format", "xml"), "'csv', 'focus'"),
        (("--format", "csv", "--period", "13/2025"), "'May 2025'"),
        (("--format", "csv", "--to", "2026-01-01"), "--to needs --from"),
        (("--format", "csv", "--from", "2026-01-02", "--to", "2026-01-01"), "before --from"),
        (("--format", "csv", "--from", "2026-01-02", "--period", "May 2025"), "--from and --to"),
        (("--format", "csv", "--workspace", "nobody"), "nobody"),
        (("--format", "csv", "--workspace", "acme", "--output", "/no/such/folder/out.csv"), "No such file"),
    ],
)
def test_bad_arguments_get_a_plain_sentence(data_dir: Path, arguments: tuple[str, ...], message: str) -> None:
    refused = run(data_dir, "usage", "export", *arguments)
    assert refused.exit_code != 0
    assert message in refused.output
    assert "Traceback" not in refused.output
