"""What the rest of the house may ask of a model, and what comes back.

``Llm`` is narrow on purpose: whole answers, text or JSON of a schema. ``tests/unit/llm/test_protocol.py`` holds the
gateway and the tests' fake to the same behaviour.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    from noctule.llm.budget import Budget
    from noctule.llm.tokens import Tokens


@dataclass(frozen=True, slots=True)
class Payer:
    """Whose account a call is charged to, and what for."""

    workspace_id: str
    session_id: str | None = None
    agent_id: str | None = None
    function_id: str | None = None
    function_run_id: str | None = None
    api_key_id: str | None = None
    tags: tuple[str, ...] = ()


class Role(StrEnum):
    """Who speaks."""

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"


@dataclass(frozen=True, slots=True)
class Image:
    """A picture for the model to look at."""

    media_type: Literal["image/png", "image/jpeg", "image/webp", "image/gif"]
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of the conversation: texts and pictures in their order."""

    role: Role
    parts: tuple[str | Image, ...] = field(repr=False)

    @classmethod
    def system(cls, text: str) -> "Message":
        """What the model is to do."""
        return cls(Role.SYSTEM, (text,))

    @classmethod
    def user(cls, *parts: str | Image) -> "Message":
        """What it is to do it with."""
        return cls(Role.USER, parts)

    @classmethod
    def assistant(cls, text: str) -> "Message":
        """What it said before."""
        return cls(Role.ASSISTANT, (text,))


@dataclass(frozen=True, slots=True)
class Completion:
    """One question. ``None`` in a limit means the server's setting.

    ``purpose`` is a short word for the books (``extract``, ``pick``, ``act``). ``schema`` is a JSON schema that the
    answer must be valid against. ``model`` is a caller's wish, ``provider/model``. ``budget`` is that of the run that
    the question belongs to; ``max_cost_nanos`` caps the question itself, its retries and its repair together.
    """

    payer: Payer
    purpose: str
    messages: tuple[Message, ...]
    model: str | None = None
    schema: Mapping[str, Any] | None = field(default=None, repr=False)
    max_output_tokens: int | None = None
    temperature: float | None = None
    budget: "Budget | None" = None
    max_cost_nanos: int | None = None
    deadline_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Completed:
    """An answer. ``value`` is the JSON value where a schema was asked for, else ``None``.

    ``tokens`` and ``cost_nanos`` are those of all its calls, the repair included; ``call_ids`` name them in the books.
    ``is_estimated``: the provider counted no tokens for one of them. ``is_priced`` is false where a call cost nothing
    for want of a price; calls on a key of the workspace's own are priced, at zero.
    """

    text: str = field(repr=False)
    value: Any = field(repr=False)
    tokens: "Tokens"
    model: str
    call_ids: tuple[str, ...]
    cost_nanos: int
    is_estimated: bool = False
    is_priced: bool = True


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """A model that a workspace may use: ``provider/model``, and how many tokens fit into its context."""

    name: str
    context_tokens: int


class Llm(Protocol):
    """A model, or rather whatever answers for one."""

    async def find(self, workspace_id: str, model: str | None = None) -> ModelInfo | None:
        """The model that a question of this workspace would go to; ``None`` if there is none."""
        ...

    async def complete(self, request: Completion) -> Completed:
        """Ask. Raises ``ModelError`` in one of its classes, ``InvalidRequest`` for a schema that is none, and
        ``PaymentRequired`` where nothing is left to pay with."""
        ...


class Keys(Protocol):
    """The workspaces' own keys of providers."""

    async def provider_key(self, workspace_id: str, provider: str) -> str | None:
        """The workspace's key for a provider (``google``), whichever of its names it is kept under, if it has one."""
        ...
