"""What is understood of an action, and what is not."""

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from noctule.page.wire import Action

ACTION: TypeAdapter[Any] = TypeAdapter(Action)


def test_a_persona_may_be_asked_for_mail_of_any_age() -> None:
    assert ACTION.validate_python({"type": "email_read", "timedelta": None}).timedelta is None


def test_a_timeout_of_null_is_the_default() -> None:
    assert ACTION.validate_python({"type": "click", "id": "B1", "timeout": None}).timeout == 15000


@pytest.mark.parametrize(
    "aim",
    [
        {},
        {"id": ""},
        {"id": " ", "selector": ""},
        {"id": "", "selector": None},
        {"selector": {"css_selector": "", "playwright_selector": None}},
        {"selector": {"notte_selector": "noctule:k:B1"}},
    ],
)
@pytest.mark.parametrize("kind", ["click", "download_file"])
def test_an_interaction_with_nothing_is_refused(kind: str, aim: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="needs an id of the last observation, or a selector"):
        ACTION.validate_python({"type": kind, **aim})


def test_one_selector_of_an_object_is_enough() -> None:
    action = ACTION.validate_python({"type": "click", "selector": {"css_selector": "#go"}})
    assert action.selector.model_dump() == {
        "css_selector": "#go",
        "xpath_selector": "",
        "in_iframe": False,
        "in_shadow_root": False,
        "notte_selector": None,
        "iframe_parent_css_selectors": [],
        "playwright_selector": None,
        "python_selector": None,
    }


@pytest.mark.parametrize(
    "body",
    [
        {"type": "scroll_down", "selector": ""},
        {"type": "switch_tab", "tab_index": True},
        {"type": "check", "id": "I1"},
        {"type": "check", "id": "I1", "value": "perhaps"},
        {"type": "fill", "id": "I1"},
        {"type": "upload_file", "id": "I1"},
        {"type": "wait", "time_ms": 30001},
        {"type": "form_fill", "value": {"email": None}},
        {"type": "email_verification_read", "mailbox_id": "m", "sender_domain": "a.b", "max_age_seconds": 10},
        {"type": "click", "id": "B1", "selector": 7},
        {"type": "click", "id": "B1", "selector": {"css_selector": 7}},
        {"type": "click", "id": 1},
    ],
)
def test_what_cannot_be_meant_is_refused(body: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ACTION.validate_python(body)
