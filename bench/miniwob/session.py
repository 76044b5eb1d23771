"""A browser session over the API, as any client has it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

_WISH = {
    "headless": True,
    "max_duration_minutes": 240,
    "idle_timeout_minutes": 15,
    # The window of the original environment.
    "viewport_width": 500,
    "viewport_height": 320,
}


class HttpSession:
    """Started and stopped by ``session``."""

    def __init__(self, client: httpx.Client, session_id: str) -> None:
        self._client = client
        self._path = f"/sessions/{session_id}/page"

    def observe(self) -> dict[str, Any]:
        """The reply to an observation."""
        return self._post("observe", {})

    def execute(self, action: dict[str, Any]) -> dict[str, Any]:
        """The reply to an action."""
        return self._post("execute", action)

    def _post(self, name: str, body: dict[str, Any]) -> dict[str, Any]:
        reply: dict[str, Any] = self._client.post(f"{self._path}/{name}", json=body).raise_for_status().json()
        return reply


@contextmanager
def session(client: httpx.Client) -> Iterator[HttpSession]:
    """A session for the length of a block."""
    session_id = client.post("/sessions/start", json=_WISH).raise_for_status().json()["session_id"]
    try:
        yield HttpSession(client, session_id)
    finally:
        client.delete(f"/sessions/{session_id}/stop")
