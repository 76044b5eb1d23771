"""Each input is the call of the protocol that does it."""

import pytest

from noctule.browser.steering import Compose, Input, Key, Mouse, Text, Wheel

MOUSE = "Input.dispatchMouseEvent"
KEY = "Input.dispatchKeyEvent"


@pytest.mark.parametrize(
    ("given", "method", "params"),
    [
        (Mouse("move", 1, 2, buttons=1), MOUSE, {"type": "mouseMoved", "x": 1, "y": 2, "button": "none", "buttons": 1}),
        (Mouse("down", 1, 2, "left", 1, 2), MOUSE, {"type": "mousePressed", "button": "left", "clickCount": 2}),
        (Mouse("up", 1, 2, "right", modifiers=8), MOUSE, {"type": "mouseReleased", "button": "right", "modifiers": 8}),
        (Wheel(1, 2, 3, -4), MOUSE, {"type": "mouseWheel", "deltaX": 3, "deltaY": -4}),
        (Key("down", "a", "KeyA", "a", 65), KEY, {"type": "keyDown", "text": "a", "windowsVirtualKeyCode": 65}),
        (Key("down", "Shift", "ShiftLeft", key_code=16, location=1), KEY, {"type": "rawKeyDown", "location": 1}),
        (Key("down", "1", "Numpad1", "1", 97, location=3), KEY, {"isKeypad": True}),
        (Key("down", "a", "KeyA", "a", 65, is_repeat=True), KEY, {"autoRepeat": True}),
        (Key("up", "a", "KeyA", "a", 65), KEY, {"type": "keyUp"}),
        (Compose("に", 1), "Input.imeSetComposition", {"text": "に", "selectionStart": 1, "selectionEnd": 1}),
        (Text("日本"), "Input.insertText", {"text": "日本"}),
    ],
)
def test_an_input_is_one_call(given: Input, method: str, params: dict[str, object]) -> None:
    called, with_params = given.call()
    assert called == method
    assert with_params.items() >= params.items()


def test_a_key_that_goes_up_types_nothing() -> None:
    assert "text" not in Key("up", "a", "KeyA", "a", 65).call()[1]
