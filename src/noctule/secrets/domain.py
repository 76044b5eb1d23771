"""Secrets: what they may be called, what they may hold, how they are told apart without being told.

What must hold: no text that is made here repeats a value, or a name that may be a value in the wrong place.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

MOST_SECRETS = 100
LARGEST_VALUE_BYTES = 16 * 1024
LONGEST_NAME = 128
USE_NOTED_EVERY = timedelta(minutes=1)

_ENVIRONMENT_NAME = re.compile(rf"[A-Za-z_][A-Za-z0-9_]{{0,{LONGEST_NAME - 1}}}")
# Shorter than a key of any provider is: one that was sent as the name is refused, not kept in the clear.
_PROVIDER_NAME = re.compile(r"[A-Za-z][A-Za-z0-9.-]{0,31}")
# It travels in a header of HTTP.
_PROVIDER_VALUE = re.compile(r"[!-~](?:[ -~]*[!-~])?")
_SHORTEST_HINTED = 20
_HINTED = 4
_MASK = "****"

_ENDINGS = ("_api_key", "_key", "_token")
_SAME_PROVIDER = (
    frozenset({"azure", "azure_openai"}),
    frozenset({"cohere", "co"}),
    frozenset({"fireworks", "fireworks_ai"}),
    frozenset({"google", "gemini", "google_gla"}),
    frozenset({"huggingface", "hf"}),
    frozenset({"mistral", "mistralai"}),
    frozenset({"moonshot", "moonshotai"}),
    frozenset({"perplexity", "pplx"}),
    frozenset({"together", "together_ai", "togetherai"}),
    frozenset({"xai", "x_ai", "grok"}),
)


class SecretNamespace(StrEnum):
    """What a secret is for."""

    LLM_PROVIDER = "llm_provider"
    FUNCTION_ENV = "function_env"


@dataclass(frozen=True, slots=True)
class Secret:
    """What is known of a secret without its value. ``stored_at`` is when it got the value that it has."""

    id: str
    workspace_id: str
    namespace: SecretNamespace
    name: str
    key_hint: str
    created_at: datetime
    stored_at: datetime
    last_used_at: datetime | None = None

    def use_is_news(self, now: datetime) -> bool:
        """Whether a use at this moment is to be noted."""
        return self.last_used_at is None or now - self.last_used_at >= USE_NOTED_EVERY


def name_problem(namespace: SecretNamespace, name: str) -> str | None:
    """What is wrong with a name, if anything."""
    if _ENVIRONMENT_NAME.fullmatch(name):
        return None
    variable = (
        f"an environment variable's name: letters, digits and _, not beginning with a digit, at most {LONGEST_NAME}"
    )
    if namespace is SecretNamespace.FUNCTION_ENV:
        return f"a name in {namespace.value} is {variable}"
    if _PROVIDER_NAME.fullmatch(name):
        return None
    return (
        f"a name in {namespace.value} is a provider's, such as openai, of at most 32 letters, digits, dots and "
        f"hyphens, or {variable}, such as OPENAI_API_KEY"
    )


def value_problem(namespace: SecretNamespace, value: str) -> str | None:
    """What is wrong with a value, if anything."""
    try:
        size = len(value.encode())
    except UnicodeEncodeError:
        return "a value is text that UTF-8 can hold"
    if not 1 <= size <= LARGEST_VALUE_BYTES:
        return f"a value has 1 to {LARGEST_VALUE_BYTES} bytes in UTF-8"
    if "\x00" in value:
        return "a value has no NUL character"
    if namespace is SecretNamespace.LLM_PROVIDER and not _PROVIDER_VALUE.fullmatch(value):
        return f"a value in {namespace.value} is one line of printable ASCII without spaces around it"
    return None


def hint_of(value: str) -> str:
    """By what its owner knows a value again: the end of a long one, nothing of any other."""
    end = value[-_HINTED:]
    if len(value) < _SHORTEST_HINTED or not end.isascii() or not end.isprintable():
        return _MASK
    return _MASK + end


def sealed_for(workspace_id: str, secret_id: str) -> str:
    """Bound into the seal, so that a value moved to another row or workspace opens nothing there."""
    return f"secret:{workspace_id}:{secret_id}"


def key_of_provider(secrets: Iterable[Secret], provider: str) -> Secret | None:
    """The secret that holds a provider's key: of those whose name says so, the one that was stored last."""
    wanted = _folded(provider)
    names = next((names for names in _SAME_PROVIDER if wanted in names), frozenset({wanted}))
    fitting = [
        secret
        for secret in secrets
        if secret.namespace is SecretNamespace.LLM_PROVIDER and not names.isdisjoint(_meanings(secret.name))
    ]
    return max(fitting, key=lambda secret: (secret.stored_at, secret.name), default=None)


def _meanings(name: str) -> set[str]:
    """The providers that a secret's name may mean."""
    folded = _folded(name)
    return {folded, *(folded.removesuffix(ending) for ending in _ENDINGS)} - {""}


def _folded(name: str) -> str:
    return name.lower().replace("-", "_").replace(".", "_")
