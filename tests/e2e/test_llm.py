"""The model gateway as a server runs it: settings of the environment, a database, a model behind HTTP, kills."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from noctule.db.engine import Database
from noctule.db.migrate import migrate
from noctule.kit.clock import SystemClock
from noctule.llm import store
from noctule.metering.book import PriceBook
from noctule.metering.service import Metering
from noctule.settings import Settings
from tests.support import units
from tests.support.model_server import ModelServer, says, status
from tests.support.server import Server

PRICES = '[[price]]\nmodel = "custom/*"\nfrom = 2025-01-01\ninput = "1"\noutput = "10"\n'
SCHEMA = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
USED = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}


@pytest.fixture
def model() -> Iterator[ModelServer]:
    """A model behind HTTP."""
    with ModelServer() as server:
        yield server


class Books:
    """A database with one account, and the processes that ask models on it."""

    def __init__(self, url: str, folder: Path, model: ModelServer) -> None:
        self.database = Database(url)
        migrate(self.database.engine)
        self.metering = Metering(SystemClock(), PriceBook.built_in(), instance_id="one", boot_id="tests")
        units.write(self.database, self.metering.open_account, "a", "admin")
        prices = folder / "prices.toml"
        prices.write_text(PRICES)
        self._environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "PYTHONPATH": os.pathsep.join(sys.path),
            "NOCTULE_DATABASE_URL": url,
            "NOCTULE_LLM_BASE_URL": model.base_url,
            "NOCTULE_LLM_MODEL": "local",
            "NOCTULE_LLM_API_KEY": "sk-of-the-operator",
            "NOCTULE_LLM_PRICES_FILE": str(prices),
        }

    def ask(self, content: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """One extraction in a process of its own."""
        return subprocess.run(
            [sys.executable, "-m", "tests.support.asking_a_model", content, json.dumps(SCHEMA)],
            env={**self._environment, **environment},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def calls(self) -> list[store.StoredCall]:
        """What is in the books, the oldest first."""
        return units.read(self.database, store.of_workspace, "a", 100)[::-1]

    def events(self) -> list[tuple[str, int]]:
        """Key and nano-dollars of every usage event."""
        return units.read(
            self.database,
            lambda connection: [
                (row[0], row[1])
                for row in connection.execute(text("SELECT key, cost_nanos FROM usage_event ORDER BY id"))
            ],
        )


@pytest.fixture
def books(empty_database_url: str, tmp_path: Path, model: ModelServer) -> Iterator[Books]:
    """Books on each database."""
    books = Books(empty_database_url, tmp_path, model)
    yield books
    books.database.close()


def _outcome(process: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    assert process.returncode == 0, process.stderr
    outcome: dict[str, Any] = json.loads(process.stdout)
    return outcome


def test_an_extraction_survives_a_bad_start_and_is_paid_to_the_nano(books: Books, model: ModelServer) -> None:
    answer = json.dumps({"success": True, "error": None, "data": {"name": "Lamp"}})
    model.then(status(429, Retry_After="0"), says("A lamp!", usage=USED), says(answer, usage=USED))
    process = books.ask("# Lamp")
    assert _outcome(process) == {"success": True, "error": None, "data": {"name": "Lamp"}}
    assert "sk-of-the-operator" not in process.stdout + process.stderr
    assert [call.error or call.status.value for call in books.calls()] == ["overloaded", "done", "done"]
    assert [cost for _, cost in books.events()] == [300_000, 300_000]
    assert model.asked[-1].headers["authorization"] == "Bearer sk-of-the-operator"


def test_nothing_of_a_question_is_told_even_where_the_environment_wants_the_library_to(books: Books) -> None:
    process = books.ask("# A private lamp", OPENAI_LOG="debug")
    assert _outcome(process)["success"]
    assert "private" not in process.stderr
    assert "sk-of-the-operator" not in process.stderr


@pytest.mark.parametrize("amount", ["a lot", "-1", "0.0000000001", "1e99"])
def test_a_cap_that_is_no_amount_is_refused_at_the_start(amount: str) -> None:
    with pytest.raises(ValueError, match="llm_max_cost_per_run"):
        Settings(llm_max_cost_per_run=amount)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("NOCTULE_LLM_MODEL", "nobodys-model", "names no provider"),
        ("NOCTULE_LLM_BASE_URL", "http://127.0.0.1:1/v1", "needs NOCTULE_LLM_MODEL"),
        ("NOCTULE_LLM_PRICES_FILE", "no-such-prices.toml", "No such file"),
    ],
)
def test_a_server_whose_models_cannot_be_used_says_so_and_does_not_start(
    tmp_path: Path, name: str, value: str, words: str
) -> None:
    server = Server(tmp_path)
    server.spawn({name: value})
    try:
        assert server.wait(30) == 1
    finally:
        server.close()
    assert words in server.tail()
    assert "Traceback" not in server.tail()


def test_a_call_that_was_out_at_a_kill_becomes_unknown_and_costs_nothing(books: Books, model: ModelServer) -> None:
    killed = books.ask("# Lamp", NOCTULE_FAILPOINT="llm-call-sent")
    assert killed.returncode == -signal.SIGKILL
    (call,) = books.calls()
    assert call.status is store.CallStatus.SENT
    assert model.asked == []
    assert _outcome(books.ask("# Lamp"))["data"] == {"name": "text"}
    assert [each.status.value for each in books.calls()] == ["unknown", "done"]
    assert [key for key, _ in books.events()] == [f"llm:{books.calls()[1].id}"]


def test_a_kill_between_the_reply_and_the_charge_charges_nothing(books: Books) -> None:
    killed = books.ask("# Lamp", NOCTULE_FAILPOINT="llm-reply-read")
    assert killed.returncode == -signal.SIGKILL
    assert [call.status.value for call in books.calls()] == ["sent"]
    assert books.events() == []
    assert all(check.ok for check in units.read(books.database, books.metering.audit).checks)


def test_a_kill_inside_the_charging_transaction_undoes_all_of_it(books: Books) -> None:
    killed = books.ask("# Lamp", NOCTULE_FAILPOINT="llm-call-charged")
    assert killed.returncode == -signal.SIGKILL
    assert [call.status.value for call in books.calls()] == ["sent"]
    assert books.events() == []
