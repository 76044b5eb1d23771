"""Log in once, come back logged in: profiles on real browsers and a site that signs people in."""

import sqlite3
from collections.abc import Iterator

import httpx
import pytest

from tests.e2e.profile_stage import TOLD, Stage, staged

pytestmark = pytest.mark.slow

SHELL, FULL = "chromium", "chrome"


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A server that lets one profile have sixteen MiB."""
    with staged(tmp_path_factory.mktemp("profiles"), NOCTULE_PROFILE_MAX_MB="16") as stage:
        yield stage


@pytest.fixture(scope="module")
def signed_in(stage: Stage) -> str:
    """A profile whose browser has signed in."""
    profile_id = stage.create("signed in")
    session_id = stage.start(profile_id, persist=True)
    stage.sign_in(session_id)
    stage.stop(session_id)
    return profile_id


@pytest.mark.parametrize(("first", "then"), [(SHELL, SHELL), (FULL, FULL), (SHELL, FULL), (FULL, SHELL)])
def test_who_signed_in_is_still_signed_in_in_a_later_session(stage: Stage, first: str, then: str) -> None:
    profile_id = stage.create()
    before = stage.start(profile_id, persist=True, browser_type=first)
    stage.sign_in(before)
    stage.stop(before)
    visits = stage.site.visits
    after = stage.start(profile_id, browser_type=then)
    assert stage.js(after, "[location.href, history.length]") == ["about:blank", 1]
    # Its storage was put in place without asking the site for anything.
    assert stage.site.visits == visits
    assert stage.tell(after) == TOLD
    stage.site.is_offline = True
    try:
        stage.goto(after, "offline")
        assert stage.js(after, "document.getElementById('kept').textContent") == "kept for the night"
    finally:
        stage.site.is_offline = False
        stage.stop(after)


def test_session_items_of_sites_that_were_left_come_back(stage: Stage, signed_in: str) -> None:
    copy = stage.client.post(f"/profiles/{signed_in}/duplicate", json={}).json()["profile_id"]
    for _ in range(2):
        # In neither session does a page of the site stay open, and in the first none is opened at all.
        session_id = stage.start(copy, persist=True)
        stage.stop(session_id)
        session_id = stage.start(copy, persist=True)
        stage.goto(session_id)
        stage.leave(session_id)
        stage.stop(session_id)
    session_id = stage.start(copy)
    assert stage.tell(session_id) == TOLD
    stage.stop(session_id)


def test_a_session_without_the_profile_is_a_stranger(stage: Stage, signed_in: str) -> None:
    session_id = stage.start()
    assert stage.tell(session_id)["account"] == 401
    stage.stop(session_id)


def test_cookies_come_back_exactly(stage: Stage) -> None:
    profile_id = stage.create()
    first = stage.start(profile_id, persist=True)
    given = [
        {"name": "host", "value": "1", "domain": "example.com", "path": "/", "httpOnly": True, "secure": True},
        {"name": "wide", "value": "2", "domain": ".example.com", "path": "/a", "httpOnly": False, "sameSite": "Strict"},
        {"name": "lasts", "value": "3", "domain": "example.org", "path": "/", "httpOnly": False, "expires": 4e9},
        {
            "name": "__Host-part",
            "value": "4",
            "domain": "widget.example",
            "path": "/",
            "httpOnly": True,
            "secure": True,
            "sameSite": "None",
            "partitionKey": "https://top.example",
        },
    ]
    assert stage.client.post(f"/sessions/{first}/cookies", json={"cookies": given}).json()["success"]
    before = _cookies(stage, f"/sessions/{first}/cookies")
    assert len(before) == 4
    stage.stop(first)
    assert _cookies(stage, f"/profiles/{profile_id}/cookies") == before
    second = stage.start(profile_id)
    assert _cookies(stage, f"/sessions/{second}/cookies") == before
    stage.stop(second)


def test_readers_share_a_profile_and_leave_nothing(stage: Stage, signed_in: str) -> None:
    readers = [stage.start(signed_in) for _ in range(3)]
    for number, session_id in enumerate(readers):
        assert stage.tell(session_id) == TOLD
        stage.js(session_id, f"localStorage.setItem('token', 'of reader {number}')")
    for session_id in readers:
        stage.stop(session_id)
    session_id = stage.start(signed_in)
    assert stage.tell(session_id) == TOLD
    stage.stop(session_id)


def test_a_second_writer_is_refused_and_told_who_is_the_first(stage: Stage) -> None:
    profile_id = stage.create()
    first = stage.start(profile_id, persist=True)
    refused = stage.try_start(profile_id, persist=True)
    assert refused.status_code == 409
    assert first in refused.json()["message"]
    assert stage.client.delete(f"/profiles/{profile_id}").status_code == 409
    reader = stage.start(profile_id)
    stage.stop(reader)
    stage.stop(first)
    second = stage.start(profile_id, persist=True)
    stage.stop(second)


def test_what_is_no_profile_of_the_workspace_starts_nothing(stage: Stage) -> None:
    unknown = stage.try_start("notte-profile-0123456789abcdef")
    assert (unknown.status_code, unknown.json()["status"]) == (404, 404)
    deleted = stage.create()
    assert stage.client.delete(f"/profiles/{deleted}").json()["success"]
    assert stage.try_start(deleted).status_code == 400
    assert stage.client.get(f"/profiles/{deleted}").json()["status"] == 400
    elsewhere = stage.try_start(stage.create(), cdp_url="ws://127.0.0.1:1/devtools")
    assert elsewhere.status_code == 422
    stage.server.noctule("workspaces", "create", "other", "--plan", "admin")
    key = stage.server.noctule("keys", "create", "--workspace", "other").stdout.strip()
    foreign = stage.create()
    with stage.server.client(key) as stranger:
        assert stranger.get(f"/profiles/{foreign}").status_code == 404
        assert stranger.post("/sessions/start", json={"profile": {"id": foreign}}).status_code == 404


def test_a_session_that_goes_on_can_be_saved(stage: Stage) -> None:
    session_id = stage.start()
    stage.sign_in(session_id)
    assert _save(stage, session_id).status_code == 409
    saved = _save(stage, session_id, name="in between")
    assert saved.status_code == 200, saved.text
    assert saved.json()["persisted_domains"] == ["127.0.0.1"]
    assert stage.tell(session_id)["account"] == "Ada"
    other = stage.start(saved.json()["profile_id"], persist=True)
    assert stage.tell(other) == TOLD
    assert _save(stage, session_id, profile_id=saved.json()["profile_id"]).status_code == 409
    stage.js(other, "localStorage.setItem('token', 'another one')")
    assert _save(stage, other).status_code == 200
    third = stage.start(saved.json()["profile_id"])
    assert stage.tell(third) == {**TOLD, "token": "another one"}
    for each in (session_id, other, third):
        stage.stop(each)


def test_a_save_in_the_middle_of_writing_is_consistent(stage: Stage) -> None:
    session_id = stage.start()
    stage.goto(session_id)
    stage.js(session_id, "writeOn().catch(() => {}), 1")
    seen = 0
    for _ in range(6):
        stage.js(session_id, "new Promise((done) => setTimeout(() => done(1), 300))")
        saved = _save(stage, session_id, name="under load")
        assert saved.status_code == 200, saved.text
        later = stage.start(saved.json()["profile_id"])
        stage.goto(later)
        written = stage.js(later, "written()")
        # Every transaction is there whole, in order, and more of them each time.
        assert written["whole"]
        assert written["number"] == written["latest"] > seen
        assert written["local"] >= 1
        seen = written["number"]
        stage.stop(later)
    stage.stop(session_id)


def test_a_profile_that_is_too_large_is_refused_and_the_one_before_stays(stage: Stage) -> None:
    profile_id = stage.create()
    session_id = stage.start(profile_id, persist=True)
    stage.sign_in(session_id)
    stage.stop(session_id)
    session_id = stage.start(profile_id, persist=True)
    stage.goto(session_id)
    stage.js(session_id, "caches.open('much').then((much) => much.add('/fill?kib=32768')).then(() => 1)")
    refused = _save(stage, session_id)
    assert refused.status_code == 409
    assert "16 MiB" in refused.json()["message"]
    stage.stop(session_id)
    again = stage.start(profile_id)
    assert stage.tell(again) == TOLD
    stage.stop(again)
    assert "16 MiB" in stage.client.get(f"/profiles/{profile_id}").json()["save_error"]


def test_a_copy_holds_the_same_and_goes_its_own_way(stage: Stage, signed_in: str) -> None:
    copy = stage.client.post(f"/profiles/{signed_in}/duplicate", json={"name": "copy"}).json()
    session_id = stage.start(copy["profile_id"], persist=True)
    assert stage.tell(session_id) == TOLD
    stage.js(session_id, "localStorage.setItem('token', 'of the copy')")
    stage.stop(session_id)
    for profile_id, token in ((signed_in, "token of Ada"), (copy["profile_id"], "of the copy")):
        session_id = stage.start(profile_id)
        assert stage.tell(session_id)["token"] == token
        stage.stop(session_id)


def test_a_state_that_is_brought_along_is_there_from_the_first_page_on(stage: Stage) -> None:
    sid = httpx.post(stage.site.url("login"), data={"name": "Eve"}, trust_env=False).cookies["sid"]
    playwright = {
        "cookies": [
            {
                "name": "sid",
                "value": sid,
                "domain": "127.0.0.1",
                "path": "/",
                "expires": -1,
                "httpOnly": True,
                "secure": False,
                "sameSite": "Lax",
            }
        ],
        "origins": [{"origin": stage.site.origin, "localStorage": [{"name": "token", "value": "of Eve"}]}],
    }
    profile_id = stage.create()
    taken = stage.client.post(f"/profiles/{profile_id}/state", json=playwright).json()
    assert taken == {
        "success": True,
        "cookies_count": 1,
        "local_storage_origins": 1,
        "session_storage_origins": 0,
    }
    more = {"session_storage": {stage.site.origin: {"draft": "\U0001f987"}}, "mode": "append"}
    assert stage.client.post(f"/profiles/{profile_id}/state", json=more).json()["session_storage_origins"] == 1
    session_id = stage.start(profile_id)
    told = stage.tell(session_id)
    assert (told["account"], told["token"], told["draft"]) == ("Eve", "of Eve", "\U0001f987")
    stage.stop(session_id)


def test_nothing_of_a_profile_is_readable_at_rest(stage: Stage, signed_in: str) -> None:
    objects = [path for path in (stage.server.data_dir / "objects").rglob("*") if path.is_file()]
    assert any(path.suffix == ".files" for path in objects)
    # Not the database, whose steps of sessions hold what the tests made the site tell.
    files = [path for path in stage.server.data_dir.rglob("*") if path.is_file() and "noctule.db" not in path.name]
    state = b"".join(path.read_bytes() for path in files)
    for secret in (*stage.site.names, "token of Ada", "note of Ada", "photo of Ada"):
        assert secret.encode() not in state
    assert "token of Ada" not in stage.server.log.read_text()
    with sqlite3.connect(stage.server.data_dir / "noctule.db") as database:
        held = {key for row in database.execute("SELECT state_key, archive_key FROM profile") for key in row if key}
    assert held <= {str(path.relative_to(stage.server.data_dir / "objects")) for path in objects}


def _save(stage: Stage, session_id: str, **where: str) -> httpx.Response:
    return stage.client.post(f"/sessions/{session_id}/profile/save", json=where)


def _cookies(stage: Stage, path: str) -> list[dict[str, object]]:
    cookies: list[dict[str, object]] = stage.client.get(path).json()["cookies"]
    return sorted(cookies, key=lambda cookie: str(cookie["name"]))
