"""Where a question goes: which provider, which address, which model, whose key.

What must hold: a workspace's key wins over the server's, and only ever goes to its own provider: to the official
address, or to the operator's base URL where that is this very provider's. Whatever name a caller sends, the server's
key goes nowhere but to the configured provider.
"""

from dataclasses import dataclass, field
from urllib.parse import urlsplit

from noctule.kit.clock import Clock
from noctule.llm.errors import NoModel
from noctule.llm.prices import PriceList, context_tokens
from noctule.llm.protocol import Keys, ModelInfo
from noctule.llm.providers import CUSTOM, DEFAULT_NAME, Provider, known_names, parse_name, provider_at

_DEFAULT_CONTEXT_TOKENS = 32_000
# Servers without keys of their own take any; the client insists on one.
_NO_KEY = "none"

NO_MODEL = (
    "No model is configured: set NOCTULE_LLM_MODEL (with NOCTULE_LLM_API_KEY or NOCTULE_LLM_BASE_URL), or store a key "
    "of the workspace's own under /secrets in the namespace llm_provider and name a model of its provider."
)


class BadModelSettings(ValueError):
    """Settings of the model that cannot be used together; the message says which."""


@dataclass(frozen=True, slots=True)
class Route:
    """Where one question goes. ``name`` is ``provider/model``, for the books and for people."""

    provider: Provider
    url: str
    model: str
    key: str = field(repr=False)
    is_byok: bool = False

    @property
    def name(self) -> str:
        """The model, with its provider."""
        return f"{self.provider.id}/{self.model}"

    @property
    def host(self) -> str:
        """The host that is asked, for the log."""
        return urlsplit(self.url).netloc.rpartition("@")[2]

    @property
    def where(self) -> str:
        """Who is asked, for messages: an address of the operator's own is not every caller's business."""
        return "The configured model's API" if self.provider.id == CUSTOM else f"The API of {self.provider.id}"


@dataclass(frozen=True, slots=True)
class Configured:
    """The operator's model. ``is_own_address``: the operator named a base URL that is no known provider's."""

    provider: Provider
    url: str
    model: str
    key: str | None = field(repr=False)

    @property
    def is_own_address(self) -> bool:
        """Whether the operator's base URL is none of the known providers'."""
        return self.provider.id == CUSTOM


def configured(base_url: str | None, api_key: str | None, model: str | None) -> Configured | None:
    """The operator's model as the settings have it; ``None`` if they have none. Raises ``BadModelSettings``."""
    if model is None or not model.strip():
        if base_url:
            raise BadModelSettings("NOCTULE_LLM_BASE_URL needs NOCTULE_LLM_MODEL beside it.")
        return None
    name = parse_name(model)
    if name is None:
        raise BadModelSettings("NOCTULE_LLM_MODEL is not a model's name, such as openai/gpt-4o-mini.")
    if base_url:
        parts = urlsplit(base_url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise BadModelSettings("NOCTULE_LLM_BASE_URL is not an http or https address.")
        if parts.username or parts.password or parts.query or parts.fragment:
            raise BadModelSettings(
                "NOCTULE_LLM_BASE_URL takes no user, query or fragment; keys go to NOCTULE_LLM_API_KEY."
            )
        provider = provider_at(base_url)
        is_prefixed = name.provider is not None and name.provider.id == provider.id
        return Configured(provider, base_url.rstrip("/"), name.model if is_prefixed else model.strip(), api_key)
    if name.provider is None:
        raise BadModelSettings(
            f"NOCTULE_LLM_MODEL names no provider and NOCTULE_LLM_BASE_URL is unset; known: {', '.join(known_names())}."
        )
    if name.provider.url is None:
        raise BadModelSettings(f"{name.provider.id} has an address for each customer: set NOCTULE_LLM_BASE_URL.")
    if api_key is None:
        raise BadModelSettings(f"NOCTULE_LLM_MODEL is a model of {name.provider.id}, so NOCTULE_LLM_API_KEY is needed.")
    return Configured(name.provider, name.provider.url, name.model, api_key)


class Router:
    """Chooses the route of each question."""

    def __init__(
        self,
        server: Configured | None,
        keys: Keys,
        prices: PriceList,
        clock: Clock,
        *,
        context_tokens: int | None = None,
    ) -> None:
        self._server = server
        self._keys = keys
        self._prices = prices
        self._clock = clock
        self._context_tokens = context_tokens

    async def route(self, workspace_id: str, model: str | None) -> Route:
        """Where a question of a workspace goes. Raises ``NoModel``.

        A name that nobody here can serve stands for the configured model, as does no name.
        """
        asked, server = parse_name(model), self._server
        if asked is not None and asked.provider is not None:
            url = self._official_url(asked.provider)
            if url is not None and (key := await self._keys.provider_key(workspace_id, asked.provider.id)):
                return Route(asked.provider, url, asked.model, key, is_byok=True)
        if server is None:
            raise NoModel(NO_MODEL)
        chosen = server.model
        if asked is not None and asked.provider == server.provider:
            # The workspace has no key for it: that was looked up just now.
            if model != DEFAULT_NAME and self._has_price(server, asked.model):
                chosen = asked.model
        elif not server.is_own_address and (key := await self._keys.provider_key(workspace_id, server.provider.id)):
            return Route(server.provider, server.url, chosen, key, is_byok=True)
        return Route(server.provider, server.url, chosen, server.key or _NO_KEY)

    def info(self, route: Route) -> ModelInfo:
        """What is known of the model at the end of a route."""
        fits = self._context_tokens or context_tokens(route.provider, route.url, route.model)
        return ModelInfo(route.name, fits or _DEFAULT_CONTEXT_TOKENS)

    def _official_url(self, provider: Provider) -> str | None:
        if self._server is not None and self._server.provider.id == provider.id:
            return self._server.url
        return provider.url

    def _has_price(self, server: Configured, model: str) -> bool:
        """Whether callers may choose a model on the server's key: nobody pays for one that has no price."""
        return self._prices.entry(server.provider, server.url, model, self._clock.now()).is_known
