"""``noctule budgets`` on a data folder of its own."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from noctule.cli.budgets import budgets
from noctule.cli.main import main
from tests.unit.cli.usage import books


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """A folder with a workspace that has used one minute and 1,000 proxied bytes."""
    return books.made(tmp_path / "data")


def run(data_dir: Path, *arguments: str) -> Result:
    environment = {"NOCTULE_DATA_DIR": str(data_dir), "NOCTULE_DATABASE_URL": None, "NOCTULE_API_KEY": None}
    return CliRunner().invoke(budgets, [*arguments, "--workspace", "acme"], env=environment)


def test_a_budget_is_made_listed_changed_and_removed(data_dir: Path) -> None:
    assert run(data_dir, "list").output == "acme has no budget\n"
    made = run(data_dir, "add", "everything", "0.001", "--action", "stop")
    assert made.exit_code == 0, made.output
    id = made.output.split()[0]
    assert "everything: $0.000843333 of $0.001 spent" in made.output
    listed = run(data_dir, "list").output
    for words in (id, "everything", "workspace", "$0.001", "$0.000843333", "84 %", "stop"):
        assert words in listed
    changed = run(data_dir, "change", id[:8], "--limit", "2", "--action", "warn")
    assert changed.output.startswith(f"{id}  everything: $0.000843333 of $2.00 spent")
    assert changed.output.endswith("then warn\n")
    assert run(data_dir, "change", "everything", "--limit", "3").exit_code == 0
    assert run(data_dir, "remove", "everything").output == f"{id}  everything is removed\n"
    assert run(data_dir, "list").output == "acme has no budget\n"


def test_a_budget_of_a_part_names_it(data_dir: Path) -> None:
    environment = {"NOCTULE_DATA_DIR": str(data_dir), "NOCTULE_DATABASE_URL": None, "NOCTULE_API_KEY": None}
    made = CliRunner().invoke(main, ["keys", "create", "--workspace", "acme"], env=environment)
    key_id = made.output.split()[1]
    of_key = run(data_dir, "add", "mine", "5", "--scope", "key", "--subject", key_id[:8], "--period", "total")
    assert of_key.exit_code == 0, of_key.output
    assert run(data_dir, "add", "red", "5", "--scope", "tag", "--subject", "red").exit_code == 0
    assert run(data_dir, "add", "one", "5", "--scope", "session", "--subject", books.SESSION).exit_code == 0
    listed = run(data_dir, "list").output
    for words in (f"key {key_id}", "tag red", f"session {books.SESSION}", "total", "$0.000843333"):
        assert words in listed


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("add", "a", "0"), "more than zero"),
        (("add", "a", "much"), "not an amount of dollars"),
        (("add", "a", "1.0000000001"), "nine decimals"),
        (("add", "a/\x01", "1"), "1 to 64"),
        (("add", "a", "1", "--scope", "key"), "says which"),
        (("add", "a", "1", "--scope", "key", "--subject", "12345678"), "no key of this workspace"),
        (("add", "a", "1", "--subject", "x"), "has no subject"),
        (("change", "nothing"), "Say what to change"),
        (("change", "nothing", "--limit", "1"), "There is no budget 'nothing'"),
        (("remove", "nothing"), "There is no budget 'nothing'"),
    ],
    ids=" ".join,
)
def test_bad_arguments_get_a_plain_sentence(data_dir: Path, arguments: tuple[str, ...], message: str) -> None:
    refused = run(data_dir, *arguments)
    assert refused.exit_code != 0
    assert message in refused.output
    assert "Traceback" not in refused.output


def test_a_workspace_that_is_not_there_is_said_so(data_dir: Path) -> None:
    environment = {"NOCTULE_DATA_DIR": str(data_dir), "NOCTULE_DATABASE_URL": None, "NOCTULE_API_KEY": None}
    refused = CliRunner().invoke(budgets, ["list", "--workspace", "nobody"], env=environment)
    assert refused.exit_code == 1
    assert "nobody" in refused.output
