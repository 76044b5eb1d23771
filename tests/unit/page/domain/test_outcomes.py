"""What is echoed of an action."""

from typing import Any

import pytest

from noctule.page.domain import Found, echo

FOUND = Found("#send", "Send")
BLANK = {
    "css_selector": "",
    "xpath_selector": "",
    "in_iframe": False,
    "in_shadow_root": False,
    "notte_selector": "",
    "iframe_parent_css_selectors": [],
    "playwright_selector": None,
    "python_selector": "",
}


def test_an_action_by_id_is_echoed_with_the_element_it_led_to() -> None:
    echoed = echo({"type": "click", "id": "B1", "selector": None}, FOUND)
    assert (echoed["id"], echoed["text_label"]) == ("B1", "Send")
    assert echoed["selector"] == {
        "css_selector": "#send",
        "xpath_selector": "",
        "in_iframe": False,
        "in_shadow_root": False,
        "notte_selector": None,
        "iframe_parent_css_selectors": [],
        "playwright_selector": "#send",
        "python_selector": None,
    }


@pytest.mark.parametrize(
    "action",
    [
        {"type": "click", "id": "", "selector": "#mine"},
        {"type": "click", "id": "B1", "selector": {**BLANK, "css_selector": "#mine"}},
        {"type": "goto", "url": "https://example.com"},
    ],
)
def test_a_selector_of_the_callers_own_stays_as_it_is(action: dict[str, Any]) -> None:
    assert echo(action, FOUND if "selector" in action else None) == action


def test_a_selector_object_without_a_selector_becomes_null() -> None:
    assert echo({"type": "click", "id": "B1", "selector": BLANK}, None) == {
        "type": "click",
        "id": "B1",
        "selector": None,
    }


def test_an_element_that_no_selector_finds_is_echoed_by_its_name_alone() -> None:
    assert echo({"type": "click", "id": "B1"}, Found("", "Closed")) == {
        "type": "click",
        "id": "B1",
        "text_label": "Closed",
    }


def test_a_label_of_the_callers_own_stays() -> None:
    assert echo({"type": "click", "id": "B1", "text_label": "mine"}, FOUND)["text_label"] == "mine"
