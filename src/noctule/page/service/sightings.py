"""Which sessions were looked at, and which look was the last.

The ids of an observation live in the session's browser, which dies with this process, so this is kept in memory. The
sessions that nobody looked at for the longest time are forgotten beyond a bound that no machine's browsers reach.
"""

from collections import OrderedDict

from noctule.kit.ids import new_id

_MOST_SESSIONS = 100_000
_KEY_CHARACTERS = 8


class Sightings:
    """The last observation of each session, by its key."""

    def __init__(self, most_sessions: int = _MOST_SESSIONS) -> None:
        self._keys: OrderedDict[str, str] = OrderedDict()
        self._most_sessions = most_sessions

    def note(self, session_id: str) -> str:
        """Note that a session was looked at; answers the key of that look."""
        key = new_id()[:_KEY_CHARACTERS]
        self._keys[session_id] = key
        self._keys.move_to_end(session_id)
        if len(self._keys) > self._most_sessions:
            self._keys.popitem(last=False)
        return key

    def is_last(self, session_id: str, key: str) -> bool:
        """Whether that look was the session's last one."""
        return self._keys.get(session_id) == key

    def __contains__(self, session_id: object) -> bool:
        return session_id in self._keys

    def forget(self, session_id: str) -> None:
        """Let a session go that is over."""
        self._keys.pop(session_id, None)
