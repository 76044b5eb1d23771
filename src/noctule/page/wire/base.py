"""What actions and other requests have in common."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Self

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from noctule.kit.errors import InvalidRequest
from noctule.kit.tolerance import TolerantRequest
from noctule.kit.web import LooseBool, WholeNumber
from noctule.page.domain import is_blank_selectors

LONGEST_INSTRUCTIONS = 20_000

UpdateMetadata = Annotated[LooseBool, Query(description="Accepted for older clients; changes nothing.")]


def check_length(name: str, text: str | None, longest: int) -> None:
    """Raise ``InvalidRequest`` for a field of the body that is too long to be meant."""
    if text is not None and len(text) > longest:
        raise InvalidRequest.at(("body", name), f"at most {longest} characters are allowed", f"{text[:100]}…")


def publish_open(schema: dict[str, Any]) -> None:
    """The contract publishes most actions as open objects, although unknown names are refused."""
    schema.pop("additionalProperties", None)


Text = str | SecretStr
"""Text that the contract lets be a secret; it arrives as plain text."""


def plain(text: Text) -> str:
    """The text itself."""
    return text if isinstance(text, str) else text.get_secret_value()


class BrowserAction(TolerantRequest):
    """An action on the whole tab. ``category`` and ``description`` are clients' notes to themselves."""

    model_config = ConfigDict(json_schema_extra=publish_open)

    category: str = "Special Browser Actions"
    description: str = Field(default_factory=str)


_NO_SELECTOR: Mapping[str, Any] = {
    "css_selector": "",
    "xpath_selector": "",
    "in_iframe": False,
    "in_shadow_root": False,
    "iframe_parent_css_selectors": [],
}


class NodeSelectors(BaseModel):
    """Several ways to find one element; ``playwright_selector`` goes first."""

    css_selector: str
    xpath_selector: str
    in_iframe: bool
    in_shadow_root: bool
    notte_selector: str | None = None
    iframe_parent_css_selectors: list[str]
    playwright_selector: str | None = None
    python_selector: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _in_part(cls, value: Any) -> Any:
        """One selector is enough, although the contract asks for every field."""
        return {**_NO_SELECTOR, **value} if isinstance(value, Mapping) else value


class ActionParameter(BaseModel):
    """Description of the value that an action takes; a client's note to itself."""

    name: str
    type: str
    default: str | None = None
    values: list[str] = Field(default_factory=list)


class InteractionAction(TolerantRequest):
    """An action on one element: ``id`` from the last observation, or ``selector``, which goes first.

    ``timeout`` is milliseconds; 0 means the default.
    """

    model_config = ConfigDict(json_schema_extra=publish_open)

    ignored_names: ClassVar[frozenset[str]] = frozenset({"accessible_name"})

    category: str = Field(default="Interaction Actions", min_length=1)
    description: str = Field(default_factory=str)
    id: str = ""
    selector: str | NodeSelectors | None = None
    press_enter: bool | None = None
    text_label: str | None = None
    param: ActionParameter | None = Field(default=None, exclude=True)
    timeout: WholeNumber = Field(default=15000, ge=0)

    @model_validator(mode="after")
    def _aims_at_something(self) -> Self:
        selector = self.selector
        is_blank = is_blank_selectors(selector.model_dump()) if isinstance(selector, NodeSelectors) else not selector
        if is_blank and not self.id.strip():
            raise ValueError("an interaction needs an id of the last observation, or a selector")
        return self


def value_of(type_name: str, name: str = "value") -> ActionParameter:
    """The parameter of an action that takes one value."""
    return ActionParameter(name=name, type=type_name)
