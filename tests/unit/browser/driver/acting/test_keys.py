"""Names of keys are read as people write them, and what is no key is refused with a hint."""

import pytest

from noctule.browser.commands import CommandFailed
from noctule.browser.driver.acting.keys import Key, character, combination


@pytest.mark.parametrize(
    ("text", "key", "code", "key_code", "typed"),
    [
        ("Enter", "Enter", "Enter", 13, "\r"),
        ("enter", "Enter", "Enter", 13, "\r"),
        ("Return", "Enter", "Enter", 13, "\r"),
        ("Escape", "Escape", "Escape", 27, ""),
        ("esc", "Escape", "Escape", 27, ""),
        ("ArrowDown", "ArrowDown", "ArrowDown", 40, ""),
        ("Down", "ArrowDown", "ArrowDown", 40, ""),
        ("PageUp", "PageUp", "PageUp", 33, ""),
        ("F12", "F12", "F12", 123, ""),
        ("Space", " ", "Space", 32, " "),
        (" ", " ", "Space", 32, " "),
        ("a", "a", "KeyA", 65, "a"),
        ("A", "A", "KeyA", 65, "A"),
        ("KeyA", "a", "KeyA", 65, "a"),
        ("Digit1", "1", "Digit1", 49, "1"),
        ("!", "!", "Digit1", 49, "!"),
        ("Backquote", "`", "Backquote", 192, "`"),
        ("+", "+", "Equal", 187, "+"),
        ("Numpad5", "5", "Numpad5", 101, "5"),
        ("ü", "ü", "", 0, "ü"),
    ],
)
def test_a_key_is_known_by_its_names(text: str, key: str, code: str, key_code: int, typed: str) -> None:
    pressed = combination(text).pressed
    assert (pressed.key, pressed.code, pressed.key_code, pressed.text) == (key, code, key_code, typed)


@pytest.mark.parametrize(
    ("text", "held", "key"),
    [
        ("Control+A", ["Control"], "A"),
        ("ctrl+a", ["Control"], "a"),
        ("ControlOrMeta+C", ["Control"], "C"),
        ("Shift+ArrowLeft", ["Shift"], "ArrowLeft"),
        ("Shift+a", ["Shift"], "A"),
        ("Shift+1", ["Shift"], "!"),
        ("Control+Shift+T", ["Control", "Shift"], "T"),
        ("Alt+Meta+F4", ["Alt", "Meta"], "F4"),
        ("Control++", ["Control"], "+"),
        ("ShiftRight+Tab", ["Shift"], "Tab"),
        ("Control + A", ["Control"], "A"),
    ],
)
def test_a_combination_is_keys_that_are_held_and_one_that_is_pressed(text: str, held: list[str], key: str) -> None:
    found = combination(text)
    assert ([one.key for one in found.held], found.pressed.key) == (held, key)


@pytest.mark.parametrize("text", ["", "Nope", "Control+", "Control+Nope", "a+b", "Enter+A", "+a", "F25", "Shift+++"])
def test_what_is_no_key_is_refused_with_what_would_be_one(text: str) -> None:
    with pytest.raises(CommandFailed) as failed:
        combination(text)
    assert failed.value.kind == "InvalidActionError"
    assert "Enter, Tab, Escape" in failed.value.message


def test_a_character_that_no_key_has_types_itself() -> None:
    assert character("€") == Key("€", "", 0, "€")
    assert character("\n").key == "Enter"
