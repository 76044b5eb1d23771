"""Looking at pages and acting on them over plain HTTP: tabs, forms, scrolling, secrets, and what is kept of it all."""

import base64
import io
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.e2e.page_stage import Stage, Visit, staged, visiting

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with staged(tmp_path_factory.mktemp("page")) as stage:
        yield stage


@pytest.fixture(scope="module")
def visit(stage: Stage) -> Iterator[Visit]:
    with visiting(stage) as visit:
        yield visit


def test_a_tab_that_has_been_nowhere_is_an_empty_observation(stage: Stage) -> None:
    with visiting(stage) as visit:
        seen = visit.observe()
        assert (seen["metadata"]["url"], seen["space"]["interaction_actions"]) == ("", [])
        assert base64.b64decode(seen["screenshot"]["raw"])[:2] == b"\xff\xd8"
        assert [step["type"] for step in visit.steps()] == ["observation"]


def test_an_observation_is_kept_and_one_with_instructions_is_not(stage: Stage) -> None:
    with visiting(stage) as visit:
        visit.open("controls.html")
        visit.observe()
        chosen = visit.observe(instructions="write a comment")["space"]
        assert [action["text_label"] for action in chosen["interaction_actions"]] == ["Comments"]
        assert "Save draft" in chosen["description"]
        goto, seen = visit.steps()
        assert (goto["type"], goto["value"]["action"]["type"]) == ("execution_result", "goto")
        assert (seen["type"], seen["value"]["metadata"]["title"]) == ("observation", "Native controls")
        assert "B1[:]<button>Save draft</button>" in seen["value"]["space"]["description"]


def test_without_a_model_to_look_deep_is_to_look_fast(visit: Visit) -> None:
    visit.open("controls.html")
    deep, fast = (visit.observe(perception_type=kind)["space"] for kind in ("deep", "fast"))
    assert (deep["description"], deep["markdown"]) == (fast["description"], fast["markdown"])


def test_a_dialog_comes_first_and_its_page_is_an_overlay(visit: Visit) -> None:
    visit.open("overlays.html")
    visit.act(type="click", selector="#open-native")
    space = visit.observe()["space"]
    assert space["category"] == "overlay"
    assert space["description"].startswith("### Content of 'dialog' component with text")


def test_a_form_in_one_go_lands_where_it_is_sent(visit: Visit) -> None:
    visit.open("form.html")
    values = {"username": "ada", "password": "hush hush"}
    assert visit.act(type="form_fill", value=values)["message"] == "Filled the form: username, current_password."
    visit.act(type="press_key", key="Enter")
    assert "submit login" in visit.value("events")
    refused = visit.post({"type": "form_fill", "value": {"shoe_size": "42"}})
    assert refused.status_code == 422
    assert "'first_name'" in refused.json()["message"]


_LOGIN = """<form><label>User <input name=username autocomplete=username></label>
<label>Password <input id=password name=password type=password></label>
<label>Code <input id=code name=code autocomplete=one-time-code></label></form>
<label>Company <input id=company></label>"""


def test_no_secret_is_kept_of_what_was_typed(stage: Stage) -> None:
    with visiting(stage) as visit:
        visit.show(_LOGIN)
        secret = "open-sesame-4711"
        visit.act(type="form_fill", value={"username": "ada", "password": secret})
        visit.act(type="fill", selector="#password", value=secret)
        visit.act(type="fallback_fill", selector="#password", value=secret)
        assert not visit.try_to(type="fill", selector="#nowhere", value=secret, timeout=100)["success"]
        description = visit.observe()["space"]["description"]
        visit.act(type="multi_factor_fill", selector="#code", value="471147")
        visit.act(type="fill", selector="#company", value="Noctule Ltd")
        kept = str(visit.steps())
    assert "Noctule Ltd" in kept
    for text in (kept, description, visit.stage.server.log.read_text()):
        assert secret not in text
        assert "471147" not in text


def test_scrolling_tells_where_the_page_is_and_fails_where_nothing_moved(visit: Visit) -> None:
    visit.open("scroll.html")
    down = visit.act(type="scroll_down", amount=300)
    assert "300 pixels" in down["message"]
    assert visit.observe()["metadata"]["viewport"]["scroll_y"] == 300
    visit.act(type="scroll_up")
    top = visit.try_to(type="scroll_up")
    assert (top["success"], top["exception_detail"]["error_type"]) == (False, "ScrollActionFailedError")
    assert visit.act(type="scroll_down", selector="#pane", amount=50)["success"]


def test_tabs_are_opened_followed_switched_and_closed(visit: Visit) -> None:
    visit.open("popups.html")
    visit.act(type="click", selector="#blank")
    assert [tab["url"].rpartition("/")[2].partition("?")[0] for tab in visit.observe()["metadata"]["tabs"]] == [
        "popups.html",
        "landing.html",
    ]
    assert visit.observe()["metadata"]["title"] == "Landing"
    visit.act(type="switch_tab", tab_index=0)
    assert visit.observe()["metadata"]["url"].endswith("/popups.html")
    assert not visit.try_to(type="switch_tab", tab_index=7)["success"]
    visit.act(type="switch_tab", tab_index=-1)
    visit.act(type="close_tab")
    assert len(visit.observe()["metadata"]["tabs"]) == 1


def test_a_page_that_is_a_file_can_be_gone_to_and_read(visit: Visit) -> None:
    url = visit.stage.site.url("report.pdf")
    assert visit.act(type="goto", url=url)["success"]
    scraped = visit.act(type="scrape")
    assert "Sessions rose by a fifth." in scraped["data"]["markdown"]


def test_a_scrape_brings_the_page_back(visit: Visit) -> None:
    visit.show("<main><h1>Bats</h1><p>Forty <a href='/dusk'>at dusk</a>.</p></main>")
    reply = visit.act(type="scrape", only_main_content=False)
    assert "# Bats" in reply["data"]["markdown"]
    assert reply["data"]["structured"] is None
    structured = visit.act(type="scrape", instructions="how many bats")["data"]["structured"]
    assert (structured["success"], structured["data"]) == (False, None)


@pytest.mark.parametrize(
    ("action", "words"),
    [
        ({"type": "captcha_solve", "captcha_type": "turnstile"}, "no captcha solver is configured"),
        ({"type": "help", "reason": "stuck"}, "stuck"),
        ({"type": "press_key", "key": "Nonsense"}, "Nonsense"),
        ({"type": "goto", "url": "file:///etc/passwd"}, "https://"),
        ({"type": "click", "selector": "#disabled-button", "timeout": 300}, "Element is disabled"),
        ({"type": "fill", "selector": "#save", "value": "x", "timeout": 300}, "takes no text"),
        ({"type": "select_dropdown_option", "selector": "#country", "value": "Atlantis", "timeout": 2500}, "Austria"),
        ({"type": "check", "selector": "#save", "value": True, "timeout": 300}, "cannot be checked"),
    ],
    ids=str,
)
def test_a_failure_says_what_is_in_the_way(action: dict[str, Any], words: str, visit: Visit) -> None:
    visit.open("controls.html")
    reply = visit.try_to(**action)
    assert not reply["success"]
    assert words in reply["message"]
    assert reply["exception"] == reply["message"] == reply["exception_detail"]["agent_message"]
    assert reply["action"] == action


def test_calls_of_one_session_at_once_all_get_their_answers(visit: Visit) -> None:
    visit.open("controls.html")
    with ThreadPoolExecutor(4) as threads:
        seen = [threads.submit(visit.observe) for _ in range(4)]
        done = [threads.submit(visit.try_to, type="click", selector="#save") for _ in range(4)]
        assert all(each.result()["space"]["interaction_actions"] for each in seen)
        assert all(each.result()["success"] for each in done)
    assert visit.value("events.filter(entry => entry === 'click save').length") == 4


def test_a_picture_is_a_jpeg_of_even_size(stage: Stage) -> None:
    with visiting(stage, viewport_width=641, viewport_height=481) as visit:
        visit.open("controls.html")
        picture = visit.api.post(f"{visit.path}/page/screenshot").content
        raw = base64.b64decode(visit.observe()["screenshot"]["raw"])
    for jpeg in (picture, raw):
        assert _size(jpeg) == (640, 480)


def _size(jpeg: bytes) -> tuple[int, int]:
    data = io.BytesIO(jpeg)
    assert data.read(2) == b"\xff\xd8"
    while True:
        marker, length = data.read(2)[1], int.from_bytes(data.read(2), "big")
        body = data.read(length - 2)
        if 0xC0 <= marker <= 0xC2:
            return int.from_bytes(body[3:5], "big"), int.from_bytes(body[1:3], "big")


def test_a_session_that_is_over_or_was_never_there_is_an_error(stage: Stage) -> None:
    with visiting(stage) as visit:
        visit.api.delete(f"{visit.path}/stop").raise_for_status()
        over = visit.api.post(f"{visit.path}/page/observe", json={})
        unknown = visit.api.post("/sessions/nope/page/observe", json={})
    assert (over.status_code, unknown.status_code) == (409, 404)
