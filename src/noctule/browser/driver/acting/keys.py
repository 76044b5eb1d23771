"""The keys of a US keyboard, by Playwright's names: what each puts into a key event.

Names are those of ``KeyboardEvent.key`` and ``KeyboardEvent.code`` (W3C UI Events); key codes are the Windows ones
that browsers put into ``keyCode``. Letter case and a few everyday spellings of a name do not matter; the case of a
single character does.
"""

from dataclasses import dataclass
from functools import cache

from noctule.browser.commands import CommandFailed

MODIFIERS = {"Alt": 1, "Control": 2, "Meta": 4, "Shift": 8}
"""Bits of ``Input.dispatchKeyEvent``'s ``modifiers``."""

_MOST_PARTS = 5


@dataclass(frozen=True, slots=True)
class Key:
    """One key. ``text`` is what it types, ``location`` tells the left (1), right (2) and number pad (3) keys."""

    key: str
    code: str
    key_code: int
    text: str = ""
    location: int = 0


@dataclass(frozen=True, slots=True)
class Combination:
    """Keys that are held, and the one that is pressed meanwhile."""

    held: tuple[Key, ...]
    pressed: Key


_NAMED = {
    "Escape": 27, "Backspace": 8, "Tab": 9, "Pause": 19, "CapsLock": 20, "PageUp": 33, "PageDown": 34, "End": 35,
    "Home": 36, "ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40, "PrintScreen": 44, "Insert": 45,
    "Delete": 46, "ContextMenu": 93, "NumLock": 144, "ScrollLock": 145,
    **{f"F{number}": 111 + number for number in range(1, 25)},
}  # fmt: skip
_HELD = {"Shift": 16, "Control": 17, "Alt": 18, "Meta": 91}
_PUNCTUATION = {
    "Backquote": (192, "`~"), "Minus": (189, "-_"), "Equal": (187, "=+"), "BracketLeft": (219, "[{"),
    "BracketRight": (221, "]}"), "Backslash": (220, "\\|"), "Semicolon": (186, ";:"), "Quote": (222, "'\""),
    "Comma": (188, ",<"), "Period": (190, ".>"), "Slash": (191, "/?"),
}  # fmt: skip
_NUMBER_PAD = {
    "NumpadDivide": (111, "/"), "NumpadMultiply": (106, "*"), "NumpadSubtract": (109, "-"), "NumpadAdd": (107, "+"),
    "NumpadDecimal": (110, "."), **{f"Numpad{digit}": (96 + digit, str(digit)) for digit in range(10)},
}  # fmt: skip
_SPELLINGS = {
    "esc": "Escape", "return": "Enter", "del": "Delete", "ins": "Insert", "pgup": "PageUp", "pgdn": "PageDown",
    "left": "ArrowLeft", "right": "ArrowRight", "up": "ArrowUp", "down": "ArrowDown", "spacebar": "Space",
    "ctrl": "Control", "cmd": "Meta", "command": "Meta", "win": "Meta", "option": "Alt", "opt": "Alt",
    "controlormeta": "Control",
}  # fmt: skip


@cache
def _names() -> dict[str, Key]:
    """Every key by its names in small letters, and every character by itself."""
    found: dict[str, Key] = {}
    for name, code in _NAMED.items():
        found[name.lower()] = Key(name, name, code)
    for name, code in _HELD.items():
        found[name.lower()] = found[f"{name}left".lower()] = Key(name, f"{name}Left", code, location=1)
        found[f"{name}right".lower()] = Key(name, f"{name}Right", code + (name == "Meta"), location=2)
    found["enter"] = Key("Enter", "Enter", 13, "\r")
    found["numpadenter"] = Key("Enter", "NumpadEnter", 13, "\r", 3)
    found["space"] = Key(" ", "Space", 32, " ")
    for name, (code, text) in _NUMBER_PAD.items():
        found[name.lower()] = Key(text, name, code, text, 3)
    for key in _characters().values():
        found.setdefault(key.code.lower(), key)
    return found


@cache
def _characters() -> dict[str, Key]:
    """What each character is typed with, the plain ones before the shifted."""
    found: dict[str, Key] = {" ": Key(" ", "Space", 32, " "), "\n": Key("Enter", "Enter", 13, "\r")}
    found["\r"] = found["\n"]
    for letter in "abcdefghijklmnopqrstuvwxyz":
        found[letter] = Key(letter, f"Key{letter.upper()}", ord(letter.upper()), letter)
    for digit, shifted in enumerate(")!@#$%^&*("):
        found[str(digit)] = Key(str(digit), f"Digit{digit}", 48 + digit, str(digit))
        found[shifted] = Key(shifted, f"Digit{digit}", 48 + digit, shifted)
    for name, (code, texts) in _PUNCTUATION.items():
        for text in texts:
            found[text] = Key(text, name, code, text)
    for letter in "abcdefghijklmnopqrstuvwxyz":
        found[letter.upper()] = Key(letter.upper(), f"Key{letter.upper()}", ord(letter.upper()), letter.upper())
    return found


@cache
def _by_place() -> dict[tuple[str, bool], Key]:
    """What a key of the keyboard types without and with Shift."""
    found: dict[tuple[str, bool], Key] = {}
    for key in _characters().values():
        is_shifted = (key.code, False) in found and found[key.code, False] != key
        found.setdefault((key.code, is_shifted), key)
    return found


def character(text: str) -> Key:
    """The key that types a character; one that no key of this keyboard has comes without a place."""
    return _characters().get(text) or Key(text, "", 0, text)


def combination(text: str) -> Combination:
    """Read a key or a combination such as ``Control+A``. Raises ``CommandFailed``."""
    parts = _split(text)
    *first, last = [_key(part, text) for part in parts]
    for key in first:
        if key.key not in MODIFIERS:
            raise _unknown(text, f"{key.key!r} cannot be held; only Control, Shift, Alt and Meta can")
    if any(key.key == "Shift" for key in first):
        last = _by_place().get((last.code, True), last) if last.code else last
    return Combination(tuple(first), last)


def _split(text: str) -> list[str]:
    if text in ("+", " "):
        return [text]
    parts = [*text[:-2].split("+"), "+"] if text.endswith("++") else text.split("+")
    parts = [part if part == " " else part.strip() for part in parts]
    if not all(parts) or len(parts) > _MOST_PARTS:
        raise _unknown(text, "it is not a key or a combination of keys")
    return parts


def _key(name: str, whole: str) -> Key:
    if len(name) == 1:
        return character(name)
    found = _names().get(_SPELLINGS.get(name.lower(), name).lower())
    if found is None:
        raise _unknown(whole, f"there is no key {name[:40]!r}")
    return found


def _unknown(text: str, why: str) -> CommandFailed:
    return CommandFailed(
        "InvalidActionError",
        f"Unknown key {text[:80]!r}: {why}. Use a single character, a name such as Enter, Tab, Escape, Backspace, "
        "Delete, ArrowDown, PageDown, Home, End or F1 to F24, or a combination such as Control+A or Shift+Tab",
    )
