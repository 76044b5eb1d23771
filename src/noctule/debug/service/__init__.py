"""The use cases of the debug tag; the only door that other tags may open."""

from noctule.debug.service.control import Control
from noctule.debug.service.ports import Browsers
from noctule.debug.service.seats import Seat, Watch
from noctule.debug.service.service import DebugService, Links, TabLinks
from noctule.debug.service.watching import Watcher

__all__ = ["Browsers", "Control", "DebugService", "Links", "Seat", "TabLinks", "Watch", "Watcher"]
