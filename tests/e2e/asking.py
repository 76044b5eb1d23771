"""Requests sent exactly as a table says, which HTTP libraries would tidy up, and what every refusal must look like."""

import http.client
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.support.server import Server

JSON = {"Content-Type": "application/json"}
UNKNOWN = "00000000-0000-4000-8000-000000000000"


@dataclass(frozen=True)
class Row:
    """One bad request, the status that it gets, and a piece of the message that says why.

    ``{live}`` and ``{closed}`` in the path stand for a session of the caller's. ``never`` must not be
    repeated in the answer. A header ``Authorization`` replaces the caller's key; ``None`` takes it away.
    """

    label: str
    message: str
    status: int = 422
    method: str = "POST"
    path: str = "/sessions/start"
    body: bytes | None = None
    headers: Mapping[str, str | bytes | None] = field(default_factory=dict)
    never: str = ""

    def __str__(self) -> str:
        return self.label


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    text: str

    def refusal(self, status: int, path: str | None = None) -> str:
        """The message of an answer that must be this refusal, in the shape that every client can read."""
        assert self.status == status, self.text[:500]
        assert self.headers["content-type"] == "application/json"
        assert len(self.text) < 20_000
        body = json.loads(self.text)
        assert set(body) <= {"status", "message", "path", "detail"}
        assert type(body["status"]) is int
        assert body["status"] == status
        assert isinstance(body["message"], str)
        assert body["message"]
        assert isinstance(body["path"], str)
        assert path is None or body["path"] == path
        return str(body["message"])


class Caller:
    """A workspace of its own with one live session and one that is over."""

    def __init__(self, server: Server, name: str) -> None:
        server.noctule("workspaces", "create", name, "--plan", "enterprise")
        self.key = server.noctule("keys", "create", "--workspace", name).stdout.strip()
        self._port = server.port
        self._client = server.client(self.key)
        self.sessions = {"live": "", "closed": ""}

    @contextmanager
    def sessions_open(self) -> Iterator["Caller"]:
        """The two sessions, for the length of the block."""
        for name in self.sessions:
            wish = {"idle_timeout_minutes": 30, "max_duration_minutes": 60}
            self.sessions[name] = (
                self._client.post("/sessions/start", json=wish).raise_for_status().json()["session_id"]
            )
        self._stop("closed")
        try:
            yield self
        finally:
            self._stop("live")
            self._client.close()

    def ask(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: Mapping[str, str | bytes | None] | None = None,
    ) -> Answer:
        """Send just this."""
        sent: dict[str, Any] = {"Authorization": f"Bearer {self.key}", **(headers or {})}
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
        try:
            connection.request(method, path, body, {name: value for name, value in sent.items() if value is not None})
            response = connection.getresponse()
            found = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, found, response.read().decode())
        finally:
            connection.close()

    def standing(self) -> dict[str, Any]:
        """All that a refused request must leave as it was."""
        usage = self._json("/usage")
        # These two grow by themselves while a session lives.
        for name in ("browser_usage_cost", "total_cost"):
            del usage[name]
        return {
            "sessions": [
                (item["session_id"], item["status"], item["closed_at"])
                for item in self._json("/sessions?only_active=false&page_size=100")["items"]
            ],
            "steps": [self._json(f"/sessions/{session_id}/offset") for session_id in self.sessions.values()],
            "cookies": self._json(f"/sessions/{self.sessions['live']}/cookies"),
            "plan": usage["plan_type"],
            "sessions_counted": usage["session_count"],
            "credit": (usage["subscription_limit_amount"], usage["topup_limit_amount"]),
        }

    def _json(self, path: str) -> Any:
        return self._client.get(path).raise_for_status().json()

    def _stop(self, name: str) -> httpx.Response:
        return self._client.delete(f"/sessions/{self.sessions[name]}/stop").raise_for_status()


def start(label: str, message: str, status: int = 422, never: str = "", **wish: object) -> Row:
    """A bad wish for a session."""
    return Row(label, message, status, body=json.dumps(wish).encode(), headers=JSON, never=never)


def execute(label: str, message: str, status: int = 422, session: str = "{live}", **action: object) -> Row:
    """A bad action for a session."""
    body = json.dumps(action).encode()
    return Row(label, message, status, path=f"/sessions/{session}/page/execute", body=body, headers=JSON)
