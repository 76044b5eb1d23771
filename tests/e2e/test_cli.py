"""The operator's commands beside a running server: what they change holds at once, what they refuse they explain."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import httpx
import pytest

from tests.support.server import KEY, Server
from tests.unit.cli.test_workspaces import run

pytestmark = pytest.mark.slow

_NANO = 1e-9


def _key(server: Server, workspace: str, name: str = "cli") -> str:
    made = server.noctule("keys", "create", "--workspace", workspace, "--name", name)
    secret = made.stdout.strip()
    assert re.fullmatch(r"noct_[A-Za-z0-9_-]{43}", secret), made.stdout
    assert secret not in made.stderr
    return secret


def _status(server: Server, key: str) -> int:
    with server.client(key) as client:
        return client.get("/sessions").status_code


def _usage(server: Server, key: str) -> dict[str, object]:
    with server.client(key) as client:
        usage: dict[str, object] = client.get("/usage").raise_for_status().json()
        return usage


def test_a_workspace_is_made_listed_and_used_while_the_server_runs(server: Server) -> None:
    made = server.noctule("workspaces", "create", "cli one", "--plan", "pro").stdout
    assert re.fullmatch(r"[0-9a-f-]{36}  cli one  on plan pro\n", made)
    assert _usage(server, _key(server, "cli one"))["plan_type"] == "pro"
    [line] = [line for line in server.noctule("workspaces", "list").stdout.splitlines() if line.endswith("  cli one")]
    assert line.startswith(made.split()[0])
    assert re.search(r"\b1 key +pro ", line)


def test_a_new_plan_holds_at_once(server: Server) -> None:
    server.noctule("workspaces", "create", "cli plan", "--plan", "prepaid")
    key = _key(server, "cli plan")
    assert _usage(server, key)["plan_type"] == "prepaid"
    assert server.noctule("workspaces", "plan", "cli plan", "growth").stdout == "cli plan is on plan growth\n"
    assert _usage(server, key)["plan_type"] == "growth"


def test_a_topup_shows_at_once_and_only_once(server: Server) -> None:
    server.noctule("workspaces", "create", "cli topup", "--plan", "prepaid")
    key = _key(server, "cli topup")
    with server.client(key) as client:
        assert client.post("/sessions/start", json={}).status_code == 402
    for amount, balance in (("12.50", 12.5), ("12.50", 12.5)):
        added = server.noctule("workspaces", "topup", "cli topup", amount, "--key", "order-7")
        assert "$12.50" in added.stdout
        usage = _usage(server, key)
        assert usage["topup_limit_amount"] == usage["balance_amount"] == balance
        assert usage["is_usage_limit_exceeded"] is False
    for _ in range(2):
        server.noctule("workspaces", "topup", "cli topup", "0.000000001")
    assert _usage(server, key)["balance_amount"] == pytest.approx(12.5 + 2 * _NANO, abs=_NANO / 10)


def test_a_new_key_works_at_once_and_a_revoked_one_no_more(server: Server) -> None:
    server.noctule("workspaces", "create", "cli keys")
    first, second = _key(server, "cli keys", "first"), _key(server, "cli keys", "second")
    assert (_status(server, first), _status(server, second)) == (200, 200)
    listed = server.noctule("keys", "list", "--workspace", "cli keys").stdout
    assert first not in listed
    assert second not in listed
    lines = {line.split()[1]: line.split()[0] for line in listed.splitlines()}
    assert set(lines) == {f"…{first[-4:]}", f"…{second[-4:]}"}

    revoked = server.noctule("keys", "revoke", lines[f"…{first[-4:]}"][:8])
    assert first not in revoked.stdout
    assert (_status(server, first), _status(server, second)) == (401, 200)
    # A request of a client that stays connected counts as well.
    with server.client(second) as client:
        assert client.get("/sessions").status_code == 200
        server.noctule("keys", "revoke", lines[f"…{second[-4:]}"])
        refused = client.get("/sessions")
    assert refused.status_code == 401
    assert refused.json()["message"] == "The API key is unknown or revoked."
    assert server.noctule("keys", "list", "--workspace", "cli keys").stdout.count("revoked") == 2


def test_a_revoked_key_stops_no_session_but_can_no_longer_reach_it(server: Server) -> None:
    server.noctule("workspaces", "create", "cli session")
    lost, kept = _key(server, "cli session", "lost"), _key(server, "cli session", "kept")
    with server.client(lost) as client:
        session = client.post("/sessions/start", json={}).raise_for_status().json()["session_id"]
        [id] = [
            line.split()[0]
            for line in server.noctule("keys", "list", "--workspace", "cli session").stdout.splitlines()
            if f"…{lost[-4:]}" in line
        ]
        server.noctule("keys", "revoke", id)
        assert client.get(f"/sessions/{session}").status_code == 401
    with server.client(kept) as client:
        assert client.get(f"/sessions/{session}").json()["status"] == "active"
        assert client.delete(f"/sessions/{session}/stop").json()["status"] == "closed"


@pytest.fixture(scope="module")
def taken(server: Server) -> str:
    server.noctule("workspaces", "create", "cli taken")
    return "cli taken"


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        ("workspaces create {}", 1, "already"),
        ("workspaces create a/b", 1, "1 to 64 letters"),
        ("workspaces create cli-other --plan platinum", 1, "platinum"),
        ("workspaces create", 2, "Missing argument 'NAME'"),
        ("workspaces create a b", 2, "unexpected extra argument"),
        ("workspaces plan {} platinum", 1, "platinum"),
        ("workspaces plan nobody free", 1, "nobody"),
        ("workspaces plan {}", 2, "Missing argument 'PLAN'"),
        ("workspaces topup nobody 1", 1, "nobody"),
        ("workspaces topup {} lots", 2, "not an amount"),
        ("workspaces topup {} 1,000", 2, "not an amount"),
        ("workspaces topup {} nan", 2, "not an amount"),
        ("workspaces topup {} 0.0000000001", 2, "AMOUNT"),
        ("workspaces topup {} 99999999999", 2, "not an amount"),
        ("workspaces topup {} 0", 1, "more than zero"),
        ("workspaces topup {} -- -5", 1, "more than zero"),
        ("workspaces topup {} -5", 2, "No such option"),
        ("workspaces rename {} b", 2, "No such command 'rename'"),
        ("keys create --workspace nobody", 1, "nobody"),
        ("keys create --workspace {} --name NOCTULE_API_KEY", 1, "kept"),
        ("keys create --workspace {} --name /", 1, "1 to 64 letters"),
        ("keys create {}", 2, "unexpected extra argument"),
        ("keys list --workspace nobody", 1, "nobody"),
        ("keys revoke", 2, "Missing argument 'ID'"),
        ("keys revoke 00000000", 1, "keys list"),
        ("keys revoke x", 1, "keys list"),
        (f"keys revoke {KEY}", 1, "keys list"),
        ("fly", 2, "No such command 'fly'"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(
    server: Server, taken: str, arguments: str, status: int, message: str
) -> None:
    words = [word.format(taken) if word == "{}" else word for word in arguments.split(" ")]
    before = _state(server)
    refused = run(server.data_dir, *words)
    assert refused.exit_code == status, refused.output
    assert message in refused.stderr
    assert refused.stdout == ""
    assert "Traceback" not in refused.stderr
    assert len(refused.stderr.splitlines()) <= 6
    assert _state(server) == before


def test_a_command_without_its_database_says_so_in_a_sentence(server: Server, tmp_path: Path) -> None:
    (tmp_path / "noctule.db").write_bytes(b"no database at all" * 100)
    for arguments in (("workspaces", "list"), ("keys", "create"), ("usage", "show")):
        refused = run(tmp_path, *arguments)
        assert refused.exit_code == 1
        assert refused.stderr.startswith("Error: The database cannot be used: file is not a database")
        assert len(refused.stderr.splitlines()) == 1


def _state(server: Server) -> tuple[str, list[str]]:
    keys = run(server.data_dir, "keys", "list").stdout.splitlines()
    return run(server.data_dir, "workspaces", "list").stdout, [line.partition(", ")[0] for line in keys]


def _serve(data_dir: Path, environment: Mapping[str, str], timeout_seconds: float = 30.0) -> tuple[int, str]:
    """Exit status and output of a server that ought not to start."""
    ended = subprocess.run(
        [sys.executable, "-m", "noctule", "serve"],
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(data_dir.parent),
            "NOCTULE_DATA_DIR": str(data_dir),
            "NOCTULE_PORT": "0",
            **environment,
        },
        capture_output=True,
        text=True,
        timeout=timeout_seconds,
        check=False,
    )
    return ended.returncode, ended.stdout + ended.stderr


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"NOCTULE_HOST": "0.0.0.0"}, "no key is configured yet. Set NOCTULE_API_KEY"),
        ({"NOCTULE_HOST": "::"}, "no key is configured yet. Set NOCTULE_API_KEY"),
        ({"NOCTULE_HOST": "0.0.0.0", "NOCTULE_API_KEY": "x" * 23}, "has 23 characters; a key needs at least 24"),
        ({"NOCTULE_HOST": "127.0.0.1", "NOCTULE_API_KEY": "hunter2"}, "has 7 characters; a key needs at least 24"),
        ({"NOCTULE_HOST": "0.0.0.0", "NOCTULE_API_KEY": ""}, "no key is configured yet"),
        ({"NOCTULE_API_KEY": "hunter2 " * 4}, "printable ASCII characters without spaces"),
        ({"NOCTULE_API_KEY": "hunter2é" * 4}, "printable ASCII characters without spaces"),
        ({"NOCTULE_API_KEY": "hunter2" * 40}, "24 to 255"),
        ({"NOCTULE_PORT": "seventy"}, "NOCTULE_PORT: "),
        ({"NOCTULE_PORT": "70000"}, "NOCTULE_PORT: "),
        ({"NOCTULE_HOST": "192.0.2.1", "NOCTULE_API_KEY": KEY}, "cannot listen on 192.0.2.1"),
        ({"NOCTULE_EGRESS_ALLOW": "10.0.0.0/99"}, "10.0.0.0/99"),
        ({"NOCTULE_BOOTSTRAP_PLAN": "platinum"}, "platinum"),
        ({"NOCTULE_PLANS_FILE": "/nowhere/plans.toml"}, "/nowhere/plans.toml"),
        ({"NOCTULE_PROXY_POOL_FILE": "/nowhere/pool.toml"}, "/nowhere/pool.toml"),
        ({"NOCTULE_DATABASE_URL": "mysql://bob:hunter2@127.0.0.1/x"}, "begins with postgresql:// or sqlite:///"),
        ({"NOCTULE_DATABASE_URL": "hunter2"}, "The database cannot be used"),
        ({"NOCTULE_DATABASE_URL": "postgresql://bob:hunter2@127.0.0.1:9/x"}, "The database cannot be used"),
    ],
)
def test_a_server_that_must_not_start_says_why_and_ends(
    tmp_path: Path, environment: dict[str, str], message: str
) -> None:
    status, output = _serve(tmp_path / "data", environment)
    assert status == 1, output
    last = output.splitlines()[-1]
    assert last.startswith("Error: ")
    assert message in last
    assert "Traceback" not in output
    assert "hunter2" not in output


@pytest.fixture
def open_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that listens to other machines, as a key is there already."""
    server = Server(tmp_path_factory.mktemp("open") / "data", {"NOCTULE_WARM_POOL_SIZE": "0"})
    try:
        yield server
    finally:
        server.close()


def test_a_key_made_beforehand_lets_a_server_listen_to_others(open_server: Server) -> None:
    without = {"NOCTULE_HOST": "0.0.0.0"}
    assert _serve(open_server.data_dir, without)[0] == 1
    key = _key(open_server, "default")
    open_server.start(without)
    assert _status(open_server, key) == 200
    assert _status(open_server, KEY) == 200


def test_the_first_key_is_printed_once_and_works(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("first")
    server = Server(folder / "data", {"NOCTULE_WARM_POOL_SIZE": "0", "NOCTULE_API_KEY": ""})
    try:
        server.start()
        [key] = set(re.findall(r"noct_[A-Za-z0-9_-]{43}", server.tail()))
        assert httpx.get(f"{server.url}/usage", headers={"Authorization": f"Bearer {key}"}).status_code == 200
        assert server.terminate() == 0
        server.log.unlink()
        server.start()
        assert "noct_" not in server.tail()
        assert _status(server, key) == 200
    finally:
        server.close()
