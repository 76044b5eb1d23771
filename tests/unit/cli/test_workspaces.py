"""``noctule workspaces`` on a data folder of its own."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from noctule.cli.main import main


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    return tmp_path / "data"


def run(data_dir: Path, *arguments: str) -> Result:
    """One command with nothing of our environment in it."""
    environment = {"NOCTULE_DATA_DIR": str(data_dir), "NOCTULE_DATABASE_URL": None, "NOCTULE_API_KEY": None}
    return CliRunner().invoke(main, list(arguments), env=environment)


def test_a_workspace_is_made_listed_and_moved(data_dir: Path) -> None:
    made = run(data_dir, "workspaces", "create", "acme", "--plan", "pro")
    assert made.exit_code == 0, made.output
    workspace_id = made.output.split()[0]
    assert run(data_dir, "keys", "create", "--workspace", "acme").exit_code == 0
    [line] = run(data_dir, "workspaces", "list").output.splitlines()
    assert line.split() == [workspace_id, line.split()[1], "1", "key", "pro", "acme"]
    assert run(data_dir, "workspaces", "plan", "acme", "free").exit_code == 0
    assert " free " in run(data_dir, "workspaces", "list").output
    assert run(data_dir, "workspaces", "plan", workspace_id, "pro").exit_code == 0
    assert " pro " in run(data_dir, "workspaces", "list").output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("create", "acme"), "already"),
        (("create", "a/b"), "1 to 64"),
        (("create", "other", "--plan", "platinum"), "platinum"),
        (("plan", "acme", "platinum"), "platinum"),
        (("plan", "nobody", "free"), "nobody"),
        (("create", "00000000-0000-4000-8000-000000000000"), "does not look like an id"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(data_dir: Path, arguments: tuple[str, ...], message: str) -> None:
    assert run(data_dir, "workspaces", "create", "acme").exit_code == 0
    refused = run(data_dir, "workspaces", *arguments)
    assert refused.exit_code != 0
    assert message in refused.output
    assert "Traceback" not in refused.output
    assert len(run(data_dir, "workspaces", "list").output.splitlines()) == 1
