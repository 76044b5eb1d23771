"""``noctule usage explain``."""

from pathlib import Path

from tests.unit.cli.usage.books import SESSION, run


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


def test_a_session_that_was_never_billed_gets_a_plain_sentence(data_dir: Path) -> None:
    refused = run(data_dir, "usage", "explain", "no-such-session")
    assert refused.exit_code != 0
    assert "no-such-session" in refused.output
    assert "Traceback" not in refused.output
