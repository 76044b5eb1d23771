"""One minute of a server at which budgets of every scope run out under every kind of client at once.

The minute passes once and is long, so all that happens in it is gathered here and judged by ``test_budgets.py``.
"""

import json
import subprocess
import threading
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import httpx
from playwright.sync_api import Error, Page, sync_playwright
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from tests.support import clients
from tests.support.origin import Origin, Seen
from tests.support.server import KEY, Server

MINUTE = "0.000833333"
UNDER_A_MINUTE = "0.0005"
_TWO_MINUTES_SECONDS = 150.0
_SDK_SCRIPT = clients.ROOT / "tests" / "clients" / "sdk_budget.py"


@dataclass
class Ended:
    """A session that is over. ``budget`` is what should have ended it; ``told`` what its client was told last."""

    budget: str
    workspace: str
    reply: httpx.Response
    told: str = ""
    code: int | None = None

    @property
    def session_id(self) -> str:
        """Its id."""
        return str(self.reply.json()["session_id"])


@dataclass
class Minute:
    """What was seen. ``ended`` and ``later`` (an action after the end) are by client; ``refused`` and ``admitted`` are
    starts while the budgets were used up; ``messages`` and ``secrets`` of webhooks are by workspace."""

    server: Server
    ended: dict[str, Ended] = field(default_factory=dict)
    sdk: dict[str, dict[str, Any]] = field(default_factory=dict)
    refused: dict[str, httpx.Response] = field(default_factory=dict)
    admitted: dict[str, httpx.Response] = field(default_factory=dict)
    later: dict[str, httpx.Response] = field(default_factory=dict)
    warned: httpx.Response | None = None
    topped_up: httpx.Response | None = None
    messages: dict[str, list[Seen]] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)


class _Workspace:
    """A workspace, a client with its key, and an endpoint for its webhooks."""

    def __init__(self, server: Server, origin: Origin, name: str, key: str) -> None:
        self.name = name
        self.client = server.client(key)
        wish = {"url": f"{origin.url}told/{name}"}
        self.endpoint = self.client.post("/usage/webhooks", json=wish).raise_for_status().json()

    def budget(self, name: str, scope: str, subject: str | None = None, **more: str) -> None:
        """A budget that stops after the first minute, unless ``more`` says otherwise."""
        wish = {"name": name, "scope": scope, "subject": subject, "period": "month", "limit": UNDER_A_MINUTE}
        self.client.post("/usage/budgets", json=wish | {"action": "stop"} | more).raise_for_status()

    def start(self, headers: Mapping[str, str] | None = None, **body: object) -> dict[str, Any]:
        """A new session."""
        wish = {"idle_timeout_minutes": 4, **body}
        reply = self.client.post("/sessions/start", json=wish, headers=headers).raise_for_status()
        made: dict[str, Any] = reply.json()
        return made

    def try_start(self, headers: Mapping[str, str] | None = None) -> httpx.Response:
        """Ask for a session, which does not stay."""
        reply = self.client.post("/sessions/start", json={}, headers=headers)
        if reply.is_success:
            self.stop(reply.json()["session_id"])
        return reply

    def stop(self, session_id: str) -> None:
        """End a session."""
        self.client.delete(f"/sessions/{session_id}/stop").raise_for_status()

    def look(self, session_id: str) -> httpx.Response:
        """The session as it is."""
        return self.client.get(f"/sessions/{session_id}").raise_for_status()

    def over(self, session_id: str) -> httpx.Response:
        """The session once it is over."""
        deadline = time.monotonic() + _TWO_MINUTES_SECONDS
        while (seen := self.look(session_id)).json()["status"] == "active":
            assert time.monotonic() < deadline, f"session {session_id} does not end"
            time.sleep(0.5)
        return seen

    def wait(self, session_id: str, time_ms: int = 1) -> httpx.Response:
        """Carry out an action."""
        body = {"type": "wait", "time_ms": time_ms}
        return self.client.post(f"/sessions/{session_id}/page/execute", json=body)

    def settled(self) -> None:
        """Wait until none of its messages is on its way."""
        deadline = time.monotonic() + 60
        path = f"/usage/webhooks/{self.endpoint['endpoint_id']}/deliveries?page_size=100"
        while any(item["state"] == "pending" for item in self.client.get(path).json()["items"]):
            assert time.monotonic() < deadline, "messages stay pending"
            time.sleep(0.2)


def _key(server: Server, *arguments: str) -> tuple[str, str]:
    """A new key: its id and its secret."""
    made = server.noctule("keys", "create", *arguments)
    return made.stderr.split()[1], made.stdout.strip()


class _Executing(threading.Thread):
    """A client that does nothing but plain HTTP: action after action, until one is refused."""

    def __init__(self, space: _Workspace, session_id: str) -> None:
        super().__init__(daemon=True)
        self._space, self._session_id = space, session_id
        self._last: httpx.Response | None = None
        self.start()

    def run(self) -> None:
        """Act."""
        while (answer := self._space.wait(self._session_id, 1500)).status_code == 200:
            pass
        self._last = answer

    def refusal(self) -> str:
        """What the last action was answered."""
        self.join(_TWO_MINUTES_SECONDS)
        assert self._last is not None, "the session goes on"
        return str(self._last.json()["message"])


class _Raw:
    """A client that speaks CDP by hand."""

    def __init__(self, cdp_url: str, stack: ExitStack) -> None:
        self._socket = stack.enter_context(connect(cdp_url, compression=None, max_size=None, proxy=None))
        self._socket.send('{"id":1,"method":"Browser.getVersion"}')
        assert "Chrome" in json.loads(self._socket.recv(timeout=20))["result"]["product"]

    def closed(self) -> tuple[int | None, str]:
        """Code and reason that it is closed with."""
        try:
            while True:
                self._socket.recv(timeout=_TWO_MINUTES_SECONDS)
        except ConnectionClosed as closed:
            return (closed.rcvd.code, closed.rcvd.reason) if closed.rcvd else (None, "")


def _start_sdk(version: str, url: str, key: str, page_url: str) -> "subprocess.Popen[str]":
    """The official SDK at work in a process of its own."""
    return subprocess.Popen(
        [str(clients.sdk_python(version)), str(_SDK_SCRIPT), page_url],
        env=clients.sdk_environment(url, key),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _disconnected(page: Page) -> str:
    """What Playwright raises when its session ends."""
    deadline = time.monotonic() + _TWO_MINUTES_SECONDS
    while time.monotonic() < deadline:
        try:
            page.evaluate("1 + 1")
            page.wait_for_timeout(500)
        except Error as error:
            return str(error)
    return ""


def pass_one(server: Server, origin: Origin) -> Minute:
    """Let it pass on a started server."""
    origin.page("/budgets", "<!doctype html><title>A page that costs</title>")
    with ExitStack() as stack:
        return _Story(server, origin, stack).told()


class _Story:
    """The minute from its first start to the last message."""

    def __init__(self, server: Server, origin: Origin, stack: ExitStack) -> None:
        self._server, self._origin, self._stack = server, origin, stack
        self._page_url = f"{origin.url}budgets"
        self._minute = Minute(server)
        self._operator = stack.enter_context(server.client(_key(server, "--operator")[1]))
        for name, plan in (("capped", "enterprise"), ("prepaid", "prepaid")):
            self._operator.post("/operator/workspaces", json={"name": name, "plan": plan}).raise_for_status()
        self._top_up(UNDER_A_MINUTE)
        self._main = self._workspace("default", KEY)
        self._capped, self._prepaid = (
            self._workspace(name, _key(server, "--workspace", name)[1]) for name in ("capped", "prepaid")
        )
        self._sdks: dict[str, subprocess.Popen[str]] = {}

    def told(self) -> Minute:
        """All of it."""
        self._set_budgets()
        self._start_sdks()
        self._run_out()
        self._later()
        return self._minute

    def _workspace(self, name: str, key: str) -> _Workspace:
        space = _Workspace(self._server, self._origin, name, key)
        self._stack.callback(space.client.close)
        self._minute.secrets[name] = space.endpoint["secret"]
        return space

    def _top_up(self, amount: str) -> None:
        wish = {"amount": amount, "key": f"of {amount}"}
        self._operator.post("/operator/workspaces/prepaid/topups", json=wish).raise_for_status()

    def _set_budgets(self) -> None:
        self._main.budget("crawler", "tag", "job:crawl")
        self._main.budget("browsing", "tag", "by hand")
        self._main.budget("heads up", "tag", "watched", action="warn", limit="0.0015")
        self._main.budget("far away", "workspace", limit="100")
        self._capped.budget("whole house", "workspace", period="total")

    def _start_sdks(self) -> None:
        for version in clients.SDK_VERSIONS:
            if (clients.ROOT / ".venvs" / f"sdk-{version}").exists():
                key_id, key = _key(self._server, "--name", f"sdk {version}")
                self._main.budget(f"laptop {version}", "key", key_id)
                process = self._sdks[version] = _start_sdk(version, self._server.url, key, self._page_url)
                self._stack.callback(process.kill)

    def _run_out(self) -> None:
        """Every client has a session, and each of them ends."""
        minute, main, capped, prepaid = self._minute, self._main, self._capped, self._prepaid
        crawl = main.start({"X-Noctule-Tags": "job:crawl, nightly"})
        by_hand = main.start(tags=["by hand"])
        limited = main.start({"X-Noctule-Max-Cost": UNDER_A_MINUTE}, tags=["raw"])
        modest = main.start(max_cost=0.0005)
        house = capped.start()
        broke = prepaid.start(tags=["broke"])
        watched = main.start({"X-Noctule-Tags": "watched"})
        executing = _Executing(main, crawl["session_id"])
        raw = {
            name: _Raw(each["cdp_url"], self._stack)
            for name, each in (("cdp", limited), ("workspace", house), ("credit", broke))
        }
        self._try_starts()
        with sync_playwright() as playwright:
            page = playwright.chromium.connect_over_cdp(by_hand["cdp_url"]).contexts[0].pages[0]
            page.goto(self._page_url)
            disconnected = _disconnected(page)
        for name, budget, space, session in (
            ("playwright", "browsing", main, by_hand),
            ("execute", "crawler", main, crawl),
            ("cdp", f"max cost of session {limited['session_id']}", main, limited),
            ("nobody", f"max cost of session {modest['session_id']}", main, modest),
            ("workspace", "whole house", capped, house),
            ("credit", "", prepaid, broke),
        ):
            minute.ended[name] = Ended(budget, space.name, space.over(session["session_id"]))
            minute.later[name] = space.wait(session["session_id"])
        minute.ended["playwright"].told = disconnected
        minute.ended["execute"].told = executing.refusal()
        for name, client in raw.items():
            minute.ended[name].code, minute.ended[name].told = client.closed()
        for version, process in self._sdks.items():
            self._sdk_ended(version, process)
        # A warning ends nothing.
        deadline = time.monotonic() + _TWO_MINUTES_SECONDS
        while main.look(watched["session_id"]).headers["x-noctule-cost"] == MINUTE:
            assert time.monotonic() < deadline, "the second minute does not come"
            time.sleep(0.5)
        minute.warned = main.look(watched["session_id"])
        main.stop(watched["session_id"])

    def _try_starts(self) -> None:
        """New work, while the old still runs."""
        refused, admitted = self._minute.refused, self._minute.admitted
        refused["tag"] = self._main.try_start({"X-Noctule-Tags": "new,job:crawl"})
        refused["workspace"] = self._capped.try_start()
        refused["credit"] = self._prepaid.try_start()
        admitted["no tag"] = self._main.try_start()
        admitted["other tag"] = self._main.try_start({"X-Noctule-Tags": "nightly"})
        admitted["warned tag"] = self._main.try_start({"X-Noctule-Tags": "watched"})
        admitted["warned tag once more"] = self._main.try_start({"X-Noctule-Tags": "watched"})

    def _sdk_ended(self, version: str, process: "subprocess.Popen[str]") -> None:
        output, errors = process.communicate(timeout=_TWO_MINUTES_SECONDS)
        assert process.returncode == 0, errors
        seen: dict[str, Any] = json.loads(output.splitlines()[-1])
        name, session_id = f"sdk {version}", seen["session_id"]
        self._minute.sdk[version] = seen
        self._minute.ended[name] = Ended(f"laptop {version}", "default", self._main.look(session_id), seen["execute"])
        self._minute.later[name] = self._main.wait(session_id)

    def _later(self) -> None:
        """New credit opens the door again; every message arrives."""
        self._top_up("1")
        self._minute.topped_up = self._prepaid.try_start()
        for space in (self._main, self._capped, self._prepaid):
            space.settled()
            self._minute.messages[space.name] = self._origin.seen(f"/told/{space.name}")
