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


def test_audit_tells_of_calls_to_models_whose_end_nobody_knows_and_passes(data_dir: Path) -> None:
    damage(
        data_dir,
        "INSERT INTO llm_call (id, workspace_id, tags, purpose, provider, model, is_byok, status, sent_at, instance_id,"
        " boot_id) VALUES ('c', 'w', '[]', 'test', 'custom', 'm', 0, 'unknown', 0, 'i', 'b')",
    )
    audited = run(data_dir, "usage", "audit")
    assert audited.exit_code == 0, audited.output
    assert "note    model-calls: llm:c to custom/m was out when its server ended" in audited.output
