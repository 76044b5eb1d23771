"""Nothing of one workspace is visible to another: every route, walked with a foreign key."""

import re

import httpx
import pytest

from tests.support.server import Server

pytestmark = pytest.mark.slow

_NO_THING_OF_A_WORKSPACE = {"/sessions/start"}


def _second_key(server: Server) -> str:
    server.noctule("workspaces", "create", "other")
    made = server.noctule("keys", "create", "--workspace", "other", "--name", "other").stdout
    return next(word for word in made.split() if word.startswith("noct_"))


def test_every_route_answers_a_foreign_key_as_if_nothing_were_there(server: Server) -> None:
    with server.client() as mine, server.client(_second_key(server)) as theirs:
        session = mine.post("/sessions/start", json={}).raise_for_status().json()
        things = {"session_id": session["session_id"]}
        walked = 0
        for path, operations in mine.get("/openapi.json").json()["paths"].items():
            names = re.findall(r"{(\w+)}", path)
            if not names:
                continue
            assert set(names) <= set(things), f"give this test a thing of a workspace for {path}"
            for method in operations:
                answer = _call(theirs, method, path.format(**things))
                assert answer.status_code == 404, f"{method} {path}: {answer.status_code} {answer.text}"
                walked += 1
        assert walked >= 7
        for params in ({"only_active": "True"}, {"only_active": "False"}):
            assert theirs.get("/sessions", params=params).json()["items"] == []
        assert theirs.get("/usage").json()["session_count"] == 0
        assert mine.get(f"/sessions/{session['session_id']}").json()["status"] == "active"
        mine.delete(f"/sessions/{session['session_id']}/stop").raise_for_status()


def _call(client: httpx.Client, method: str, path: str) -> httpx.Response:
    bodies: dict[str, object] = {
        "execute": {"type": "wait", "time_ms": 1},
        "cookies": {"cookies": []},
    }
    body = bodies.get(path.rsplit("/", 1)[-1]) if method in ("post", "put", "patch") else None
    return client.request(method.upper(), path, json=body)
