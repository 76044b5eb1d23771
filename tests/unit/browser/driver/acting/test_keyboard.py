"""Strokes are the events that a keyboard makes, in their order."""

from noctule.browser.driver.acting.keyboard import inserted, stroke, typed
from noctule.browser.driver.acting.keys import combination


def _told(text: str) -> list[tuple[str, str, int, str]]:
    calls = stroke(combination(text))
    return [(call["type"], call["key"], call["modifiers"], call.get("text", "")) for _, call in calls]


def test_a_key_goes_down_and_comes_up() -> None:
    assert _told("a") == [("keyDown", "a", 0, "a"), ("keyUp", "a", 0, "")]
    assert _told("ArrowUp") == [("rawKeyDown", "ArrowUp", 0, ""), ("keyUp", "ArrowUp", 0, "")]


def test_what_is_held_goes_down_first_and_comes_up_last() -> None:
    assert _told("Control+Shift+k") == [
        ("rawKeyDown", "Control", 2, ""),
        ("rawKeyDown", "Shift", 10, ""),
        ("rawKeyDown", "K", 10, ""),
        ("keyUp", "K", 10, ""),
        ("keyUp", "Shift", 2, ""),
        ("keyUp", "Control", 0, ""),
    ]


def test_shift_alone_lets_a_key_type() -> None:
    assert ("keyDown", "A", 8, "A") in _told("Shift+a")


def test_a_character_is_typed_with_shift_where_a_keyboard_needs_it() -> None:
    assert [call["modifiers"] for _, call in typed("A")] == [8, 8]
    assert [call["modifiers"] for _, call in typed("a")] == [0, 0]
    assert [call["modifiers"] for _, call in typed("%")] == [8, 8]
    assert [call["modifiers"] for _, call in typed("ß")] == [0, 0]


def test_inserted_text_is_one_event() -> None:
    assert inserted("héllo") == [("Input.insertText", {"text": "héllo"})]
