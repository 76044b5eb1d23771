"""What the tests of pages share: a server whose browsers may reach the test site, and a session on it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.support.pages import Pages, serving
from tests.support.server import Server
from tests.support.site import Site, serving_site


@dataclass(frozen=True)
class Stage:
    """A started server, the test site, and pages of a test's own."""

    server: Server
    site: Site
    pages: Pages


@contextmanager
def staged(folder: Path, **environment: str) -> Iterator[Stage]:
    """The stage, with these settings of the server."""
    with serving_site() as site, serving() as pages:
        allowed = ",".join((*site.allow, *pages.allow))
        settings = {"NOCTULE_EGRESS_ALLOW": allowed, "NOCTULE_WARM_POOL_SIZE": "2", **environment}
        server = Server(folder / "data", settings)
        try:
            server.start()
            yield Stage(server, site, pages)
        finally:
            server.close()


@dataclass(frozen=True)
class Visit:
    """One session of a stage, spoken to over HTTP."""

    stage: Stage
    api: httpx.Client
    session: dict[str, Any]

    @property
    def path(self) -> str:
        return f"/sessions/{self.session['session_id']}"

    def post(self, action: dict[str, Any]) -> httpx.Response:
        """``execute``, whatever comes of it."""
        return self.api.post(f"{self.path}/page/execute", json=action)

    def act(self, **action: Any) -> dict[str, Any]:
        """``execute``, which is carried out."""
        reply = self.try_to(**action)
        assert reply["success"], reply["message"]
        return reply

    def try_to(self, **action: Any) -> dict[str, Any]:
        """``execute``, which may fail."""
        reply: dict[str, Any] = self.post(action).raise_for_status().json()
        return reply

    def open(self, page: str) -> None:
        """Go to a page of the site."""
        self.act(type="goto", url=self.stage.site.url(page))

    def show(self, body: str) -> None:
        """Go to a page with this body."""
        self.act(type="goto", url=self.stage.pages.add("/page", f"<!doctype html><title>page</title>{body}"))

    def observe(self, **body: Any) -> dict[str, Any]:
        """What is to be seen."""
        reply = self.api.post(f"{self.path}/page/observe", json=body)
        assert reply.status_code == 200, reply.text
        seen: dict[str, Any] = reply.json()
        return seen

    def actions(self, **body: Any) -> dict[str, dict[str, Any]]:
        """What can be done now, by label; the first of equal ones."""
        found: dict[str, dict[str, Any]] = {}
        for action in self.observe(**body)["space"]["interaction_actions"]:
            found.setdefault(action["text_label"], action)
        return found

    def value(self, code: str) -> Any:
        """What an expression comes to in the page."""
        return json.loads(self.act(type="evaluate_js", code=f"JSON.stringify({code})")["data"]["markdown"])

    def steps(self) -> list[dict[str, Any]]:
        """The session's trajectory."""
        steps: list[dict[str, Any]] = self.api.get(self.path).raise_for_status().json()["steps"]
        return steps


@contextmanager
def visiting(stage: Stage, **wishes: Any) -> Iterator[Visit]:
    """A session that ends with the block."""
    with stage.server.client() as api:
        visit = Visit(stage, api, api.post("/sessions/start", json=wishes).raise_for_status().json())
        try:
            yield visit
        finally:
            api.delete(f"{visit.path}/stop")
