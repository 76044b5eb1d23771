"""Which CDP sessions of a client lead to pages of the web, learnt from what the browser says on the way.

Full Chromium shows pages of its own as targets (``chrome://…`` in its omnibox, a new tab after Ctrl+T), whose
scripts may do more than a web page's. A client may hold a session with one but not speak on it. A session
that was never seen to be attached is not spoken on either, so a browser that words its events otherwise
would be noticed at once, and not by a hole.
"""

import re
from enum import Enum, auto
from typing import Any, Final

from noctule.browser.relay import messages

# Chromium writes an event's method first, and that is all that the relay looks at in what it passes on.
EVENT_PREFIX: Final = b'{"method":"Target.'
EVENT_LIMIT_BYTES: Final = 4 << 20

_WEB: Final = re.compile(r"(?i:https?:|data:|blob:|about:(blank|srcdoc)([?#]|\Z)|chrome-error:|\Z)")


def is_web(url: str) -> bool:
    """Whether an address is one that a page of the web can have."""
    return _WEB.match(url) is not None


class Standing(Enum):
    """What the client may do with a session."""

    OPEN = auto()
    REFUSED = auto()
    UNKNOWN = auto()


class Sessions:
    """The attached sessions of one client's connection; ``open`` are those that may be spoken on."""

    def __init__(self) -> None:
        self.open: set[str] = set()
        self._targets: dict[str, str] = {}

    def standing(self, session_id: object) -> Standing:
        """Whether a session may be spoken on."""
        if not isinstance(session_id, str) or session_id not in self._targets:
            return Standing.UNKNOWN
        return Standing.OPEN if session_id in self.open else Standing.REFUSED

    def note(self, event: bytes) -> None:
        """Learn from an event that begins with ``EVENT_PREFIX``."""
        message = messages.parse(event)
        params = message.get("params", {})
        match message["method"]:
            case "Target.attachedToTarget":
                info = params["targetInfo"]
                self._targets[params["sessionId"]] = info["targetId"]
                self._weigh(params["sessionId"], info)
            case "Target.detachedFromTarget":
                self._targets.pop(params["sessionId"], None)
                self.open.discard(params["sessionId"])
            case "Target.targetInfoChanged":
                info = params["targetInfo"]
                for session_id, target_id in self._targets.items():
                    if target_id == info["targetId"]:
                        self._weigh(session_id, info)

    def _weigh(self, session_id: str, info: dict[str, Any]) -> None:
        if is_web(info.get("url", "")):
            self.open.add(session_id)
        else:
            self.open.discard(session_id)
