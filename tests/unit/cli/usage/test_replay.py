"""``noctule usage replay`` on a data folder of its own."""

import tempfile
from pathlib import Path

from tests.unit.cli.usage import books


def test_good_books_come_out_the_same_and_nothing_stays_behind(data_dir: Path, tmp_path: Path) -> None:
    scratch, usual = tmp_path / "scratch", tempfile.tempdir
    scratch.mkdir()
    tempfile.tempdir = str(scratch)
    try:
        for arguments in (("usage", "replay"), ("usage", "replay", "--diff")):
            good = books.run(data_dir, *arguments)
            assert good.exit_code == 0, good.output
            assert good.output.startswith("Posted anew, 2 usage events: ")
    finally:
        tempfile.tempdir = usual
    assert list(scratch.iterdir()) == []


def test_each_difference_is_printed_and_the_exit_code_is_1(data_dir: Path) -> None:
    books.damage(data_dir, "UPDATE usage_month SET proxy_nanos = 1")
    books.damage(data_dir, "UPDATE meter_lease SET paid_minutes = 2")
    bad = books.run(data_dir, "usage", "replay", "--diff")
    assert bad.exit_code == 1
    assert "\tproxy_nanos\tlive 1\treplayed 10000\n" in bad.output
    assert f"meter_lease\t{books.SESSION}\tpaid_minutes\tlive 2\treplayed 1\n" in bad.output
    assert '"proxy_usage_cost":1e-9' in bad.output
    assert "3 differences: 1 in GET /usage, 1 in meter_lease, 1 in usage_month" in bad.output


def test_without_diff_only_the_places_are_told(data_dir: Path) -> None:
    books.damage(data_dir, "UPDATE meter_lease SET paid_minutes = 2")
    bad = books.run(data_dir, "usage", "replay")
    assert bad.exit_code == 1
    assert bad.output == "1 difference: 1 in meter_lease\nWith --diff each of them is printed.\n"


def test_a_plan_that_is_gone_is_said_in_a_plain_sentence(data_dir: Path) -> None:
    books.damage(data_dir, "UPDATE plan_period SET plan = 'platinum'")
    bad = books.run(data_dir, "usage", "replay")
    assert bad.exit_code == 1
    assert "platinum" in bad.output
    assert "Traceback" not in bad.output
