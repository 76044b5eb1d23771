"""``noctule usage audit``."""

from pathlib import Path

from tests.unit.cli.usage.books import damage, run


def test_audit_passes_on_good_books_and_exits_with_1_on_broken_ones(data_dir: Path) -> None:
    good = run(data_dir, "usage", "audit")
    assert (good.exit_code, "Every invariant holds." in good.output) == (0, True)
    damage(data_dir, "UPDATE usage_event SET quantity = 999 WHERE meter = 'proxy'")
    bad = run(data_dir, "usage", "audit")
    assert bad.exit_code == 1
    assert "BROKEN  proxy-ranges" in bad.output
