"""Of each action what says the same again: by selectors, and as both clients take it."""

from typing import Any

import pytest

from noctule.scripts.domain.calls import actions_of, calls_of, label_of

_SELECTOR = {
    "css_selector": "#save",
    "xpath_selector": "",
    "in_iframe": False,
    "in_shadow_root": False,
    "notte_selector": "noctule:key:B1",
    "iframe_parent_css_selectors": [],
    "playwright_selector": "#save",
    "python_selector": None,
}


def _step(action: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"action": action, "success": True, "message": "", "data": None, **more}


def _arguments(action: dict[str, Any], **more: Any) -> dict[str, Any]:
    (call,) = calls_of([_step(action, **more)])
    return dict(call.arguments)


@pytest.mark.parametrize(
    ("action", "arguments"),
    [
        ({"type": "goto", "url": "https://x.example", "wait_until": "commit"}, {"url": "https://x.example"}),
        ({"type": "goto_new_tab", "url": "https://x.example"}, {"url": "https://x.example"}),
        ({"type": "switch_tab", "tab_index": -1}, {"tab_index": -1}),
        *(({"type": kind}, {}) for kind in ("close_tab", "go_back", "go_forward", "reload")),
        ({"type": "wait", "time_ms": 10, "category": "x", "description": "y"}, {"time_ms": 10}),
        ({"type": "press_key", "key": "Enter"}, {"key": "Enter"}),
        ({"type": "scroll_up", "amount": None}, {}),
        ({"type": "scroll_down", "amount": 200, "selector": "#x"}, {"amount": 200, "selector": "#x"}),
        ({"type": "form_fill", "value": {"email": "a"}}, {"value": {"email": "a"}}),
        ({"type": "captcha_solve", "captcha_type": None}, {}),
        ({"type": "evaluate_js", "code": "1"}, {"code": "1"}),
        ({"type": "completion", "success": True, "answer": "42"}, {"success": True, "answer": "42"}),
        ({"type": "help", "reason": "x"}, {"reason": "x"}),
        ({"type": "email_read", "limit": 3, "only_unread": False}, {"limit": 3, "only_unread": False}),
        ({"type": "sms_read"}, {}),
        ({"type": "email_verification_read", "mailbox_id": "m", "sender_domain": "d"},
         {"mailbox_id": "m", "sender_domain": "d"}),
        ({"type": "scrape", "scrape_links": True, "only_main_content": False}, {}),
        ({"type": "scrape", "category": "Data Actions"}, {"only_main_content": True}),
        ({"type": "scrape", "instructions": "names", "scrape_links": False},
         {"instructions": "names", "scrape_links": False}),
    ],
)  # fmt: skip
def test_an_action_of_the_tab_keeps_what_both_clients_take(action: dict[str, Any], arguments: dict[str, Any]) -> None:
    assert _arguments(action) == {"type": action["type"], **arguments}


@pytest.mark.parametrize(
    ("more", "arguments"),
    [
        ({"type": "click", "timeout": 15000, "press_enter": None, "text_label": "Save"}, {}),
        ({"type": "click", "timeout": 0, "press_enter": True}, {"press_enter": True}),
        ({"type": "click", "timeout": 20000}, {"timeout": 20000}),
        ({"type": "fill", "value": "x", "clear_before_fill": True}, {"value": "x"}),
        ({"type": "fill", "value": "", "clear_before_fill": False}, {"value": "", "clear_before_fill": False}),
        ({"type": "fallback_fill", "value": "x"}, {"value": "x"}),
        ({"type": "multi_factor_fill", "value": "********"}, {"value": "********"}),
        ({"type": "check", "value": False}, {"value": False}),
        ({"type": "select_dropdown_option", "value": "Germany"}, {"value": "Germany"}),
        ({"type": "upload_file", "file_path": "a.txt"}, {"file_path": "a.txt"}),
        ({"type": "download_file"}, {}),
    ],
)
def test_an_action_on_an_element_goes_by_its_selector(more: dict[str, Any], arguments: dict[str, Any]) -> None:
    action = {"id": "B1", "selector": _SELECTOR, **more}
    assert _arguments(action) == {"type": more["type"], "selector": "#save", **arguments}


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ("~Save", "~Save"),
        ({"css_selector": "#a"}, "css=#a"),
        ({"xpath_selector": "//a"}, "xpath=//a"),
        ({"css_selector": "#a", "iframe_parent_css_selectors": ["#f"]},
         {"css_selector": "#a", "iframe_parent_css_selectors": ["#f"]}),
        ({"playwright_selector": "#f >> internal:control=enter-frame >> #a", "iframe_parent_css_selectors": ["#f"]},
         "#f >> internal:control=enter-frame >> #a"),
        ({"playwright_selector": "#a", "iframe_parent_css_selectors": ["#f"]},
         {"playwright_selector": "#a", "iframe_parent_css_selectors": ["#f"]}),
    ],
)  # fmt: skip
def test_a_selector_is_as_short_as_it_can_be(selector: Any, expected: Any) -> None:
    assert _arguments({"type": "click", "selector": selector})["selector"] == expected


@pytest.mark.parametrize("selector", [None, "", " ", {"notte_selector": "noctule:key:B1", "css_selector": ""}, 7])
def test_an_element_without_a_selector_is_left_out_and_that_is_said(selector: Any) -> None:
    (call,) = calls_of([_step({"type": "click", "id": "B1", "selector": selector, "text_label": "Sa\nve"})])
    assert call.arguments == {}
    assert call.note == 'click on "Sa\\nve": no selector leads to its element, so it is left out.'


@pytest.mark.parametrize(
    ("value", "message", "expected"),
    [
        ("O3", "Selected 'Germany' in Country.", "Germany"),
        ("O3", 'Selected "it\'s".', "it's"),
        ("O3", "Selected 'Ger…'.", "Country"),
        ("O3", "", "Country"),
        ("Other", "Selected 'Germany' in Country.", "Other"),
    ],
)
def test_an_option_goes_by_its_text_and_not_by_its_id(value: str, message: str, expected: str) -> None:
    action = {"type": "select_dropdown_option", "selector": "#c", "value": value, "text_label": "Country"}
    assert _arguments(action, message=message)["value"] == expected


def test_only_what_was_carried_out_is_done_again() -> None:
    steps = [
        _step({"type": "reload"}, success=False),
        _step({"type": "go_back", "id": 1}),
        {"success": True},
        {"success": True, "action": {"type": 3}},
    ]
    assert actions_of(steps) == [{"type": "go_back", "id": 1}]
    assert [call.kind for call in calls_of(steps)] == ["go_back"]


def test_an_action_that_is_not_known_is_left_out_and_that_is_said() -> None:
    (call,) = calls_of([_step({"type": 'fly"\n'})])
    assert (call.arguments, call.note) == ({}, '"fly\\"\\n" is not known here, and is left out.')


@pytest.mark.parametrize(
    ("selector", "label"),
    [
        ("#form >> #e-mail", "e-mail"),
        ("xpath=//input[@id='tel']", "tel"),
        ('input[name="user"]', "user"),
        ('internal:label="Search all"i', "Search all"),
        ("css=input:nth-of-type(2)", ""),
        ({"css_selector": "#a"}, ""),
    ],
)
def test_a_selector_may_suggest_what_its_element_is_called(selector: Any, label: str) -> None:
    assert label_of(selector) == label
