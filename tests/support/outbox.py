"""An outbox that keeps what it is given, for tests of those who announce."""

from collections.abc import Sequence

from sqlalchemy import Connection

from noctule.kit.outbox import Announcement


class KeptOutbox:
    """Every announcement in the order of its coming; a key that was there before is left alone."""

    def __init__(self) -> None:
        self.by_key: dict[str, Announcement] = {}

    def add(self, connection: Connection, announcements: Sequence[Announcement]) -> None:
        for each in announcements:
            self.by_key.setdefault(each.key, each)

    def of_type(self, type: str) -> list[Announcement]:
        """Those of one type."""
        return [each for each in self.by_key.values() if each.type == type]
