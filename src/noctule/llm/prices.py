"""What a call costs: the operator's table first, then the data that come with ``genai-prices``; nothing is fetched.

What must hold: a cost follows from its ``PriceEntry`` and its tokens alone, and the entry is stored with the call, so
that every charge can be computed again when the tables have long changed. It is rounded once, half to even, to a
nano-dollar. A model without a price costs nothing, is marked so, and named once in the log.
"""

import logging
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import msgspec
from genai_prices import Usage
from genai_prices.data_snapshot import get_snapshot
from genai_prices.types import ModelInfo as PricedModel
from genai_prices.types import ModelPrice, Tier, TieredPrices
from genai_prices.types import Provider as PricedProvider
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from noctule.kit.money import NANOS_PER_DOLLAR
from noctule.llm.providers import Provider
from noctule.llm.tokens import Tokens

log = logging.getLogger(__name__)

BYOK = "byok"
UNPRICED = "unpriced"

_OPERATOR = "operator"
_DATA = f"genai-prices:{version('genai-prices')}"
_PRECISION = 60
_MOST_REMEMBERED = 1_000
_MOST_DOLLARS = Decimal(1_000_000)

Rate = Decimal | TieredPrices


class BadPrices(ValueError):
    """A file of prices that cannot be used; the message says where and why."""


@dataclass(frozen=True, slots=True)
class PriceEntry:
    """The rates that a call was charged at: dollars for a million tokens, by the price data's names of units.

    ``id`` goes with the usage event. ``is_known`` is false for the entry of a model without a price.
    """

    id: str
    rates: tuple[tuple[str, Rate], ...] = ()
    is_known: bool = True

    def cost_nanos(self, tokens: Tokens) -> int:
        """Nano-dollars of a call."""
        if not self.rates:
            return 0
        with localcontext() as context:
            context.prec = _PRECISION
            dollars = ModelPrice(**dict(self.rates)).calc_price(_usage(tokens))["total_price"]
            return int((dollars * NANOS_PER_DOLLAR).to_integral_value(ROUND_HALF_EVEN))

    def worst_nanos(self, prompt_tokens: int, completion_tokens: int) -> int:
        """The most that a call of at most so many tokens can cost, of whatever kinds they turn out to be."""
        return max(
            self.cost_nanos(Tokens(**{read: prompt_tokens, out: completion_tokens}))
            for read in ("input", "cache_write")
            for out in ("output", "reasoning")
        )

    def text(self) -> str:
        """The entry as it is stored: ``from_text`` makes it anew."""
        rates = {name: _plain(rate) for name, rate in self.rates}
        return msgspec.json.encode({"id": self.id, "known": self.is_known, "rates": rates}).decode()

    @classmethod
    def from_text(cls, text: str) -> "PriceEntry":
        """The entry that was stored. Raises ``ValueError``."""
        stored = msgspec.json.decode(text, type=_StoredEntry)
        return cls(stored.id, tuple((name, _rate(plain)) for name, plain in stored.rates.items()), stored.known)


class _StoredTiers(msgspec.Struct):
    base: str
    tiers: list[tuple[int, str]]


class _StoredEntry(msgspec.Struct):
    id: str
    known: bool
    rates: dict[str, str | _StoredTiers]


def _plain(rate: Rate) -> str | dict[str, Any]:
    if isinstance(rate, Decimal):
        return str(rate)
    return {"base": str(rate.base), "tiers": [(tier.start, str(tier.price)) for tier in rate.tiers]}


def _rate(plain: str | _StoredTiers) -> Rate:
    if isinstance(plain, str):
        return Decimal(plain)
    return TieredPrices(Decimal(plain.base), [Tier(start, Decimal(price)) for start, price in plain.tiers])


def _usage(tokens: Tokens) -> Usage:
    return Usage(
        input_tokens=tokens.prompt,
        output_tokens=tokens.completion,
        cache_read_tokens=tokens.cache_read,
        cache_write_tokens=tokens.cache_write,
        output_reasoning_tokens=tokens.reasoning,
    )


_BYOK_ENTRY = PriceEntry(BYOK)
_UNPRICED_ENTRY = PriceEntry(UNPRICED, is_known=False)


class PriceList:
    """The operator's prices and the data's."""

    def __init__(self, rows: "tuple[OperatorPrice, ...]" = ()) -> None:
        # The newest first, so that the first that has begun is the one in force.
        self._rows = sorted(rows, key=lambda row: row.begins_at, reverse=True)
        self._without: dict[str, None] = {}

    @classmethod
    def load(cls, path: Path | None) -> "PriceList":
        """The prices of a TOML file before those of the data; no file, the data alone. Raises ``BadPrices``."""
        if path is None:
            return cls()
        try:
            rows = _File.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
        except OSError as error:
            raise BadPrices(f"{path}: {error.strerror}") from error
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise BadPrices(f"{path}: not TOML: {error}") from error
        except ValidationError as error:
            problems = (f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors())
            raise BadPrices(f"{path}: {'; '.join(problems)}") from error
        prices = tuple(row.price() for row in rows.price)
        if len({(row.model, row.begins_at) for row in prices}) < len(prices):
            raise BadPrices(f"{path}: two prices of one model begin on one day")
        return cls(prices)

    def entry(self, provider: Provider, url: str, model: str, at: datetime) -> PriceEntry:
        """The price of a model at an instant; that of a model without one is not ``is_known``."""
        name = f"{provider.id}/{model}"
        for row in self._rows:
            if row.begins_at <= at and row.is_for(name):
                return row.entry()
        found = _in_data(provider, url, model)
        if found is not None:
            priced_by, priced = found
            rates = priced.get_prices(at).__dict__
            known = {key: rate for key, rate in rates.items() if rate is not None and key.endswith(_USED)}
            if known:
                return PriceEntry(f"{_DATA}:{priced_by.id}/{priced.id}", tuple(known.items()))
        self._note_unpriced(name)
        return _UNPRICED_ENTRY

    def byok(self) -> PriceEntry:
        """The price of calls on a key of the workspace's own: nothing."""
        return _BYOK_ENTRY

    def _note_unpriced(self, name: str) -> None:
        if name in self._without or len(self._without) >= _MOST_REMEMBERED:
            return
        self._without[name] = None
        log.warning(
            "no price is known for the model %s: its calls cost nothing and are marked %s; give it one in the file of "
            "NOCTULE_LLM_PRICES_FILE",
            name,
            UNPRICED,
        )


# Rates of what chat calls use; those for searches, seconds and pages have other ends.
_USED = ("_mtok", "requests_kcount")


def context_tokens(provider: Provider, url: str, model: str) -> int | None:
    """How many tokens fit into a model's context, if the data know."""
    found = _in_data(provider, url, model)
    return None if found is None else found[1].context_window


def _in_data(provider: Provider, url: str, model: str) -> tuple[PricedProvider, PricedModel] | None:
    by_url = None if provider.prices else url
    try:
        return get_snapshot().find_provider_model(model, None, provider.prices, by_url)
    except LookupError:
        return None


def _instant(value: object) -> object:
    if isinstance(value, datetime):
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    raise ValueError("write a date, such as 2026-01-01")


def _dollars(value: object) -> object:
    if not isinstance(value, str):
        raise ValueError('write amounts as strings of dollars, such as "0.15"')
    try:
        amount = Decimal(value.strip().removeprefix("$"))
    except ArithmeticError:
        raise ValueError("not an amount of dollars") from None
    if not amount.is_finite() or amount < 0 or amount > _MOST_DOLLARS or len(value) > 25:
        raise ValueError("an amount is a number from 0 to a million")
    return amount


_Dollars = Annotated[Decimal, BeforeValidator(_dollars)]


@dataclass(frozen=True, slots=True)
class OperatorPrice:
    """A row of the operator's table. ``model`` is ``provider/model``, or the beginning of one and a ``*``."""

    model: str
    begins_at: datetime
    rates: tuple[tuple[str, Decimal], ...]

    def is_for(self, name: str) -> bool:
        """Whether a model is this row's."""
        if self.model.endswith("*"):
            return name.lower().startswith(self.model[:-1].lower())
        return name.lower() == self.model.lower()

    def entry(self) -> PriceEntry:
        """What is stored with a call at this price."""
        return PriceEntry(f"{_OPERATOR}:{self.model}@{self.begins_at:%Y-%m-%d}", self.rates)


class _PriceRow(BaseModel):
    model_config = ConfigDict(extra="forbid")

    model: str = Field(min_length=1, max_length=200)
    begins_at: Annotated[datetime, BeforeValidator(_instant)] = Field(alias="from")
    input: _Dollars
    output: _Dollars
    cache_read: _Dollars | None = None
    cache_write: _Dollars | None = None
    reasoning: _Dollars | None = None

    def price(self) -> OperatorPrice:
        named: Mapping[str, Decimal | None] = {
            "input_mtok": self.input,
            "output_mtok": self.output,
            "cache_read_mtok": self.cache_read,
            "cache_write_mtok": self.cache_write,
            "output_reasoning_mtok": self.reasoning,
        }
        rates = tuple((name, rate) for name, rate in named.items() if rate is not None)
        return OperatorPrice(self.model, self.begins_at, rates)


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    price: list[_PriceRow] = Field(max_length=10_000)
