"""Where a workspace is heading: its forecast, with what sessions know of how they ended."""

from collections.abc import Callable, Sequence
from datetime import datetime

from sqlalchemy import Connection

from noctule.db.engine import Database
from noctule.kit.clock import Clock
from noctule.metering.book import PriceBook
from noctule.metering.service import Metering
from noctule.metering.service.forecast import Change, Forecast, Outlook, Saving, forecast, window_start

__all__ = ["Change", "Forecast", "ForecastService", "IdleEnds", "Outlook", "Saving"]

IdleEnds = Callable[[Connection, str, datetime], Sequence[tuple[int, int]]]
"""Of a workspace's sessions since an instant: how many ended unused, for each idle time-out in minutes."""


class ForecastService:
    """The forecasts of workspaces."""

    def __init__(
        self, database: Database, clock: Clock, metering: Metering, book: PriceBook, idle_ends: IdleEnds
    ) -> None:
        self._database = database
        self._clock = clock
        self._metering = metering
        self._book = book
        self._idle_ends = idle_ends

    async def forecast(self, workspace_id: str) -> Forecast:
        """Where a workspace is heading now. Raises ``NotFound``."""
        now = self._clock.now()

        def step(connection: Connection) -> Forecast:
            usage = self._metering.usage(connection, workspace_id, None)
            idle_ends = self._idle_ends(connection, workspace_id, window_start(now))
            return forecast(connection, workspace_id, usage, self._book, now, idle_ends)

        return await self._database.read(step)
