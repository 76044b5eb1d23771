"""Puts the gateway together from what the settings say."""

from dataclasses import dataclass, field
from pathlib import Path

from noctule.db.engine import Database
from noctule.kit.clock import Clock
from noctule.llm.calls import Calls, Charging
from noctule.llm.client import Client
from noctule.llm.gateway import Gateway, Limits
from noctule.llm.prices import PriceList
from noctule.llm.protocol import Keys
from noctule.llm.routing import Router, configured


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """What the operator says about models; the names are those of the settings."""

    base_url: str | None = None
    api_key: str | None = field(default=None, repr=False)
    model: str | None = None
    prices_file: Path | None = None
    context_tokens: int | None = None
    limits: Limits = field(default_factory=Limits)


def build_gateway(
    settings: ModelSettings,
    *,
    database: Database,
    clock: Clock,
    charging: Charging,
    keys: Keys,
    instance_id: str,
    boot_id: str,
) -> Gateway:
    """A gateway. ``close`` it in the end. Raises ``BadModelSettings`` and ``BadPrices``."""
    prices = PriceList.load(settings.prices_file)
    server = configured(settings.base_url, settings.api_key, settings.model)
    return Gateway(
        router=Router(server, keys, prices, clock, context_tokens=settings.context_tokens),
        prices=prices,
        client=Client(),
        calls=Calls(database, clock, charging, instance_id=instance_id, boot_id=boot_id),
        clock=clock,
        limits=settings.limits,
    )
