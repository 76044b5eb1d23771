"""What the trajectory keeps of an action."""

from typing import Any

import msgspec
import pytest

from noctule.page.domain import Failure, Found, Outcome, secrets_of, trajectory_value
from tests.support.clock import FrozenClock

NOW = FrozenClock().now()
REFUSED = Failure("ActionExecutionError", "it was refused")


def outcome(message: str = "done", text: str | None = None, failure: Failure | None = None, **more: Any) -> Outcome:
    return Outcome(NOW, NOW, message, None if text is None else {"markdown": text}, failure, **more)


def test_the_trajectory_keeps_the_action_its_success_and_its_message() -> None:
    value = trajectory_value({"type": "goto", "url": "https://example.com"}, outcome("went there"))
    assert value == {
        "started_at": "2026-03-10T12:00:00+00:00",
        "ended_at": "2026-03-10T12:00:00+00:00",
        "action": {"type": "goto", "url": "https://example.com"},
        "success": True,
        "message": "went there",
        "data": None,
        "exception": None,
    }


def test_the_trajectory_keeps_why_an_action_failed() -> None:
    value = trajectory_value({"type": "reload"}, outcome("gone", failure=Failure("PageLoadingError", "gone")))
    assert (value["success"], value["exception"]) == (False, "gone")


def test_the_trajectory_says_how_the_element_of_an_id_is_found_again() -> None:
    value = trajectory_value({"type": "click", "id": "B1"}, outcome(found=Found("#send", "Send")))
    assert value["action"]["selector"]["playwright_selector"] == "#send"
    assert value["action"]["text_label"] == "Send"


def test_a_long_result_is_cut_and_says_how_much_is_missing() -> None:
    value = trajectory_value({"type": "evaluate_js", "code": "x"}, outcome(text="a" * 10_007))
    assert value["data"]["markdown"] == "a" * 10_000 + "… (7 characters left out)"


@pytest.mark.parametrize(
    ("action", "of", "kept"),
    [
        ({"type": "multi_factor_fill", "value": "123456"}, outcome(), "********"),
        (
            {"type": "form_fill", "value": {"email": "a@b.c", "password": "hunter2", "cc_cvv": "123"}},
            outcome(),
            {"email": "a@b.c", "password": "********", "cc_cvv": "********"},
        ),
        ({"type": "fill", "value": "text"}, outcome(), "text"),
        ({"type": "fill", "value": "hunter2"}, outcome(is_secret=True), "********"),
        ({"type": "fallback_fill", "value": "hunter2"}, outcome(is_secret=True), "********"),
        ({"type": "fill", "value": "hunter2"}, outcome(failure=REFUSED), "********"),
        ({"type": "select_dropdown_option", "value": "O3"}, outcome(failure=REFUSED), "O3"),
        ({"type": "check", "value": False}, outcome(), False),
    ],
)
def test_what_may_be_a_secret_is_masked_in_the_trajectory(action: dict[str, object], of: Outcome, kept: object) -> None:
    before = dict(action)
    assert trajectory_value(action, of)["action"]["value"] == kept
    assert action == before


@pytest.mark.parametrize(
    ("action", "of", "secrets"),
    [
        ({"type": "multi_factor_fill", "value": "123456"}, outcome(), {"123456"}),
        ({"type": "form_fill", "value": {"email": "a@b.c", "password": "hunter2"}}, outcome(), {"hunter2"}),
        ({"type": "fill", "value": "text"}, outcome(), set()),
        ({"type": "fill", "value": "hunter2"}, outcome(is_secret=True), {"hunter2"}),
        ({"type": "fill", "value": "hunter2"}, outcome(failure=REFUSED), {"hunter2"}),
        ({"type": "fill"}, outcome(is_secret=True), set()),
        ({"type": "check", "value": False}, outcome(), set()),
    ],
)
def test_what_is_masked_is_what_others_are_told_to_mask(
    action: dict[str, object], of: Outcome, secrets: set[str]
) -> None:
    assert secrets_of(action, of) == secrets


@pytest.mark.parametrize("nasty", ["half a pair \ud800", 2**70, -(2**70), [[[]]] * 5000, {"\ud800": "\udfff"}])
def test_whatever_json_a_caller_sends_can_be_kept(nasty: object) -> None:
    msgspec.json.encode(trajectory_value({"type": "scrape", "response_format": {"x": nasty}}, outcome()))


def test_a_deeply_nested_action_is_cut_instead_of_overflowing() -> None:
    nested: list[object] = []
    for _ in range(500):
        nested = [nested]
    msgspec.json.encode(trajectory_value({"type": "scrape", "response_format": {"x": nested}}, outcome()))
