"""UTC calendar months: the unit of plan credit and of ``GET /usage``. Start inclusive, end exclusive."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

SEALED_AFTER = timedelta(hours=1)
"""How long after its end a month still takes events that began in it."""

_NAMES = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)


@dataclass(frozen=True, slots=True, order=True)
class Month:
    """One month; later months are greater."""

    year: int
    month: int

    @classmethod
    def of(cls, at: datetime) -> "Month":
        """The month that an aware UTC instant lies in."""
        return cls(at.year, at.month)

    @classmethod
    def from_key(cls, key: str) -> "Month":
        """The month of a ``YYYY-MM`` key."""
        return cls(int(key[:4]), int(key[5:]))

    @property
    def key(self) -> str:
        """``"2025-05"``: sorts like the month itself."""
        return f"{self.year:04d}-{self.month:02d}"

    @property
    def label(self) -> str:
        """``"May 2025"``, always in English."""
        return f"{_NAMES[self.month - 1]} {self.year}"

    @property
    def start(self) -> datetime:
        """The first instant of the month."""
        return datetime(self.year, self.month, 1, tzinfo=UTC)

    @property
    def end(self) -> datetime:
        """The first instant after the month."""
        return self.next.start

    @property
    def next(self) -> "Month":
        """The month after this one."""
        return Month(self.year + 1, 1) if self.month == 12 else Month(self.year, self.month + 1)

    @property
    def previous(self) -> "Month":
        """The month before this one."""
        return Month(self.year - 1, 12) if self.month == 1 else Month(self.year, self.month - 1)

    def is_sealed(self, at: datetime) -> bool:
        """Whether the month takes no more events at that instant."""
        return at >= self.end + SEALED_AFTER
