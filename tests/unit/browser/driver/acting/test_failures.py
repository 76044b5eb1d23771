"""A failure says what is in the way and what to do next."""

import pytest

from noctule.browser.commands import Target
from noctule.browser.driver.acting.failures import failure, unknown_id

_BY_ID = Target(id="B1")
_BY_SELECTOR = Target(selectors=("#save", "css=#save"), frames=("iframe",))


def test_an_unknown_id_is_told_in_the_words_of_the_contract() -> None:
    failed = unknown_id("X1")
    assert failed.kind == "InvalidActionError"
    assert failed.message == "Action with id 'X1' is invalid: action 'X1' not found in page context."


def test_an_element_that_is_gone_is_to_be_observed_again() -> None:
    by_id = failure({"failed": "gone"}, _BY_ID, 15)
    assert (by_id.kind, by_id.message[:36]) == ("InvalidActionError", "Action with id 'B1' is invalid: its ")
    assert "observe again" in by_id.message
    assert "observe again" in failure({"failed": "gone"}, _BY_SELECTOR, 15).message


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        ({"failed": "missing"}, "InvalidLocatorRuntimeError", "selector '#save' in the iframe iframe within 2.5 s"),
        ({"failed": "syntax", "detail": "bad"}, "InvalidLocatorRuntimeError", "Invalid selector: bad"),
        ({"failed": "disabled", "what": "<button>", "label": "Save"}, "", "Element is disabled: <button> ('Save')"),
        ({"failed": "covered", "by": '<div class="veil">'}, "", '<div class="veil"> lies over the element; close it'),
        ({"failed": "outside"}, "", "outside of the viewport"),
        ({"failed": "moving"}, "", "still moving after 2.5 s"),
        ({"failed": "hidden"}, "", "not visible"),
        ({"failed": "readonly"}, "", "read-only"),
        ({"failed": "format", "detail": "it takes a number"}, "", "it takes a number"),
        ({"failed": "radio"}, "", "radio button cannot be unchecked"),
        ({"failed": "nooption", "detail": 'Available: "A"'}, "", 'Available: "A"'),
        ({"failed": "something new"}, "", "something new"),
    ],
)
def test_each_hindrance_has_words_of_its_own(answer: dict[str, str], kind: str, words: str) -> None:
    failed = failure(answer, _BY_SELECTOR, 2.5)
    assert failed.kind == (kind or "ActionExecutionError")
    assert words in failed.message


def test_long_texts_of_a_page_are_cut() -> None:
    failed = failure({"failed": "missing"}, Target(selectors=("x" * 5000,)), 1)
    assert len(failed.message) < 400
