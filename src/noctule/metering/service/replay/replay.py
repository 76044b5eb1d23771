"""One replay: the books of one instant, copied, posted anew and compared, in a folder that is thrown away."""

from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection

from noctule.metering.book import PriceBook
from noctule.metering.domain.usage import Usage
from noctule.metering.service.metering import Metering
from noctule.metering.service.replay import comparing
from noctule.metering.service.replay.copying import copy, scratch
from noctule.metering.service.replay.reposting import SetClock, repost


class Replay:
    """The replay of one instant's books under a price book.

    ``folder`` holds two databases, together about twice as large as the live books; whoever made it removes it. The
    live database is read in one snapshot, by ``copy`` alone, so a server may be at work.
    """

    def __init__(self, folder: Path, book: PriceBook, at: datetime) -> None:
        self._book = book
        self._at = at
        self._live = scratch(folder / "live.db")
        self._replayed = scratch(folder / "replayed.db")

    def copy(self, connection: Connection) -> None:
        """Take the books as this transaction sees them; to be run as one reading step."""
        with self._live.connect() as target, target.begin():
            copy(connection, target)

    def repost(self) -> int:
        """Post everything anew; answers how many events there were.

        Raises ``InvalidRequest`` if an account took a plan that is not in the price book any more.
        """
        with self._live.connect() as log, self._replayed.connect() as target, target.begin():
            return repost(log, target, self._book, self._at)

    def differences(self, render: Callable[[Usage], str]) -> Iterator[comparing.Difference]:
        """Every figure that came out differently; ``render`` makes the reply of ``GET /usage`` of a month."""
        meters = (self._meter(), self._meter())
        with closing(self._live.connect()) as live, closing(self._replayed.connect()) as replayed:
            comparing.attach(self._live, replayed)
            yield from comparing.differences(live, replayed, *meters, render)

    def _meter(self) -> Metering:
        return Metering(SetClock(self._at), self._book, instance_id="replay", boot_id="replay")
