"""``noctule webhooks`` on a data folder of its own."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from standardwebhooks import Webhook

from noctule.browser.egress.policy import EgressPolicy
from noctule.cli.webhooks import webhooks
from noctule.db.engine import Database
from noctule.kit.clock import SystemClock
from noctule.kit.outbox import Announcement
from noctule.kit.seal import Sealer
from noctule.webhooks.service import Courier, MessageOutbox, Poster
from tests.support.units import write
from tests.unit.cli.test_workspaces import run
from tests.unit.webhooks.conftest import idle
from tests.unit.webhooks.receiver import OK, Receiver, status


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


class Desk:
    """A data folder with the workspace ``acme``, and the commands on it."""

    def __init__(self, data_dir: Path, receiver: Receiver) -> None:
        self.data_dir = data_dir
        self.receiver = receiver
        made = run(data_dir, "workspaces", "create", "acme")
        assert made.exit_code == 0, made.output
        self.workspace_id = made.output.split()[0]

    def run(self, command: str, *arguments: str) -> Result:
        """One command for the workspace, with nothing of our environment in it."""
        environment = {
            "NOCTULE_DATA_DIR": str(self.data_dir),
            "NOCTULE_DATABASE_URL": None,
            "NOCTULE_API_KEY": None,
            "NOCTULE_EGRESS_ALLOW": f"127.0.0.1:{self.receiver.port}",
        }
        return CliRunner().invoke(webhooks, [command, "--workspace", "acme", *arguments], env=environment)

    def done(self, command: str, *arguments: str) -> str:
        """What a command that succeeds prints."""
        result = self.run(command, *arguments)
        assert result.exit_code == 0, result.output
        return result.stdout

    def serve(self, *keys: str) -> None:
        """What a server would do: let something happen, and send what is due."""

        async def story() -> None:
            sealer = Sealer.load(self.data_dir)
            poster = Poster(EgressPolicy([f"127.0.0.1:{self.receiver.port}"]))
            at = SystemClock().now()
            happened = [Announcement(key, self.workspace_id, "session.ended", at, {}) for key in keys]
            write(database, MessageOutbox(SystemClock()).add, happened)
            courier = Courier(database, SystemClock(), sealer, poster)
            await courier.deliver_due()
            await idle(courier)

        database = Database(f"sqlite:///{self.data_dir / 'noctule.db'}")
        try:
            asyncio.run(story())
        finally:
            database.close()


@pytest.fixture
def desk(tmp_path: Path, receiver: Receiver) -> Desk:
    return Desk(tmp_path / "data", receiver)


def test_an_endpoint_is_added_listed_rotated_and_removed(desk: Desk, receiver: Receiver) -> None:
    secret = desk.done("add", receiver.url("/hook"), "--type", "session.ended", "--description", "billing").strip()
    assert secret.startswith("whsec_")
    [line] = desk.done("list").splitlines()
    assert secret not in line
    for part in (receiver.url("/hook"), "session.ended", "enabled", "0 pending, 0 dead", "billing"):
        assert part in line
    endpoint_id = line.split()[0]
    rotated = desk.done("rotate", endpoint_id[:8]).strip()
    desk.serve("ended:1")
    [came] = receiver.requests
    for each in (secret, rotated):
        assert Webhook(each).verify(came.body, came.headers)["type"] == "session.ended"
    assert endpoint_id in desk.done("remove", endpoint_id)
    assert desk.done("list") == ""


def test_dead_letters_are_shown_and_sent_again(desk: Desk, receiver: Receiver) -> None:
    receiver.answer("/hook", status(410), OK)
    desk.done("add", receiver.url("/hook"))
    endpoint_id = desk.done("list").split()[0]
    desk.serve("ended:1", "ended:2", "ended:3")
    assert "disabled: the receiver answered 410 (gone)" in desk.done("list")
    dead = desk.done("deliveries", endpoint_id, "--state", "dead").splitlines()
    assert dead
    assert all("dead" in line and "410" in line for line in dead)
    assert len(desk.done("deliveries", "--limit", "1").splitlines()) == 1
    refused = desk.run("redeliver", endpoint_id)
    assert refused.exit_code == 1
    assert "disabled" in refused.output


def test_what_is_queued_again_is_sent_by_a_server(desk: Desk, receiver: Receiver) -> None:
    desk.done("add", receiver.url("/hook"))
    endpoint_id = desk.done("list").split()[0]
    desk.serve("ended:1")
    message_id = desk.done("deliveries").split()[0]
    assert "1 message is queued" in desk.done("redeliver", endpoint_id, message_id)
    assert "pending" in desk.done("deliveries")
    desk.serve()
    assert [each.id for each in receiver.requests] == [message_id] * 2
    assert "0 messages are queued" in desk.done("redeliver", endpoint_id)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("add", "http://10.0.0.1/"), "private-address"),
        (("add", "https://me:hidden@example.com/"), "user name"),
        (("add", "https://example.com/", "--type", "nonsense"), "nonsense"),
        (("rotate", "00000000"), "webhooks list"),
        (("remove", "x"), "webhooks list"),
        (("redeliver", "00000000", "msg_1"), "webhooks list"),
        (("list", "--workspace", "nobody"), "nobody"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(desk: Desk, arguments: tuple[str, ...], message: str) -> None:
    refused = desk.run(*arguments)
    assert refused.exit_code != 0
    assert message in refused.output
    assert "Traceback" not in refused.output
    assert "hidden" not in refused.output
