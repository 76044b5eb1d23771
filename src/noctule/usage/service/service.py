"""What a workspace used, where the money went, and what it asked."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection

from noctule.db.engine import Database
from noctule.kit.paging import Page, PageQuery
from noctule.metering.service import Metering, Usage
from noctule.metering.service.breakdown import Breakdown, Dimension, Filters, breakdown
from noctule.metering.service.export import ExportFormat
from noctule.usage import store
from noctule.usage.domain import LoggedRequest
from noctule.usage.service.exports import Document, Exports
from noctule.usage.service.periods import month_of
from noctule.usage.service.request_log import RequestLog
from noctule.workspaces.service import WorkspaceService


@dataclass(frozen=True, slots=True)
class LabelledBreakdown:
    """A breakdown with what people call its keys, where that differs."""

    breakdown: Breakdown
    labels: Mapping[str, str]


class UsageService:
    """One workspace's window on the meter. Without ``workspaces``, ids stand where names would."""

    def __init__(
        self,
        database: Database,
        metering: Metering,
        request_log: RequestLog,
        workspaces: WorkspaceService | None = None,
    ) -> None:
        self._database = database
        self._metering = metering
        self._request_log = request_log
        self._workspaces = workspaces
        self._exports = Exports(database)

    async def usage(self, workspace_id: str, period: str | None) -> Usage:
        """The usage of the month that ``period`` names. Raises ``InvalidRequest`` if it names none."""
        month = month_of(period)
        return await self._database.read(lambda connection: self._metering.usage(connection, workspace_id, month))

    async def breakdown(
        self, workspace_id: str, period: str | None, dimension: Dimension, filters: Filters, query: PageQuery
    ) -> LabelledBreakdown:
        """Where the money of a month went. Raises ``InvalidRequest`` if ``period`` names no month."""
        asked = month_of(period)

        def step(connection: Connection) -> Breakdown:
            month = self._metering.usage(connection, workspace_id, asked).month
            return breakdown(connection, workspace_id, month, dimension, query, filters)

        found = await self._database.read(step)
        return LabelledBreakdown(found, await self._labels(workspace_id, found))

    async def export(self, workspace_id: str, period: str | None, format: ExportFormat) -> Document:
        """A month of the workspace as a document.

        Raises ``InvalidRequest`` if ``period`` names no month, ``TooManyRequests``, ``Unavailable``.
        """
        asked = month_of(period)
        month = (
            await self._database.read(lambda connection: self._metering.usage(connection, workspace_id, asked))
        ).month
        return await self._exports.open(workspace_id, await self._name(workspace_id), month, format)

    async def logs(
        self, workspace_id: str, query: PageQuery, *, endpoint: str | None = None, key_id: str | None = None
    ) -> Page[LoggedRequest]:
        """The workspace's requests, newest first, up to now.

        ``endpoint`` is a part of the path, in any case; ``key_id`` keeps the requests of one key.
        """
        await self._request_log.flush()
        if endpoint is not None and "\x00" in endpoint:
            # No path has one, and PostgreSQL refuses to look for it.
            return Page.of((), query)
        rows = await self._database.read(
            lambda connection: store.page(connection, workspace_id, query, endpoint=endpoint or None, key_id=key_id)
        )
        return Page.of(rows, query)

    async def _labels(self, workspace_id: str, found: Breakdown) -> dict[str, str]:
        if self._workspaces is None or found.dimension is not Dimension.KEY:
            return {}
        keys = await self._workspaces.list_keys(await self._name(workspace_id))
        return {key.id: key.name for _, key in keys}

    async def _name(self, workspace_id: str) -> str:
        if self._workspaces is None:
            return workspace_id
        workspaces = self._workspaces
        found = await self._database.read(lambda connection: workspaces.find(connection, workspace_id))
        return found.name
