"""The gateway out of settings."""

import asyncio
from pathlib import Path

import pytest

from noctule.app.bridges import MeterCharging
from noctule.llm.assembly import ModelSettings, build_gateway
from noctule.llm.gateway import Gateway, Limits
from noctule.llm.prices import BadPrices
from noctule.llm.routing import BadModelSettings
from tests.unit.llm.house import House, question


def _built(house: House, settings: ModelSettings) -> Gateway:
    return build_gateway(
        settings,
        database=house.database,
        clock=house.clock,
        charging=MeterCharging(house.metering),
        keys=house.keys,
        instance_id="one",
        boot_id="boot",
    )


def test_a_gateway_of_settings_answers_and_charges(lone: House, tmp_path: Path) -> None:
    prices = tmp_path / "prices.toml"
    prices.write_text('[[price]]\nmodel = "custom/*"\nfrom = 2025-01-01\ninput = "1"\noutput = "1"\n')
    settings = ModelSettings(lone.model.base_url, "sk-x", "m", prices, 5_000, Limits(max_output_tokens=99))

    async def story() -> None:
        gateway = _built(lone, settings)
        answer = await gateway.complete(question())
        info = await gateway.find("a")
        assert info is not None
        assert info.context_tokens == 5_000
        assert answer.cost_nanos == answer.tokens.prompt * 1_000 + answer.tokens.completion * 1_000
        assert await gateway.recover() == 0
        await gateway.close()

    asyncio.run(story())
    assert lone.model.asked[0].body["max_tokens"] == 99
    assert "sk-x" not in repr(settings)


def test_settings_that_cannot_be_used_stop_it(lone: House, tmp_path: Path) -> None:
    with pytest.raises(BadModelSettings):
        _built(lone, ModelSettings(base_url="http://127.0.0.1/v1"))
    with pytest.raises(BadPrices):
        _built(lone, ModelSettings(prices_file=tmp_path / "none.toml"))


def test_a_runs_budget_is_never_above_the_servers_cap(lone: House) -> None:
    gateway = _built(lone, ModelSettings(limits=Limits(max_cost_per_run_nanos=500)))
    assert gateway.new_budget().max_cost_nanos == 500
    assert gateway.new_budget(1_000).max_cost_nanos == 500
    assert gateway.new_budget(100).max_cost_nanos == 100
    asyncio.run(gateway.close())
