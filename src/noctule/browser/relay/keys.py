"""Key strokes that full Chromium would take for shortcuts of its own.

A key that a page leaves unhandled goes on to the browser's window. There, Ctrl+H puts ``chrome://history``
into the very tab that the client is attached to, F12 opens DevTools, Alt+Home a page of the browser's own, and
none of these is a page of the web. So where the browser has such a window, only strokes that are known to
stay harmless go through: plain typing, and with modifiers the keys listed here. Chromium finds a shortcut by the
event's virtual key code or by its ``code``, so both must be listed.
"""

from typing import Any, Final

_ALT: Final = 1
_CTRL: Final = 2
_META: Final = 4
_SHIFT: Final = 8

_LETTERS: Final = {f"Key{letter}": ord(letter) for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}
_DIGITS: Final = {f"Digit{digit}": ord(str(digit)) for digit in range(10)}
_MODIFIERS: Final = {
    **dict.fromkeys(("ShiftLeft", "ShiftRight"), 16),
    **dict.fromkeys(("ControlLeft", "ControlRight"), 17),
    **dict.fromkeys(("AltLeft", "AltRight"), 18),
    "MetaLeft": 91,
    "MetaRight": 92,
}
_ARROWS: Final = {"ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40}
_EDGES: Final = {"Home": 36, "End": 35, "PageUp": 33, "PageDown": 34}
_EDITING: Final = {"Backspace": 8, "Enter": 13, "NumpadEnter": 13, "Space": 32}
_MARKS: Final = {
    "Semicolon": 186,
    "Equal": 187,
    "Comma": 188,
    "Minus": 189,
    "Period": 190,
    "Slash": 191,
    "Backquote": 192,
    "BracketLeft": 219,
    "Backslash": 220,
    "BracketRight": 221,
    "Quote": 222,
}
# Without modifiers: the function keys and the keys of the kind "browser home" that act on the window.
_WINDOW_CODES: Final = {"F1": 112, "F3": 114, "F6": 117, "F7": 118, "F10": 121, "F11": 122, "F12": 123}
_WINDOW_KEYS: Final = frozenset(_WINDOW_CODES.values()) | frozenset(range(166, 184))
_WINDOW_PREFIXES: Final = ("Browser", "Launch", "Media")

_WITH_CTRL: Final = {
    **{code: _LETTERS[code] for code in map("Key{}".format, "ABCEFGIKLMRVXYZ")},
    **_DIGITS,
    **_MARKS,
    **_ARROWS,
    **_EDGES,
    **_EDITING,
    **_MODIFIERS,
    "Delete": 46,
}
_WITH_CTRL_SHIFT: Final = {"KeyV": 86, "KeyZ": 90, **_ARROWS, "Home": 36, "End": 35, **_EDITING, **_MODIFIERS}
_WITH_ALT: Final = {**_ARROWS, **_DIGITS, **_EDITING, **_MODIFIERS}
_WITH_MORE: Final = {**_ARROWS, **_MODIFIERS}


def is_harmless(event: dict[str, Any]) -> bool:
    """Whether the parameters of ``Input.dispatchKeyEvent`` can be no shortcut of the browser's window."""
    modifiers, key, code = event.get("modifiers", 0), event.get("windowsVirtualKeyCode", 0), event.get("code", "")
    if type(modifiers) is not int or not 0 <= modifiers <= 15:
        return False
    if type(key) is not int or not 0 <= key <= 255 or not isinstance(code, str):
        return False
    pressed = modifiers & ~_SHIFT
    if not pressed:
        return key not in _WINDOW_KEYS and code not in _WINDOW_CODES and not code.startswith(_WINDOW_PREFIXES)
    if pressed in (_CTRL, _META):
        allowed = _WITH_CTRL_SHIFT if modifiers & _SHIFT else _WITH_CTRL
    elif modifiers == _ALT:
        allowed = _WITH_ALT
    else:
        allowed = _WITH_MORE
    return (not key or key in allowed.values()) and (not code or code in allowed)
