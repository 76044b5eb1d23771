"""``noctule usage breakdown``."""

from pathlib import Path

import pytest

from tests.unit.cli.usage.books import SESSION, run


@pytest.mark.parametrize(
    ("by", "words"),
    [
        ("session", SESSION),
        ("day", "20"),
        ("key", "no key"),
        ("tag", "red"),
        ("model", "no model"),
    ],
)
def test_each_dimension_is_a_table_with_the_months_total(data_dir: Path, by: str, words: str) -> None:
    shown = run(data_dir, "usage", "breakdown", "--by", by, "--workspace", "acme")
    assert shown.exit_code == 0, shown.output
    assert f"· by {by}" in shown.output
    assert words in shown.output
    assert "total $0.000843333" in shown.output


def test_a_key_is_shown_by_its_name(data_dir: Path) -> None:
    made = run(data_dir, "keys", "create", "--workspace", "acme", "--name", "robot")
    assert made.exit_code == 0, made.output
    shown = run(data_dir, "usage", "breakdown", "--by", "key", "--workspace", "acme")
    assert "no key" in shown.output


def test_more_rows_than_the_limit_are_announced(data_dir: Path) -> None:
    shown = run(data_dir, "usage", "breakdown", "--by", "tag", "--workspace", "acme", "--limit", "1")
    assert "There are more rows: --limit shows them." in shown.output
    assert "count in each of their rows" in shown.output


def test_an_empty_month_is_a_table_without_rows(data_dir: Path) -> None:
    shown = run(data_dir, "usage", "breakdown", "--workspace", "acme", "--period", "May 2019")
    assert shown.exit_code == 0, shown.output
    assert shown.output.splitlines()[-1] == "total $0.00"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--by", "colour"), "'session', 'agent', 'function', 'model', 'key', 'day', 'tag'"),
        (("--period", "13/2025"), "'May 2025'"),
        (("--workspace", "nobody"), "nobody"),
    ],
)
def test_bad_arguments_get_a_plain_sentence(data_dir: Path, arguments: tuple[str, ...], message: str) -> None:
    refused = run(data_dir, "usage", "breakdown", *arguments)
    assert refused.exit_code != 0
    assert message in refused.output
    assert "Traceback" not in refused.output
