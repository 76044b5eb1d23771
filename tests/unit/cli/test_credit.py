"""The commands that move money, on a data folder of their own."""

import re
from pathlib import Path

import pytest

from tests.unit.cli.test_workspaces import run


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """A data folder with the workspace ``acme`` on plan ``free``: five dollars of credit."""
    folder = tmp_path / "data"
    assert run(folder, "workspaces", "create", "acme").exit_code == 0
    return folder


def _done(data_dir: Path, *arguments: str) -> str:
    result = run(data_dir, "workspaces", *arguments)
    assert result.exit_code == 0, result.output
    assert "Traceback" not in result.output
    return result.output


def test_a_top_up_with_a_key_is_added_once(data_dir: Path) -> None:
    for _ in range(2):
        told = _done(data_dir, "topup", "acme", "12.50", "--key", "order 7")
        assert told == "acme has $12.50 more; its balance is $17.50\n"
    assert "$30.00" in _done(data_dir, "topup", "acme", "12.50")
    refused = run(data_dir, "workspaces", "topup", "acme", "13", "--key", "order 7")
    assert refused.exit_code == 1
    assert "something else" in refused.output


def test_a_grant_is_given_listed_and_taken_back(data_dir: Path) -> None:
    for _ in range(2):
        told = _done(data_dir, "grant", "acme", "2", "--until", "2999-12", "--key", "sorry")
        assert told == "acme has $2.00 more, until the end of December 2999; its balance is $7.00\n"
    assert "for good; its balance is $8.00" in _done(data_dir, "grant", "acme", "1")
    head, rule, *rows = _done(data_dir, "grants", "acme").splitlines()
    assert head.split() == ["id", "from", "(UTC)", "expires", "(UTC)", "bucket", "amount", "left", "key"]
    assert set(rule) == {"-", " "}
    [grant] = [row for row in rows if row.endswith("sorry")]
    assert re.search(r" 3000-01-01 00:00 +plan +\$2\.00 +\$2\.00 ", grant)
    id = grant.split()[0]
    assert _done(data_dir, "expire", "acme", id) == "$2.00 is taken back; its balance is $6.00\n"
    assert _done(data_dir, "expire", "acme", id) == "nothing was left of it; its balance is $6.00\n"
    assert re.search(r"\$2\.00 +\$0\.00 .*sorry", _done(data_dir, "grants", "acme"))
    assert run(data_dir, "usage", "audit").exit_code == 0


def test_corrections_charge_and_give_back_once(data_dir: Path) -> None:
    charge = ("correct", "acme", "0.5", "--meter", "browser", "--reason", "a day was not billed", "--key", "a")
    assert _done(data_dir, *charge) == "$0.50 is charged; its balance is $4.50\n"
    assert _done(data_dir, *charge) == "this was corrected before; its balance is $4.50\n"
    back = ("correct", "acme", "-1.25", "--meter", "llm", "--reason", "wrong model", "--at", "2020-01-31")
    assert _done(data_dir, *back) == "$1.25 is given back; its balance is $5.75\n"
    assert run(data_dir, "usage", "audit").exit_code == 0


def test_months_are_shown_with_their_costs_and_whether_they_are_final(data_dir: Path) -> None:
    _done(data_dir, "correct", "acme", "0.5", "--meter", "proxy", "--reason", "r")
    head, _, row = _done(data_dir, "months", "acme").splitlines()
    assert head.split() == [
        "month",
        "sessions",
        "runs",
        "browser",
        "proxy",
        "tokens",
        "functions",
        "total",
        "sealed",
        "(UTC)",
    ]
    assert row.split()[1:] == ["0", "0", "$0.00", "$0.50", "$0.00", "$0.00", "$0.50", "open"]


def test_a_workspace_without_credit_is_said_to_have_none(data_dir: Path) -> None:
    assert run(data_dir, "workspaces", "create", "poor", "--plan", "prepaid").exit_code == 0
    assert _done(data_dir, "grants", "poor") == "poor was never given credit\n"


_CORRECT = ("--meter", "browser", "--reason", "r")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("topup", "nobody", "1"), "nobody"),
        (("topup", "acme", "lots"), "not an amount"),
        (("topup", "acme", "1e999999999"), "not an amount"),
        (("topup", "acme", "0"), "more than zero"),
        (("topup", "acme", "-5"), "No such option"),
        (("topup", "acme", "--", "-5"), "more than zero"),
        (("topup", "acme", "1", "--key", ""), "1 to 255"),
        (("topup", "acme", "1", "--key", "x" * 256), "1 to 255"),
        (("topup", "acme", "1", "--kee", "x"), "No such option"),
        (("correct", "acme", "-1", *_CORRECT, "--kee", "x"), "unexpected extra argument"),
        (("topup", "acme", "999999999.99"), "at most"),
        (("grant", "acme", "1", "--until", "2020-01"), "over already"),
        (("grant", "acme", "1", "--until", "9999-12"), "--until"),
        (("grant", "acme", "1", "--until", "soon"), "--until"),
        (("grant", "acme", "1", "--until", ""), "--until"),
        (("grants", "nobody"), "nobody"),
        (("expire", "acme", "none"), "no grant"),
        (("expire", "nobody", "none"), "nobody"),
        (("months", "nobody"), "nobody"),
        (("correct", "acme", "1"), "--meter"),
        (("correct", "acme", "1", "--meter", "water", "--reason", "r"), "water"),
        (("correct", "acme", "1", "--meter", "browser", "--reason", ""), "--reason"),
        (("correct", "acme", "0", *_CORRECT), "not zero"),
        (("correct", "acme", "1", *_CORRECT, "--session", "none"), "no session"),
        (("correct", "acme", "1", *_CORRECT, "--at", "2999-01-01"), "not happened yet"),
        (("correct", "nobody", "1", *_CORRECT), "nobody"),
    ],
    ids=lambda each: " ".join(each)[:40] if isinstance(each, tuple) else "",
)
def test_what_cannot_be_done_is_said_in_a_sentence_and_moves_nothing(
    data_dir: Path, arguments: tuple[str, ...], message: str
) -> None:
    before = _done(data_dir, "grants", "acme")
    refused = run(data_dir, "workspaces", *arguments)
    assert refused.exit_code in {1, 2}
    assert message in refused.output
    assert "Traceback" not in refused.output
    assert refused.exception is None or isinstance(refused.exception, SystemExit)
    assert _done(data_dir, "grants", "acme") == before
