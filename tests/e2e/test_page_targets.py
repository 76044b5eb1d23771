"""What an action may aim with: ids, every spelling of a selector, and what came back from an earlier call."""

import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.page_stage import Stage, Visit, staged, visiting

pytestmark = pytest.mark.slow

ENTER = " >> internal:control=enter-frame >> "


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with staged(tmp_path_factory.mktemp("page")) as stage:
        yield stage


@pytest.fixture(scope="module")
def visit(stage: Stage) -> Iterator[Visit]:
    with visiting(stage) as visit:
        yield visit


def _events(visit: Visit) -> list[str]:
    events: list[str] = visit.value("events.splice(0)")
    return events


def _comes_to(visit: Visit, entry: str) -> bool:
    """Frames tell the page a moment later."""
    for _ in range(100):
        if entry in visit.value("events"):
            return True
        time.sleep(0.02)
    return False


@pytest.mark.parametrize(
    "selector",
    [
        "#save",
        "css=#save",
        "xpath=//button[@id='save']",
        "//button[@id='save']",
        "text=Save draft",
        "~Save draft",
        'button:has-text("Save draft")',
        'role=button[name="Save draft"]',
        'internal:role=button[name="Save draft"i]',
        "main >> #save",
        {"css_selector": "#save"},
        {"xpath_selector": "//button[@id='save']"},
        {"playwright_selector": "#nowhere", "css_selector": "#nowhere", "xpath_selector": "//button[@id='save']"},
    ],
    ids=str,
)
def test_a_selector_is_understood_in_every_spelling(selector: Any, visit: Visit) -> None:
    visit.open("controls.html")
    reply = visit.act(type="click", selector=selector, timeout=8000)
    assert reply["action"] == {"type": "click", "selector": selector, "timeout": 8000}
    assert _events(visit) == ["click save"]


@pytest.mark.parametrize(
    "selector",
    [
        f"iframe[name=other]{ENTER}#press",
        {"css_selector": "#press", "iframe_parent_css_selectors": ["iframe[name=other]"], "in_iframe": True},
        {
            "playwright_selector": f"iframe[name=other]{ENTER}button >> nth=0",
            "css_selector": "#press",
            "iframe_parent_css_selectors": ["iframe[name=other]"],
        },
    ],
    ids=["one selector", "frames apart", "both"],
)
def test_a_selector_leads_into_frames(selector: Any, visit: Visit) -> None:
    visit.open("frames.html")
    visit.act(type="click", selector=selector)
    assert _comes_to(visit, "other: click press")


def test_ids_do_what_they_stand_for(visit: Visit) -> None:
    visit.open("controls.html")
    found = visit.actions()
    visit.act(type="click", id=found["Save draft"]["id"])
    visit.act(type="fill", id=f"{found['Email']['id']}[:]", value="ada@example.org")
    visit.act(type="check", id=found["I accept the terms"]["id"], value=True)
    visit.act(type="select_dropdown_option", id=found["Country"]["id"], value=found["Germany"]["id"])
    visit.act(type="select_dropdown_option", id=found["Panda"]["id"], value=found["Panda"]["id"])
    expected = [
        "click save",
        "input email=ada@example.org",
        "change terms=true",
        "change country=de",
        "change car=Panda",
    ]
    # Choosing an option makes its events by script, as every browser library does.
    events = _events(visit) + visit.value("untrusted")
    assert [event for event in events if event in expected] == expected


def test_an_action_by_id_is_echoed_with_a_selector_that_works_in_another_session(stage: Stage, visit: Visit) -> None:
    visit.open("shadow.html")
    found = visit.actions()
    echoed = visit.act(type="click", id=found["Confirm order"]["id"])["action"]
    assert (echoed["text_label"], echoed["selector"]["in_shadow_root"]) == ("Confirm order", True)
    with visiting(stage) as other:
        other.open("shadow.html")
        assert other.act(type="click", selector=echoed["selector"])["success"]
        assert _events(other) == _events(visit)


def test_what_was_observed_can_be_sent_back_as_it_is(visit: Visit) -> None:
    visit.open("controls.html")
    action = visit.actions()["Save draft"]
    assert visit.act(**action)["action"] == action
    assert _events(visit) == ["click save"]


def test_an_observed_action_acts_on_the_element_that_was_seen_though_another_one_stands_in_its_place(
    visit: Visit,
) -> None:
    visit.show("<main><button>One</button><button>Two</button></main>")
    action = visit.actions()["One"]
    visit.act(type="evaluate_js", code="document.querySelector('main').prepend(document.querySelectorAll('button')[1])")
    visit.act(**action)
    assert visit.value("document.activeElement.textContent") == "One"


def test_an_observed_action_finds_its_element_again_after_a_reload(visit: Visit) -> None:
    visit.open("controls.html")
    action = visit.actions()["Save draft"]
    visit.act(type="reload")
    visit.act(**action)
    assert _events(visit) == ["click save"]
    by_id = visit.try_to(type="click", id=action["id"])
    assert not by_id["success"]
    assert by_id["message"].startswith(f"Action with id '{action['id']}' is invalid")


def test_what_is_in_a_closed_shadow_root_has_no_selector_and_is_acted_on_by_its_id(visit: Visit) -> None:
    visit.open("shadow.html")
    action = visit.actions()["Open the vault"]
    assert action["selector"] is None
    visit.act(**action)
    assert _events(visit) == ["click closed-card>secret"]


def test_an_id_before_anything_was_observed_is_an_error(stage: Stage) -> None:
    with visiting(stage) as visit:
        visit.open("controls.html")
        reply = visit.post({"type": "click", "id": "B1"})
        assert (reply.status_code, reply.json()["status"]) == (409, 409)
        assert "observe first" in reply.json()["message"]
        assert [step["value"]["action"]["type"] for step in visit.steps()] == ["goto"]


def test_an_element_is_waited_for_no_longer_than_was_asked(visit: Visit) -> None:
    visit.open("controls.html")
    reply = visit.try_to(type="click", selector="#nowhere", timeout=200)
    assert reply["exception"].startswith("Nothing was found for selector '#nowhere' within 0.2 s")
    assert reply["exception_detail"]["error_type"] == "InvalidLocatorRuntimeError"
    assert not visit.try_to(type="click", selector="#a >>> b ++", timeout=200)["success"]
