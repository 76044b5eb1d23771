"""``noctule keys`` on a data folder of its own."""

from pathlib import Path

import pytest

from tests.unit.cli.test_workspaces import run


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    assert run(folder, "workspaces", "create", "acme").exit_code == 0
    return folder


def test_a_key_is_shown_once_listed_by_its_end_and_revoked(data_dir: Path) -> None:
    made = run(data_dir, "keys", "create", "--workspace", "acme", "--name", "ci")
    assert made.exit_code == 0, made.output
    secret = made.stdout.strip()
    assert secret.startswith("noct_")
    [line] = run(data_dir, "keys", "list").output.splitlines()
    assert secret not in line
    assert f"…{secret[-4:]}" in line
    assert "  workspace  acme  ci  " in line
    assert "never used" in line
    revoked = run(data_dir, "keys", "revoke", line.split()[0][:8])
    assert revoked.exit_code == 0
    assert secret not in revoked.output
    assert "revoked" in run(data_dir, "keys", "list", "--workspace", "acme").output


def test_the_first_workspace_can_have_a_key_before_the_first_start(data_dir: Path) -> None:
    for _ in range(2):
        assert run(data_dir, "keys", "create").stdout.startswith("noct_")
    assert len(run(data_dir, "keys", "list", "--workspace", "default").output.splitlines()) == 2
    assert " admin " in run(data_dir, "workspaces", "list").output


def test_an_operators_key_is_made_and_listed_as_one(data_dir: Path) -> None:
    made = run(data_dir, "keys", "create", "--operator", "--name", "desk")
    assert made.exit_code == 0, made.output
    assert made.stdout.startswith("noct_")
    assert "of the operator" in made.stderr
    [line] = run(data_dir, "keys", "list").output.splitlines()
    assert "  operator   default  desk  " in line
    assert run(data_dir, "keys", "revoke", line.split()[0]).exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("create", "--workspace", "nobody"), "nobody"),
        (("create", "--workspace", "acme", "--name", "NOCTULE_API_KEY"), "kept"),
        (("create", "--operator", "--name", "NOCTULE_API_KEY"), "kept"),
        (("create", "--operator", "--workspace", "acme"), "all workspaces"),
        (("revoke", "00000000"), "keys list"),
        (("revoke", "x"), "keys list"),
        (("list", "--workspace", "nobody"), "nobody"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(data_dir: Path, arguments: tuple[str, ...], message: str) -> None:
    refused = run(data_dir, "keys", *arguments)
    assert refused.exit_code != 0
    assert message in refused.output
    assert "Traceback" not in refused.output
