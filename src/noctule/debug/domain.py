"""Who has control of a session, and what is told to those who watch; no I/O.

A session belongs to the programs that drive it until a person takes it over, and again once that person hands it back
or is gone. There is one holder at a time: who takes over last has it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

SHOWN_IN_LOGS = frozenset({"observation", "execution_result"})
"""The kinds of steps that the logs tell."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened in a session: a step of its trajectory, or of what is around it. ``data`` is JSON."""

    kind: str
    data: Mapping[str, Any] | str
    at: datetime

    def as_json(self) -> dict[str, Any]:
        """The envelope in which every event goes out."""
        return {"type": self.kind, "data": self.data, "timestamp": self.at.isoformat()}


@dataclass(frozen=True, slots=True)
class Holder:
    """A person who has control; ``who`` is a name that their viewer made up for itself."""

    who: str
    since: datetime
