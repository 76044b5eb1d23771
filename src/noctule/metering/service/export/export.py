"""``Export``: one document, made piece by piece, so that any length of it takes the same memory.

All pieces together are one snapshot: bookings that came after ``Export.begin`` are in none of them,
whether the pieces are read in one transaction or in many (of one account; of all, in one).
"""

import csv
import io
from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection

from noctule.kit.errors import InvalidRequest
from noctule.metering.domain.journal import OVERAGE
from noctule.metering.service.export import focus, plain
from noctule.metering.store import exporting
from noctule.metering.store.exporting import Exported, Granted, Source, Span

_WINDOW_IDS = 2_000
_GRANTS = 1_000


class ExportFormat(StrEnum):
    """What an export can look like."""

    CSV = "csv"
    FOCUS = "focus"


class Export:
    """One export on its way. ``names`` are those of workspaces, by account; an unknown one has its id.

    ``next`` is a step of a transaction that only reads, in which ``begin`` was called or a later one.
    """

    def __init__(
        self, format: ExportFormat, account_id: str | None, span: Span, names: Mapping[str, str], newest_id: int
    ) -> None:
        self._format = format
        self._account_id = account_id
        self._span = span
        self._names = names
        self._newest_id = newest_id
        self._after_id = 0
        is_focus = format is ExportFormat.FOCUS
        self._after_grant: str | None = "" if is_focus else None
        self._after_void: int | None = 0 if is_focus else None
        self._sources: dict[str, Source] = {}
        self._text = io.StringIO(newline="")
        self._writer = csv.writer(self._text, lineterminator="\r\n")
        self._writer.writerow(plain.HEADER if format is ExportFormat.CSV else focus.HEADER)
        self.rows = 0
        """How many rows were made so far, without the header."""

    @classmethod
    def begin(
        cls,
        connection: Connection,
        format: ExportFormat,
        account_id: str | None,
        start_at: datetime,
        end_at: datetime,
        names: Mapping[str, str],
    ) -> "Export":
        """Export what counts from ``start_at`` on and before ``end_at``, of one account or (``None``) of all.

        Raises ``InvalidRequest`` if the end is not after the start.
        """
        if end_at <= start_at:
            raise InvalidRequest("An export ends after it begins.")
        return cls(format, account_id, Span(start_at, end_at), names, exporting.newest(connection, account_id))

    def next(self, connection: Connection) -> bytes | None:
        """The next piece, in UTF-8; it may be empty. ``None`` after the last."""
        if self._after_id < self._newest_id:
            last_id = min(self._after_id + _WINDOW_IDS, self._newest_id)
            found = exporting.events(connection, self._account_id, self._span, self._after_id, last_id)
            self._write(self._events(connection, found))
            self._after_id = last_id
        elif self._after_grant is not None:
            grants = exporting.grants(
                connection, self._account_id, self._span, self._newest_id, self._after_grant, _GRANTS
            )
            self._write(focus.purchase_row(grant, self._name(grant)) for grant in grants)
            self._after_grant = grants[-1].key if len(grants) == _GRANTS else None
        elif self._after_void is not None:
            voids = exporting.voids(
                connection, self._account_id, self._span, self._newest_id, self._after_void, _GRANTS
            )
            self._write(focus.purchase_row(grant, self._name(grant)) for _, grant in voids)
            self._after_void = voids[-1][0] if len(voids) == _GRANTS else None
        elif not self._text.tell():
            return None
        piece = self._text.getvalue().encode()
        self._text.seek(0)
        self._text.truncate()
        return piece

    def _events(self, connection: Connection, found: list[Exported]) -> Iterable[tuple[object, ...]]:
        if self._format is ExportFormat.FOCUS:
            return (focus.usage_row(event, self._name(event)) for event in found)
        used = {account for event in found for account, _ in event.paid if account != OVERAGE}
        # Kept from window to window: an account spends from the same grant for a month.
        self._sources = {account: source for account, source in self._sources.items() if account in used}
        if unknown := sorted(used - self._sources.keys()):
            self._sources |= exporting.sources(connection, unknown)
        return (plain.row(event, self._name(event), self._sources) for event in found)

    def _name(self, of: Exported | Granted) -> str:
        return self._names.get(of.account_id, of.account_id)

    def _write(self, rows: Iterable[tuple[object, ...]]) -> None:
        for row in rows:
            self._writer.writerow(row)
            self.rows += 1
