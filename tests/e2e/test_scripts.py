"""The code of a session does again what the session did, unchanged, with both official SDKs."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.page_stage import Stage, Visit, staged, visiting
from tests.support import clients
from tests.support.restricted import problems
from tests.support.server import KEY

pytestmark = pytest.mark.slow

_SECRET = "correct horse battery staple"
_TELL = "await fetch('/submit?log=' + encodeURIComponent(events.join(' | ')))"
_NOTES = 'They came out at dusk,\nforty of them: "{bats}" \\ \'moths\' """\n' * 3


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with staged(tmp_path_factory.mktemp("scripts")) as stage:
        yield stage


def _record(visit: Visit) -> dict[str, Any]:
    """A session of every kind of deed, by ids and by selectors; what it read."""
    visit.open("controls.html")
    known = visit.actions()
    visit.act(type="fill", id=known["Email"]["id"], value="ada@x.example")
    visit.act(type="fill", id=known["Password"]["id"], value=_SECRET)
    visit.act(type="fill", selector="#comments", value=_NOTES)
    visit.act(type="select_dropdown_option", selector="#country", value="Germany")
    visit.act(type="check", selector="#terms", value=True)
    visit.act(type="fallback_fill", selector="css=#search", value="ab")
    visit.act(type="multi_factor_fill", selector="xpath=//input[@id='tel']", value="123456")
    visit.act(type="press_key", key="Tab")
    visit.act(type="scroll_down", amount=200)
    visit.act(type="scroll_up")
    visit.act(type="click", id=known["Save draft"]["id"])
    visit.try_to(type="click", selector="#nowhere", timeout=200)
    visit.act(type="evaluate_js", code=_TELL)
    visit.open("popups.html")
    visit.act(type="click", selector="#blank")
    visit.act(type="switch_tab", tab_index=0)
    visit.act(type="download_file", selector="#download-header")
    visit.act(type="goto_new_tab", url=visit.stage.site.url("landing.html?from=new"))
    visit.act(type="close_tab")
    visit.open("landing.html?from=last")
    visit.act(type="go_back")
    visit.act(type="go_forward")
    visit.act(type="reload")
    visit.act(type="wait", time_ms=10)
    reply = visit.api.post(f"{visit.path}/page/scrape", json={"only_main_content": True})
    read: dict[str, Any] = reply.raise_for_status().json()
    visit.act(type="completion", success=True, answer="done")
    return read


def _seen(stage: Stage) -> list[tuple[str, str, str]]:
    """What came to the site, without what a browser asks for on its own."""
    told = [
        (request.method, request.path, json.dumps(request.query, sort_keys=True))
        for request in list(stage.site.requests)
        if request.path.endswith((".html", "/submit")) or request.path.startswith("/download/")
    ]
    stage.site.requests.clear()
    return told


def _code(visit: Visit, **query: Any) -> dict[str, Any]:
    reply = visit.api.get(f"{visit.path}/workflow/code", params=query)
    found: dict[str, Any] = reply.raise_for_status().json()
    return found


def test_a_script_runs_unchanged_with_both_sdks_and_repeats_the_session(stage: Stage, tmp_path: Path) -> None:
    stage.site.requests.clear()
    with visiting(stage, viewport_width=1100, viewport_height=700) as visit:
        read = _record(visit)
        first = _seen(stage)
        code, lines = _code(visit, as_workflow=True), _code(visit, as_workflow=False)
    script: str = code["python_script"]
    assert problems(script) == []
    assert _SECRET not in json.dumps([code, lines])
    assert ", id=" not in script
    assert "#nowhere" not in script
    assert "viewport_width=1100, viewport_height=700" in script
    assert "    password: str,\n    tel: str,\n    email: str = " in script
    assert lines["json_actions"] == code["json_actions"]
    assert [action["type"] for action in code["json_actions"]].count("click") == 2
    assert lines["python_script"].startswith("session.execute(")

    file = tmp_path / "script.py"
    file.write_text(script)
    secrets = json.dumps({"password": _SECRET, "tel": "123456"})
    for version in clients.SDK_VERSIONS:
        stage.site.requests.clear()
        ran = clients.run_sdk_script(version, stage.server.url, KEY, "run_script.py", str(file), secrets)
        assert ran == {"sdk": version, "result": read["markdown"]}
        assert _seen(stage) == first


@pytest.mark.parametrize("version", clients.SDK_VERSIONS)
def test_the_official_sdks_have_a_sessions_script(version: str, stage: Stage) -> None:
    found = clients.run_sdk_script(version, stage.server.url, KEY, "sdk_script.py", stage.site.url())
    assert found["sdk"] == version
    assert problems(found["script"]) == []
    assert [action["type"] for action in found["actions"]] == ["goto", "fill"]
    assert 'session.execute(type="fill", selector="#email", value=email)' in found["script"]


def _first(visit: Visit, where: str) -> str:
    """The id of the first element there that can be clicked."""
    actions = visit.observe()["space"]["interaction_actions"]
    there = (action for action in actions if action["selector"] and action["selector"][where])
    found: str = next(action["id"] for action in there if action["type"] == "click")
    return found


def test_elements_in_frames_and_shadow_roots_are_found_again(stage: Stage, tmp_path: Path) -> None:
    with visiting(stage) as visit:
        visit.open("frames.html")
        inside = [
            action for action in visit.observe()["space"]["interaction_actions"] if action["selector"]["in_iframe"]
        ]
        clicked = next(action for action in inside if action["type"] == "click")
        visit.act(type="click", id=clicked["id"])
        visit.open("shadow.html")
        visit.act(type="click", id=_first(visit, "in_shadow_root"))
        visit.act(type="evaluate_js", code=_TELL)
        script = _code(visit, as_workflow=True)["python_script"]
        first = [request.query for request in stage.site.seen("/submit")][-1]
    assert "internal:control=enter-frame" in script
    file = tmp_path / "script.py"
    file.write_text(script)
    for version in clients.SDK_VERSIONS:
        clients.run_sdk_script(version, stage.server.url, KEY, "run_script.py", str(file), "{}")
        assert stage.site.seen("/submit")[-1].query == first


def test_a_session_of_another_workspace_has_no_script(stage: Stage) -> None:
    with stage.server.client() as api:
        missing = api.get("/sessions/00000000-0000-0000-0000-000000000000/workflow/code?as_workflow=true")
        assert missing.status_code == 404
        assert api.get("/sessions/x/workflow/code").status_code == 422
