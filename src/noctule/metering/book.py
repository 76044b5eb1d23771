"""The price book: dated prices and plans, read from a TOML file (``rates.toml`` is the built-in one).

A price is chosen by when a use occurred, so a new rate never changes what is booked. Running totals are
rounded, not single uses: whatever a chain of minutes or bytes is cut into, its parts add up to the total.
"""

import tomllib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Generic, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from noctule.kit.errors import InvalidRequest
from noctule.kit.money import parse_dollars
from noctule.metering.domain.events import Meter
from noctule.metering.domain.months import Month

_BUILT_IN = Path(__file__).with_name("rates.toml")
_UNITS = {"hour": ("minute", 60), "minute": ("minute", 1), "GB": ("byte", 1_000_000_000)}
_WORD_OF = {unit: word for word, unit in _UNITS.items()}
_UNIT_OF = {Meter.BROWSER: "minute", Meter.FUNCTION: "minute", Meter.PROXY: "byte"}


class BadRates(ValueError):
    """A file of rates and plans that cannot be used; the message says where and why."""


@dataclass(frozen=True, slots=True)
class Price:
    """``rate_nanos`` for every ``per`` units of a meter, from ``begins_at`` on."""

    id: str
    meter: Meter
    begins_at: datetime
    rate_nanos: int
    per: int
    unit: str

    @property
    def per_unit(self) -> str:
        """What the rate is for, in the file's word: ``hour``, ``minute`` or ``GB``."""
        return _WORD_OF[self.unit, self.per]

    def cost(self, position: int, quantity: int) -> int:
        """Nano-dollars of ``quantity`` units that begin at ``position`` of their chain."""
        return _cost(self.rate_nanos, self.per, position, quantity)


@lru_cache(maxsize=4096)
def _cost(rate_nanos: int, per: int, position: int, quantity: int) -> int:
    return _running_total(rate_nanos, per, position + quantity) - _running_total(rate_nanos, per, position)


def _running_total(rate_nanos: int, per: int, units: int) -> int:
    # Half up, in integers.
    return (2 * units * rate_nanos + per) // (2 * per)


@dataclass(frozen=True, slots=True)
class Plan:
    """What a plan gives: ``monthly_nanos`` expires with its month, ``once_nanos`` never."""

    name: str
    begins_at: datetime
    monthly_nanos: int
    once_nanos: int
    concurrency: int
    max_duration_minutes: int
    requests_per_minute: int


Row = TypeVar("Row", Price, Plan)


class Standing(StrEnum):
    """Where a dated row stands at an instant."""

    PAST = "past"
    IN_FORCE = "in force"
    LATER = "later"


@dataclass(frozen=True, slots=True)
class Dated(Generic[Row]):
    """A row as it stands at an instant."""

    row: Row
    standing: Standing


@dataclass(frozen=True, slots=True)
class PriceBook:
    """All prices and plans. Rows of one meter or plan are in order of their beginning, oldest first."""

    prices: tuple[Price, ...]
    plans: tuple[Plan, ...]
    _by_meter: dict[Meter, tuple[Price, ...]] = field(init=False, repr=False, compare=False)
    _by_name: dict[str, tuple[Plan, ...]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        _refuse_twice("prices have the id", (price.id for price in self.prices))
        _refuse_twice("prices of one meter begin at", (f"{p.begins_at}, {p.meter.value}" for p in self.prices))
        _refuse_twice("rows of one plan begin at", (f"{plan.begins_at}, {plan.name}" for plan in self.plans))
        prices = sorted(self.prices, key=lambda price: price.begins_at)
        plans = sorted(self.plans, key=lambda plan: plan.begins_at)
        object.__setattr__(self, "_by_meter", {m: tuple(p for p in prices if p.meter is m) for m in _UNIT_OF})
        names = {plan.name for plan in plans}
        object.__setattr__(self, "_by_name", {name: tuple(p for p in plans if p.name == name) for name in names})
        for meter, rows in self._by_meter.items():
            if not rows:
                raise BadRates(f"no price for the meter {meter.value}")
        if not plans:
            raise BadRates("no plan")

    @classmethod
    def built_in(cls) -> "PriceBook":
        """The rates and plans that come with Noctule."""
        return cls.load(_BUILT_IN)

    @classmethod
    def load(cls, path: Path) -> "PriceBook":
        """Read a TOML file of the shape of ``rates.toml``. Raises ``BadRates``."""
        try:
            rows = _File.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
        except OSError as error:
            raise BadRates(f"{path}: {error.strerror}") from error
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise BadRates(f"{path}: not TOML: {error}") from error
        except ValidationError as error:
            problems = (f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors())
            raise BadRates(f"{path}: {'; '.join(problems)}") from error
        try:
            return cls(tuple(row.price() for row in rows.price), tuple(row.plan() for row in rows.plan))
        except BadRates as error:
            raise BadRates(f"{path}: {error}") from error

    def price(self, meter: Meter, at: datetime) -> Price:
        """The price of a use that occurred at ``at``; before the first row, the first row."""
        rows = self._by_meter[meter]
        for price in reversed(rows):
            if price.begins_at <= at:
                return price
        return rows[0]

    def plan(self, name: str, at: datetime) -> Plan:
        """The plan as it is at ``at``; before its first row, the first row. Raises ``InvalidRequest``."""
        rows = self._by_name.get(name)
        if rows is None:
            known = ", ".join(sorted(self._by_name))
            raise InvalidRequest.at(("plan",), f"there is no such plan; plans: {known}", name)
        for plan in reversed(rows):
            if plan.begins_at <= at:
                return plan
        return rows[0]

    def monthly_credit(self, name: str, month: Month) -> int:
        """Nano-dollars that the plan grants in ``month``. Raises ``InvalidRequest`` for an unknown plan."""
        return self.plan(name, month.start).monthly_nanos

    def dated_prices(self, at: datetime) -> list[Dated[Price]]:
        """Every price as it stands at ``at``, by meter, oldest first."""
        return [
            Dated(price, _standing(price, self.price(meter, at), at))
            for meter, rows in self._by_meter.items()
            for price in rows
        ]

    def dated_plans(self, at: datetime) -> list[Dated[Plan]]:
        """Every row of every plan as it stands at ``at``, by name, oldest first."""
        return [
            Dated(plan, _standing(plan, self.plan(name, at), at))
            for name in self.plan_names()
            for plan in self._by_name[name]
        ]

    def plan_names(self) -> list[str]:
        """Every plan, by name."""
        return sorted(self._by_name)


def _standing(row: Row, in_force: Row, at: datetime) -> Standing:
    if row is in_force:
        return Standing.IN_FORCE
    return Standing.LATER if row.begins_at > at else Standing.PAST


def _refuse_twice(what: str, values: Iterable[str]) -> None:
    for value, count in Counter(values).items():
        if count > 1:
            raise BadRates(f"{count} {what} {value}")


def _nanos(value: object) -> object:
    if not isinstance(value, str):
        raise ValueError('write amounts as strings of dollars, such as "0.05"')
    nanos = parse_dollars(value)
    if nanos < 0:
        raise ValueError("an amount is not negative")
    return nanos


def _instant(value: object) -> object:
    if isinstance(value, datetime):
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    raise ValueError("write a date, such as 2025-01-01")


_Nanos = Annotated[int, BeforeValidator(_nanos)]
_Instant = Annotated[datetime, BeforeValidator(_instant)]
_STRICT = ConfigDict(extra="forbid")


class _PriceRow(BaseModel):
    model_config = _STRICT

    id: str = Field(min_length=1, max_length=64)
    meter: Literal["browser", "proxy", "function"]
    begins_at: _Instant = Field(alias="from")
    dollars: _Nanos
    per: Literal["hour", "minute", "GB"]

    def price(self) -> Price:
        meter = Meter(self.meter)
        unit, per = _UNITS[self.per]
        if unit != _UNIT_OF[meter]:
            raise BadRates(f"{self.id}: {self.meter} is measured in {_UNIT_OF[meter]}s, not per {self.per}")
        return Price(self.id, meter, self.begins_at, self.dollars, per, unit)


class _PlanRow(BaseModel):
    model_config = _STRICT

    name: str = Field(min_length=1, max_length=64)
    begins_at: _Instant = Field(alias="from")
    monthly: _Nanos
    once: _Nanos
    concurrency: int = Field(ge=1)
    max_duration_minutes: int = Field(ge=1, le=1440)
    requests_per_minute: int = Field(ge=1)

    def plan(self) -> Plan:
        return Plan(
            self.name,
            self.begins_at,
            self.monthly,
            self.once,
            self.concurrency,
            self.max_duration_minutes,
            self.requests_per_minute,
        )


class _File(BaseModel):
    model_config = _STRICT

    price: list[_PriceRow]
    plan: list[_PlanRow]
