"""Secrets: what they may be called, what they may hold, and which one is a provider's key."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from noctule.llm.providers import known_names, parse_name
from noctule.secrets.domain import (
    LARGEST_VALUE_BYTES,
    Secret,
    SecretNamespace,
    hint_of,
    key_of_provider,
    name_problem,
    value_problem,
)

ENV = SecretNamespace.FUNCTION_ENV
LLM = SecretNamespace.LLM_PROVIDER
NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)


def _secret(name: str, minute: int = 0, namespace: SecretNamespace = LLM) -> Secret:
    stored_at = NOW + timedelta(minutes=minute)
    return Secret(f"id-{name}", "w", namespace, name, "****", NOW, stored_at)


@pytest.mark.parametrize("name", ["A", "_", "DATABASE_URL", "http_proxy", "_X9", "X" * 128])
def test_a_name_of_the_environment_is_that_of_a_variable(name: str) -> None:
    assert name_problem(ENV, name) is None
    assert name_problem(LLM, name) is None


@pytest.mark.parametrize(
    "name", ["", "9A", "A-B", "A.B", "A B", " A", "A ", "A=B", "A\n", "Ä", "a\x00", "X" * 129, "$A", "A/B", "٣"]
)
def test_any_other_name_is_refused_in_words(name: str) -> None:
    problem = name_problem(ENV, name)
    assert problem is not None
    assert "environment variable" in problem


@pytest.mark.parametrize("name", ["openai", "OpenAI", "google-gla", "z.ai", "azure-openai"])
def test_a_provider_may_go_by_its_plain_name(name: str) -> None:
    assert name_problem(LLM, name) is None


@pytest.mark.parametrize("name", ["sk-proj-" + "a1B2" * 10, "openai key", "-openai", ".z", "open/ai", "openai\n"])
def test_what_looks_like_the_key_itself_is_no_name_and_is_not_repeated(name: str) -> None:
    problem = name_problem(LLM, name)
    assert problem is not None
    assert name not in problem


@pytest.mark.parametrize("value", ["x", " ", "two\nlines\n", "ä", "😀", "\t", "x" * LARGEST_VALUE_BYTES])
def test_an_environment_takes_any_text(value: str) -> None:
    assert value_problem(ENV, value) is None


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("", "1 to 16384 bytes"),
        ("x" * (LARGEST_VALUE_BYTES + 1), "1 to 16384 bytes"),
        ("ä" * (LARGEST_VALUE_BYTES // 2 + 1), "1 to 16384 bytes"),
        ("a\x00b", "NUL"),
        ("a\ud800", "UTF-8"),
    ],
)
def test_text_that_no_environment_holds_is_refused(value: str, reason: str) -> None:
    for namespace in SecretNamespace:
        assert reason in str(value_problem(namespace, value))


@pytest.mark.parametrize("value", ["key\n", " key", "key ", "a\r\nx-evil: 1", "schlüssel", "a\tb", "\x7f"])
def test_a_providers_key_is_one_line_that_a_header_can_carry(value: str) -> None:
    assert "printable ASCII" in str(value_problem(LLM, value))
    assert value_problem(ENV, value) is None


def test_a_providers_key_may_have_spaces_within() -> None:
    assert value_problem(LLM, '{"type": "service_account"}') is None
    assert value_problem(LLM, "k") is None


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        ("sk-1234567890abcdefghij", "****ghij"),
        ("12345678901234567890", "****7890"),
        ("1234567890123456789", "****"),
        ("x", "****"),
        ("-----BEGIN KEY-----\nabc\n", "****"),
        ("ein langer Wert für zwei", "****zwei"),
        ("a long value that ends ä", "****"),
    ],
)
def test_a_hint_is_the_end_of_a_long_value_alone(value: str, hint: str) -> None:
    assert hint_of(value) == hint


@given(st.text(min_size=1))
def test_a_hint_never_tells_more_than_a_fifth(value: str) -> None:
    told = hint_of(value).removeprefix("****")
    assert len(told) * 5 <= len(value)


@pytest.mark.parametrize(
    ("name", "provider"),
    [
        ("OPENAI_API_KEY", "openai"),
        ("openai_api_key", "OpenAI"),
        ("openai", "openai"),
        ("OpenAI", "openai"),
        ("openai-key", "openai"),
        ("OPENROUTER_API_KEY", "openrouter"),
        ("GEMINI_API_KEY", "google"),
        ("GOOGLE_API_KEY", "gemini"),
        ("google", "google-gla"),
        ("XAI_API_KEY", "x-ai"),
        ("HF_TOKEN", "huggingface"),
        ("CO_API_KEY", "cohere"),
        ("AZURE_OPENAI_API_KEY", "azure"),
        ("a_house_model", "a.house-model"),
    ],
)
def test_a_providers_key_is_known_by_the_usual_names(name: str, provider: str) -> None:
    found = key_of_provider([_secret(name), _secret("UNRELATED_API_KEY")], provider)
    assert found is not None
    assert found.name == name


@pytest.mark.parametrize(
    ("name", "provider"),
    [
        ("OPENAI_API_KEY", "azure"),
        ("OPENAI_BASE_URL", "openai"),
        ("MY_OPENAI_API_KEY", "openai"),
        ("OPENAI_API_KEY_OLD", "openai"),
        ("_API_KEY", "openai"),
        ("_API_KEY", ""),
        ("ANTHROPIC_API_KEY", "openai"),
    ],
)
def test_another_name_is_no_key_of_the_provider(name: str, provider: str) -> None:
    assert key_of_provider([_secret(name)], provider) is None


@pytest.mark.parametrize("id", known_names())
def test_a_key_is_found_under_each_name_that_models_call_its_provider_by(id: str) -> None:
    parsed = parse_name(f"{id}/m")
    assert parsed is not None
    assert parsed.provider is not None
    for name in (id, *parsed.provider.names):
        assert key_of_provider([_secret(f"{name}_API_KEY")], id) is not None


def test_of_several_keys_the_one_stored_last_is_the_providers() -> None:
    older, newer = _secret("openai", 1), _secret("OPENAI_API_KEY", 2)
    assert key_of_provider([older, newer], "openai") == newer
    assert key_of_provider([newer, _secret("OpenAI", 3)], "openai") == _secret("OpenAI", 3)
    assert key_of_provider([_secret("openai"), _secret("OPENAI_API_KEY")], "openai") == _secret("openai")


def test_what_is_for_functions_is_no_providers_key() -> None:
    assert key_of_provider([_secret("OPENAI_API_KEY", namespace=ENV)], "openai") is None


def test_a_use_is_news_once_a_minute() -> None:
    unused = _secret("A")
    used = Secret(**{**{name: getattr(unused, name) for name in Secret.__dataclass_fields__}, "last_used_at": NOW})
    assert unused.use_is_news(NOW)
    assert not used.use_is_news(NOW + timedelta(seconds=59))
    assert used.use_is_news(NOW + timedelta(seconds=60))
    # The clock was set back.
    assert not used.use_is_news(NOW - timedelta(hours=1))
