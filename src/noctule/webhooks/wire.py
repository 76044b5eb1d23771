"""The API's models of the webhooks tag."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from noctule.kit.web import WireRequest, WireResponse
from noctule.webhooks.domain import LONGEST_DESCRIPTION, LONGEST_URL
from noctule.webhooks.service import Delivery, DeliveryState, EndpointView, EventType, NewSecret, Wish

Url = Annotated[
    str,
    Field(
        min_length=1,
        max_length=LONGEST_URL,
        description="Where messages are sent: https:// or http://, without user name, password and fragment.",
    ),
]
Types = Annotated[list[EventType], Field(description="The types of messages that it wants; none: every type.")]
Description = Annotated[
    str,
    Field(max_length=LONGEST_DESCRIPTION, description="A line for people."),
]


class WebhookCreateRequest(WireRequest):
    """A new endpoint."""

    url: Url
    types: Types = Field(default_factory=list)
    description: Description = ""


class WebhookUpdateRequest(WireRequest):
    """What is to change; what is absent or null stays."""

    url: Url | None = None
    types: Types | None = None
    description: Description | None = None
    enabled: bool | None = Field(None, description="False gives up what is on its way; true lets new messages come.")

    def to_wish(self) -> Wish:
        """What the service is asked for."""
        return Wish(self.url, None if self.types is None else tuple(self.types), self.description, self.enabled)


class WebhookResponse(WireResponse):
    """An endpoint. Its secret is told when it is made, and never again."""

    endpoint_id: str
    url: str
    types: list[str] = Field(description="The types of messages that it wants; none: every type.")
    description: str
    enabled: bool
    created_at: datetime
    disabled_at: datetime | None
    disabled_reason: str | None
    pending: int = Field(description="Deliveries that are under way or wait for their next attempt.")
    dead: int = Field(description="Deliveries that were given up; they can be redelivered.")

    @classmethod
    def of(cls, view: EndpointView) -> "WebhookResponse":
        """The reply for an endpoint."""
        return cls(**_shown(view))


class WebhookSecretResponse(WebhookResponse):
    """An endpoint and its new secret."""

    secret: str = Field(description="Signs what is sent there: whsec_ and base64. It is shown this once.")

    @classmethod
    def of_new(cls, made: NewSecret) -> "WebhookSecretResponse":
        """The reply that tells a secret."""
        return cls(**_shown(made.view), secret=made.secret)


class WebhookDeletedResponse(WireResponse):
    """An endpoint that is no more."""

    endpoint_id: str


class WebhookDeliveryResponse(WireResponse):
    """One message on its way to one endpoint."""

    endpoint_id: str
    message_id: str = Field(description="The header webhook-id; the same over all attempts.")
    type: str
    state: DeliveryState
    attempts: int = Field(description="How often it was tried since it was last queued.")
    created_at: datetime
    next_attempt_at: datetime | None = Field(description="Null unless the delivery is pending.")
    last_attempt_at: datetime | None
    last_status: int | None = Field(description="The HTTP status of the last answer; null if there was none.")
    last_error: str | None = Field(description="Why the last attempt failed.")
    delivered_at: datetime | None

    @classmethod
    def of(cls, delivery: Delivery) -> "WebhookDeliveryResponse":
        """The reply for a delivery."""
        return cls(**_told(delivery))


class WebhookMessageResponse(WebhookDeliveryResponse):
    """A delivery with what it carries."""

    body: str = Field(description="The very text that is signed and sent.")

    @classmethod
    def of(cls, delivery: Delivery) -> "WebhookMessageResponse":
        """The reply for a delivery and its message."""
        return cls(**_told(delivery), body=delivery.body)


class WebhookRedeliveredResponse(WireResponse):
    """How many dead letters are on their way again."""

    redelivered: int


def _shown(view: EndpointView) -> dict[str, object]:
    endpoint = view.endpoint
    return {
        "endpoint_id": endpoint.id,
        "url": endpoint.url,
        "types": list(endpoint.types),
        "description": endpoint.description,
        "enabled": endpoint.disabled_at is None,
        "created_at": endpoint.created_at,
        "disabled_at": endpoint.disabled_at,
        "disabled_reason": endpoint.disabled_reason,
        "pending": view.pending,
        "dead": view.dead,
    }


def _told(delivery: Delivery) -> dict[str, object]:
    return {
        "endpoint_id": delivery.endpoint_id,
        "message_id": delivery.message_id,
        "type": delivery.type,
        "state": delivery.state,
        "attempts": delivery.attempts,
        "created_at": delivery.created_at,
        "next_attempt_at": delivery.next_attempt_at if delivery.state is DeliveryState.PENDING else None,
        "last_attempt_at": delivery.last_attempt_at,
        "last_status": delivery.last_status,
        "last_error": delivery.last_error,
        "delivered_at": delivery.settled_at if delivery.state is DeliveryState.DELIVERED else None,
    }
