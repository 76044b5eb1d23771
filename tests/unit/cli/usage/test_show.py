"""``noctule usage show``."""

from pathlib import Path

import pytest

from tests.unit.cli.usage.books import damage, run


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
    damage(data_dir, "UPDATE usage_month SET proxy_nanos = 1")
    assert run(data_dir, "usage", "show", "--workspace", "acme").exit_code == 0
    verified = run(data_dir, "usage", "show", "--workspace", "acme", "--verify")
    assert verified.exit_code == 1
    assert "proxy_nanos: 1 is shown, the events say 10000" in verified.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("show", "--workspace", "nobody"), "nobody"),
        (("show", "--period", "13/2025"), "'May 2025', 'Sept 2025' or '2025-05'"),
    ],
)
def test_bad_arguments_get_a_plain_sentence(data_dir: Path, arguments: tuple[str, ...], message: str) -> None:
    refused = run(data_dir, "usage", *arguments)
    assert refused.exit_code != 0
    assert message in refused.output
    assert "Traceback" not in refused.output
