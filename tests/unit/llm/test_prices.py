"""What calls cost, and that it can be computed again."""

import logging
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from genai_prices.data_snapshot import get_snapshot
from hypothesis import given
from hypothesis import strategies as st

from noctule.llm.prices import BYOK, UNPRICED, BadPrices, PriceEntry, PriceList, context_tokens
from noctule.llm.providers import CUSTOM, Provider, known_names, parse_name
from noctule.llm.tokens import Tokens

AT = datetime(2026, 3, 10, 12, tzinfo=UTC)
OWN = Provider(CUSTOM, None)
counts = st.integers(0, 2_000_000)
rates = st.decimals(0, 1000, places=6)


def _entry(name: str, prices: PriceList | None = None, at: datetime = AT) -> PriceEntry:
    parsed = parse_name(name)
    assert parsed is not None
    provider = parsed.provider or OWN
    return (prices or PriceList()).entry(provider, provider.url or "http://127.0.0.1/v1", parsed.model, at)


@given(st.builds(Tokens, counts, counts, counts, counts, counts), rates, rates, rates)
def test_a_cost_is_exact_and_rounded_once(tokens: Tokens, read: Decimal, cached: Decimal, out: Decimal) -> None:
    entry = PriceEntry("p", (("input_mtok", read), ("output_mtok", out), ("cache_read_mtok", cached)))
    fresh = tokens.input + tokens.cache_write
    exact = Fraction(read) * fresh + Fraction(cached) * tokens.cache_read + Fraction(out) * tokens.completion
    # A dollar a million tokens is a thousand nanos a token; Python rounds fractions half to even.
    assert entry.cost_nanos(tokens) == round(exact * 1000)
    assert PriceEntry.from_text(entry.text()).cost_nanos(tokens) == entry.cost_nanos(tokens)


@given(
    st.sampled_from(["openai/gpt-4o", "gemini/gemini-2.5-pro", "anthropic/claude-sonnet-4-5"]), counts, counts, counts
)
def test_nothing_costs_more_than_the_worst_case(name: str, prompt: int, cached: int, out: int) -> None:
    entry = _entry(name)
    cached = min(cached, prompt)
    tokens = Tokens(input=prompt - cached, cache_read=cached, output=out // 2, reasoning=out - out // 2)
    assert entry.cost_nanos(tokens) <= entry.worst_nanos(prompt, out)
    assert PriceEntry.from_text(entry.text()) == entry


@pytest.mark.parametrize(("tokens", "nanos"), [(1, 0), (3, 2), (5, 2), (7, 4)])
def test_half_a_nano_goes_to_the_even_side(tokens: int, nanos: int) -> None:
    entry = PriceEntry("p", (("input_mtok", Decimal("0.0005")), ("output_mtok", Decimal(0))))
    assert entry.cost_nanos(Tokens(input=tokens)) == nanos


@pytest.mark.parametrize(
    "name",
    [
        "openai/gpt-4o-mini",
        "gemini/gemini-2.5-flash",
        "anthropic/claude-3-5-haiku-latest",
        "groq/llama-3.3-70b-versatile",
    ],
)
def test_the_large_providers_models_are_priced_by_the_data_that_come_along(name: str) -> None:
    entry = _entry(name)
    assert entry.is_known
    assert entry.id.startswith("genai-prices:")
    assert entry.cost_nanos(Tokens(input=1_000_000)) > 0


def test_every_provider_of_an_address_is_known_to_the_data() -> None:
    known = {provider.id for provider in get_snapshot().providers}
    for name in known_names():
        parsed = parse_name(f"{name}/m")
        assert parsed is not None
        assert parsed.provider is not None
        assert parsed.provider.prices in known


def test_prices_that_grow_with_the_prompt_are_kept_whole() -> None:
    entry = _entry("gemini/gemini-2.5-pro")
    small, large = Tokens(input=100_000), Tokens(input=300_000)
    assert entry.cost_nanos(large) > 3 * entry.cost_nanos(small)
    assert PriceEntry.from_text(entry.text()).cost_nanos(large) == entry.cost_nanos(large)


def test_a_model_without_a_price_is_marked(caplog: pytest.LogCaptureFixture) -> None:
    prices = PriceList()
    with caplog.at_level(logging.WARNING):
        entries = [_entry("openai/no-such-model-at-all", prices) for _ in range(3)]
    assert entries[0] == PriceEntry(UNPRICED, is_known=False)
    assert entries[0].cost_nanos(Tokens(input=1_000_000)) == 0
    assert len(caplog.records) == 1
    assert PriceEntry.from_text(entries[0].text()) == entries[0]


def test_a_key_of_ones_own_costs_nothing() -> None:
    assert PriceList().byok() == PriceEntry(BYOK)
    assert PriceList().byok().cost_nanos(Tokens(input=5)) == 0


def _file(folder: Path, text: str) -> Path:
    path = folder / "prices.toml"
    path.write_text(text)
    return path


def test_the_operators_prices_come_first_and_are_dated(tmp_path: Path) -> None:
    prices = PriceList.load(
        _file(
            tmp_path,
            """
            [[price]]
            model = "openai/gpt-4o*"
            from = 2025-01-01
            input = "1"
            output = "2"

            [[price]]
            model = "openai/gpt-4o*"
            from = 2026-03-11
            input = "3"
            output = "4"
            cache_read = "0.3"

            [[price]]
            model = "custom/Qwen/Qwen3-8B"
            from = 2025-01-01
            input = "0"
            output = "0"
            """,
        )
    )
    entry = _entry("openai/gpt-4o-mini", prices)
    assert (entry.id, entry.cost_nanos(Tokens(input=1, output=1))) == ("operator:openai/gpt-4o*@2025-01-01", 3_000)
    later = _entry("openai/gpt-4o-mini", prices, datetime(2026, 3, 11, tzinfo=UTC))
    assert later.cost_nanos(Tokens(cache_read=10, output=1)) == 7_000
    assert _entry("gemini/gemini-2.5-flash", prices).id.startswith("genai-prices:")
    free = prices.entry(OWN, "http://127.0.0.1/v1", "Qwen/Qwen3-8B", AT)
    assert (free.is_known, free.cost_nanos(Tokens(input=5))) == (True, 0)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("price = 3", "price"),
        ("[[price]]\nmodel = 'm'", "from: Field required"),
        ("[[price]]\nmodel = 'm'\nfrom = 2025-01-01\ninput = 0.1\noutput = '1'", "strings of dollars"),
        ("[[price]]\nmodel = 'm'\nfrom = 2025-01-01\ninput = '-1'\noutput = '1'", "0 to a million"),
        ("[[price]]\nmodel = 'm'\nfrom = 2025-01-01\ninput = 'a'\noutput = '1'", "not an amount"),
        ("[[price]]\nmodel = 'm'\nfrom = 'now'\ninput = '1'\noutput = '1'", "write a date"),
        ("[[price]]\nmodel = 'm'\nfrom = 2025-01-01\ninput = '1'\noutput = '1'\n" * 2, "begin on one day"),
        ("[[price]]\nmodel = 'm'\nfrom = 2025-01-01\ninput = '1'\noutput = '1'\nimage = '1'", "image"),
        ("][", "not TOML"),
    ],
)
def test_a_file_that_cannot_be_used_says_why(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(BadPrices, match=problem):
        PriceList.load(_file(tmp_path, text))


def test_a_file_that_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(BadPrices, match="No such file"):
        PriceList.load(tmp_path / "none.toml")


def test_the_context_of_a_known_model_is_known() -> None:
    parsed = parse_name("openai/gpt-4o")
    assert parsed is not None
    assert parsed.provider is not None
    assert context_tokens(parsed.provider, "https://api.openai.com/v1", "gpt-4o") == 128_000
    assert context_tokens(OWN, "http://127.0.0.1/v1", "gpt-4o") is None
