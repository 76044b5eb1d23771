"""What the tests of profiles share: a server beside a site that people sign in to, and sessions over HTTP."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.support.login_site import LoginSite, serving_login_site
from tests.support.server import Server

TOLD = {
    "account": "Ada",
    "token": "token of Ada",
    "draft": "draft of Ada \U0001f987",
    "history": 2,
    "note": "note of Ada",
    "photo": "photo of Ada xxxxxxx",
    "photoSize": 100_013,
    "sealed": "sealed by Ada",
    "extractable": False,
}
"""What the site tells to a browser that Ada has signed in with."""


@dataclass
class Stage:
    """A running server, a client of it, and the site."""

    server: Server
    client: httpx.Client
    site: LoginSite

    def create(self, name: str | None = None) -> str:
        """A new profile's id."""
        reply = self.client.post("/profiles/create", json={"name": name})
        assert reply.status_code == 200, reply.text
        profile_id: str = reply.json()["profile_id"]
        return profile_id

    def start(self, profile_id: str | None = None, *, persist: bool = False, **wishes: Any) -> str:
        """A session's id."""
        reply = self.try_start(profile_id, persist=persist, **wishes)
        assert reply.status_code == 200, reply.text
        session_id: str = reply.json()["session_id"]
        return session_id

    def try_start(self, profile_id: str | None = None, *, persist: bool = False, **wishes: Any) -> httpx.Response:
        """The answer to a start."""
        profile = None if profile_id is None else {"id": profile_id, "persist": persist}
        return self.client.post("/sessions/start", json={"profile": profile, **wishes})

    def stop(self, session_id: str) -> None:
        """End a session."""
        reply = self.client.delete(f"/sessions/{session_id}/stop")
        assert reply.json()["status"] == "closed", reply.text

    def goto(self, session_id: str, path: str = "") -> None:
        """Open a page of the site."""
        self._execute(session_id, type="goto", url=self.site.url(path))

    def leave(self, session_id: str) -> None:
        """Let the tab be at no site."""
        self._execute(session_id, type="goto", url="data:text/html,elsewhere")

    def js(self, session_id: str, code: str) -> Any:
        """What code answers in the session's page."""
        reply = self._execute(session_id, type="evaluate_js", code=code)
        text = reply["data"]["markdown"]
        try:
            return json.loads(text)
        except ValueError:
            return text

    def sign_in(self, session_id: str, name: str = "Ada") -> None:
        """Sign in to the site and let it remember that."""
        self.goto(session_id)
        assert self.js(session_id, f"signIn({json.dumps(name)})") == "signed in"

    def tell(self, session_id: str) -> Any:
        """What the site knows of the session's browser, opened anew."""
        self.goto(session_id)
        return self.js(session_id, "tell()")

    def _execute(self, session_id: str, **action: Any) -> dict[str, Any]:
        reply = self.client.post(f"/sessions/{session_id}/page/execute", json=action)
        assert reply.status_code == 200, reply.text
        done: dict[str, Any] = reply.json()
        assert done["success"], done
        return done


@contextmanager
def staged(folder: Path, **environment: str) -> Iterator[Stage]:
    """A stage for the length of a test."""
    with serving_login_site() as site:
        server = Server(folder / "data", {"NOCTULE_EGRESS_ALLOW": site.allow, **environment})
        try:
            server.start()
            with server.client() as client:
                yield Stage(server, client, site)
        finally:
            server.close()
