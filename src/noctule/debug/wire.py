"""What the debug tag says and what a viewer may say to it; nothing else."""

import re
from typing import Annotated, Any, Literal

import msgspec
from pydantic import ConfigDict

from noctule.kit.web import WireResponse


class TabsData(WireResponse):
    """An open tab; ``tab_id`` is its place in the order of opening."""

    tab_id: int
    title: str
    url: str


class TabSessionDebugResponse(WireResponse):
    """Where one tab is looked at: a page for people, and a CDP socket of that page alone."""

    metadata: TabsData
    debug_url: str
    ws_url: str


class WebSocketUrls(WireResponse):
    """The streams of a session. Each address is a credential for that one stream of that one session."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    cdp: str
    recording: str
    logs: str


class SessionDebugResponse(WireResponse):
    """Where a session is looked at."""

    debug_url: str
    ws: WebSocketUrls
    tabs: list[TabSessionDebugResponse]


# -- what a viewer says ---------------------------------------------------------------------------------------

LONGEST_MESSAGE_BYTES = 1 << 20
_FURTHEST = 100_000.0

_Place = Annotated[float, msgspec.Meta(ge=-_FURTHEST, le=_FURTHEST)]
_Modifiers = Annotated[int, msgspec.Meta(ge=0, le=15)]
_Name = Annotated[str, msgspec.Meta(max_length=64)]
_TabId = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
_Url = Annotated[str, msgspec.Meta(min_length=1, max_length=8192)]
_WhoAmI = Annotated[str, msgspec.Meta(min_length=8, max_length=64, pattern=r"^[A-Za-z0-9_-]+$")]


class _Said(msgspec.Struct, forbid_unknown_fields=True, tag_field="type", tag=str.lower):
    """Base of messages: their class's name in small letters is their ``type``."""


class Receipt(_Said):
    """A frame has arrived and is shown."""


class Hello(_Said):
    """Who this is, so that a person whose connection broke keeps what they had."""

    who: _WhoAmI


class MouseInput(_Said, tag="mouse"):
    """See ``browser.steering.Mouse``."""

    kind: Literal["move", "down", "up"]
    x: _Place
    y: _Place
    button: Literal["none", "left", "middle", "right", "back", "forward"] = "none"
    buttons: Annotated[int, msgspec.Meta(ge=0, le=31)] = 0
    clicks: Annotated[int, msgspec.Meta(ge=0, le=10)] = 0
    modifiers: _Modifiers = 0


class WheelInput(_Said, tag="wheel"):
    """See ``browser.steering.Wheel``."""

    x: _Place
    y: _Place
    dx: _Place
    dy: _Place
    modifiers: _Modifiers = 0


class KeyInput(_Said, tag="key"):
    """See ``browser.steering.Key``."""

    kind: Literal["down", "up"]
    key: _Name
    code: _Name = ""
    text: Annotated[str, msgspec.Meta(max_length=8)] = ""
    key_code: Annotated[int, msgspec.Meta(ge=0, le=255)] = 0
    location: Annotated[int, msgspec.Meta(ge=0, le=3)] = 0
    modifiers: _Modifiers = 0
    repeat: bool = False


class TextInput(_Said, tag="text"):
    """Text that is pasted, or that a composition came to."""

    text: Annotated[str, msgspec.Meta(max_length=500_000)]


class ComposeInput(_Said, tag="compose"):
    """What an input method shows before it is final."""

    text: Annotated[str, msgspec.Meta(max_length=2000)]
    caret: Annotated[int, msgspec.Meta(ge=0, le=2000)] = 0


class Copy(_Said):
    """Asks for the text that is selected."""


class TakeOver(_Said, tag="take_over"):
    """The person wants control."""


class HandBack(_Said, tag="hand_back"):
    """The person gives control back."""


class Go(_Said):
    """Opens an address in the current tab."""

    url: _Url


class Move(_Said):
    """One step in history, or the page once more."""

    to: Literal["back", "forward", "reload"]


class Open(_Said):
    """Opens a new tab, empty or at an address."""

    url: _Url = "about:blank"


class Show(_Said):
    """Makes a tab the current one."""

    tab: _TabId


class Shut(_Said):
    """Closes a tab."""

    tab: _TabId


Steered = MouseInput | WheelInput | KeyInput | TextInput | ComposeInput
Asked = Go | Move | Open | Show | Shut
Said = Receipt | Hello | Steered | Copy | TakeOver | HandBack | Asked

_decoder: msgspec.json.Decoder[Said] = msgspec.json.Decoder(Said)
_HAS_SCHEME = re.compile(r"(?i)(?:[a-z][a-z0-9+.-]*://|about:|data:|blob:|javascript:|file:|chrome:|view-source:)")


def read(text: str) -> Said:
    """A viewer's message. Raises ``ValueError`` that says what is wrong with it."""
    try:
        return _decoder.decode(text)
    except msgspec.ValidationError as error:
        raise ValueError(str(error)) from None
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        raise ValueError("the message is not JSON") from None


def address(typed: str) -> str:
    """What a person typed into an address bar, as an address: without a scheme it is a host of the web."""
    plain = typed.strip()
    if _HAS_SCHEME.match(plain):
        return plain
    host = plain.split("/", 1)[0].split("?", 1)[0].lower()
    is_local = re.fullmatch(r"(localhost|\d{1,3}(\.\d{1,3}){3}|\[[0-9a-f:.]+\])(:\d+)?", host) is not None
    return f"{'http' if is_local else 'https'}://{plain}"


def packed(frame_head: dict[str, Any], jpeg: bytes) -> bytes:
    """A frame as one binary message: four bytes of length (big endian), so many of JSON, and the JPEG."""
    head = msgspec.json.encode(frame_head)
    return b"".join((len(head).to_bytes(4, "big"), head, jpeg))
