"""The API's models of the secrets tag. Nothing that is sent to store a secret is ever repeated in an error."""

from datetime import datetime
from typing import Any, cast

from pydantic import ConfigDict, Field, ModelWrapValidatorHandler, ValidationError, model_validator
from pydantic_core import InitErrorDetails

from noctule.kit.web import WireRequest, WireResponse
from noctule.secrets.domain import LONGEST_NAME
from noctule.secrets.service import Secret, SecretNamespace

_REDACTED = "[redacted]"


class SecretStoreRequest(WireRequest):
    """A value to be kept under a name; it takes the place of one that is there."""

    # As the contract has it: of this body alone, it does not say that other names are errors.
    model_config = ConfigDict(extra="ignore")

    namespace: SecretNamespace
    name: str = Field(min_length=1, max_length=LONGEST_NAME)
    value: str = Field(min_length=1, repr=False)

    @model_validator(mode="wrap")
    @classmethod
    def _tell_nothing(
        cls, value: Any, handler: ModelWrapValidatorHandler["SecretStoreRequest"]
    ) -> "SecretStoreRequest":
        """Say what is wrong and where, but not what was given: the value may have come under any name."""
        try:
            return handler(value)
        except ValidationError as error:
            told = [{**each, "input": _REDACTED} for each in error.errors(include_url=False)]
            raise ValidationError.from_exception_data(error.title, cast(list[InitErrorDetails], told)) from None


class SecretMetadata(WireResponse):
    """What is known of a secret without its value."""

    id: str
    namespace: SecretNamespace
    name: str
    key_hint: str = Field(description="The last four characters of a long value; of a short one nothing.")
    created_at: datetime
    last_used_at: datetime | None = Field(None, description="When its value was last read, to the minute.")

    @classmethod
    def of(cls, secret: Secret) -> "SecretMetadata":
        """The reply for a secret."""
        return cls(
            id=secret.id,
            namespace=secret.namespace,
            name=secret.name,
            key_hint=secret.key_hint,
            created_at=secret.created_at,
            last_used_at=secret.last_used_at,
        )


class SecretListResponse(WireResponse):
    """The secrets of a workspace."""

    items: list[SecretMetadata]


class SecretValueResponse(WireResponse):
    """The value of a secret."""

    value: str = Field(repr=False)
