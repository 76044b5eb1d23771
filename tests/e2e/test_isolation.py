"""Nothing of one workspace is visible to another: every route, walked with a foreign key."""

import re

import httpx
import pytest

from tests.support.origin import Origin
from tests.support.server import Server

pytestmark = pytest.mark.slow

_FILE = {"file": ("mine.txt", b"of mine")}
_WITH_BODY = ("post", "put", "patch")


def _second_key(server: Server) -> str:
    server.noctule("workspaces", "create", "other")
    made = server.noctule("keys", "create", "--workspace", "other", "--name", "other").stdout
    return next(word for word in made.split() if word.startswith("noct_"))


def test_every_route_answers_a_foreign_key_as_if_nothing_were_there(server: Server, origin: Origin) -> None:
    with server.client() as mine, server.client(_second_key(server)) as theirs:
        session = mine.post("/sessions/start", json={}).raise_for_status().json()
        wish = {"name": "b", "scope": "workspace", "period": "month", "limit": 1, "action": "warn"}
        budget = mine.post("/usage/budgets", json=wish).raise_for_status().json()
        hook = mine.post("/usage/webhooks", json={"url": origin.url}).raise_for_status().json()
        sent = mine.post(f"/usage/webhooks/{hook['endpoint_id']}/test").raise_for_status().json()
        wish = {"name": "A_SECRET", "namespace": "function_env", "value": "of mine"}
        secret = mine.post("/secrets", json=wish).raise_for_status().json()
        profile = mine.post("/profiles/create", json={"name": "mine"}).json()
        mine.post("/storage/uploads/mine.txt", files=_FILE).raise_for_status()
        file = mine.post(f"/sessions/{session['session_id']}/files", files=_FILE).json()
        things = {
            "filename": "mine.txt",
            "file_id": file["id"],
            "profile_id": profile["profile_id"],
            "session_id": session["session_id"],
            "budget_id": budget["id"],
            "endpoint_id": hook["endpoint_id"],
            "message_id": sent["message_id"],
            "name": secret["name"],
            "secret_id": secret["id"],
        }
        walked = 0
        for path, operations in mine.get("/openapi.json").json()["paths"].items():
            names = re.findall(r"{(\w+)}", path)
            if path.startswith("/operator/"):
                for method in operations:
                    answer = _call(theirs, method, path.format(**dict.fromkeys(names, "default")))
                    assert answer.status_code == 403, f"{method} {path}: {answer.status_code} {answer.text}"
                continue
            if not names:
                continue
            assert set(names) <= set(things), f"give this test a thing of a workspace for {path}"
            for method in operations:
                if (method, path) == ("post", "/storage/uploads/{filename}"):
                    # Everybody may have a file of that name.
                    continue
                answer = _call(theirs, method, path.format(**things))
                assert answer.status_code == 404, f"{method} {path}: {answer.status_code} {answer.text}"
                walked += 1
        assert walked >= 7
        for params in ({"only_active": "True"}, {"only_active": "False"}):
            assert theirs.get("/sessions", params=params).json()["items"] == []
        assert theirs.get("/usage").json()["session_count"] == 0
        assert theirs.get("/usage/webhooks").json()["items"] == []
        assert theirs.get("/secrets").json()["items"] == []
        read = mine.get(f"/secrets/{secret['name']}", params={"namespace": "function_env"})
        assert read.json() == {"value": "of mine"}
        mine.delete(f"/secrets/{secret['id']}").raise_for_status()
        assert mine.get(f"/usage/webhooks/{hook['endpoint_id']}").json()["enabled"]
        mine.delete(f"/usage/webhooks/{hook['endpoint_id']}").raise_for_status()
        assert mine.get(f"/sessions/{session['session_id']}").json()["status"] == "active"
        mine.delete(f"/sessions/{session['session_id']}/stop").raise_for_status()


def _call(client: httpx.Client, method: str, path: str) -> httpx.Response:
    bodies: dict[str, object] = {
        "execute": {"type": "wait", "time_ms": 1},
        "cookies": {"cookies": [{"name": "a", "value": "b", "domain": "a.test", "path": "/", "httpOnly": False}]},
        "state": {"cookies": []},
        "duplicate": {},
        "file": {
            "target_id": "mine.txt",
            "action": {"type": "upload_file", "file_path": "mine.txt", "selector": "input"},
        },
        "observe": {},
        "scrape": {},
    }
    body = bodies.get(path.rsplit("/", 1)[-1], {} if method == "patch" else None) if method in _WITH_BODY else None
    wanted = {"code": {"as_workflow": "true"}, "tab": {"tab_idx": "0"}}
    params = {"namespace": "function_env"} if path.startswith("/secrets/") else wanted.get(path.rsplit("/", 1)[-1])
    if method == "post" and re.search(r"/downloads/|/files$", path):
        return client.post(path, files=_FILE)
    return client.request(method.upper(), path, json=body, params=params)
