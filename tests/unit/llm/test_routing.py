"""Where a question goes, and with whose key."""

import asyncio
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from noctule.llm.errors import NoModel
from noctule.llm.prices import OperatorPrice, PriceList
from noctule.llm.providers import DEFAULT_NAME
from noctule.llm.routing import BadModelSettings, Configured, Route, Router, configured
from tests.support.clock import FrozenClock
from tests.support.llm import FakeKeys

OPENAI = configured(None, "sk-server", "openai/gpt-4o-mini")
LOCAL = configured("http://127.0.0.1:11434/v1/", None, "openai/gpt-oss:20b")
AZURE = configured("https://me.openai.azure.com/openai/v1", "az-server", "gpt-4o")


def _route(server: Configured | None, model: str | None, **keys: str) -> Route:
    router = Router(server, FakeKeys(**keys), PriceList(), FrozenClock())
    return asyncio.run(router.route("a", model))


@pytest.mark.parametrize(
    "model", [None, "", "default", DEFAULT_NAME, "anthropic/claude-sonnet-4-5", "no such", "x" * 999]
)
def test_whatever_the_server_has_no_key_for_stands_for_the_configured_model(model: str | None) -> None:
    route = _route(OPENAI, model)
    assert (route.name, route.url, route.key) == ("openai/gpt-4o-mini", "https://api.openai.com/v1", "sk-server")
    assert not route.is_byok


def test_another_model_of_the_configured_provider_is_taken_if_it_has_a_price() -> None:
    assert _route(OPENAI, "openai/gpt-4o").model == "gpt-4o"
    assert _route(OPENAI, "openai/no-such-model-at-all").model == "gpt-4o-mini"


def test_the_default_name_is_the_configured_model_even_of_its_own_provider() -> None:
    server = configured(None, "k", "gemini/gemini-2.5-pro")
    assert _route(server, DEFAULT_NAME).model == "gemini-2.5-pro"
    assert _route(server, "gemini/gemini-2.5-flash-lite").model == "gemini-2.5-flash-lite"


def test_a_workspaces_key_wins_and_goes_to_its_providers_own_address() -> None:
    route = _route(OPENAI, "anthropic/claude-sonnet-4-5", anthropic="sk-own")
    assert (route.name, route.key, route.is_byok) == ("anthropic/claude-sonnet-4-5", "sk-own", True)
    assert route.url == "https://api.anthropic.com/v1"
    assert _route(OPENAI, None, openai="sk-own").key == "sk-own"
    assert _route(OPENAI, DEFAULT_NAME, google="sk-own").name == DEFAULT_NAME.replace("gemini/", "google/")
    assert _route(None, "mistral/mistral-large-latest", mistral="sk-own").is_byok


def test_a_workspaces_key_goes_to_the_operators_address_only_if_that_is_the_same_providers() -> None:
    assert _route(AZURE, "azure/gpt-4o", azure="az-own").url == "https://me.openai.azure.com/openai/v1"
    assert _route(AZURE, None, azure="az-own", openai="sk-own").key == "az-own"
    local = _route(LOCAL, None, openai="sk-own", custom="sk-own")
    assert (local.url, local.key, local.is_byok) == ("http://127.0.0.1:11434/v1", "none", False)
    assert _route(LOCAL, "openai/gpt-4o", openai="sk-own").url == "https://api.openai.com/v1"
    assert not _route(LOCAL, "azure/gpt-4o", azure="az-own").is_byok


@pytest.mark.parametrize(
    ("model", "looked_up"),
    [
        (None, ["google"]),
        (DEFAULT_NAME, ["google"]),
        ("gemini/gemini-2.5-flash-lite", ["google"]),
        ("grok/grok-3", ["xai", "google"]),
    ],
)
def test_a_providers_key_is_looked_up_once_whatever_names_it_has(model: str | None, looked_up: list[str]) -> None:
    keys = FakeKeys()
    router = Router(configured(None, "k", "gemini/gemini-2.5-pro"), keys, PriceList(), FrozenClock())
    asyncio.run(router.route("a", model))
    assert keys.asked == looked_up


def test_a_key_of_another_provider_is_left_alone() -> None:
    route = _route(OPENAI, "groq/llama-3.3-70b-versatile", mistral="sk-own")
    assert (route.name, route.key) == ("openai/gpt-4o-mini", "sk-server")


def test_with_nothing_configured_there_is_no_model() -> None:
    for model in (None, DEFAULT_NAME, "openai/gpt-4o", "llama"):
        with pytest.raises(NoModel):
            _route(None, model)
    with pytest.raises(NoModel):
        _route(None, "azure/gpt-4o", azure="az-own")


def test_a_name_at_an_address_of_ones_own_is_sent_as_it_is() -> None:
    assert LOCAL is not None
    assert (LOCAL.model, LOCAL.is_own_address) == ("openai/gpt-oss:20b", True)
    own = configured("https://api.openai.com/v1", "k", "openai/gpt-4o")
    assert own is not None
    assert (own.model, own.is_own_address) == ("gpt-4o", False)


def test_no_key_is_shown() -> None:
    assert OPENAI is not None
    assert "sk-" not in repr(OPENAI) + repr(_route(OPENAI, None)) + repr(_route(OPENAI, None, openai="sk-own"))


def test_the_context_is_the_setting_the_datas_or_a_cautious_one() -> None:
    clock = FrozenClock()
    router = Router(OPENAI, FakeKeys(), PriceList(), clock)
    assert router.info(_route(OPENAI, None)).context_tokens == 128_000
    assert router.info(_route(LOCAL, None)).context_tokens == 32_000
    limited = Router(OPENAI, FakeKeys(), PriceList(), clock, context_tokens=9_000)
    assert limited.info(_route(OPENAI, None)).context_tokens == 9_000


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        (("http://x/v1", None, None), "NOCTULE_LLM_BASE_URL needs NOCTULE_LLM_MODEL"),
        (("ftp://x", None, "m"), "not an http or https address"),
        (("nonsense", None, "m"), "not an http or https address"),
        (("http://u:p@x/v1", None, "m"), "takes no user"),
        (("http://x/v1?key=1", None, "m"), "takes no user"),
        ((None, "k", "no spaces please"), "not a model's name"),
        ((None, "k", "gpt-4o"), "names no provider"),
        ((None, "k", "azure/gpt-4o"), "address for each customer"),
        ((None, None, "openai/gpt-4o"), "NOCTULE_LLM_API_KEY is needed"),
    ],
)
def test_settings_that_do_not_go_together_say_which(settings: tuple[str | None, ...], problem: str) -> None:
    with pytest.raises(BadModelSettings, match=problem):
        configured(*settings)


def test_no_settings_are_no_model() -> None:
    assert configured(None, None, None) is None
    assert configured(None, "k", " ") is None


def test_a_price_of_the_operators_makes_a_model_choosable() -> None:
    row = OperatorPrice("openai/own-tune", datetime(2025, 1, 1, tzinfo=UTC), (("input_mtok", Decimal(1)),))
    router = Router(OPENAI, FakeKeys(), PriceList((row,)), FrozenClock())
    assert asyncio.run(router.route("a", "openai/own-tune")).model == "own-tune"
