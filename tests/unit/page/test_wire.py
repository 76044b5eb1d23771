"""Every action that clients send is understood."""

from typing import Any, get_args

import pytest
from pydantic import TypeAdapter

from noctule.browser.commands import EvaluateJs, GoBack, GoForward, Goto, Reload, Wait
from noctule.page.domain import AskForHelp, Complete, NotSupported
from noctule.page.routes import deed_of
from noctule.page.wire import Action

ACTION: TypeAdapter[Any] = TypeAdapter(Action)

# What the official clients put on the wire.
UNDERSTOOD: list[tuple[dict[str, Any], Any]] = [
    ({"type": "goto", "url": "https://example.com"}, Goto("https://example.com")),
    ({"type": "goto", "url": "https://example.com", "wait_until": None}, Goto("https://example.com")),
    ({"type": "goto", "url": "https://example.com", "wait_until": "commit"}, Goto("https://example.com", "commit")),
    ({"type": "wait", "time_ms": 0}, Wait(0)),
    ({"type": "wait", "time_ms": 30000, "category": "Special Browser Actions", "description": "Wait"}, Wait(30000)),
    ({"type": "evaluate_js", "code": "return 1"}, EvaluateJs("return 1")),
    ({"type": "go_back"}, GoBack()),
    ({"type": "go_forward", "description": None}, GoForward()),
    ({"type": "reload", "category": None}, Reload()),
    ({"type": "completion", "success": True, "answer": "42"}, Complete(True, "42")),
    ({"type": "help", "reason": "stuck"}, AskForHelp("stuck")),
]

NOT_SUPPORTED: list[dict[str, Any]] = [
    {"type": "goto_new_tab", "url": "https://example.com"},
    {"type": "switch_tab", "tab_index": -1},
    {"type": "close_tab"},
    {"type": "press_key", "key": "Control+A"},
    {"type": "scroll_up"},
    {"type": "scroll_down", "amount": 300, "selector": None},
    {"type": "scroll_down", "selector": "#list"},
    {"type": "captcha_solve", "captcha_type": "recaptcha_v2"},
    {"type": "captcha_solve"},
    {"type": "form_fill", "value": {"email": "a@b.c", "password": "secret", "phone": None}},
    {"type": "scrape", "only_main_content": True, "response_format": {"type": "object", "$defs": {}}},
    {"type": "email_read", "limit": 10, "timedelta": "PT5M", "only_unread": True},
    {"type": "sms_read", "timedelta": None},
    {"type": "click", "id": "B1", "selector": None, "timeout": 0, "press_enter": None},
    {"type": "click", "selector": "text=Go", "timeout": None, "accessible_name": "Go"},
    {
        "type": "click",
        "category": "Interaction Actions",
        "description": "Click on an element of the current page",
        "id": "",
        "selector": {
            "css_selector": "",
            "xpath_selector": "",
            "in_iframe": False,
            "in_shadow_root": False,
            "notte_selector": "",
            "iframe_parent_css_selectors": [],
            "playwright_selector": "text=Go",
            "python_selector": None,
        },
        "timeout": 15000,
    },
    {"type": "fill", "selector": "#q", "value": "x", "clear": True},
    {"type": "fill", "id": "I1", "value": "x", "clear_before_fill": False, "param": {"name": "value", "type": "str"}},
    {"type": "multi_factor_fill", "id": "I1", "value": "123456"},
    {"type": "fallback_fill", "id": "I1", "value": "x"},
    {"type": "check", "id": "I1", "value": True},
    {"type": "select_dropdown_option", "id": "I1", "value": "O3"},
    {"type": "upload_file", "id": "I1", "file_path": "a.txt"},
    {"type": "download_file", "selector": "body"},
]


@pytest.mark.parametrize(("body", "deed"), UNDERSTOOD)
def test_an_action_becomes_what_it_asks_for(body: dict[str, Any], deed: Any) -> None:
    assert deed_of(ACTION.validate_python(body)) == deed


@pytest.mark.parametrize("body", NOT_SUPPORTED)
def test_every_other_action_of_the_contract_is_understood(body: dict[str, Any]) -> None:
    assert deed_of(ACTION.validate_python(body)) == NotSupported(body["type"])


def test_the_tables_above_hold_every_action() -> None:
    kinds = {kind.model_fields["type"].default for kind in get_args(get_args(Action)[0])}
    assert len(kinds) == 27
    assert kinds == {body["type"] for body, _ in UNDERSTOOD} | {body["type"] for body in NOT_SUPPORTED}


def test_a_persona_may_be_asked_for_mail_of_any_age() -> None:
    assert ACTION.validate_python({"type": "email_read", "timedelta": None}).timedelta is None


def test_a_timeout_of_null_is_the_default() -> None:
    assert ACTION.validate_python({"type": "click", "timeout": None}).timeout == 15000
