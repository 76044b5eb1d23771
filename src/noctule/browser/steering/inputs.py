"""What a person's hand does, as plain dataclasses; positions are CSS pixels from the top left of the page's view.

``modifiers`` are the bits of the DevTools protocol: Alt 1, Control 2, Meta 4, Shift 8. ``buttons`` are the bits of the
DOM's ``MouseEvent.buttons``.
"""

from dataclasses import dataclass
from typing import Any, Literal

Button = Literal["none", "left", "middle", "right", "back", "forward"]

Call = tuple[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Mouse:
    """The mouse moved, or a button of it went down or up; ``clicks`` counts those that belong together."""

    kind: Literal["move", "down", "up"]
    x: float
    y: float
    button: Button = "none"
    buttons: int = 0
    clicks: int = 0
    modifiers: int = 0

    def call(self) -> Call:
        """The call of the protocol that does it."""
        kind = {"move": "mouseMoved", "down": "mousePressed", "up": "mouseReleased"}[self.kind]
        params = {"type": kind, "x": self.x, "y": self.y, "button": self.button, "buttons": self.buttons}
        return "Input.dispatchMouseEvent", {**params, "clickCount": self.clicks, "modifiers": self.modifiers}


@dataclass(frozen=True, slots=True)
class Wheel:
    """The wheel turned; the deltas are CSS pixels."""

    x: float
    y: float
    delta_x: float
    delta_y: float
    modifiers: int = 0

    def call(self) -> Call:
        """The call of the protocol that does it."""
        params = {"type": "mouseWheel", "x": self.x, "y": self.y, "modifiers": self.modifiers}
        return "Input.dispatchMouseEvent", {**params, "deltaX": self.delta_x, "deltaY": self.delta_y}


@dataclass(frozen=True, slots=True)
class Key:
    """A key went down or up. ``key`` and ``code`` are the DOM's, ``text`` is what it types, ``key_code`` its virtual
    key code of Windows, by which Chromium finds shortcuts."""

    kind: Literal["down", "up"]
    key: str
    code: str = ""
    text: str = ""
    key_code: int = 0
    location: int = 0
    modifiers: int = 0
    is_repeat: bool = False

    def call(self) -> Call:
        """The call of the protocol that does it."""
        kind = "keyUp" if self.kind == "up" else "keyDown" if self.text else "rawKeyDown"
        params: dict[str, Any] = {
            "type": kind,
            "modifiers": self.modifiers,
            "windowsVirtualKeyCode": self.key_code,
            "code": self.code,
            "key": self.key,
            "location": self.location,
        }
        if self.text and self.kind == "down":
            params |= {"text": self.text, "unmodifiedText": self.text}
        if self.is_repeat:
            params["autoRepeat"] = True
        if self.location == 3:
            params["isKeypad"] = True
        return "Input.dispatchKeyEvent", params


@dataclass(frozen=True, slots=True)
class Compose:
    """An input method shows ``text`` that is not final yet, with the caret after ``caret`` of its UTF-16 units; empty
    text ends the composition without a word."""

    text: str
    caret: int = 0

    def call(self) -> Call:
        """The call of the protocol that does it."""
        return "Input.imeSetComposition", {
            "text": self.text,
            "selectionStart": self.caret,
            "selectionEnd": self.caret,
        }


@dataclass(frozen=True, slots=True)
class Text:
    """Text that arrives at once: pasted, or what a composition came to, in whose place it goes."""

    text: str

    def call(self) -> Call:
        """The call of the protocol that does it."""
        return "Input.insertText", {"text": self.text}


Input = Mouse | Wheel | Key | Compose | Text
