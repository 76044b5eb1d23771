"""The providers that are known by name: where each one's OpenAI-compatible API is, and where it differs.

A workspace's key goes to the address that stands here, or, if the operator's base URL is that very provider's, to
the operator's; never to one that a caller wrote.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlsplit

DEFAULT_NAME = "gemini/gemini-2.5-flash"
"""What ``notte-sdk`` 1.8.20 sends where its user named no model; it stands for the configured one."""

CUSTOM = "custom"
"""The provider behind a base URL that is none of the known ones."""

_MODEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@+-]{0,199}")


class SchemaMode(StrEnum):
    """How an answer of a schema is asked for, the strictest first; each can stand in for the one before it."""

    JSON_SCHEMA = "json_schema"
    JSON_OBJECT = "json_object"
    PROMPT = "prompt"


@dataclass(frozen=True, slots=True)
class Provider:
    """One provider.

    ``url`` is ``None`` where each customer has an address of their own. ``hosts`` are recognised in a base URL, with
    all that ends in them. ``names`` are what else it is called in models; ``prices`` is what the price data call it.
    ``reasoning_is_apart``: see ``tokens.counted``.
    """

    id: str
    url: str | None
    hosts: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    schema_mode: SchemaMode = SchemaMode.JSON_SCHEMA
    prices: str | None = None
    limit_name: str = "max_tokens"
    reasoning_is_apart: bool = False


_PROVIDERS = (
    Provider(
        "openai", "https://api.openai.com/v1", ("api.openai.com",), prices="openai", limit_name="max_completion_tokens"
    ),
    Provider(
        "azure",
        None,
        (".openai.azure.com", ".services.ai.azure.com", ".cognitiveservices.azure.com"),
        ("azure_openai",),
        prices="azure",
        limit_name="max_completion_tokens",
    ),
    Provider(
        "anthropic",
        "https://api.anthropic.com/v1",
        ("api.anthropic.com",),
        # Its compatible API ignores ``response_format``.
        schema_mode=SchemaMode.PROMPT,
        prices="anthropic",
    ),
    Provider(
        "google",
        "https://generativelanguage.googleapis.com/v1beta/openai",
        ("generativelanguage.googleapis.com",),
        ("gemini",),
        prices="google",
        reasoning_is_apart=True,
    ),
    Provider(
        "vertex_ai",
        None,
        ("aiplatform.googleapis.com", "-aiplatform.googleapis.com"),
        prices="google",
        reasoning_is_apart=True,
    ),
    Provider("mistral", "https://api.mistral.ai/v1", ("api.mistral.ai",), ("mistralai",), prices="mistral"),
    Provider("groq", "https://api.groq.com/openai/v1", ("api.groq.com",), prices="groq"),
    Provider("openrouter", "https://openrouter.ai/api/v1", ("openrouter.ai",), prices="openrouter"),
    Provider(
        "deepseek",
        "https://api.deepseek.com",
        ("api.deepseek.com",),
        schema_mode=SchemaMode.JSON_OBJECT,
        prices="deepseek",
    ),
    Provider("xai", "https://api.x.ai/v1", ("api.x.ai",), ("x-ai", "grok"), prices="x-ai"),
    Provider("cerebras", "https://api.cerebras.ai/v1", ("api.cerebras.ai",), prices="cerebras"),
    Provider("together", "https://api.together.xyz/v1", ("api.together.xyz",), ("together_ai",), prices="together"),
    Provider("perplexity", "https://api.perplexity.ai", ("api.perplexity.ai",), prices="perplexity"),
    Provider(
        "moonshot",
        "https://api.moonshot.ai/v1",
        ("api.moonshot.ai",),
        ("moonshotai",),
        schema_mode=SchemaMode.JSON_OBJECT,
        prices="moonshotai",
    ),
    Provider(
        "minimax", "https://api.minimax.io/v1", ("api.minimax.io",), schema_mode=SchemaMode.PROMPT, prices="minimax"
    ),
)
_BY_NAME = {name: provider for provider in _PROVIDERS for name in (provider.id, *provider.names)}


@dataclass(frozen=True, slots=True)
class ModelName:
    """``provider/model`` as somebody wrote it, taken apart. ``provider`` is ``None`` where it names none that we know;
    ``model`` is then all of it."""

    provider: Provider | None
    model: str


def parse_name(name: str | None) -> ModelName | None:
    """A model's name; ``None`` for none at all, or a text that no model's name could be."""
    if name is None or _MODEL.fullmatch(name := name.strip()) is None:
        return None
    prefix, _, rest = name.partition("/")
    provider = _BY_NAME.get(prefix.lower())
    if provider is None or _MODEL.fullmatch(rest) is None:
        return ModelName(None, name)
    return ModelName(provider, rest)


def provider_at(url: str) -> Provider:
    """Whose API a base URL is; ``CUSTOM`` if it is none of the known ones."""
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    for provider in _PROVIDERS:
        # Only over TLS: else a key could be read on the way, whatever the name says.
        if parts.scheme == "https" and any(_is_at(host, each) for each in provider.hosts):
            return provider
    return Provider(CUSTOM, None)


def _is_at(host: str, known: str) -> bool:
    return host.endswith(known) if known[0] in ".-" else host == known


def known_names() -> tuple[str, ...]:
    """The providers that are known, by name."""
    return tuple(provider.id for provider in _PROVIDERS)
