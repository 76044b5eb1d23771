"""Requests made from our own OpenAPI document, good and bad: none gets a 5xx, every answer is what the document says.

The generator is schemathesis, seeded, so a failure comes again. Sessions that its requests start are stopped at once.
"""

import copy
import zlib
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from pydantic import ValidationError
from schemathesis.generation.meta import TestPhase
from schemathesis.generation.modes import GenerationMode
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance

from noctule.page.domain import echo
from noctule.sessions.wire import ApiSessionStartRequest
from tests.e2e.asking import UNKNOWN, Answer
from tests.support.api import published
from tests.support.server import Server

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

_MOST_EXAMPLES = 25
_LONGEST_WAIT_MS = 20

# 409: a session that is over. 414, 431: refused before anything is read. 529: the machine is full.
_REFUSALS = {
    "/sessions/start": {400, 414, 422, 431, 529},
    "/health": {414, 422, 431},
    "/ready": {414, 422, 431, 503},
    "/sessions": {414, 422, 431},
    # An address that leads nowhere is a 400.
    "/scrape": {400, 414, 422, 431, 529},
    "/scrape_from_html": {400, 414, 422, 431},
    "/usage": {414, 422, 431},
    "/usage/logs": {414, 422, 431},
}
_SUCCESSES = {200, 201, 204}
_REFUSALS_OF_A_SESSION = {400, 404, 409, 413, 414, 422, 431}
_OPERATOR = "/operator/"
_REFUSALS_OF_THE_OPERATOR = {404, 409, 413, 414, 422, 431}


def _document() -> dict[str, Any]:
    """What the server publishes, which must be known before one runs: a test for each operation comes of it."""
    document: dict[str, Any] = published().openapi()
    return document


def _checkable(document: dict[str, Any]) -> dict[str, Any]:
    """The document with two of its promises in words that can be held against an answer."""
    checkable = copy.deepcopy(document)
    schemas = checkable["components"]["schemas"]
    # The format's grammar (RFC 3339) knows no fractions of a second; the contract's values have them.
    duration = schemas["SessionResponse"]["properties"]["duration"]
    assert duration.pop("format") == "duration"
    duration["pattern"] = r"^P(\d+D)?T(\d+H)?(\d+M)?\d+(\.\d+)?S$"
    # An action comes back as it was sent, and what was sent may be looser than its schema: "true" for true.
    schemas["ApiExecutionResponse"]["properties"]["action"] = {"type": "object"}
    return checkable


_DOCUMENT = _document()
api = schemathesis.openapi.from_dict(_checkable(_DOCUMENT))
api.config.generation.update(modes=list(GenerationMode))


class Sessions:
    """One live session and one that is over, for the requests that need one."""

    def __init__(self, server: Server) -> None:
        server.noctule("workspaces", "create", "fuzz", "--plan", "enterprise")
        self.url = server.url
        self.key = server.noctule("keys", "create", "--workspace", "fuzz").stdout.strip()
        server.noctule("workspaces", "create", "fuzzed")
        self.operators_key = server.noctule("keys", "create", "--operator").stdout.strip()
        self._client = server.client(self.key)
        secret = {"name": "FUZZ", "namespace": "function_env", "value": "fuzz"}
        self._client.post("/secrets", json=secret).raise_for_status()
        self._live = self._start()
        self.over = self._start()
        self.stop(self.over)

    def live(self) -> str:
        """The id of a session whose browser answers; the last request may have ended it."""
        if self._client.get(f"/sessions/{self._live}").json()["status"] != "active":
            self._live = self._start()
        return self._live

    def stop(self, session_id: str) -> None:
        """End a session."""
        self._client.delete(f"/sessions/{session_id}/stop").raise_for_status()

    def document(self) -> Any:
        """The server's own description of its API."""
        return self._client.get("/openapi.json").json()

    def close(self) -> None:
        """End whatever still lives."""
        for item in self._client.get("/sessions", params={"page_size": 100}).json()["items"]:
            self.stop(item["session_id"])
        self._client.close()

    def _start(self) -> str:
        session_id: str = self._client.post("/sessions/start", json={}).raise_for_status().json()["session_id"]
        return session_id


@pytest.fixture(scope="module")
def sessions(server: Server) -> Iterator[Sessions]:
    sessions = Sessions(server)
    try:
        yield sessions
    finally:
        sessions.close()


def test_the_document_is_the_one_that_the_server_publishes(sessions: Sessions) -> None:
    assert sessions.document() == _DOCUMENT


@api.parametrize()
@settings(
    max_examples=_MOST_EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
def test_whatever_the_schema_gives_rise_to_is_answered_as_it_says(
    case: schemathesis.Case[Any], sessions: Sessions
) -> None:
    if not _aim(case, sessions):
        return
    key = sessions.operators_key if case.path.startswith(_OPERATOR) else sessions.key
    response = case.call(sessions.url, headers={"Authorization": f"Bearer {key}"}, timeout=60)
    if case.path == "/sessions/start" and response.status_code == 200:
        sessions.stop(response.json()["session_id"])
    case.validate_response(response, checks=[content_type_conformance, response_schema_conformance])
    if response.status_code in _SUCCESSES:
        if case.path.endswith("/execute"):
            assert isinstance(case.body, dict)
            assert response.json()["action"] == echo(case.body, None)
        return
    headers = {name: values[0] for name, values in response.headers.items()}
    Answer(response.status_code, headers, response.text).refusal(response.status_code)
    if case.method.upper() == case.operation.method.upper():
        usual = _REFUSALS_OF_THE_OPERATOR if case.path.startswith(_OPERATOR) else _REFUSALS_OF_A_SESSION
        assert response.status_code in _REFUSALS.get(case.path, usual), response.text


def _aim(case: schemathesis.Case[Any], sessions: Sessions) -> bool:
    """Let most requests for a session meet one, and none take long; whether the case is to be sent at all."""
    die = zlib.crc32(repr((case.path_parameters, case.query, case.body)).encode("utf-8", "replace")) % 8
    if "workspace" in case.path_parameters and die > 1:
        case.path_parameters["workspace"] = "fuzzed"
    if "name" in case.path_parameters and die > 1:
        case.path_parameters["name"] = "FUZZ"
    if "session_id" in case.path_parameters and die > 1:
        # Only few stops end the live session: each costs a browser.
        spare = case.path.endswith("/stop") and die > 2
        case.path_parameters["session_id"] = sessions.over if spare else (UNKNOWN if die == 7 else sessions.live())
    action: dict[str, Any] = case.body if isinstance(case.body, dict) else {}
    wait = action.get("time_ms") if action.get("type") == "wait" else None
    if isinstance(wait, int) and _LONGEST_WAIT_MS < wait <= 30_000:
        action["time_ms"] = _LONGEST_WAIT_MS
    # Hundreds of good starts, each with another value of one field: an eighth of them is enough.
    systematic = case.meta is not None and case.meta.phase.name is TestPhase.COVERAGE
    return not (case.path == "/sessions/start" and systematic and die > 0 and _may_start(case))


def _may_start(case: schemathesis.Case[Any]) -> bool:
    try:
        ApiSessionStartRequest.model_validate(case.body)
    except ValidationError:
        return False
    return True
