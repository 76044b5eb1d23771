"""Every action that clients send is understood, and becomes what it asks for."""

from typing import Any, get_args

import pytest
from pydantic import TypeAdapter

from noctule.browser.commands import (
    Check,
    Click,
    CloseTab,
    DownloadFile,
    EvaluateJs,
    Fill,
    FormFill,
    GoBack,
    GoForward,
    Goto,
    GotoNewTab,
    PressKey,
    Reload,
    Scroll,
    SelectOption,
    SwitchTab,
    Target,
    Wait,
)
from noctule.extraction.markdown import Options
from noctule.page.domain import AskForHelp, Complete, ReadMessages, SolveCaptcha
from noctule.page.routes import deed_of
from noctule.page.service import ScrapePage, Sighted, Upload
from noctule.page.wire import Action

ACTION: TypeAdapter[Any] = TypeAdapter(Action)

TEXT = {
    "css_selector": "",
    "xpath_selector": "",
    "in_iframe": False,
    "in_shadow_root": False,
    "notte_selector": "",
    "iframe_parent_css_selectors": [],
    "playwright_selector": "text=Go",
    "python_selector": None,
}
SCHEMA = {"type": "object", "$defs": {}}

# What the official clients put on the wire.
UNDERSTOOD: list[tuple[dict[str, Any], Any]] = [
    ({"type": "goto", "url": " https://example.com "}, Goto("https://example.com")),
    ({"type": "goto", "url": "https://example.com", "wait_until": None}, Goto("https://example.com")),
    ({"type": "goto", "url": "https://example.com", "wait_until": "commit"}, Goto("https://example.com", "commit")),
    ({"type": "goto_new_tab", "url": "https://example.com"}, GotoNewTab("https://example.com")),
    ({"type": "switch_tab", "tab_index": -1}, SwitchTab(-1)),
    ({"type": "close_tab"}, CloseTab()),
    ({"type": "wait", "time_ms": 0}, Wait(0)),
    ({"type": "wait", "time_ms": 30000, "category": "Special Browser Actions", "description": "Wait"}, Wait(30000)),
    ({"type": "evaluate_js", "code": "return 1"}, EvaluateJs("return 1")),
    ({"type": "go_back"}, GoBack()),
    ({"type": "go_forward", "description": None}, GoForward()),
    ({"type": "reload", "category": None}, Reload()),
    ({"type": "press_key", "key": "Control+A"}, PressKey("Control+A")),
    ({"type": "scroll_up"}, Scroll(up=True)),
    ({"type": "scroll_down", "amount": 300, "selector": None}, Scroll(up=False, amount=300)),
    ({"type": "scroll_down", "selector": "#list"}, Scroll(up=False, target=Target(selectors=("#list",)))),
    ({"type": "completion", "success": True, "answer": "42"}, Complete(True, "42")),
    ({"type": "help", "reason": "stuck"}, AskForHelp("stuck")),
    ({"type": "captcha_solve", "captcha_type": "recaptcha_v2"}, SolveCaptcha()),
    ({"type": "captcha_solve"}, SolveCaptcha()),
    (
        {"type": "form_fill", "value": {"email": "a@b.c", "password": "secret", "phone": None}},
        FormFill((("email", "a@b.c"), ("password", "secret"))),
    ),
    (
        {"type": "scrape", "only_main_content": True, "response_format": SCHEMA},
        ScrapePage(options=Options(images=False, main_only=True), schema=SCHEMA),
    ),
    ({"type": "email_read", "limit": 10, "timedelta": "PT5M", "only_unread": True}, ReadMessages("emails")),
    ({"type": "sms_read", "timedelta": None}, ReadMessages("text messages")),
    (
        {"type": "email_verification_read", "mailbox_id": "m", "sender_domain": "a.b", "max_age_seconds": 30},
        ReadMessages("verification emails"),
    ),
    ({"type": "click", "id": "B1", "selector": None, "timeout": 0, "press_enter": None}, Click(Target("B1"))),
    ({"type": "click", "id": "B1[:]", "press_enter": True}, Click(Target("B1"), press_enter=True)),
    (
        {"type": "click", "selector": "text=Go", "timeout": None, "accessible_name": "Go"},
        Click(Target(selectors=("text=Go",))),
    ),
    (
        {
            "type": "click",
            "category": "Interaction Actions",
            "description": "Click on an element of the current page",
            "id": "",
            "selector": TEXT,
            "timeout": 2500,
        },
        Click(Target(selectors=("text=Go",)), timeout_seconds=2.5),
    ),
    ({"type": "click", "id": "B1", "timeout": 600_000}, Click(Target("B1"), timeout_seconds=45.0)),
    ({"type": "click", "id": "B1", "selector": {**TEXT, "playwright_selector": ""}}, Click(Target("B1"))),
    (
        {"type": "click", "id": "B1", "selector": {**TEXT, "notte_selector": "noctule:k:B1"}},
        Sighted(Click(Target("B1", ("text=Go",))), "k"),
    ),
    (
        {"type": "click", "id": "B2", "selector": {**TEXT, "notte_selector": "noctule:k:B1"}},
        Click(Target("B2", ("text=Go",))),
    ),
    ({"type": "fill", "selector": "#q", "value": "x", "clear": True}, Fill(Target(selectors=("#q",)), "x")),
    (
        {
            "type": "fill",
            "id": "I1",
            "value": "x",
            "clear_before_fill": False,
            "param": {"name": "value", "type": "str"},
        },
        Fill(Target("I1"), "x", clear=False),
    ),
    ({"type": "multi_factor_fill", "id": "I1", "value": "123456"}, Fill(Target("I1"), "123456", typing="code")),
    ({"type": "fallback_fill", "id": "I1", "value": "x"}, Fill(Target("I1"), "x", typing="slow")),
    ({"type": "check", "id": "I1", "value": True}, Check(Target("I1"), True)),
    ({"type": "select_dropdown_option", "id": "I1", "value": "O3"}, SelectOption(Target("I1"), "O3")),
    ({"type": "select_dropdown_option", "id": "O3[:]", "value": "O3[:]"}, SelectOption(Target("O3"), "O3")),
    (
        {
            "type": "upload_file",
            "id": "I1",
            "file_path": " a.txt ",
            "selector": {**TEXT, "notte_selector": "noctule:k:I1"},
        },
        Upload(Target("I1", ("text=Go",)), " a.txt ", timeout_seconds=45.0, key="k"),
    ),
    ({"type": "download_file", "selector": "body"}, DownloadFile(Target(selectors=("body",)))),
    ({"type": "download_file", "id": "L1", "timeout": 15000}, DownloadFile(Target("L1"), 45.0)),
    ({"type": "download_file", "id": "L1", "timeout": 5000}, DownloadFile(Target("L1"), 5.0)),
]


@pytest.mark.parametrize(("body", "deed"), UNDERSTOOD)
def test_an_action_becomes_what_it_asks_for(body: dict[str, Any], deed: Any) -> None:
    assert deed_of(ACTION.validate_python(body)) == deed


def test_the_table_above_holds_every_action() -> None:
    kinds = {getattr(kind, "__origin__", kind).model_fields["type"].default for kind in get_args(get_args(Action)[0])}
    assert len(kinds) == 28
    assert kinds == {body["type"] for body, _ in UNDERSTOOD}
