"""Names of models, and whose addresses are whose."""

import pytest

from noctule.llm.providers import CUSTOM, DEFAULT_NAME, known_names, parse_name, provider_at


@pytest.mark.parametrize(
    ("name", "provider", "model"),
    [
        ("openai/gpt-4o", "openai", "gpt-4o"),
        ("gemini/gemini-2.5-flash", "google", "gemini-2.5-flash"),
        ("openrouter/openai/gpt-4o:free", "openrouter", "openai/gpt-4o:free"),
        (" together_ai/meta-llama/Llama-3 ", "together", "meta-llama/Llama-3"),
        ("Groq/llama", "groq", "llama"),
        ("qwen2.5:7b", None, "qwen2.5:7b"),
        ("Qwen/Qwen3-8B", None, "Qwen/Qwen3-8B"),
        ("openai/", None, "openai/"),
    ],
)
def test_a_name_is_taken_apart(name: str, provider: str | None, model: str) -> None:
    parsed = parse_name(name)
    assert parsed is not None
    assert (parsed.provider.id if parsed.provider else None, parsed.model) == (provider, model)


@pytest.mark.parametrize("name", [None, "", " ", "a b", "x" * 300, "../../etc", "a\nb", "\x00", "modèle"])
def test_a_text_that_names_no_model_is_no_name(name: str | None) -> None:
    assert parse_name(name) is None


def test_the_default_of_older_clients_is_a_known_name() -> None:
    parsed = parse_name(DEFAULT_NAME)
    assert parsed is not None
    assert parsed.provider is not None


@pytest.mark.parametrize(
    ("url", "provider"),
    [
        ("https://api.openai.com/v1", "openai"),
        ("https://API.OpenAI.com/v1/", "openai"),
        ("https://me.openai.azure.com/openai/v1/", "azure"),
        ("https://europe-west1-aiplatform.googleapis.com/v1", "vertex_ai"),
        ("https://api.anthropic.com/v1/", "anthropic"),
        ("http://api.openai.com/v1", CUSTOM),
        ("https://api.openai.com.evil.example/v1", CUSTOM),
        ("https://evil-api.openai.com.example", CUSTOM),
        ("https://api.openai.com@evil.example/v1", CUSTOM),
        ("https://openai.azure.com.example", CUSTOM),
        ("http://127.0.0.1:11434/v1", CUSTOM),
    ],
)
def test_an_address_is_a_providers_only_over_tls_and_by_its_host(url: str, provider: str) -> None:
    assert provider_at(url).id == provider


def test_the_large_providers_are_known() -> None:
    wanted = {"openai", "anthropic", "google", "mistral", "groq", "openrouter", "deepseek", "azure", "xai"}
    assert wanted <= set(known_names())
