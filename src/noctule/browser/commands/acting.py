"""Acting on elements, keys, tabs, scrolling and forms."""

from dataclasses import dataclass
from typing import Literal

Typing = Literal["fill", "code", "slow"]
"""How a value gets into a field: at once, digit by digit, or key by key with pauses."""


@dataclass(frozen=True, slots=True)
class Target:
    """One element: by ``selectors``, of which the first that finds anything counts, or by ``id`` of the last
    observation. ``frames`` are CSS selectors of the iframes around what the selectors find, outermost first."""

    id: str = ""
    selectors: tuple[str, ...] = ()
    frames: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Click:
    """Click an element. Answers ``Acted``."""

    target: Target
    press_enter: bool = False
    timeout_seconds: float = 15.0


@dataclass(frozen=True, slots=True)
class Fill:
    """Put text into a field. Answers ``Acted``."""

    target: Target
    value: str
    clear: bool = True
    typing: Typing = "fill"
    press_enter: bool = False
    timeout_seconds: float = 15.0


@dataclass(frozen=True, slots=True)
class Check:
    """Check or uncheck a box, radio button or switch. Answers ``Acted``."""

    target: Target
    value: bool
    press_enter: bool = False
    timeout_seconds: float = 15.0


@dataclass(frozen=True, slots=True)
class SelectOption:
    """Choose an option, native or custom, by its text, value, or id of the last observation. Answers ``Acted``."""

    target: Target
    value: str
    press_enter: bool = False
    timeout_seconds: float = 15.0


@dataclass(frozen=True, slots=True)
class PressKey:
    """Press a key or a combination such as ``Control+A``, in Playwright's names. Answers ``Acted``."""

    key: str


@dataclass(frozen=True, slots=True)
class Scroll:
    """Scroll by ``amount`` CSS pixels (``None``: about a page) with the wheel, up if ``up``. ``target`` is what to
    scroll, the page if it is ``None``. Answers ``Acted``; fails if nothing moved."""

    up: bool
    amount: int | None = None
    target: Target | None = None
    timeout_seconds: float = 10.0


@dataclass(frozen=True, slots=True)
class FormFill:
    """Fill the fields of a form that the keys of the contract name. Answers ``Acted``."""

    values: tuple[tuple[str, str], ...]
    timeout_seconds: float = 30.0


@dataclass(frozen=True, slots=True)
class File:
    """A file for a page, or from one."""

    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file for a page that the browser loads from an HTTP address first, as the page would."""

    url: str


@dataclass(frozen=True, slots=True)
class UploadFile:
    """Give a file to a file field, or to the chooser that a click opens. Answers ``Acted``."""

    target: Target
    file: File | RemoteFile
    press_enter: bool = False
    timeout_seconds: float = 15.0


@dataclass(frozen=True, slots=True)
class DownloadFile:
    """Click, and bring back the file that comes; on a page that is a file itself, that file. Answers ``Downloaded``."""

    target: Target
    timeout_seconds: float = 45.0


@dataclass(frozen=True, slots=True)
class GotoNewTab:
    """Open an address in a new tab, which becomes the current one. Answers ``Done``."""

    url: str
    timeout_seconds: float = 10.0


@dataclass(frozen=True, slots=True)
class SwitchTab:
    """Make a tab the current one; ``index`` counts from 0, -1 is the last. Answers ``Done``."""

    index: int


@dataclass(frozen=True, slots=True)
class CloseTab:
    """Close the current tab. Answers ``Done``."""


@dataclass(frozen=True, slots=True)
class ShowTab:
    """Make the tab with this id of the browser's the current one. Answers ``Done``."""

    tab_id: str


@dataclass(frozen=True, slots=True)
class ShutTab:
    """Close the tab with this id of the browser's, whether it is the current one or not. Answers ``Done``."""

    tab_id: str


# -- results -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Acted:
    """It was done. ``selector`` finds the element again, ``label`` is its accessible name; empty where no single
    element was acted on. ``is_secret`` says that what was put into it is nobody else's business, as in a password
    field."""

    message: str
    selector: str = ""
    label: str = ""
    is_secret: bool = False


@dataclass(frozen=True, slots=True)
class Downloaded:
    """The file that an action brought; without ``file`` it was kept before, as ``kept_as``."""

    file: File | None
    acted: Acted
    kept_as: str = ""
