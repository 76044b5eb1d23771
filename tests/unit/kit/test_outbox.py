"""Announcements and those who take them."""

from dataclasses import FrozenInstanceError
from datetime import UTC, datetime

import pytest

from noctule.db.engine import Database
from noctule.kit.outbox import Announcement, NoOutbox, Outbox

AN_END = Announcement("session.ended:1", "workspace-1", "session.ended", datetime(2026, 3, 1, tzinfo=UTC), {"a": 1})


def test_an_announcement_stays_as_it_was_made() -> None:
    with pytest.raises(FrozenInstanceError):
        AN_END.key = "other"  # type: ignore[misc]


def test_where_nobody_listens_nothing_is_kept_and_nothing_fails(sqlite: Database) -> None:
    outbox: Outbox = NoOutbox()
    sqlite.submit(lambda connection: outbox.add(connection, [AN_END, AN_END])).result(10)
    sqlite.submit(lambda connection: outbox.add(connection, [])).result(10)
