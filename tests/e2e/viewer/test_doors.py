"""Who may look: tokens for one use of one session, API keys in the address, and plain words for everybody else."""

import json

import pytest
from playwright.sync_api import Browser, expect
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from tests.e2e.viewer.stage import Remote
from tests.support.origin import Origin
from tests.support.server import KEY, Server

pytestmark = pytest.mark.slow

STREAMS = ("view", "recording", "logs")


def _status(url: str) -> tuple[int, str]:
    """What the server answers to a websocket's handshake, 101 if it lets it in."""
    try:
        with connect(url, proxy=None):
            return 101, ""
    except InvalidStatus as refused:
        return refused.response.status_code, json.loads(refused.response.body or b"{}").get("message", "")


def _token(url: str) -> str:
    return url.rpartition("token=")[2]


def test_a_token_opens_one_session_for_one_use(remote: Remote, server: Server, origin: Origin) -> None:
    debug = remote.debug()
    ws, root = debug.json()["ws"], server.url.replace("http", "ws", 1)
    tokens = {
        "cdp": _token(ws["cdp"]),
        "recording": _token(ws["recording"]),
        "logs": _token(ws["logs"]),
        "interact": _token(remote.viewer_url),
        "view": _token(debug.headers["x-noctule-view-only-url"]),
        "devtools": _token(debug.json()["tabs"][0]["ws_url"]),
    }
    opens = {"view": {"interact", "view"}, "recording": {"recording", "interact", "view"}, "logs": {"logs"}}
    for stream in STREAMS:
        for use, token in tokens.items():
            wanted = 101 if use in opens[stream] else 401
            assert _status(f"{root}/sessions/{remote.id}/debug/{stream}?token={token}")[0] == wanted, (stream, use)
    for use, token in tokens.items():
        wanted = 101 if use == "cdp" else 401
        assert _status(f"{root}/sessions/{remote.id}/cdp?token={token}")[0] == wanted, use
        page = debug.json()["tabs"][0]["ws_url"].partition("?")[0]
        assert _status(f"{page}?token={token}")[0] == (101 if use == "devtools" else 401), use
        assert remote.api.get(f"/viewer?session={remote.id}&token={token}").status_code == (
            200 if use in {"view", "interact"} else 401
        ), use

    other = remote.api.post("/sessions/start", json={}).json()["session_id"]
    for stream, use in (("view", "interact"), ("recording", "recording"), ("logs", "logs")):
        assert _status(f"{root}/sessions/{other}/debug/{stream}?token={tokens[use]}")[0] == 401
    remote.api.delete(f"/sessions/{other}/stop")


def test_an_api_key_opens_the_streams_of_its_workspace_alone(remote: Remote, server: Server) -> None:
    root = server.url.replace("http", "ws", 1)
    for stream in STREAMS:
        assert _status(f"{root}/sessions/{remote.id}/debug/{stream}?token={KEY}")[0] == 101
        assert _status(f"{root}/sessions/{remote.id}/debug/{stream}?token={KEY}x")[0] == 401
        assert _status(f"{root}/sessions/{remote.id}/debug/{stream}")[0] == 401
        assert _status(f"{root}/sessions/00000000-0000-4000-8000-000000000000/debug/{stream}?token={KEY}")[0] == 404
    server.noctule("workspaces", "create", "strangers")
    made = server.noctule("keys", "create", "--workspace", "strangers").stdout
    stranger = next(word for word in made.split() if word.startswith("noct_"))
    assert _status(f"{root}/sessions/{remote.id}/debug/view?token={stranger}")[0] == 404
    assert KEY not in json.dumps(remote.debug().json())
    assert KEY not in remote.viewer_url


@pytest.mark.parametrize("java_script", [True, False])
def test_a_link_that_opens_nothing_is_answered_with_a_page_that_says_so(
    remote: Remote, persons_browser: Browser, java_script: bool
) -> None:
    context = persons_browser.new_context(java_script_enabled=java_script)
    page = context.new_page()
    for url in (f"{remote.server.url}/viewer", remote.viewer_url[:-3], remote.viewer_url.replace(remote.id, "x")):
        answer = page.goto(url)
        assert answer is not None
        assert answer.status == 401
        expect(page.locator("h1")).to_have_text("This link opens no session")
    remote.stop()
    answer = page.goto(remote.viewer_url)
    assert answer is not None
    assert answer.status == 410
    expect(page.locator("h1")).to_have_text("This session has ended")
    expect(page.locator("p")).to_contain_text("The session was stopped.")
    context.close()


def test_without_scripts_the_page_says_that_it_needs_them(remote: Remote, persons_browser: Browser) -> None:
    context = persons_browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(remote.viewer_url)
    expect(page.get_by_text("The live view needs JavaScript")).to_be_visible()
    context.close()


def test_the_page_runs_its_own_files_alone_and_may_stand_in_any_frame(remote: Remote) -> None:
    answer = remote.api.get(remote.viewer_url, headers={"Authorization": ""})
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors" not in policy
    assert "x-frame-options" not in answer.headers
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cache-control"] == "no-store"
    for name in ("index.html", "sorry.html", "..%2fpages.py", "nothing.js"):
        assert remote.api.get(f"/viewer/{name}").status_code == 404


def test_where_a_session_is_looked_at_is_told_while_it_lives(remote: Remote) -> None:
    remote.origin.page("/second", "<title>Second page</title>")
    remote.act(type="goto_new_tab", url=remote.origin.url + "second")
    found = remote.debug().json()
    assert [tab["metadata"] for tab in found["tabs"]] == [
        {"tab_id": 0, "title": "First page", "url": remote.origin.url + "viewed"},
        {"tab_id": 1, "title": "Second page", "url": remote.origin.url + "second"},
    ]
    assert found["debug_url"] == found["tabs"][1]["debug_url"]

    def tab(number: str) -> int:
        answer = remote.api.get(f"/sessions/{remote.id}/debug/tab{number}")
        assert answer.status_code == 200, answer.text
        return int(answer.json()["metadata"]["tab_id"])

    assert (tab(""), tab("?tab_idx=0"), tab("?tab_idx=1"), tab("?tab_idx=-1")) == (1, 0, 1, 1)
    refused = remote.api.get(f"/sessions/{remote.id}/debug/tab?tab_idx=2")
    assert refused.status_code == 422
    assert "numbered 0 to 1" in refused.json()["message"]
    remote.stop()
    for path in ("debug", "debug/tab"):
        answer = remote.api.get(f"/sessions/{remote.id}/{path}")
        assert answer.status_code == 409
        assert "The session was stopped." in answer.json()["message"]
    assert remote.api.get(f"/sessions/{remote.id}").json()["viewer_url"] is None
